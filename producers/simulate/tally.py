"""What became of the day's messages so far, counted by many threads."""

from __future__ import annotations

from collections import Counter
from threading import Lock
from typing import Any

from producers.simulate.client import Outcome


class Tally:
    """Counts of items, and how far the sending is behind its schedule."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._planned: Counter[str] = Counter()
        self._outcomes: Counter[Outcome] = Counter()
        self._refused: Counter[str] = Counter()
        self._retries = 0
        self._behind = 0.0
        self._most_behind = 0.0

    def plan(self, kind: str) -> None:
        """One more item came due."""
        with self._lock:
            self._planned[kind] += 1

    def settle(self, outcome: Outcome, reason: str, behind: float) -> None:
        """The gateway answered for one item, ``behind`` seconds after it was due."""
        with self._lock:
            self._outcomes[outcome] += 1
            if outcome is Outcome.REFUSED:
                self._refused[reason] += 1
            self._behind = behind
            self._most_behind = max(self._most_behind, behind)

    def retry(self) -> None:
        """A request will be made again."""
        with self._lock:
            self._retries += 1

    @property
    def sent(self) -> int:
        """Items the gateway has answered for."""
        with self._lock:
            return self._outcomes.total()

    @property
    def refused(self) -> int:
        """Items the gateway will not have."""
        with self._lock:
            return self._outcomes[Outcome.REFUSED]

    def summary(self) -> dict[str, Any]:
        """Everything, as a program reads it. Durations are in real seconds."""
        with self._lock:
            planned = self._planned.total()
            return {
                "planned": planned,
                "reports": self._planned["report"],
                "checkins": self._planned["checkin"],
                "sent": self._outcomes.total(),
                "accepted": self._outcomes[Outcome.ACCEPTED],
                "spooled": self._outcomes[Outcome.SPOOLED],
                "refused": dict(sorted(self._refused.items())),
                "waiting": planned - self._outcomes.total(),
                "retries": self._retries,
                "behind_seconds": round(self._behind, 3),
                "most_behind_seconds": round(self._most_behind, 3),
            }
