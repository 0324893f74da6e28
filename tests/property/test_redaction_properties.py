"""Nothing confidential is let out to who need not know it, whatever the rows hold."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from siaga import redaction
from siaga.contracts.incident import Change
from siaga.redaction import Audience, UserRole

MARK = "RAHASIA"
SECRET = MARK.lower()
ROLES = st.sampled_from(list(UserRole))
#: Every name a table or a contract of ours has, and some that nobody has thought of yet.
ANY_ROW = st.dictionaries(
    st.sampled_from(
        [
            *("incident_id", "district", "reporter_id", "device_id", "location", "vulnerability", "officer_id"),
            *(
                "acknowledged_by",
                "assigned_to",
                "verified_by",
                "refuted_by",
                "actor",
                "by",
                "assignee",
                "provider_id",
            ),
            *("address", "body", "original", "secret_sha256", "channel", "report_ids", "history", "new_column"),
        ]
    ),
    st.just(MARK),
)

OFFICERS = dict.fromkeys(("acknowledged_by", "assigned_to", "verified_by", "refuted_by"), MARK)


def written(view: Any) -> str:
    return json.dumps(view, default=str)


def an_incident(**more: Any) -> dict[str, Any]:
    return {"district": "33.26.08", "lead_agency": "polsek", "support_agencies": [], "facts": {}, **more}


@given(role=ROLES, row=ANY_ROW)
def test_a_column_nobody_named_is_shown_to_nobody(role: UserRole, row: dict[str, str]) -> None:
    audience = Audience(role, reason="pemeriksaan")
    for name in ("body", "original", "secret_sha256", "address", "new_column", "history", "report_ids"):
        hidden = {"district": "33.26.08", name: MARK}
        views = [
            redaction.incident(audience, an_incident(**{name: MARK})),
            redaction.report(audience, hidden),
            redaction.station(audience, hidden),
            redaction.page(audience, hidden),
            redaction.command(audience, hidden),
            redaction.escalation(audience, hidden),
            redaction.posture(audience, hidden),
        ]
        assert MARK not in written(views)
    viewer = Audience(UserRole.VIEWER)
    kept = {key: value for key, value in row.items() if key not in ("incident_id", "district")}
    views = [redaction.page(viewer, kept), redaction.command(viewer, kept), redaction.escalation(viewer, kept)]
    assert MARK not in written(views)


@given(role=ROLES, reason=st.sampled_from([None, "", "  ", "pemeriksaan nomor 4"]))
def test_who_reported_reaches_commanders_admins_and_auditors_with_a_reason(
    role: UserRole, reason: str | None
) -> None:
    audience = Audience(role, reason=reason)
    report = {"report_id": "1", "reporter_id": MARK, "device_id": MARK, "location": {"lat": MARK}, "facts": {}}

    shown = MARK in written(redaction.report(audience, report))

    auditing = role is UserRole.AUDITOR and bool((reason or "").strip())
    assert shown is (role in (UserRole.COMMANDER, UserRole.ADMIN) or auditing)


@given(role=ROLES, change=st.sampled_from(list(Change)))
def test_what_tells_a_class_reaches_commanders_and_admins_only(role: UserRole, change: Change) -> None:
    audience = Audience(role, reason="pemeriksaan")
    reason = {"rule": MARK, "effect": "raise_by", "id": MARK, "en": MARK, "confidential": True}
    unsaid = {key: value for key, value in reason.items() if key != "confidential"}

    views = [
        redaction.incident(audience, an_incident(reasons=[reason, unsaid])),
        redaction.station(audience, {"station_id": "1", "district": "33.26.08", "vulnerability": MARK}),
        redaction.posture(audience, {"district": "33.26.08", "classes": {MARK: 1}, "officers": MARK}),
    ]
    if change in (Change.RAISED, Change.LOWERED, Change.RECLASSIFIED):
        views.append(redaction.history(audience, {"change": change, "at": 0, "by": None, "detail": MARK}))

    assert (MARK in written(views)) is (role in (UserRole.COMMANDER, UserRole.ADMIN))


@given(role=ROLES)
def test_officers_are_named_to_staff_and_auditors_only(role: UserRole) -> None:
    audience = Audience(role)
    override = {"severity": 2, "by": MARK, "reason": "", "at": 0, "computed": 3}

    views = [
        redaction.incident(audience, an_incident(**OFFICERS, override=override)),
        redaction.history(audience, {"change": "noted", "at": 0, "by": MARK, "detail": ""}),
        redaction.page(audience, {"officer_id": MARK, "channel": MARK, "provider_id": MARK}),
        redaction.command(audience, {"by": MARK, "assignee": MARK, "reason": ""}),
        redaction.escalation(audience, {"acknowledged_by": MARK}),
    ]

    assert (MARK in written(views)) is (role not in (UserRole.PUBLIC, UserRole.VIEWER))


SEPARATOR = st.sampled_from(["", " ", "-", ".", " - "])


@st.composite
def numbers_of_people(draw: st.DrawFn) -> str:
    """A phone number or NIK as people write them, in groups."""
    start = draw(st.sampled_from(["08", "+628", "628", "3326", "0285"]))
    rest = "".join(draw(st.lists(st.sampled_from("0123456789"), min_size=9, max_size=12)))
    groups = [rest[place : place + 4] for place in range(0, len(rest), 4)]
    return draw(SEPARATOR).join([start, *groups])


@given(number=numbers_of_people(), before=st.text(max_size=20), after=st.text(max_size=20))
def test_no_number_of_a_person_is_left_in_text_for_a_viewer(number: str, before: str, after: str) -> None:
    text = f"{before} hubungi {number} segera {after}"

    masked = redaction.text_for(Audience(UserRole.VIEWER), text) or ""

    assert number not in masked
    assert redaction.text_for(Audience(UserRole.OPERATOR), text) == text


@given(
    name=st.from_regex(r"[a-z0-9][a-z0-9._+-]{0,12}[a-z0-9]", fullmatch=True),
    host=st.sampled_from(["polri", "warga.desa.id", "x.co"]),
)
def test_no_address_is_left_in_text_for_a_viewer(name: str, host: str) -> None:
    masked = redaction.mask_text(f"kirim ke {name}@{host} ya")

    assert f"{name}@{host}" not in masked
    assert masked.startswith("kirim ke ")


@pytest.mark.parametrize(
    "text", ["60 orang, pukul 09.15", "TPS 003 ada 312 surat suara", "33.26.08.2001-003", "23-02-2022 09:14"]
)
def test_what_is_no_ones_number_stays(text: str) -> None:
    assert redaction.mask_text(text) == text


UNITS = st.sampled_from(["polsek-kajen", "polsek-bojong", "polsek", "polres", "polsek-kajen-reskrim", "kodim"])


@given(role=st.sampled_from([r for r in UserRole if r is not UserRole.PUBLIC]), unit=UNITS, accused=UNITS)
def test_a_unit_never_learns_of_an_incident_that_accuses_it(role: UserRole, unit: str, accused: str) -> None:
    audience = Audience(role, agency=unit)
    incident = an_incident(facts={"accused_unit": accused}, support_agencies=[unit], outcome=MARK)

    own = unit == accused or unit.startswith(f"{accused}-") or accused.startswith(f"{unit}-")

    assert (redaction.incident(audience, incident) is None) is own
    merged = {**incident, "facts": {"accused_unit": "kecamatan-kajen"}, "accused_units": ["kecamatan-kajen", accused]}
    assert (redaction.incident(audience, merged) is None) is own
    assert (redaction.report(audience, {"facts": {"accused_unit": accused}}) is None) is own
    assert redaction.incident(Audience(role), incident) is not None


@given(role=st.sampled_from([r for r in UserRole if r is not UserRole.PUBLIC]), unit=UNITS, row=ANY_ROW)
def test_a_unit_is_shown_of_an_incident_what_its_role_is_shown(
    role: UserRole, unit: str, row: dict[str, str]
) -> None:
    audience = Audience(role, unit, ("33.26",), "pemeriksaan")
    incident = {**row, **an_incident(support_agencies=[unit], outcome=MARK)}

    assert redaction.incident(audience, incident) == redaction.incident(audience.unbounded, incident) is not None


@pytest.mark.parametrize(
    ("agency", "districts", "sees"),
    [
        (None, (), True),
        ("polsek-kajen", ("33.26.08",), True),
        ("polsek-kajen", ("33.26.09",), False),
        ("polsek-kajen", ("33.26",), True),
        ("polsek-kajen", ("33.2",), False),
        ("kodim", (), False),
        ("bpbd", (), True),
    ],
)
def test_a_unit_sees_what_it_deals_with_in_its_districts(
    agency: str | None, districts: tuple[str, ...], sees: bool
) -> None:
    audience = Audience(UserRole.OPERATOR, agency, districts)

    assert redaction.may_see(audience, an_incident(support_agencies=["bpbd"])) is sees


def test_the_public_sees_no_incident_at_all() -> None:
    assert redaction.incident(redaction.PUBLIC, an_incident()) is None
    assert redaction.report(redaction.PUBLIC, {"text": "x"}) is None
    assert redaction.station(redaction.PUBLIC, {"station_id": "1", "district": "33.26.08"}) is None
