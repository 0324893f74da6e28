"""Clocks that are wrong: an hour ahead or behind, set right meanwhile, or another machine's."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from siaga.contracts.escalation import EscalationState as S
from siaga.contracts.page import Purpose
from siaga.contracts.registry import key_of
from siaga.contracts.timer import Timer
from siaga.contracts.topics import COMMANDS, REPORTS, TIMERS
from siaga.election.registry import Registry
from siaga.escalation.book import Settled
from siaga.escalation.duties import Duties
from streams.districts import Districts
from streams.intake import Incoming, Intake, settle_now
from tests.support import builders
from tests.support.pager import NOON, World, roster

HOUR = 3600.0


@pytest.fixture
def world() -> World:
    return World()


def restart_after_the_clock_was_set(world: World, step: float) -> None:
    """The worker dies, somebody sets the machine's clock, and another worker begins."""
    world.now += step
    world.restart()
    world.book.draw_near(world.duties, world.now)
    world.settle()


# Set forward, it looks like an outage of an hour: one level is called at once.
@pytest.mark.parametrize(("step", "minutes"), [(-HOUR, 2), (HOUR, 0)])
def test_a_clock_set_while_a_worker_is_dead_neither_loses_nor_doubles_a_page(
    world: World, step: float, minutes: float
) -> None:
    incident = world.report("violence.mass_clash")
    restart_after_the_clock_was_set(world, step)
    world.advance(minutes=minutes)

    assert world.paged == ["polsek-kajen", "polres", "ops-desk"]
    assert world.now_of(incident).level == 2
    assert len({page.page_id for page in world.pages}) == 3


@pytest.mark.parametrize(("action", "minutes"), [("acknowledge", 60), ("snooze", 60)])
def test_whoever_took_it_keeps_it_no_longer_than_anybody_could(world: World, action: str, minutes: float) -> None:
    incident = world.report("violence.mass_clash")
    world.say(action, incident, "polres", minutes=60 if action == "snooze" else None)
    world.forget()
    restart_after_the_clock_was_set(world, -24 * HOUR)
    told = world.now_of(incident)
    assert told.lease_until == told.next_due_at == world.moment() + timedelta(minutes=minutes)
    world.advance(minutes=minutes)

    assert world.now_of(incident).state is S.PAGING
    assert "polres" in world.paged


def test_a_digest_comes_in_time_though_the_clock_was_set_back(world: World) -> None:
    for _ in range(6):
        world.report("violence.brawl")
    restart_after_the_clock_was_set(world, -HOUR)
    world.advance(minutes=2)

    assert [page.purpose for page in world.pages[5:]] == [Purpose.DIGEST]


def test_what_is_due_as_it_was_meant_to_be_stays_so(world: World) -> None:
    incident = world.report("violence.mass_clash")
    before = world.now_of(incident)
    world.advance(minutes=1)
    restart_after_the_clock_was_set(world, 0.0)

    assert world.now_of(incident) == before


class Worker:
    """A district as a worker sees it, by its own clock; timers may come from others."""

    def __init__(self) -> None:
        registry = Registry()
        for entry in builders.small_registry(day=builders.calendar(starts=NOON - timedelta(hours=5))):
            registry.apply(key_of(entry), entry.to_json())
        self.duties = Duties(registry)
        entry = roster()
        self.duties.apply(key_of(entry), entry.to_json())
        self.districts = Districts(1)
        self.intake = Intake(self.districts, self.duties)
        self.now = NOON.timestamp()
        #: Page, officer: a page that is told again is the same one.
        self.paged: dict[str, str] = {}

    def take(self, topic: str, item: Any) -> Settled:
        """A record comes; what is told of escalations after it."""
        self.intake.take(Incoming(topic, 0, 0, item.to_json(), self.now), builders.now())
        district = self.districts.all[builders.DISTRICT]
        settle_now(district, self.duties)
        told = district.book.settle()
        self.paged |= {str(page.page_id): page.officer_id for page in told.pages}
        return told

    def notice(self, about: Any, *, ahead: float) -> Settled:
        """Somebody whose clock is so far ahead says what is due."""
        at = datetime.fromtimestamp(self.now + ahead, UTC)
        names = {name: getattr(about, name) for name in ("district", "incident_id", "generation", "level", "round")}
        told = {"schema_version": 1, "kind": about.next_timer, "due_at": about.next_due_at, "at": at}
        return self.take(TIMERS, Timer.model_validate({**told, **names}))


def test_a_sweeper_whose_clock_is_an_hour_ahead_makes_nothing_due_early() -> None:
    worker = Worker()
    report = builders.accepted(builders.report("violence.mass_clash", report_id=uuid.UUID(int=1), at=NOON))
    (opened,) = worker.take(REPORTS, report).escalations
    worker.now += 30.0
    worker.notice(opened, ahead=HOUR)
    assert list(worker.paged.values()) == ["polsek-kajen", "polres"]

    worker.now += 90.0
    (climbed,) = worker.notice(opened, ahead=HOUR).escalations
    assert list(worker.paged.values()) == ["polsek-kajen", "polres", "ops-desk"]
    assert climbed.next_due_at == datetime.fromtimestamp(worker.now + 120.0, UTC)

    (taken,) = worker.take(COMMANDS, builders.command("acknowledge", opened.incident_id, by="ops-desk")).escalations
    worker.notice(taken, ahead=HOUR)
    assert list(worker.paged.values()) == ["polsek-kajen", "polres", "ops-desk"]
