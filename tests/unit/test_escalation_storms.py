"""Many at once: a spread cluster pages once, a storm is told in digests, and drills stay apart."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest

from siaga.contracts.escalation import EscalationReason as R
from siaga.contracts.escalation import EscalationState as S
from siaga.contracts.page import Purpose
from siaga.contracts.page_result import PageStatus
from siaga.contracts.timer import Timer, TimerKind
from tests.support.builders import DISTRICT
from tests.support.pager import World

CLUSTER = str(uuid.UUID(int=77))


@pytest.fixture
def world() -> World:
    return World()


def station(number: int) -> str:
    return f"{DISTRICT}.2001-{number:03d}"


def test_a_spread_cluster_pages_once(world: World) -> None:
    incidents = [
        world.report("violence.brawl", station=station(n), severity=2, cluster_id=CLUSTER) for n in (1, 2, 3)
    ]
    assert world.paged == ["polsek-kajen"]
    assert R.ALREADY_PAGED_FOR_CLUSTER in [s.reason for s in world.now_of(incidents[1]).steps]

    world.advance(minutes=5)
    assert world.paged == ["polsek-kajen", "ops-desk"]


def test_taking_one_of_a_cluster_takes_all_that_are_no_graver(world: World) -> None:
    lesser = world.report("violence.brawl", station=station(1), severity=2, cluster_id=CLUSTER)
    graver = world.report("violence.brawl", station=station(2), severity=1, cluster_id=CLUSTER)
    world.say("acknowledge", lesser, "polsek-kajen")

    assert world.now_of(lesser).state is S.ACKNOWLEDGED
    assert world.now_of(graver).state is S.PAGING
    world.say("acknowledge", graver, "polsek-kajen")
    later = world.report("violence.brawl", station=station(3), severity=2, cluster_id=CLUSTER)
    assert (world.now_of(later).state, world.now_of(later).reason) == (S.ACKNOWLEDGED, R.TAKEN_WITH_CLUSTER)


def test_a_cluster_that_is_not_renewed_pages_again(world: World) -> None:
    for number in (1, 2):
        world.report("violence.brawl", station=station(number), severity=2, cluster_id=CLUSTER)
    world.say("acknowledge", next(iter(world.incidents)), "polsek-kajen")
    world.forget()
    world.advance(minutes=30)

    assert world.paged == ["polsek-kajen"]


def test_incidents_that_become_a_cluster_are_called_for_once_more_as_what_they_are_now(world: World) -> None:
    incidents = [world.report("violence.brawl", station=station(n)) for n in (1, 2, 3)]
    world.forget()
    for incident in incidents:
        world.change(incident, severity=2, cluster_id=CLUSTER)

    assert world.paged == ["polsek-kajen"]


def test_past_the_rate_sev3_pages_are_told_in_one_digest_that_grows(world: World) -> None:
    for _ in range(7):
        world.report("violence.brawl")
    assert len(world.pages) == 5
    world.advance(minutes=2)
    (first,) = world.pages[5:]
    assert (first.purpose, first.officer_id, len(first.incidents)) == (Purpose.DIGEST, "polsek-kajen", 2)

    world.report("violence.brawl")
    world.advance(minutes=2)
    (second,) = world.pages[6:]
    assert [len(page.incidents) for page in (first, second)] == [2, 3]
    assert second.page_id != first.page_id


def test_whoever_reads_only_snapshots_knows_when_a_digest_is_due_and_what_it_has_told(world: World) -> None:
    *called, folded = [world.report("violence.brawl") for _ in range(6)]
    due = world.now_of(folded).digest_due_at
    assert due == world.moment() + timedelta(minutes=2)
    assert world.now_of(called[0]).digest_due_at is None

    world.advance(minutes=2, watched=False)
    at = world.moment()
    world.fire(Timer(schema_version=1, district=DISTRICT, kind=TimerKind.DIGEST, due_at=due, at=at))

    assert [page.purpose for page in world.pages[5:]] == [Purpose.DIGEST]
    assert world.now_of(folded).digest_due_at is None


def test_a_digest_that_a_crash_kept_from_being_told_is_told_by_whoever_notices_it_again(world: World) -> None:
    for _ in range(6):
        world.report("violence.brawl")
    world.advance(minutes=2)
    digest = world.pages[-1]
    world.forget()
    world.restart()
    late = world.moment() + timedelta(seconds=3)
    world.fire(Timer(schema_version=1, district=DISTRICT, kind=TimerKind.DIGEST, due_at=digest.due_at, at=late))
    assert world.pages == [digest]

    world.result(digest, PageStatus.ACCEPTED)
    world.forget()
    world.fire(Timer(schema_version=1, district=DISTRICT, kind=TimerKind.DIGEST, due_at=digest.due_at, at=late))
    assert world.pages == []


def test_an_incident_that_is_taken_waits_for_no_digest(world: World) -> None:
    folded = [world.report("violence.brawl") for _ in range(6)][-1]
    world.say("acknowledge", folded, "polsek-kajen")

    assert world.now_of(folded).digest_due_at is None


def test_a_storm_that_has_passed_leaves_pages_as_they_were(world: World) -> None:
    for _ in range(6):
        world.say("acknowledge", world.report("violence.brawl"), "polsek-kajen")
    world.advance(minutes=15)
    world.forget()
    world.report("violence.brawl")

    assert [page.purpose for page in world.pages] == [Purpose.PAGE]


def test_sev1_and_sev2_never_wait_for_a_digest(world: World) -> None:
    for _ in range(10):
        world.report("violence.brawl")
    world.forget()
    world.report("violence.weapon")
    world.report("violence.mass_clash")

    assert [(p.officer_id, int(p.severity)) for p in world.pages] == [
        ("polsek-kajen", 2),
        ("polres", 2),
        ("polsek-kajen", 1),
        ("polres", 1),
    ]


def test_what_was_told_in_a_digest_climbs_on_and_is_retracted(world: World) -> None:
    incidents = [world.report("violence.brawl") for _ in range(6)]
    world.advance(minutes=2)
    digest = world.pages[-1]
    world.refute(incidents[5])
    assert [(p.officer_id, p.retracts) for p in world.pages if p.purpose is Purpose.RETRACTION] == [
        ("polsek-kajen", digest.page_id)
    ]

    folded = world.report("violence.brawl")
    world.advance(minutes=15)
    assert "ops-desk" in [s.officer_id for s in world.now_of(folded).steps]


def test_a_digest_that_fails_is_sent_over_the_next_channel(world: World) -> None:
    for _ in range(6):
        world.report("violence.brawl")
    world.advance(minutes=2)
    world.result(world.pages[-1], PageStatus.FAILED)

    assert [(p.purpose, p.channel) for p in world.pages[-2:]] == [(Purpose.DIGEST, "sms"), (Purpose.DIGEST, "hook")]


def test_a_drill_is_marked_and_stays_apart_from_the_real_thing(world: World) -> None:
    for _ in range(10):
        world.report("violence.brawl", drill=True, cluster_id=CLUSTER)
    assert all(page.drill for page in world.pages)
    world.forget()
    world.report("violence.brawl", cluster_id=CLUSTER)

    assert [(p.purpose, p.drill) for p in world.pages] == [(Purpose.PAGE, False)]
