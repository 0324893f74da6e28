"""An incident as a CAP alert: the rules of the OASIS schema, one by one (the schema itself is not at hand)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from xml.etree import ElementTree as Xml

import pytest

from console.board import Board, Place
from console.cap import NAMESPACE, alert
from siaga.redaction import Audience, UserRole
from siaga.rules.taxonomy import builtin_taxonomy
from tests.support import builders, filled

#: Order, and how often at least and at most (None: any number), of the elements of CAP 1.2.
ALERT = (
    *(("identifier", 1, 1), ("sender", 1, 1), ("sent", 1, 1), ("status", 1, 1), ("msgType", 1, 1), ("source", 0, 1)),
    *(("scope", 1, 1), ("restriction", 0, 1), ("addresses", 0, 1), ("code", 0, None), ("note", 0, 1)),
    *(("references", 0, 1), ("incidents", 0, 1), ("info", 0, None)),
)
INFO = (
    *(("language", 0, 1), ("category", 1, None), ("event", 1, 1), ("responseType", 0, None), ("urgency", 1, 1)),
    *(("severity", 1, 1), ("certainty", 1, 1), ("audience", 0, 1), ("eventCode", 0, None), ("effective", 0, 1)),
    *(("onset", 0, 1), ("expires", 0, 1), ("senderName", 0, 1), ("headline", 0, 1), ("description", 0, 1)),
    *(("instruction", 0, 1), ("web", 0, 1), ("contact", 0, 1), ("parameter", 0, None), ("resource", 0, None)),
    ("area", 0, None),
)
AREA = (
    *(("areaDesc", 1, 1), ("polygon", 0, None), ("circle", 0, None), ("geocode", 0, None)),
    *(("altitude", 0, 1), ("ceiling", 0, 1)),
)
PAIR = (("valueName", 1, 1), ("value", 1, 1))
VALUES = {
    "status": {"Actual", "Exercise", "System", "Test", "Draft"},
    "msgType": {"Alert", "Update", "Cancel", "Ack", "Error"},
    "scope": {"Public", "Restricted", "Private"},
    "category": {
        *(
            "Geo",
            "Met",
            "Safety",
            "Security",
            "Rescue",
            "Fire",
            "Health",
            "Env",
            "Transport",
            "Infra",
            "CBRNE",
            "Other",
        )
    },
    "urgency": {"Immediate", "Expected", "Future", "Past", "Unknown"},
    "severity": {"Extreme", "Severe", "Moderate", "Minor", "Unknown"},
    "certainty": {"Observed", "Likely", "Possible", "Unlikely", "Unknown"},
}
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[-+]\d\d:\d\d")
CIRCLE = re.compile(r"-?\d+(\.\d+)?,-?\d+(\.\d+)? \d+(\.\d+)?")


def check(element: Xml.Element, rules: Sequence[tuple[str, int, int | None]]) -> None:
    """Only known elements, in their order, each as often as allowed."""
    names = [child.tag.removeprefix(f"{{{NAMESPACE}}}") for child in element]
    order = [name for name, _, _ in rules]
    assert names == sorted(names, key=order.index)
    for name, least, most in rules:
        count = names.count(name)
        assert count >= least, f"{name} is missing"
        assert most is None or count <= most, f"{name} comes {count} times"
    for child in element:
        name = child.tag.removeprefix(f"{{{NAMESPACE}}}")
        if name in VALUES:
            assert child.text in VALUES[name]
        assert len(child) or (child.text or "").strip(), f"{name} is empty"


def check_alert(xml: bytes) -> Xml.Element:
    root = Xml.fromstring(xml)  # noqa: S314  (our own)
    assert root.tag == f"{{{NAMESPACE}}}alert"
    check(root, ALERT)
    found = {child.tag.removeprefix(f"{{{NAMESPACE}}}"): child.text or "" for child in root}
    for name in ("identifier", "sender"):
        assert not re.search(r"[\s,<&]", found[name])
    assert TIME.fullmatch(found["sent"])
    assert (found["scope"] == "Restricted") is ("restriction" in found)
    for reference in found.get("references", "").split():
        sender, identifier, sent = reference.split(",")
        assert sender
        assert identifier
        assert TIME.fullmatch(sent)
    for info in root.findall(f"{{{NAMESPACE}}}info"):
        check(info, INFO)
        for onset in info.findall(f"{{{NAMESPACE}}}onset"):
            assert TIME.fullmatch(onset.text or "")
        for code in info.findall(f"{{{NAMESPACE}}}eventCode"):
            check(code, PAIR)
        for area in info.findall(f"{{{NAMESPACE}}}area"):
            check(area, AREA)
            for circle in area.findall(f"{{{NAMESPACE}}}circle"):
                assert CIRCLE.fullmatch(circle.text or "")
            for code in area.findall(f"{{{NAMESPACE}}}geocode"):
                check(code, PAIR)
    return root


def alert_of(**changes: Any) -> Xml.Element:
    board = Board()
    board.load_places(
        {builders.DISTRICT: "Kajen <&>"},
        [Place(builders.STATION, "TPS 001", "Desa <Uji>", builders.DISTRICT, -7.026, 109.517)],
    )
    row = filled.incident(**{"kind": "violence.brawl", **changes})
    card = board.card(Audience(UserRole.VIEWER), row)
    assert card is not None
    return check_alert(alert(row, card, builtin_taxonomy()))


def text(root: Xml.Element, path: str) -> str | None:
    return root.findtext("/".join(f"{{{NAMESPACE}}}{name}" for name in path.split("/")))


@pytest.mark.parametrize("severity", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("certainty", ["observed", "likely", "possible", "unlikely"])
def test_every_severity_and_certainty_is_an_alert_by_the_rules(severity: int, certainty: str) -> None:
    root = alert_of(severity=severity, certainty=certainty)

    assert text(root, "info/severity") == ("Extreme", "Severe", "Moderate", "Minor", "Unknown")[severity - 1]
    assert text(root, "info/certainty") == certainty.capitalize()


@pytest.mark.parametrize("kind", sorted(builtin_taxonomy().kinds))
def test_every_kind_is_an_alert_in_both_languages(kind: str) -> None:
    root = alert_of(kind=kind)

    known = builtin_taxonomy().kinds[kind]
    assert [info.findtext(f"{{{NAMESPACE}}}event") for info in root.findall(f"{{{NAMESPACE}}}info")] == [
        known.id,
        known.en,
    ]


def test_a_later_version_updates_the_first_and_a_dismissed_one_cancels_it() -> None:
    opened = datetime(2022, 2, 23, 2, 14, 5, 999_999, tzinfo=UTC)
    first = alert_of(opened=opened)
    later = alert_of(opened=opened, version=4)
    over = alert_of(opened=opened, version=5, state="dismissed")

    assert text(first, "msgType") == "Alert"
    assert text(first, "sent") == "2022-02-23T02:14:05+00:00"
    assert text(later, "msgType") == "Update"
    assert (text(later, "references") or "").endswith(".1,2022-02-23T02:14:05+00:00")
    assert (text(over, "msgType"), text(over, "info/urgency")) == ("Cancel", "Past")


def test_a_drill_is_an_exercise_and_an_outage_has_the_district_for_its_area() -> None:
    root = alert_of(kind="facility.network", drill=True, station=None, district=builders.DISTRICT)

    assert text(root, "status") == "Exercise"
    assert text(root, "info/area/geocode/value") == builders.DISTRICT
    assert text(root, "info/area/areaDesc") == "Kajen <&>"


def test_what_is_confidential_is_not_in_an_alert() -> None:
    root = alert_of(outcome=filled.PHONE, acknowledged_by=filled.OFFICER, facts={"accused_unit": "polsek-kajen"})

    written = Xml.tostring(root, encoding="unicode")
    assert "RAHASIA" not in written
    assert filled.PHONE not in written
    assert "polsek-kajen" not in written
