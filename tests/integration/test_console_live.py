"""What an open page of the command centre is told while the day goes on: streams and the board."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

from tests.support import builders, filled
from tests.support.centre import ACCUSED, Centre
from tests.support.filled import Filled
from tests.support.wait import until


def test_a_change_reaches_an_open_stream_within_a_second_and_a_late_one_catches_up(
    rows: Filled, centre: Centre
) -> None:
    first = filled.incident()
    rows.put(first)
    centre.until_known(first["incident_id"])
    with centre.events("viewer") as events:
        assert next(events)[0] == "pulse"
        began = time.monotonic()
        second = filled.incident(severity=1)
        rows.put(second)
        data, seq = next((data, seq) for name, data, seq in events if name == "incident")
        waited = time.monotonic() - began

    assert data["incident_id"] == second["incident_id"]
    assert data["village"] == "Desa Uji"
    assert waited < 1.0
    third = filled.incident(state="acknowledged", incident_id=second["incident_id"], version=2)
    rows.put(third)
    until(lambda: any(row["version"] == 2 for row in centre.core.feed.board.rows()), what="the change on the board")
    with centre.events("viewer", since=seq) as events:
        name, data, _ = next(events)
    assert (name, data["incident_id"], data["state"]) == ("incident", third["incident_id"], "acknowledged")


def test_an_incident_that_comes_to_accuse_a_unit_leaves_its_open_pages(rows: Filled, centre: Centre) -> None:
    before = filled.incident(support_agencies=["polres"])
    rows.put(before)
    centre.until_known(before["incident_id"])
    with centre.events(ACCUSED) as events:
        assert next(events)[0] == "pulse"
        rows.put({**before, "version": 2, "facts": {**before["facts"], "accused_unit": filled.ACCUSED}})
        rows.put(filled.incident("neutrality.officer", lead_agency="polsek", facts={"accused_unit": filled.ACCUSED}))
        rows.put(last := filled.incident())
        told = []
        for name, data, _ in events:
            if name != "pulse":
                told.append((name, data["incident_id"]))
            if told and told[-1] == ("incident", last["incident_id"]):
                break

    assert told == [("gone", before["incident_id"]), ("incident", last["incident_id"])]


def test_a_stream_from_another_database_is_told_to_start_over(rows: Filled, centre: Centre) -> None:
    with centre.events("viewer", since=10_000_000) as events:
        assert next(events)[0] == "reset"


def test_the_board_says_what_the_day_is_like(rows: Filled, centre: Centre) -> None:
    late = builders.now() - timedelta(minutes=30)
    rows.put(
        filled.incident(severity=1, opened=late),
        filled.incident(severity=2, opened=late, state="acknowledged"),
        filled.incident(severity=1, drill=True),
        filled.incident("facility.network", severity=4),
        filled.incident(state="resolved"),
    )
    rows.put_checkins([builders.STATION])
    rows.put_report(builders.report(at=builders.now() - timedelta(minutes=1)), None)

    def pulse() -> dict[str, Any]:
        found: dict[str, Any] = centre.get("/api/board").json()["pulse"]
        return found

    until(lambda: pulse()["untriaged"] == 1 and sum(pulse()["open"].values()) == 3, what="the pulse")
    seen = pulse()
    assert seen["open"] == {"1": 1, "2": 1, "3": 0, "4": 1, "5": 0}
    assert (seen["overdue"], seen["drills"], seen["silent"]) == (1, 1, 1)
    assert (seen["stations"], seen["reporting"]) == (6, 1)
    assert sum(seen["reports_by_minute"]) == 1
    assert seen["stage"] == "voting"
    board = centre.get("/api/board").json()["incidents"]
    assert [card["severity"] for card in board] == [1, 2, 4, 1, 3]
