"""A district's book: restarts, replays, what it keeps and what it forgets."""

from __future__ import annotations

from datetime import timedelta

import pytest

from siaga.contracts.page_result import PageStatus, ResultReason
from siaga.contracts.registry import Calendar
from siaga.contracts.timer import Timer, TimerKind
from siaga.escalation.policy import builtin_policy
from siaga.escalation.rows import POLICY, ROSTER
from tests.support import builders
from tests.support.pager import PEOPLE, World, roster


@pytest.fixture
def world() -> World:
    return World()


def test_a_restart_in_mid_climb_goes_on_with_the_versions_it_began_with(world: World) -> None:
    world.report("violence.mass_clash")
    world.load(roster([p for p in PEOPLE if p != "ops-desk"], version="uji-2"))
    world.restart()
    world.advance(minutes=4)

    assert world.paged == ["polsek-kajen", "polres", "ops-desk", "wakapolres", "kodim"]


@pytest.mark.parametrize("kept_elsewhere", [POLICY, ROSTER])
def test_a_climb_goes_on_with_the_present_versions_where_those_it_began_with_are_lost(
    world: World, kept_elsewhere: str
) -> None:
    world.report("violence.mass_clash")
    world.rows = {key: row for key, row in world.rows.items() if f"/{kept_elsewhere}/" not in key}
    world.load(roster([p for p in PEOPLE if p != "ops-desk"], version="uji-2"))
    world.restart()
    world.book.take_over(world.duties, world.now)
    world.settle()
    world.restart()
    world.advance(minutes=4)

    assert world.paged == ["polsek-kajen", "polres", "wakapolres", "kodim", "kapolres"]


def test_an_incident_told_again_has_the_same_snapshot_and_pages_told_again(world: World) -> None:
    incident = world.report("violence.mass_clash")
    before = (list(world.pages), list(world.snapshots))
    world.restart()
    world.forget()
    world.tell(incident)

    assert (world.pages, world.snapshots) == before


def test_a_page_that_a_provider_took_is_not_told_again(world: World) -> None:
    incident = world.report("violence.mass_clash")
    world.result(world.pages[0], PageStatus.ACCEPTED)
    world.forget()
    world.tell(incident)

    assert world.paged == ["polres"]


def test_a_deadline_told_again_after_a_crash_has_its_pages_told_again(world: World) -> None:
    world.report("violence.mass_clash")
    world.advance(minutes=2, watched=False)
    (timer,) = world.due()
    world.fire(timer)
    pages = [page for page in world.pages if page.officer_id == "ops-desk"]
    world.restart()
    world.forget()
    world.fire(timer)

    assert [page for page in world.pages if page.officer_id == "ops-desk"] == pages


def test_a_digest_told_again_after_a_crash_is_the_same_digest(world: World) -> None:
    for _ in range(6):
        world.report("violence.brawl")
    world.advance(minutes=2, watched=False)
    (timer,) = world.due()
    world.fire(timer)
    digest = world.pages[-1]
    world.restart()
    world.forget()
    world.fire(timer)

    assert digest in world.pages


def test_a_page_that_waits_for_its_turn_is_tried_over_the_next_channel_and_not_given_up(world: World) -> None:
    world.report("violence.brawl")
    world.result(world.pages[0], PageStatus.SUPPRESSED, ResultReason.RATE_LIMITED)
    world.result(world.pages[1], PageStatus.SUPPRESSED, ResultReason.RATE_LIMITED)

    assert [(p.officer_id, p.channel) for p in world.pages] == [("polsek-kajen", "sms"), ("polsek-kajen", "hook")]


def test_a_new_report_about_the_same_tells_nothing_new(world: World) -> None:
    incident = world.report("violence.brawl")
    world.forget()
    world.change(incident, report_count=2, reporter_count=2)

    assert (world.pages, world.snapshots) == ([], [])


def test_what_was_acknowledged_before_escalation_saw_it_pages_nobody_for_long(world: World) -> None:
    incident = world.report("violence.brawl", state="acknowledged", acknowledged_by="komandan-1")
    world.advance(minutes=29)

    assert world.now_of(incident).acknowledged_by == "komandan-1"
    assert world.paged == []


def test_what_has_long_been_over_is_forgotten_with_its_versions(world: World) -> None:
    world.resolve(world.report("violence.brawl"))
    world.now += timedelta(hours=49).total_seconds()
    at = world.moment()
    world.fire(Timer(schema_version=1, district=builders.DISTRICT, kind=TimerKind.EXPIRY, due_at=at, at=at))

    assert [key for key in world.rows if "/G/" not in key] == []


def test_a_demonstration_runs_every_deadline_faster(world: World) -> None:
    day: Calendar = builders.calendar(speed=60.0)
    world.duties.registry.apply("calendar/election", day.to_json())
    world.report("violence.mass_clash")
    world.advance(minutes=2 / 60)

    assert world.paged[2:] == ["ops-desk"]
    assert world.duties.policy.lease == builtin_policy().lease / 60


def test_after_a_fast_exercise_every_level_of_the_next_climb_has_its_real_time(world: World) -> None:
    fast, real = builders.calendar(speed=30.0), builders.calendar()
    world.duties.registry.apply("calendar/election", fast.to_json())
    world.resolve(world.report("violence.mass_clash"))
    world.duties.registry.apply("calendar/election", real.to_json())

    incident = world.report("violence.mass_clash")
    world.advance(minutes=3)

    assert world.now_of(incident).level == 2


def test_a_policy_is_used_from_the_next_incident_on(world: World) -> None:
    from siaga.contracts.roster import PolicyEntry
    from siaga.escalation.policy import builtin_policy_text

    toml = builtin_policy_text().replace("SEV1 = 2", "SEV1 = 1", 1)
    world.report("violence.mass_clash")
    world.load(PolicyEntry(schema_version=1, version="cepat-1", toml=toml))
    second = world.report("violence.mass_clash")
    world.advance(minutes=1)

    assert [str(page.incident_id) for page in world.pages if page.officer_id == "ops-desk"] == [second]
