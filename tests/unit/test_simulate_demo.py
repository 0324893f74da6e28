"""The demonstration's registry: everything an election needs, voting now, at the speed asked for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from producers.simulate.demo import demo_entries, play_calendar
from producers.simulate.plan import plan_day
from siaga.contracts.registry import Calendar, DistrictStations, key_of, parse_entry
from siaga.election.calendar import stage_at
from siaga.types import Stage

NOW = datetime(2026, 11, 24, 8, 30, tzinfo=UTC)


def calendar_and_districts(
    villages: int | None, *, speed: float = 60.0, expect_checkins: bool = True
) -> tuple[Calendar, list[DistrictStations]]:
    entries = demo_entries(villages=villages, seed=1, speed=speed, starting=NOW, expect_checkins=expect_checkins)
    (calendar,) = [entry for entry in entries if isinstance(entry, Calendar)]
    return calendar, [entry for entry in entries if isinstance(entry, DistrictStations)]


def test_voting_begins_at_the_start_and_the_stages_before_and_after_keep_their_places() -> None:
    calendar, _ = calendar_and_districts(1)
    stages = [entry.stage for entry in calendar.stages]

    at = (NOW + timedelta(seconds=1)).timestamp()
    stage = stage_at(calendar, at)
    assert stage is not None
    assert stage.stage is Stage.VOTING
    assert {Stage.VOTING, Stage.COUNTING} <= set(stages)
    assert stages.index(Stage.VOTING) < stages.index(Stage.COUNTING)
    assert calendar.speed == 60.0


def test_a_faster_day_is_shorter_by_as_much() -> None:
    slow, fast = (play_calendar(speed=speed, starting=NOW) for speed in (1.0, 60.0))
    for a, b in zip(slow.stages, fast.stages, strict=True):
        assert (a.ends_at - a.starts_at) / 60 == pytest.approx(b.ends_at - b.starts_at, abs=timedelta(seconds=1))
        if a.checkin_every is not None and b.checkin_every is not None:
            assert a.checkin_every / 60 == b.checkin_every


def test_the_stages_that_are_played_expect_a_check_in_every_quarter_of_an_hour() -> None:
    calendar = play_calendar(speed=1.0, starting=NOW)
    played = [entry for entry in calendar.stages if entry.stage in (Stage.VOTING, Stage.COUNTING)]
    assert {entry.checkin_every for entry in played} == {timedelta(minutes=15)}


def test_where_nobody_plays_the_officers_no_check_in_is_expected() -> None:
    calendar, _ = calendar_and_districts(1, speed=1.0, expect_checkins=False)
    assert {entry.checkin_every for entry in calendar.stages} == {None}


def test_districts_know_the_neighbours_a_brawl_may_reach() -> None:
    _, districts = calendar_and_districts(None)
    near = {d.district: set(d.neighbours) for d in districts}

    assert len(districts) == 19
    assert "33.26.13" in near["33.26.12"]
    assert all(code in near[other] for code, others in near.items() for other in others)


def test_every_entry_survives_the_journey_through_the_registry() -> None:
    for entry in demo_entries(villages=5, seed=1, speed=60.0, starting=NOW):
        assert parse_entry(key_of(entry), entry.to_json()) == entry


def test_the_whole_script_fits_into_the_built_in_day() -> None:
    calendar, districts = calendar_and_districts(3)
    over = max(entry.ends_at for entry in calendar.stages if entry.stage is Stage.COUNTING).timestamp()
    scenes = [event for event in plan_day(districts, calendar, 1) if event.scene]
    assert scenes
    assert all(event.at < over for event in scenes)


def test_a_start_without_an_offset_is_refused() -> None:
    with pytest.raises(ValueError, match="add one, such as"):
        play_calendar(speed=60.0, starting=NOW.replace(tzinfo=None))
