"""A clock of deadlines is missing, or what pages go to, or whom they go to: incidents climb in time all the same."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from siaga.contracts.escalation import EscalationReason
from tests.support.escalation_faults import (
    climb_storm_and_lease,
    provider_away_for_ten_minutes,
    strike_off_the_operations_desk,
)
from tests.support.stack import Stack
from tests.support.watch import Watch, on_watch

pytestmark = pytest.mark.chaos

MakeStack = Callable[..., Stack]
#: All that escalations wait for here.
KINDS = ("deadline", "digest", "lease")


def assert_sound(watch: Watch) -> None:
    """Everything is over, and the provider's log agrees with the database."""
    watch.settle()
    assert [one for one in watch.account("", "clock") if not one.is_sound] == []


def test_without_the_sweeper_the_workers_clock_drives_everything(make_embedded: MakeStack, tmp_path: Path) -> None:
    with on_watch(make_embedded, tmp_path, speed=240.0, stations=8, sweeper=False) as watch:
        climb_storm_and_lease(watch)

        assert [watch.swept(kind) for kind in KINDS] == [0, 0, 0]
        assert_sound(watch)


def test_without_the_workers_clock_the_sweeper_drives_everything(make_embedded: MakeStack, tmp_path: Path) -> None:
    with on_watch(make_embedded, tmp_path, speed=240.0, stations=8, stream_clock=False) as watch:
        climb_storm_and_lease(watch)

        assert all(watch.swept(kind) >= 1 for kind in KINDS)
        assert [watch.noticed(kind) for kind in KINDS] == [0, 0, 0]
        assert_sound(watch)


def test_a_provider_that_is_away_for_ten_minutes_stops_no_climb_and_gets_the_gravest_first(
    make_embedded: MakeStack, tmp_path: Path
) -> None:
    with on_watch(make_embedded, tmp_path, speed=60.0, stations=4, texts=True) as watch:
        taken = provider_away_for_ten_minutes(watch)

        severities = {str(page.page_id): int(page.severity) for page in watch.due()}
        assert severities[taken[0]["pages"][0]] == 1
        # Meanwhile the other channel reached every level.
        assert {page.level for page in watch.due() if page.channel == "hp"} >= {1, 2, 3, 4}
        assert len(watch.sms.taken()) >= 12
        assert [one for one in watch.account("", "provider") if not one.is_sound] == []
        assert watch.unheard() == set()


def test_a_desk_that_is_struck_off_the_roster_while_it_climbs_is_passed_at_once(
    make_embedded: MakeStack, tmp_path: Path
) -> None:
    with on_watch(make_embedded, tmp_path, speed=8.0) as watch:
        before = strike_off_the_operations_desk(watch)

        (desk,) = watch.manned.pages(2)
        assert (desk["status"], desk["reason"]) == ("failed", "no_address")
        assert {row["reason"] for row in watch.manned.pages(3)} <= {"none"}
        steps = watch.stack.rows("SELECT reason FROM escalation_steps WHERE level = 3")
        assert EscalationReason.EVERY_CHANNEL_FAILED in {step["reason"] for step in steps}
        (after,) = watch.standing()
        assert (before["roster"], before["generation"]) == (after["roster"], after["generation"])
        assert_sound(watch)
