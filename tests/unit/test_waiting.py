"""Waiting for what somebody else does."""

from __future__ import annotations

from siaga.waiting import wait_for


def test_it_asks_until_the_answer_is_enough() -> None:
    answers = iter([0, 3, 5, 7])

    assert wait_for(lambda: next(answers), 60.0, every=0.0, enough=lambda n: n >= 5) == 5


def test_when_the_time_is_over_the_last_answer_counts_and_it_was_asked_once_at_least() -> None:
    answers = iter([1, 2])

    assert wait_for(lambda: next(answers), 0.0, every=0.0, enough=lambda n: n > 9) == 1
