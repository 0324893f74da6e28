"""The wall clock, watched against the steady one: whoever sets it must not make pages early, late or too old."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

#: Seconds that the two clocks may differ by between two looks.
_SLACK: Final = 2.0
#: Seconds after a change in which no age is trusted: what was made before bears times of the clock before.
_DISTRUST: Final = 60.0


class Clock:
    """Tells the time, and whether it was set."""

    def __init__(self, wall: Callable[[], float] = time.time, steady: Callable[[], float] = time.monotonic) -> None:
        self._wall = wall
        self._steady = steady
        self._offset = wall() - steady()
        self._set_at: float | None = None

    def now(self) -> float:
        """Epoch seconds."""
        return self._wall()

    def was_set(self) -> bool:
        """Whether the clock was set since the last time that this was asked."""
        steady = self._steady()
        offset = self._wall() - steady
        jumped = abs(offset - self._offset) > _SLACK
        self._offset = offset
        if jumped:
            self._set_at = steady
        return jumped

    @property
    def trusts_ages(self) -> bool:
        """Whether what is older than it may be can be told by the clock: it was not set just now."""
        return self._set_at is None or self._steady() - self._set_at > _DISTRUST
