"""A station that should have checked in and has not, and a whole district out of contact."""

from __future__ import annotations

from datetime import timedelta

import pytest

from siaga.contracts.incident import Change, Incident, IncidentState
from siaga.contracts.rejection import RejectReason
from siaga.contracts.timer import TimerKind
from siaga.triage.timers import due
from siaga.types import Severity, Stage
from tests.support.builders import DISTRICT, OTHER_DISTRICT, STATION, calendar, district
from tests.support.world import MORNING, World, stations

#: A check-in each 15 minutes, and 30 minutes of grace.
EVERY = timedelta(minutes=15)
QUIET = 46


@pytest.fixture
def world() -> World:
    """Ten stations a district, all of them watched."""
    world = World(count=10, day=calendar(starts=MORNING - timedelta(hours=1), checkin_every=EVERY))
    world.pass_time(seconds=0)
    return world


def all_check_in(world: World, *, but: int = 0) -> None:
    """All stations of both districts check in, except the first ``but`` of each."""
    with world.batch():
        for code in (DISTRICT, OTHER_DISTRICT):
            for station in stations(code, 10)[but:]:
                world.checkin(station=station)


def silences(world: World) -> list[Incident]:
    return [incident for incident in world.open if incident.kind == "facility.network"]


def test_a_station_whose_check_in_is_half_an_hour_overdue_is_silent(world: World) -> None:
    world.clock.advance(minutes=QUIET - 1)
    all_check_in(world, but=1)
    early = silences(world)
    world.pass_time(minutes=1)

    assert early == []
    assert {i.station_id for i in silences(world)} == {STATION, f"{OTHER_DISTRICT}.2001-001"}
    assert world.at(STATION).severity == Severity.SEV4
    assert (world.at(STATION).report_count, world.at(STATION).reporter_count) == (0, 0)
    assert world.at(STATION).report_ids == ()
    assert world.at(STATION).first_occurred_at == MORNING + timedelta(minutes=45)


def test_a_station_is_not_silent_twice_at_once(world: World) -> None:
    world.clock.advance(minutes=QUIET)
    all_check_in(world, but=1)
    world.pass_time(seconds=0)
    told = len(world.told)
    handled = world.pass_time(minutes=5)

    assert (handled, len(world.told)) == ([], told)


def test_a_check_in_ends_the_silence_and_the_next_silence_is_another(world: World) -> None:
    world.clock.advance(minutes=QUIET)
    all_check_in(world, but=1)
    world.pass_time(seconds=0)
    world.checkin(station=STATION)
    first = world.at(STATION)
    changes = world.changes(first)
    for _ in range(2):
        world.clock.advance(minutes=QUIET)
        all_check_in(world, but=1)
    world.pass_time(seconds=0)

    assert first.state is IncidentState.RESOLVED
    assert changes == [Change.OPENED, Change.STATION_SILENT, Change.STATION_BACK, Change.RESOLVED]
    assert [i.station_id for i in silences(world)].count(STATION) == 1
    assert len([i for i in world.incidents if i.station_id == STATION]) == 2


def test_a_report_from_the_station_ends_its_silence_and_one_from_the_public_does_not(world: World) -> None:
    world.clock.advance(minutes=QUIET)
    all_check_in(world, but=1)
    world.pass_time(seconds=0)
    world.report("order.crowd", station=STATION, by="warga-1", role="public")
    rumoured = [i.station_id for i in silences(world)]
    world.report("order.crowd", station=STATION, by="panitia-1", role="committee")

    assert STATION in rumoured
    assert STATION not in [i.station_id for i in silences(world)]


def test_a_silence_that_people_report_too_stays_open_when_the_station_is_heard(world: World) -> None:
    world.clock.advance(minutes=QUIET)
    all_check_in(world, but=1)
    world.pass_time(seconds=0)
    world.report("facility.network", station=STATION)
    world.checkin(station=STATION)

    assert world.at(STATION).state.is_open
    assert (world.at(STATION).report_count, world.at(STATION).reporter_count) == (1, 1)
    assert Change.STATION_BACK in world.changes(world.at(STATION))


def test_a_station_that_closed_is_not_expected_any_more(world: World) -> None:
    world.checkin(station=STATION, phase="closed")
    world.clock.advance(minutes=QUIET)
    all_check_in(world, but=1)
    world.pass_time(hours=0)

    assert [i.station_id for i in silences(world)] == [f"{OTHER_DISTRICT}.2001-001"]


def test_a_check_in_that_comes_late_does_not_undo_a_closing(world: World) -> None:
    before = world.clock.now
    world.clock.advance(minutes=1)
    world.checkin(station=STATION, phase="closed")
    world.checkin(station=STATION, phase="voting", received=before)
    closed = dict(world.states[DISTRICT].closed)
    world.clock.advance(minutes=1)
    world.checkin(station=STATION, phase="counting")

    assert list(closed) == [STATION]
    assert world.states[DISTRICT].closed == {}


def test_a_late_or_repeated_check_in_never_moves_the_time_back(world: World) -> None:
    world.clock.advance(minutes=30)
    world.checkin(station=STATION)
    world.checkin(station=STATION, received=MORNING)

    assert world.states[DISTRICT].seen[STATION] == world.clock.now.timestamp()


def test_a_drill_shows_nothing_about_a_station(world: World) -> None:
    world.clock.advance(minutes=QUIET)
    all_check_in(world, but=1)
    world.checkin(station=STATION, drill=True)
    world.report("violence.brawl", station=STATION, drill=True)
    world.pass_time(seconds=0)

    assert STATION in [i.station_id for i in silences(world)]


def test_a_check_in_of_an_unknown_station_is_refused_with_a_remedy(world: World) -> None:
    world.checkin(station=f"{DISTRICT}.2001-099")

    assert [refusal.reason for refusal in world.refused] == [RejectReason.UNKNOWN_STATION]
    assert "siaga registry load" in world.refused[0].remedy


def test_a_stage_that_expects_no_check_ins_knows_no_silence() -> None:
    world = World(day=calendar(stage=Stage.CAMPAIGN, starts=MORNING))

    assert world.pass_time(hours=10) == []


def test_a_station_loaded_later_is_watched_from_then_on(world: World) -> None:
    world.clock.advance(minutes=QUIET)
    all_check_in(world)
    world.load(district(DISTRICT, stations=11, neighbours=(OTHER_DISTRICT,)))
    world.changed_registry()
    at_once = silences(world)
    world.clock.advance(minutes=30)
    all_check_in(world)
    world.pass_time(minutes=16)

    assert at_once == []
    assert [i.station_id for i in silences(world)] == [f"{DISTRICT}.2001-011"]


def test_asking_what_is_due_again_names_the_same_deadline_until_it_is_handled(world: World) -> None:
    state = world.states[DISTRICT]
    soon, later = ((MORNING + timedelta(minutes=m)).timestamp() for m in (QUIET, QUIET + 9))
    first, again = due(state, world.registry, soon), due(state, world.registry, later)

    assert [(t.kind, t.due_at) for t in first] == [(TimerKind.SILENCE, MORNING + timedelta(minutes=45))]
    assert [(t.kind, t.due_at) for t in again] == [(t.kind, t.due_at) for t in first]


# -- outages ---------------------------------------------------------------------------------------------------------


def test_where_half_a_district_falls_silent_it_is_one_outage(world: World) -> None:
    world.clock.advance(minutes=QUIET)
    all_check_in(world, but=5)
    world.pass_time(seconds=0)

    assert [(i.district, i.station_id, i.station_count) for i in silences(world)] == [
        (DISTRICT, None, 5),
        (OTHER_DISTRICT, None, 5),
    ]
    assert {i.severity for i in silences(world)} == {Severity.SEV3}


def test_silences_that_were_open_become_part_of_the_outage(world: World) -> None:
    world.clock.advance(minutes=10)
    all_check_in(world, but=2)
    world.pass_time(minutes=QUIET - 10)
    alone = {i.station_id for i in silences(world) if i.district == DISTRICT}
    world.pass_time(minutes=10)
    here = [i for i in silences(world) if i.district == DISTRICT]

    assert alone == set(stations(DISTRICT, 2))
    assert [(i.station_id, i.station_count) for i in here] == [(None, 10)]
    assert (world.at(STATION).state, world.at(STATION).outcome) == (
        IncidentState.DISMISSED,
        "part of the outage of the district",
    )


def test_an_outage_shrinks_and_ends_and_who_is_silent_still_is_looked_at_alone(world: World) -> None:
    world.pass_time(minutes=QUIET)
    here = stations(DISTRICT, 10)
    counts = []
    for station in here[:8]:
        world.checkin(station=station)
        (outage,) = [i for i in world.incidents if i.district == DISTRICT and i.station_id is None]
        counts.append(outage.station_count)
    over = [i for i in world.incidents if i.district == DISTRICT and i.station_id is None]
    world.pass_time(seconds=1)

    assert counts[:7] == [9, 8, 7, 6, 5, 4, 3]
    assert [i.state for i in over] == [IncidentState.RESOLVED]
    assert {i.station_id for i in silences(world) if i.district == DISTRICT} == set(here[8:])


def test_a_silence_folded_into_an_outage_opens_again_where_the_station_stays_silent(world: World) -> None:
    world.clock.advance(minutes=10)
    all_check_in(world, but=1)
    world.pass_time(minutes=QUIET - 10)
    world.pass_time(minutes=10)
    for station in stations(DISTRICT, 10)[1:]:
        world.checkin(station=station)
    world.pass_time(seconds=1)

    assert world.at(STATION).state is IncidentState.OPEN
    assert [i.station_id for i in silences(world) if i.district == DISTRICT] == [STATION]


def test_an_outage_that_was_taken_care_of_opens_again_when_it_grows(world: World) -> None:
    world.clock.advance(minutes=10)
    all_check_in(world, but=6)
    world.pass_time(minutes=QUIET - 10)
    (outage,) = [i for i in silences(world) if i.district == DISTRICT]
    world.command("resolve", outage)
    world.pass_time(minutes=10)

    assert [(i.station_count, i.generation) for i in silences(world) if i.district == DISTRICT] == [(10, 2)]


# -- the calendar changes --------------------------------------------------------------------------------------------


def test_a_calendar_that_moves_the_vote_ends_the_silences_it_does_not_bear_out(world: World) -> None:
    world.clock.advance(minutes=QUIET)
    all_check_in(world, but=1)
    world.pass_time(seconds=0)
    world.load(calendar(starts=world.clock.now + timedelta(hours=1), checkin_every=EVERY))
    world.changed_registry()

    assert silences(world) == []
    assert world.at(STATION).state is IncidentState.RESOLVED


def test_an_outage_that_a_corrected_calendar_ended_and_bears_out_again_is_the_same_incident(world: World) -> None:
    expecting = world.registry.calendar
    assert expecting is not None
    world.pass_time(minutes=QUIET)
    for day in (calendar(starts=MORNING - timedelta(hours=1)), expecting):
        world.load(day)
        world.changed_registry()

    here = [i for i in world.incidents if i.district == DISTRICT]
    assert [(i.state, i.generation, i.station_count) for i in here] == [(IncidentState.OPEN, 2, 10)]


def test_a_new_calendar_decides_open_incidents_anew_and_says_so(world: World) -> None:
    world.report("facility.power")
    world.report("violence.brawl")
    told = len(world.told)
    world.load(calendar(stage=Stage.COUNTING, starts=MORNING - timedelta(hours=1)))
    world.changed_registry()

    (power,) = [i for i in world.incidents if i.kind == "facility.power"]
    assert power.severity == Severity.SEV3
    assert world.changes(power)[-2:] == [Change.RECLASSIFIED, Change.RAISED]
    assert len(world.told) == told + 1
