"""Posts reports and check-ins to the gateway as a device does. Blocks until it has answered."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from threading import Event, Lock, Thread
from typing import Any, Final

#: Items in one request: the gateway's most.
_BATCH: Final = 500
_TIMEOUT: Final = 20.0
#: Seconds between two rounds of check-ins at least, so that a device's rate allows them.
_ROUND: Final = 8.0


class Unanswered(RuntimeError):
    """The gateway did not take something; the message says why."""


class Gateway:
    """A gateway, and the token of the device that reports."""

    def __init__(self, url: str, token: str) -> None:
        if not url.startswith(("http://", "https://")):
            raise Unanswered(f"gateway: {url!r} is no address; write one such as http://127.0.0.1:8081")
        self._url = url.rstrip("/")
        self._token = token

    def report(self, item: dict[str, Any]) -> None:
        """Post one report.

        Raises:
            Unanswered: it was not accepted.
        """
        status, answer = self._post("/v1/reports", item)
        if status != 202:
            errors = answer.get("errors") or [{"field": "report", "message": answer.get("title", f"HTTP {status}")}]
            raise Unanswered(" / ".join(map(_sentence, errors)))

    def checkins(self, items: Sequence[dict[str, Any]]) -> int:
        """Post check-ins; how many were not accepted."""
        refused = 0
        for start in range(0, len(items), _BATCH):
            some = list(items[start : start + _BATCH])
            status, answer = self._post("/v1/reports:batch", {"reports": [], "checkins": some})
            answers = answer.get("checkins") or answer.get("items") or []
            if status not in (200, 202, 207):
                refused += len(some)
            else:
                refused += sum(1 for one in answers if one.get("status") not in ("accepted", "spooled"))
        return refused

    def _post(self, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        request = urllib.request.Request(self._url + path, json.dumps(body).encode(), headers, method="POST")  # noqa: S310
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT) as response:  # noqa: S310
                return response.status, json.loads(response.read())
        except urllib.error.HTTPError as error:
            try:
                return error.code, json.loads(error.read())
            except ValueError:
                return error.code, {}
        except (OSError, ValueError) as error:
            reason = getattr(error, "reason", error)
            raise Unanswered(f"gateway: {self._url} does not answer ({reason}); start it, or name another") from None


def _sentence(error: dict[str, Any]) -> str:
    remedy = f"; {error['remedy']}" if error.get("remedy") else ""
    return f"{error.get('field')}: {error.get('message')}{remedy}"


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
            self._thread.join(_TIMEOUT)

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
