"""The climb: who is called, in which order, and what happens when nobody answers."""

from __future__ import annotations

from datetime import timedelta

import pytest

from siaga.contracts.escalation import EscalationReason as R
from siaga.contracts.escalation import EscalationState as S
from siaga.contracts.page_result import PageStatus
from siaga.contracts.roster import OverrideEntry
from tests.support.pager import NOON, PEOPLE, World, roster


@pytest.fixture
def world() -> World:
    return World()


def test_an_unacknowledged_sev1_reaches_the_operations_desk(world: World) -> None:
    world.report("violence.mass_clash")
    world.advance(minutes=2)

    assert world.paged == ["polsek-kajen", "polres", "ops-desk"]


@pytest.mark.parametrize(
    ("kind", "minutes"), [("violence.mass_clash", 2), ("violence.weapon", 5), ("violence.brawl", 15)]
)
def test_each_level_has_as_long_as_the_severity_allows(world: World, kind: str, minutes: int) -> None:
    world.report(kind)
    world.advance(minutes=minutes - 0.1)
    before = len(world.pages)
    world.advance(minutes=0.2)

    assert "ops-desk" not in world.paged[:before]
    assert world.paged[before:] == ["ops-desk"]


def test_it_climbs_to_the_chief_and_then_never_gives_up(world: World) -> None:
    incident = world.report("violence.mass_clash")
    world.advance(minutes=8)

    assert world.paged[2:] == ["ops-desk", "wakapolres", "kodim", "kapolres", "kapolres", "posko"]
    assert world.now_of(incident).state is S.EXHAUSTED

    world.forget()
    world.advance(minutes=6)
    assert world.paged == ["kapolres", "posko"] * 3
    assert len({page.page_id for page in world.pages}) == 6


def test_the_lead_agency_is_called_together_with_the_polsek(world: World) -> None:
    world.report("health.emergency")

    assert world.paged == ["polsek-kajen", "dinkes"]


def test_an_officer_at_two_desks_is_called_once(world: World) -> None:
    incident = world.report("violence.brawl")

    assert world.paged == ["polsek-kajen"]
    assert [s.level for s in world.now_of(incident).steps if s.page_id] == [1]


@pytest.mark.parametrize(("severity", "reason"), [(4, R.SEVERITY_QUEUES), (5, R.SEVERITY_LOGGED)])
def test_a_minor_incident_waits_unpaged(world: World, severity: int, reason: R) -> None:
    incident = world.report("order.crowd", severity=severity)
    world.advance(minutes=120)

    assert world.paged == []
    assert (world.now_of(incident).state, world.now_of(incident).reason) == (S.QUEUED, reason)


def test_a_level_with_nobody_on_duty_is_skipped_at_once_with_its_reason() -> None:
    world = World(roster([p for p in PEOPLE if p != "ops-desk"]))
    incident = world.report("violence.mass_clash")
    world.advance(minutes=2)

    assert world.paged[2:] == ["wakapolres", "kodim"]
    assert [(s.reason, s.desk) for s in world.now_of(incident).steps if s.level == 2] == [
        (R.NO_SUCH_DESK, "polres/ops"),
        (R.LEVEL_SKIPPED, None),
    ]


def test_an_officer_without_a_channel_is_passed_over_with_the_reason() -> None:
    world = World(roster(silent=["polsek-kajen"]))
    incident = world.report("violence.mass_clash")

    assert world.paged == ["polres"]
    first = world.now_of(incident).steps[0]
    assert (first.reason, first.officer_id) == (R.NO_CHANNEL, "polsek-kajen")


def test_where_nobody_at_all_can_be_reached_it_says_so_and_tries_again_with_the_roster_of_the_day() -> None:
    world = World(roster([]))
    incident = world.report("violence.mass_clash")
    assert world.paged == []
    assert world.now_of(incident).state is S.EXHAUSTED

    world.load(roster(["kapolres"], version="uji-2"))
    world.advance(minutes=2)
    assert world.paged == ["kapolres"]


def test_a_failed_channel_gives_way_to_the_officers_next_and_then_the_level_to_the_next(world: World) -> None:
    incident = world.report("violence.brawl")
    world.result(world.pages[0], PageStatus.FAILED)
    assert [(p.officer_id, p.channel) for p in world.pages] == [("polsek-kajen", "sms"), ("polsek-kajen", "hook")]

    world.result(world.pages[1], PageStatus.FAILED)
    assert world.paged == ["polsek-kajen", "polsek-kajen", "ops-desk"]
    assert R.EVERY_CHANNEL_FAILED in [s.reason for s in world.now_of(incident).steps]


def test_a_channel_that_failed_after_the_answer_calls_nobody(world: World) -> None:
    incident = world.report("violence.brawl")
    world.say("acknowledge", incident, "polsek-kajen")
    world.result(world.pages[0], PageStatus.FAILED)

    assert world.paged == ["polsek-kajen"]


def test_after_an_outage_it_moves_one_level_not_through_all_it_missed(world: World) -> None:
    world.report("violence.mass_clash")
    world.advance(minutes=60, watched=False)
    world.advance(minutes=1)

    assert world.paged == ["polsek-kajen", "polres", "ops-desk"]


def test_a_deadline_noticed_by_both_clocks_counts_once(world: World) -> None:
    incident = world.report("violence.mass_clash")
    world.advance(minutes=2, watched=False)
    (timer,) = world.due()
    world.fire(timer)
    called = list(world.paged)
    version = world.now_of(incident).version
    world.fire(timer)

    assert set(world.paged) == set(called)
    assert world.now_of(incident).version == version
    assert len({page.page_id for page in world.pages}) == len(called)


def test_a_deadline_noticed_before_it_passed_counts_for_nothing(world: World) -> None:
    world.report("violence.mass_clash")
    world.advance(minutes=2, watched=False)
    (timer,) = world.due()
    early = timer.model_copy(update={"at": timer.due_at - timedelta(hours=1)})
    called = len(world.pages)
    world.fire(early)

    assert set(world.paged) == set(world.paged[:called])


def test_whoever_stands_in_is_called_instead(world: World) -> None:
    override = OverrideEntry(
        agency="polsek-kajen",
        role="duty",
        officer_id="panitia",
        instead_of="polsek-kajen",
        starts_at=NOON - timedelta(minutes=1),
        ends_at=NOON + timedelta(hours=1),
    )
    world.load(roster(overrides=[override], version="uji-2"))
    world.report("violence.brawl")
    world.advance(minutes=60, watched=False)
    world.report("violence.brawl", severity=3)

    assert world.paged == ["panitia", "polsek-kajen"]


def test_a_roster_edited_in_mid_climb_neither_skips_nor_repeats_a_level(world: World) -> None:
    incident = world.report("violence.mass_clash")
    frozen = world.now_of(incident).roster
    world.load(roster([p for p in PEOPLE if p != "ops-desk"], version="uji-2"))
    world.advance(minutes=7)

    assert world.paged == ["polsek-kajen", "polres", "ops-desk", "wakapolres", "kodim", "kapolres"]
    assert world.now_of(incident).roster == frozen


def test_a_reopened_incident_climbs_anew_with_the_roster_of_the_day(world: World) -> None:
    incident = world.report("violence.brawl")
    world.resolve(incident)
    world.load(roster([p for p in PEOPLE if p != "polsek-kajen"], version="uji-2"))
    world.forget()
    world.reopen(incident)

    assert world.paged == ["ops-desk"]
    assert (world.now_of(incident).generation, world.now_of(incident).round) == (2, 1)
