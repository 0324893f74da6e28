"""Rate limits and the circuit breaker, with the time passed in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinks.notify.breaker import Breaker
from sinks.notify.limits import Limit, free_at, longest

SMS = (Limit(1, 60.0), Limit(5, 900.0), Limit(11, 3600.0))


@pytest.mark.parametrize(
    ("sent", "free"),
    [
        ([], 10_000.0),
        ([9_000.0], 10_000.0),
        ([9_990.0], 10_050.0),
        ([9_200.0, 9_300.0, 9_400.0, 9_500.0, 9_600.0], 10_100.0),
        ([6_500.0 + 60 * n for n in range(11)], 10_100.0),
    ],
)
def test_a_contact_waits_for_the_limit_that_ends_last(sent: list[float], free: float) -> None:
    assert free_at(sent, SMS, 10_000.0) == free


@given(st.lists(st.floats(0, 7200, allow_nan=False), max_size=60))
def test_however_pages_come_no_limit_is_ever_passed_and_nobody_waits_longer_than_the_longest(
    wishes: list[float],
) -> None:
    sent: list[float] = []
    for wish in sorted(wishes):
        free = free_at(sent, SMS, wish)
        assert free <= wish + longest(SMS)
        if free <= wish:
            sent.append(wish)

    for limit in SMS:
        for at in sent:
            assert sum(other <= at and at - other < limit.seconds for other in sent) <= limit.messages


def test_without_limits_nobody_waits() -> None:
    assert free_at([10.0] * 100, (), 10.0) == 10.0


def test_a_circuit_opens_after_so_many_failures_in_a_row_and_a_success_between_starts_over() -> None:
    breaker = Breaker(failures=3, pause=30.0)
    for outcome in ("failed", "failed", "succeeded", "failed", "failed"):
        breaker.failed(0.0) if outcome == "failed" else breaker.succeeded()
    assert breaker.admits(1.0)

    breaker.failed(1.0)

    assert breaker.is_open
    assert not breaker.admits(30.9)
    assert breaker.next_try(5.0) == 31.0


def test_an_open_circuit_lets_one_probe_through_and_its_answer_decides() -> None:
    breaker = Breaker(failures=1, pause=30.0)
    breaker.failed(0.0)

    assert [breaker.admits(30.0), breaker.admits(30.1)] == [True, False]
    breaker.failed(31.0)
    assert not breaker.admits(60.0)
    assert breaker.admits(61.0)
    breaker.succeeded()
    assert [breaker.admits(62.0), breaker.admits(62.0)] == [True, True]


def test_a_probe_that_never_comes_back_does_not_keep_a_circuit_open_for_ever() -> None:
    breaker = Breaker(failures=1, pause=30.0)
    breaker.failed(0.0)
    assert breaker.admits(30.0)

    assert breaker.admits(60.0)


def test_a_clock_that_is_set_back_makes_no_pause_longer() -> None:
    breaker = Breaker(failures=1, pause=30.0)
    breaker.failed(10_000.0)
    assert not breaker.admits(10_001.0)

    assert breaker.next_try(6_400.0) == 6_401.0
    assert breaker.admits(6_401.0)
