"""Processes die while incidents climb: nobody who had to be called is forgotten, or called twice unseen."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.brokers import ApacheKafka
from tests.support.databases import PostgresDatabase
from tests.support.escalation_faults import (
    answer_around_the_deadline,
    contradictions,
    die_between_memory_and_telling,
    kill_every_worker_while_deadlines_pass,
    kill_everything_at_random,
    kill_one_worker_of_two,
)
from tests.support.stack import Stack
from tests.support.watch import on_watch

pytestmark = pytest.mark.chaos

MakeStack = Callable[..., Stack]
SEED = 2022


@pytest.mark.kafka
@pytest.mark.postgres
def test_two_hundred_incidents_reach_somebody_though_every_part_is_killed_again_and_again(
    make_real: MakeStack, kafka: ApacheKafka, postgres: PostgresDatabase, tmp_path: Path
) -> None:
    with on_watch(make_real, tmp_path, speed=6.0, stations=20, gateway_ack_timeout=0.5) as watch:
        kill_everything_at_random(watch, (kafka, postgres), incidents=200, seed=SEED)

        counted = watch.account("PostgreSQL", "everything")
        assert [one for one in counted if not one.is_sound] == [], f"seed {SEED}"
        assert watch.unheard() == set(), f"seed {SEED}"
        assert watch.stack.count("incidents") == watch.stack.count("reports") == 200
        assert watch.hasty() == []


@pytest.mark.kafka
@pytest.mark.postgres
def test_escalations_climb_on_when_a_worker_dies_comes_back_and_when_all_of_them_die(
    make_real: MakeStack, tmp_path: Path
) -> None:
    with on_watch(make_real, tmp_path, speed=20.0, stations=4, workers=2) as watch:
        kill_one_worker_of_two(watch, incidents=8)
        before = kill_every_worker_while_deadlines_pass(watch)
        after = watch.standing()
        watch.settle()

        # What became due several times over fires once, and one level only: the next comes a whole deadline later,
        # which a busy machine may let pass before anybody looks.
        assert watch.hasty() == []
        assert min(row["round"] - was["round"] for row, was in zip(after, before, strict=True)) >= 1
        (counted,) = watch.account("PostgreSQL", "workers")
        assert counted.is_sound
        assert counted.due == len({page.page_id for page in watch.due()})


def test_a_worker_that_dies_between_remembering_a_call_and_telling_it_forgets_nobody(
    make_embedded: MakeStack, tmp_path: Path
) -> None:
    with on_watch(make_embedded, tmp_path, speed=15.0) as watch:
        die_between_memory_and_telling(watch)

        assert [len(watch.manned.pages(level)) for level in (1, 2, 3)] == [2, 1, 2]
        watch.settle()
        assert watch.hasty() == []
        (counted,) = watch.account("SQLite", "between")
        assert counted.is_sound


def test_who_answers_around_the_deadline_has_it_or_it_climbed_and_never_both(
    make_stack: MakeStack, tmp_path: Path
) -> None:
    with on_watch(make_stack, tmp_path, speed=20.0, stations=10) as watch:
        answer_around_the_deadline(watch, incidents=20, seed=SEED)

        assert contradictions(watch) == [], f"seed {SEED}"
        watch.settle()
        assert [one for one in watch.account("", "answers") if not one.is_sound] == [], f"seed {SEED}"
