"""The chart of the day: bars that can be told apart, whether the day was ten minutes or two weeks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.trends import MOST, STEPS, over_time

#: A midnight of western Indonesia.
_NOW = 1_645_549_200.0


@pytest.mark.parametrize(
    ("minutes", "step"), [(1, 60), (10, 60), (60, 300), (180, 900), (720, 3600), (24 * 60, 7200), (14 * 1440, 86_400)]
)
def test_a_short_drill_has_bars_as_a_long_day_has(minutes: int, step: int) -> None:
    begin = _NOW - minutes * 60

    chosen, bars = over_time([(begin, "violence"), (_NOW, "order")], _NOW)

    assert chosen == step
    assert len(bars) == min(MOST, minutes * 60 // step + 1)
    assert (bars[0]["families"], bars[-1]["families"]) == ({"violence": 1}, {"order": 1})


def test_a_quiet_stretch_is_an_empty_bar_and_so_is_what_came_after_the_last() -> None:
    _, bars = over_time([(_NOW, "order"), (_NOW + 121, "order"), (_NOW + 122, "health")], _NOW + 240)

    assert [bar["families"] for bar in bars] == [{"order": 1}, {}, {"order": 1, "health": 1}, {}, {}]
    assert [bar["at"] - _NOW for bar in bars] == [0, 60, 120, 180, 240]


def test_days_begin_where_the_posko_has_midnight() -> None:
    _, bars = over_time([(_NOW - 10 * 86_400, "order")], _NOW + 3600)

    assert {(bar["at"] - _NOW) % 86_400 for bar in bars} == {0}


def test_no_incident_has_no_bar() -> None:
    assert over_time([], _NOW) == (STEPS[0], [])


@given(st.lists(st.floats(0, 14 * 86_400), min_size=1, max_size=50), st.floats(0, 3600))
def test_every_incident_is_in_one_bar_and_there_are_never_too_many(ages: list[float], ahead: float) -> None:
    _, bars = over_time([(_NOW - age + ahead, "order") for age in ages], _NOW)

    assert sum(bar["families"].get("order", 0) for bar in bars) == len(ages)
    assert len(bars) <= MOST
