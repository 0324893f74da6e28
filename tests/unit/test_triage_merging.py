"""Two incidents become one, and reports leave one: nothing is lost on the way, and nothing happens twice."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest

from siaga.contracts.incident import Change, Incident, IncidentState
from siaga.contracts.rejection import RejectReason
from siaga.rules.severity import harm_of
from siaga.types import Severity, Vulnerability
from tests.support.builders import DISTRICT, OTHER_STATION, SECOND_STATION, STATION, calendar, district
from tests.support.world import MORNING, World, stations


@pytest.fixture
def world() -> World:
    """A brawl at one station, a crowd at the next."""
    world = World()
    world.report("violence.brawl", facts={"injured": 2})
    world.clock.advance(minutes=1)
    world.report("order.crowd", station=SECOND_STATION, by="anggota-2", facts={"crowd": 60})
    return world


def of(world: World, incident: Incident) -> Incident:
    """The incident as it stands now."""
    return next(i for i in world.incidents if i.incident_id == incident.incident_id)


def merged(world: World) -> tuple[Incident, Incident]:
    """The brawl merged into the crowd: both."""
    brawl, crowd = world.incidents
    world.merge(brawl, into=crowd, reason="massa yang sama")
    return of(world, brawl), of(world, crowd)


def test_the_other_incident_has_the_reports_of_both_and_is_as_grave_as_they_say(world: World) -> None:
    brawl, crowd = merged(world)

    assert (brawl.state, brawl.merged_into, brawl.report_count) == (IncidentState.MERGED, crowd.incident_id, 0)
    assert (crowd.state, crowd.report_count, crowd.reporter_count) == (IncidentState.OPEN, 2, 2)
    assert (crowd.severity, crowd.kind, crowd.facts.injured, crowd.facts.crowd) == (2, "violence.brawl", 2, 60)
    assert (crowd.station_id, crowd.station_count) == (SECOND_STATION, 2)
    assert "injured" in {reason.rule for reason in crowd.reasons}
    assert Change.MERGED in world.changes(brawl)
    assert Change.TOOK_IN in world.changes(crowd)


def test_what_would_have_joined_the_merged_one_joins_the_other_also_after_a_restart(world: World) -> None:
    _, crowd = merged(world)
    world.restart()
    world.report("violence.brawl", by="anggota-3")

    assert (of(world, crowd).report_count, len(world.incidents)) == (3, 2)


def test_a_correction_finds_its_report_where_it_is_now(world: World) -> None:
    _, crowd = merged(world)
    report_id = world.standing(crowd)[1]
    world.report("violence.brawl", facts={"injured": 0}, corrects=report_id)

    assert (of(world, crowd).report_count, of(world, crowd).facts.injured) == (2, 0)
    assert of(world, crowd).severity == Severity.SEV3


def test_a_split_undoes_a_merge_and_later_reports_find_what_left(world: World) -> None:
    _, crowd = merged(world)
    leaving = world.standing(crowd)[1]
    world.split(of(world, crowd), leaving)

    part = world.incidents[-1]
    assert (part.station_id, part.family, part.severity, part.report_count) == (STATION, "violence", 2, 1)
    assert (of(world, crowd).severity, of(world, crowd).kind, of(world, crowd).station_count) == (4, "order.crowd", 1)
    world.report("violence.brawl", by="anggota-3")
    world.report("order.crowd", station=SECOND_STATION, by="anggota-4")
    assert (of(world, part).report_count, of(world, crowd).report_count) == (2, 2)


def test_where_the_own_reports_leave_the_incident_is_about_what_is_left(world: World) -> None:
    _, crowd = merged(world)
    world.split(of(world, crowd), world.standing(crowd)[0])

    left, part = of(world, crowd), world.incidents[-1]
    assert (left.station_id, left.family, left.kind) == (STATION, "violence", "violence.brawl")
    assert (part.station_id, part.kind) == (SECOND_STATION, "order.crowd")


def test_the_command_told_twice_moves_nothing_twice_and_tells_both_again(world: World) -> None:
    brawl, crowd = world.incidents
    once = str(uuid.uuid4())
    world.merge(brawl, into=crowd, command_id=once)
    told = len(world.told)
    world.merge(brawl, into=crowd, command_id=once)

    again = {i.incident_id: i for i in world.told[told:]}
    assert set(again) == {brawl.incident_id, crowd.incident_id}
    moved = again[crowd.incident_id]
    assert moved.version == of(world, crowd).version
    assert dict(zip(map(str, moved.report_ids), moved.report_moves, strict=True)) == {world.standing(crowd)[1]: 1}


def test_what_was_refused_is_refused_again_however_things_are_by_then(world: World) -> None:
    brawl, crowd = world.incidents
    once = str(uuid.uuid4())
    world.command("resolve", crowd)
    world.merge(brawl, into=crowd, command_id=once)
    world.command("reopen", crowd)
    world.restart()
    world.merge(brawl, into=crowd, command_id=once)

    assert [refusal.reason for refusal in world.refused] == [RejectReason.INVALID] * 2
    assert of(world, brawl).state is IncidentState.OPEN


def test_whoever_tries_in_vain_over_and_over_fills_no_memory(world: World) -> None:
    brawl, _ = world.incidents

    for _ in range(250):
        world.merge(brawl, into=brawl.model_copy(update={"incident_id": uuid.uuid4()}))

    assert 0 < len(world.states[DISTRICT].incidents[str(brawl.incident_id)].refusals) <= 100


def test_an_answer_to_a_page_about_the_merged_one_counts_for_the_other_and_an_old_one_does_not(world: World) -> None:
    brawl, crowd = world.incidents
    old, new = str(uuid.uuid4()), str(uuid.uuid4())
    world.command("acknowledge", brawl, by="anggota-7", command_id=old)
    world.merge(brawl, into=crowd)
    world.command("acknowledge", brawl, by="anggota-7", command_id=old)
    before = of(world, crowd)
    world.command("acknowledge", brawl, by="anggota-8", command_id=new)
    world.command("resolve", brawl)

    assert (before.state, before.acknowledged_by) == (IncidentState.OPEN, None)
    assert (of(world, crowd).state, of(world, crowd).acknowledged_by) == (IncidentState.ACKNOWLEDGED, "anggota-8")
    # What would close it is not carried out behind somebody's back.
    assert [str(crowd.incident_id) in refusal.remedy for refusal in world.refused] == [True]


def test_what_cannot_be_merged_or_split_is_refused_with_what_to_do(world: World) -> None:
    brawl, crowd = world.incidents
    world.report("violence.brawl", station=OTHER_STATION, by="anggota-5")
    elsewhere = world.at(OTHER_STATION)
    world.report("violence.brawl", drill=True, by="anggota-6")
    drill = world.incidents[-1]
    only = world.standing(brawl)[0]

    world.merge(brawl, into=elsewhere)
    world.merge(brawl, into=drill)
    world.split(brawl, only)
    world.split(brawl, str(uuid.uuid4()))
    world.command("resolve", crowd)
    world.merge(brawl, into=crowd)
    world.split(crowd, only)

    told = [(refusal.field, refusal.message) for refusal in world.refused]
    assert [field for field, _ in told] == ["into", "into", "report_ids", "report_ids", "into", "incident_id"]
    assert all(refusal.remedy for refusal in world.refused)
    assert [i.state for i in (of(world, brawl), of(world, elsewhere))] == [IncidentState.OPEN] * 2


def test_merging_makes_nothing_lesser_than_people_or_rules_held_it(world: World) -> None:
    brawl, crowd = world.incidents
    world.command("override", brawl, severity=1)
    world.command("override", crowd, severity=5)
    _, crowd = merged(world)

    assert (crowd.severity, crowd.computed_severity) == (Severity.SEV1, Severity.SEV2)
    assert Change.OVERRIDE_ENDED in world.changes(crowd)


def test_the_gravest_class_among_its_stations_counts(world: World) -> None:
    world.load(district(DISTRICT, vulnerability={STATION: Vulnerability.SANGAT_RAWAN}))
    _, crowd = merged(world)

    assert crowd.severity == 2
    assert "vulnerable_station" in {reason.rule for reason in crowd.reasons if reason.confidential}


def test_a_merged_incident_keeps_what_it_was_about(world: World) -> None:
    world.report("violence.arson", by="anggota-3", facts={"crowd": 700})
    before = harm_of(world.states[DISTRICT].incidents[str(world.incidents[0].incident_id)].subject)
    brawl, _ = merged(world)

    assert (brawl.kind, brawl.severity, brawl.facts.injured) == ("violence.arson", 1, 2)
    assert harm_of(world.states[DISTRICT].incidents[str(brawl.incident_id)].subject) == before


def test_the_units_accused_in_either_are_accused_in_both() -> None:
    world = World()
    world.report("neutrality.officer", facts={"accused_unit": "polsek-kajen"})
    world.report("violence.brawl", station=SECOND_STATION, by="anggota-2", facts={"accused_unit": "polres"})
    first, second = merged(world)

    assert first.accused_units == second.accused_units == ("polres", "polsek-kajen")
    assert not {"polsek", "polres"} & {second.lead_agency, *second.support_agencies}


def test_a_station_that_siaga_lost_contact_with_takes_in_and_is_not_taken_in() -> None:
    day = calendar(starts=MORNING - timedelta(hours=1), checkin_every=timedelta(minutes=15))
    world = World(count=6, day=day)
    for station in stations(DISTRICT, 6)[1:]:
        world.checkin(station=station)
    world.pass_time(minutes=1)
    world.clock.advance(minutes=40)
    for station in stations(DISTRICT, 6)[1:]:
        world.checkin(station=station)
    world.pass_time(minutes=10)
    silent = world.at(STATION)
    world.report("order.blockade", station=SECOND_STATION)
    blockade = world.at(SECOND_STATION)
    world.merge(silent, into=blockade)
    refused = [refusal.field for refusal in world.refused]
    world.merge(blockade, into=silent)
    world.checkin(station=STATION)

    assert refused == ["incident_id"]
    # It is heard again, and what people reported of it stays.
    assert (of(world, silent).state, of(world, silent).report_count) == (IncidentState.OPEN, 1)
