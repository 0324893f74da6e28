"""Trouble that spreads is one cluster, in a district and over its border."""

from __future__ import annotations

import pytest

from siaga.contracts.incident import Change, Incident
from siaga.rules.spread import Trouble, clusters
from siaga.rules.windows import Windows
from siaga.types import Severity
from tests.support.builders import DISTRICT, OTHER_DISTRICT
from tests.support.world import World, stations

ONE, TWO, THREE, FOUR = stations(DISTRICT, 4)
BEYOND, BEYOND_TOO, *_ = stations(OTHER_DISTRICT, 4)


@pytest.fixture
def world() -> World:
    return World(count=5)


def together(world: World) -> set[str | None]:
    """Stations of incidents that are in a cluster."""
    return {incident.station_id for incident in world.open if incident.cluster_id is not None}


def names(incidents: list[Incident]) -> set[object]:
    return {incident.cluster_id for incident in incidents}


def test_three_stations_of_a_district_within_half_an_hour_are_a_cluster_and_each_is_raised(world: World) -> None:
    for station in (ONE, TWO):
        world.report("order.blockade", station=station)
    two_are_none = together(world)
    world.clock.advance(minutes=30)
    world.report("order.crowd", station=THREE, by="anggota-3")

    assert two_are_none == set()
    assert together(world) == {ONE, TWO, THREE}
    assert len(names(world.open)) == 1
    assert [world.at(station).severity for station in (ONE, TWO, THREE)] == [2, 2, 3]
    assert world.changes(world.at(ONE))[-2:] == [Change.JOINED_CLUSTER, Change.RAISED]


@pytest.mark.parametrize(
    "third",
    [
        {"kind": "order.crowd", "minutes": 31},
        {"kind": "violence.brawl"},
        {"kind": "order.crowd", "drill": True},
        {"kind": "order.crowd", "station": TWO, "by": "anggota-9"},
    ],
    ids=["too late", "another family", "a drill", "the same station"],
)
def test_what_is_no_third_station_of_the_same_trouble_makes_no_cluster(
    world: World, third: dict[str, object]
) -> None:
    world.report("order.crowd", station=ONE)
    world.report("order.crowd", station=TWO)
    world.clock.advance(minutes=third.pop("minutes", 0))  # type: ignore[arg-type]
    world.report(**{"station": THREE, **third})  # type: ignore[arg-type]

    assert together(world) == set()


def test_families_that_do_not_spread_make_no_cluster(world: World) -> None:
    for station in (ONE, TWO, THREE):
        world.report("facility.power", station=station)

    assert together(world) == set()


def test_drills_spread_among_drills(world: World) -> None:
    for station in (ONE, TWO, THREE):
        world.report("order.crowd", station=station, drill=True)

    assert together(world) == {ONE, TWO, THREE}


def test_a_cluster_keeps_its_name_while_it_grows(world: World) -> None:
    for station in (ONE, TWO, THREE):
        world.report("order.crowd", station=station)
        world.clock.advance(minutes=5)
    name = names(world.open)
    world.report("order.crowd", station=FOUR, ago=25)

    assert names(world.open) == name
    assert together(world) == {ONE, TWO, THREE, FOUR}


def test_trouble_that_lasts_holds_a_cluster_together(world: World) -> None:
    """The second and third begin long after the first, but while it goes on."""
    world.report("order.crowd", station=ONE)
    for station in (TWO, THREE):
        world.clock.advance(minutes=40)
        world.report("order.crowd", station=ONE)
        world.report("order.crowd", station=station)
    world.clock.advance(minutes=20)
    world.report("order.crowd", station=TWO)

    assert together(world) == {ONE, TWO, THREE}


def test_when_one_of_three_is_refuted_the_others_leave_the_cluster_and_are_lowered(world: World) -> None:
    for station in (ONE, TWO, THREE):
        world.report("order.crowd", station=station)
    world.command("refute", world.at(TWO))

    assert together(world) == set()
    assert [incident.severity for incident in world.open] == [Severity.SEV4, Severity.SEV4]
    assert world.changes(world.at(ONE))[-2:] == [Change.LEFT_CLUSTER, Change.LOWERED]


def test_when_one_of_three_is_resolved_the_others_stay_in_the_cluster(world: World) -> None:
    for station in (ONE, TWO, THREE):
        world.report("order.crowd", station=station)
    world.command("resolve", world.at(TWO))
    world.report("order.crowd", station=ONE, by="anggota-2")

    assert together(world) == {ONE, THREE}


# -- over the border -------------------------------------------------------------------------------------------------


def test_a_spread_over_the_border_has_one_name_on_both_sides() -> None:
    world = World(near=True)
    for station in (ONE, BEYOND, BEYOND_TOO):
        world.report("order.blockade", station=station)
        world.clock.advance(minutes=5)

    assert together(world) == {ONE, BEYOND, BEYOND_TOO}
    assert len(names(world.open)) == 1


def test_stations_farther_than_5_km_across_a_border_are_no_spread() -> None:
    world = World(near=False)
    for station in (ONE, BEYOND, BEYOND_TOO):
        world.report("order.blockade", station=station)

    assert together(world) == set()


def test_minor_trouble_is_not_told_to_neighbours_and_grave_trouble_each_time_it_moves_on() -> None:
    world = World(near=True)
    world.report("order.crowd", station=ONE)
    minor = len(world.troubles)
    world.report("order.blockade", station=TWO)
    world.clock.advance(minutes=5)
    world.report("order.blockade", station=TWO, by="anggota-2")
    world.command("acknowledge", world.at(TWO))

    assert minor == 0
    assert [trouble.last_occurred_at.minute for trouble in world.troubles] == [0, 5]
    assert {trouble.to_district for trouble in world.troubles} == {OTHER_DISTRICT}


def test_what_is_refuted_on_one_side_of_the_border_leaves_the_cluster_on_the_other() -> None:
    world = World(near=True)
    for station in (ONE, BEYOND, BEYOND_TOO):
        world.report("order.blockade", station=station)
    world.command("refute", world.at(ONE))

    assert [trouble.over for trouble in world.troubles if trouble.station_id == ONE][-1]
    assert together(world) == set()


def test_old_news_from_a_neighbour_does_not_bring_back_what_is_over() -> None:
    world = World(near=True)
    for station in (ONE, BEYOND, BEYOND_TOO):
        world.report("order.blockade", station=station)
    world.command("refute", world.at(ONE))
    told = len(world.told)
    world.waiting = list(world.troubles)
    world.settle()

    assert (together(world), len(world.told)) == (set(), told)


# -- the rule itself -------------------------------------------------------------------------------------------------


def trouble(
    name: str, *, minute: float, district: str = "A", lon: float = 0.0, cluster: str | None = None
) -> Trouble:
    return Trouble(name, district, f"station of {name}", 0.0, lon, minute * 60, minute * 60, cluster)


def test_three_that_are_each_near_only_the_next_in_time_are_no_cluster() -> None:
    chain = [trouble(name, minute=minute) for name, minute in (("a", 0), ("b", 25), ("c", 50))]

    assert clusters(chain, Windows()) == {}


def test_two_near_the_border_and_one_deep_inside_are_no_cluster() -> None:
    """Each two of a group are of one district or within 5 km: so both sides see the same."""
    near, beyond, deep = (
        trouble("near", minute=0, lon=0.0),
        trouble("beyond", minute=0, district="B", lon=0.03),
        trouble("deep", minute=0, district="B", lon=0.10),
    )

    assert clusters([near, beyond, deep], Windows()) == {}


def test_three_districts_that_meet_at_one_point_make_a_cluster() -> None:
    corner = [trouble(name, minute=0, district=name, lon=0.01 * n) for n, name in enumerate("ABC")]

    assert set(clusters(corner, Windows())) == {"A", "B", "C"}


def test_where_two_clusters_become_one_the_same_name_stays_whatever_the_order() -> None:
    members = [trouble(name, minute=0, cluster=cluster) for name, cluster in (("a", "y"), ("b", "x"), ("c", "y"))]

    assert set(clusters(members, Windows()).values()) == set(clusters(reversed(members), Windows()).values()) == {"x"}
