"""Checks stations in while a scenario is played, as their devices do."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from threading import Event, Lock, Thread
from typing import Any, Final

from siaga.device import TIMEOUT, Gateway, Unanswered

#: Seconds between two rounds of check-ins at least, so that a device's rate allows them.
_ROUND: Final = 8.0


class CheckIns:
    """Checks stations in again and again, in a thread of its own, until they are told to fall silent."""

    def __init__(self, gateway: Gateway, stations: Iterable[str], every: float) -> None:
        """``every`` is in seconds."""
        self._gateway = gateway
        self._lock = Lock()
        self._stations = set(stations)
        self._every = max(every, _ROUND)
        self._stop = Event()
        self._thread = Thread(target=self._run, name="check-ins", daemon=True)
        self.refused = 0

    def start(self) -> None:
        """Check everybody in, and go on with it."""
        self._once()
        self._thread.start()

    def silence(self, stations: Iterable[str]) -> None:
        """These are not heard any more."""
        with self._lock:
            self._stations -= set(stations)

    def wake(self, stations: Sequence[str]) -> None:
        """These are heard again, at once."""
        with self._lock:
            self._stations |= set(stations)
        self.refused += self._gateway.checkins([_checkin(station) for station in stations])

    def stop(self) -> None:
        """Check nobody in any more."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(TIMEOUT)

    def _run(self) -> None:
        while not self._stop.wait(self._every):
            self._once()

    def _once(self) -> None:
        with self._lock:
            stations = sorted(self._stations)
        try:
            self.refused += self._gateway.checkins([_checkin(station) for station in stations])
        except Unanswered:
            self.refused += len(stations)


def _checkin(station: str) -> dict[str, Any]:
    return {
        "schema_version": 1,
        "report_id": str(uuid.uuid4()),
        "station_id": station,
        "phase": "voting",
        "occurred_at": datetime.now(UTC).isoformat(),
        "reporter": {"id": "latihan-1", "role": "officer"},
    }
