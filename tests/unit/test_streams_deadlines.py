"""The clock of deadlines: nobody who sets the machine's clock moves an officer's deadline."""

from __future__ import annotations

import time

import pytest

from siaga.wire.steady import steady_now


@pytest.mark.parametrize("step", [3600.0, -3600.0])
def test_a_clock_that_is_set_by_an_hour_moves_no_deadline(step: float, monkeypatch: pytest.MonkeyPatch) -> None:
    before = steady_now()
    set_to = time.time() + step
    monkeypatch.setattr(time, "time", lambda: set_to)

    assert 0.0 <= steady_now() - before < 60.0


def test_it_is_the_time_that_everybody_else_has() -> None:
    assert abs(steady_now() - time.time()) < 60.0
