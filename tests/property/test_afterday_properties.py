"""A paper that may be handed on tells nothing confidential, whatever stands in an incident."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from siaga import redaction
from siaga.afterday.material import Grave
from siaga.afterday.page import Edition, Making, page_of
from siaga.rules.taxonomy import builtin_taxonomy
from tests.support import filled
from tests.support.paperday import at, material, seen

MARK = "RAHASIA-tanda"
PERSONAL = ("081234567899", "3326081508900001", "warga@contoh.id")
#: Free text with what is personal in it, in front, in the middle or at the end.
TEXTS = st.tuples(
    st.sampled_from(["", "Hubungi ", "<i>"]), st.sampled_from(PERSONAL), st.sampled_from(["", " segera"])
)
OFFICERS = st.fixed_dictionaries(
    {}, optional=dict.fromkeys(("acknowledged_by", "assigned_to", "verified_by", "refuted_by"), st.just(MARK))
)


@st.composite
def bodies(draw: st.DrawFn) -> dict[str, Any]:
    reason = {"rule": MARK, "effect": "raise_by", "id": MARK, "en": MARK, "confidential": True}
    return filled.incident(
        draw(st.sampled_from(sorted(builtin_taxonomy().kinds))),
        severity=draw(st.integers(1, 2)),
        state=draw(st.sampled_from(["open", "acknowledged", "resolved", "dismissed"])),
        outcome="".join(draw(TEXTS)),
        reasons=[reason] * draw(st.integers(0, 3)),
        facts={"accused_unit": draw(st.sampled_from([None, MARK]))},
        history=[{"change": "noted", "at": at(1), "by": MARK, "detail": MARK}],
        **draw(OFFICERS),
    )


@given(found=st.lists(bodies(), max_size=4), language=st.sampled_from(["id", "en"]))
def test_a_paper_for_leaders_has_no_marked_secret(found: list[dict[str, Any]], language: str) -> None:
    audience = Edition.LEADERS.audience
    graves, counted = [], set()
    for body in found:
        one = seen(body["severity"], incident_id=body["incident_id"], state=body["state"])
        told = redaction.incident(audience, body)
        if not redaction.may_tell(audience, body):
            counted.add(one.incident_id)
        elif told is not None:
            graves.append(Grave(one, told))
    day = material(graves=graves, incidents=[g.seen for g in graves], counted_only=frozenset(counted))

    html = page_of(day, Making(language, Edition.LEADERS, (), datetime(2026, 2, 24, tzinfo=UTC)))

    assert [secret for secret in (MARK, *PERSONAL, "<i>") if secret in html] == []
    assert sum(body["facts"]["accused_unit"] is not None for body in found) == len(counted)
