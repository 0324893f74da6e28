"""How long to wait before a process that ended is started again."""

from __future__ import annotations

from dataclasses import dataclass

FIRST = 0.5
MOST = 15.0
#: A process that ran this long was well; its next end starts the pauses anew. In seconds.
STEADY = 30.0


@dataclass(slots=True)
class Backoff:
    """Pauses that double from :data:`FIRST` to :data:`MOST` seconds while a process keeps ending."""

    ends: int = 0

    def after(self, ran_seconds: float) -> float:
        """The pause, in seconds, after a process that ran for ``ran_seconds`` has ended."""
        if ran_seconds >= STEADY:
            self.ends = 0
        self.ends += 1
        return float(min(FIRST * 2 ** min(self.ends - 1, 16), MOST))
