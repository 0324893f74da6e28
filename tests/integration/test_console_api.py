"""The command centre's API on both databases: what programs and browsers read from it."""

from __future__ import annotations

import csv
import io
import uuid
from datetime import timedelta
from typing import Any

from tests.support import builders, filled
from tests.support.centre import Centre
from tests.support.filled import Filled
from tests.support.wait import until


def test_pages_of_a_list_show_every_incident_once_while_it_grows(rows: Filled, centre: Centre) -> None:
    start = builders.now() - timedelta(hours=1)
    made = [filled.incident(opened=start + timedelta(seconds=n // 3)) for n in range(25)]
    rows.put(*made)
    seen: list[str] = []
    cursor: str | None = None

    for _ in range(10):
        page = centre.get("/api/incidents", params={"limit": 4, **({"cursor": cursor} if cursor else {})}).json()
        seen += [incident["incident_id"] for incident in page["incidents"]]
        cursor = page["next"]
        rows.put(filled.incident())
        if cursor is None:
            break

    assert sorted(seen) == sorted(incident["incident_id"] for incident in made)


def test_a_list_is_filtered_by_what_is_asked(rows: Filled, centre: Centre) -> None:
    grave = filled.incident("violence.mass_clash", severity=1)
    over = filled.incident("violence.brawl", state="resolved")
    drill = filled.incident("hazard.flood", drill=True, station=builders.OTHER_STATION)
    rows.put(grave, over, drill)

    def found(**asked: Any) -> list[str]:
        return [i["incident_id"] for i in centre.get("/api/incidents", params=asked).json()["incidents"]]

    assert found(severity=[1, 2]) == [grave["incident_id"]]
    assert found(state="resolved") == [over["incident_id"]]
    assert found(drill=True) == [drill["incident_id"]]
    assert found(district=builders.OTHER_DISTRICT) == [drill["incident_id"]]
    assert found(kind="violence.mass_clash") == [grave["incident_id"]]
    assert set(found(family="violence")) == {grave["incident_id"], over["incident_id"]}
    assert found(since="2199-01-01T00:00:00Z") == []


def test_what_is_wrong_is_answered_with_a_problem_that_names_it(centre: Centre) -> None:
    for path, status, field in (
        ("/api/incidents?cursor=abc", 422, "cursor"),
        ("/api/incidents?severity=9", 422, "severity"),
        ("/api/incidents?since=2022-02-23T09:00:00", 422, "since"),
        ("/api/incidents/33.26", 422, "incident_id"),
        (f"/api/incidents/{uuid.uuid4()}", 404, None),
        ("/api/nothing", 404, None),
    ):
        answer = centre.get(path)

        assert answer.status_code == status
        assert answer.headers["content-type"] == "application/problem+json"
        problem = answer.json()
        assert problem["status"] == status
        assert "; " in problem["detail"]
        if field is not None:
            assert problem["errors"][0]["field"].startswith(field)


def test_an_incident_shows_who_was_called_and_when_it_climbs(rows: Filled, centre: Centre) -> None:
    incident = filled.incident(severity=2)
    rows.put(incident)
    rows.put_ladder(incident, level=2, next_due_at=(due := builders.now() + timedelta(seconds=90)))
    rows.put_page(incident, officer="ipda-sari")
    centre.until_known(incident["incident_id"])

    detail = centre.get(f"/api/incidents/{incident['incident_id']}", "operator").json()
    (card,) = centre.get("/api/board").json()["incidents"]
    listed = centre.get("/api/escalations").json()["escalations"]

    assert (detail["escalation"]["state"], detail["escalation"]["level"]) == ("paging", 2)
    assert [(p["officer_id"], p["channel_kind"], p["status"]) for p in detail["pages"]] == [
        ("ipda-sari", "sms", "accepted")
    ]
    assert [(s["reason"], s["desk"]) for s in detail["steps"]] == [("opened", "polsek/duty")]
    assert (card["level"], card["ladder"]) == (2, "paging")
    assert abs(card["due"] - due.timestamp()) < 0.01
    assert [e["incident_id"] for e in listed] == [incident["incident_id"]]
    with centre.events("viewer") as events:
        assert next(events)[0] == "pulse"
        rows.put_ladder(incident, "exhausted", level=4)
        told = next(data for name, data, _ in events if name == "incident")
    assert (told["level"], told["ladder"]) == (4, "exhausted")


def test_a_taken_incident_is_timed_by_agency_and_severity(rows: Filled, centre: Centre) -> None:
    taken = filled.incident(opened=builders.now() - timedelta(minutes=3), state="acknowledged")
    rows.put(taken, filled.incident("hazard.flood", drill=True))
    rows.put_history(taken["incident_id"], "acknowledged", by="ipda-1")

    trends = centre.get("/api/trends").json()

    assert (trends["incidents"], trends["drills"]) == (1, 1)
    (response,) = trends["response"]
    assert (response["agency"], response["severity"], response["taken"]) == ("polsek", 3, 1)
    assert 170 < response["median"] < 240


def test_the_public_is_told_sums_only_and_nothing_of_drills(rows: Filled, centre: Centre) -> None:
    rows.put(filled.incident(severity=1), filled.incident(drill=True), filled.incident(state="resolved"))
    until(lambda: centre.get("/public/summary.json", None).json()["incidents_closed"] == 1, what="the summary")
    summary = centre.get("/public/summary.json", None).json()

    assert summary["incidents_open"]["SEV1"] == 1
    assert sum(summary["incidents_open"].values()) == 1
    assert summary["by_family"] == {"violence": 1}
    page = centre.get("/public", None)
    assert page.status_code == 200
    assert builders.STATION not in page.text


def test_exports_are_what_other_programs_read(rows: Filled, centre: Centre) -> None:
    incident = filled.incident(outcome='=HYPERLINK("http://x")', state="open")
    rows.put(incident, filled.incident(state="resolved"))
    centre.until_known(incident["incident_id"])

    table = list(csv.DictReader(io.StringIO(centre.get("/api/incidents.csv").text)))
    points = centre.get("/api/incidents.geojson").json()

    assert len(table) == 2
    assert {row["outcome"] for row in table} == {"", '\'=HYPERLINK("http://x")'}
    (feature,) = points["features"]
    lon, lat = feature["geometry"]["coordinates"]
    assert (round(lat, 2), round(lon, 1)) == (-7.03, 109.5)
    assert feature["id"] == incident["incident_id"]
