"""A circuit breaker: after so many failures in a row nothing is sent for a while, then one probe decides.

State: the failures counted and until when it is open. Pure: the time comes in (epoch seconds).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Breaker:
    """The circuit of one provider. Opens after ``failures`` in a row, for ``pause`` seconds."""

    failures: int
    pause: float
    counted: int = 0
    open_until: float | None = None
    #: Since when a probe is on its way; one that never came back stops counting after ``pause``.
    probing_since: float | None = None

    @property
    def is_open(self) -> bool:
        """Whether what is sent now waits, a probe apart."""
        return self.open_until is not None

    def admits(self, now: float) -> bool:
        """Whether one may be sent now. On an open circuit that is a probe, one at a time."""
        if self.open_until is None:
            return True
        if self._waits_at(now):
            return False
        if self.probing_since is not None and 0.0 <= now - self.probing_since < self.pause:
            return False
        self.probing_since = now
        return True

    def _waits_at(self, now: float) -> bool:
        """Whether the pause lasts still. One that ends later than any could was begun by another clock."""
        return self.open_until is not None and now < self.open_until <= now + self.pause

    def next_try(self, now: float) -> float:
        """When to ask again whether one may be sent."""
        if self.open_until is None:
            return now
        return max(self.open_until, now + 1.0) if self._waits_at(now) else now + 1.0

    def succeeded(self) -> None:
        """The provider took one."""
        self.counted, self.open_until, self.probing_since = 0, None, None

    def failed(self, now: float) -> None:
        """The provider did not take one, or did not answer."""
        self.counted += 1
        self.probing_since = None
        if self.open_until is not None or self.counted >= self.failures:
            self.open_until = now + self.pause
