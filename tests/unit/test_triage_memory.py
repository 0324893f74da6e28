"""What is remembered: rows that bring a state back, deadlines, and what is forgotten in time."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

from siaga.contracts.timer import TimerKind
from tests.support.builders import DISTRICT, SECOND_STATION, STATION, accepted, calendar, report
from tests.support.world import MORNING, World, stations


def test_a_state_that_nothing_happened_to_writes_and_tells_nothing() -> None:
    world = World()
    world.settle()

    assert (world.told, world.rows) == ([], {})


def test_a_worker_that_starts_anew_goes_on_where_it_was() -> None:
    world = World(count=5)
    for station in stations(DISTRICT, 3):
        world.report("order.blockade", station=station)
    world.command("override", world.at(STATION), severity=1)
    world.command("resolve", world.at(SECOND_STATION))
    before = dict(world.states)
    world.restart()
    restored = world.states == before
    world.clock.advance(minutes=5)
    world.report("order.blockade", station=SECOND_STATION, by="anggota-2")

    assert restored
    assert (world.at(SECOND_STATION).version, world.at(SECOND_STATION).generation) == (4, 2)


def test_after_a_crash_the_last_version_is_told_again_with_its_history() -> None:
    world = World()
    item = accepted(report(at=world.clock.now))
    world.take(item)
    world.restart()
    world.take(item)

    first, again = world.told
    assert again == first
    assert [entry.change.value for entry in again.history] == ["opened"]


def test_half_a_thousand_reports_in_one_batch_are_one_version_with_a_short_history() -> None:
    world = World()
    with world.batch():
        for number in range(500):
            world.report(by=f"anggota-{number}")

    assert (world.incident.version, world.incident.report_count, len(world.incident.report_ids)) == (1, 500, 500)
    assert [entry.detail for entry in world.incident.history] == ["", "499 reports"]


def test_closed_incidents_are_forgotten_after_48_hours_and_open_ones_after_a_week() -> None:
    world = World()
    world.report("violence.brawl")
    world.command("resolve")
    world.report("order.crowd", station=SECOND_STATION)
    handled = [world.pass_time(hours=47), world.pass_time(hours=1)]
    after_two_days = list(world.states[DISTRICT].incidents)
    world.pass_time(days=5)

    assert [set(kinds) for kinds in handled] == [set(), {TimerKind.EXPIRY}]
    assert after_two_days == [str(world.at(SECOND_STATION).incident_id)]
    assert world.states[DISTRICT].incidents == {}
    assert world.rows == {}


def test_what_came_early_or_from_a_neighbour_is_forgotten_too() -> None:
    world = World(near=True)
    world.report(corrects="01938d0e-0000-7000-8000-000000000001", withdraws=True)
    world.report("violence.brawl")
    world.command("dismiss")
    remembered = [key.split("/")[1] for key in world.rows]
    for _ in range(2):
        world.pass_time(hours=48)

    assert set(remembered) == {"e", "f", "i", "r"}
    assert world.rows == {}


def test_an_incident_that_is_noted_on_all_day_stays_small_and_still_knows_the_last_commands() -> None:
    world = World()
    world.report()
    ids = [str(uuid4()) for _ in range(520)]
    with world.batch():
        for command_id in ids:
            world.command("note", reason="masih dijaga", command_id=command_id)
    record = world.states[DISTRICT].incidents[str(world.incident.incident_id)]
    told = len(world.told)

    world.command("note", reason="masih dijaga", command_id=ids[100])

    assert record.commands == ids[-500:]
    assert [again.version for again in world.told[told:]] == [world.told[told - 1].version]


def test_the_state_does_not_grow_with_the_days() -> None:
    world = World(day=calendar(starts=MORNING, hours=24 * 30, checkin_every=timedelta(hours=12)))
    sizes = []
    for _ in range(12):
        for station in stations(DISTRICT, 3):
            world.report("violence.brawl", station=station)
            world.checkin(station=station)
            world.command("resolve", world.open[-1])
        world.pass_time(hours=24)
        sizes.append(len(world.rows))

    assert sizes[-1] <= max(sizes[:5])
