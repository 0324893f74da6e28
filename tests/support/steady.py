"""A device that reports steadily, whatever happens to Siaga: it tries an item again until it is answered.

It remembers what was accepted, so that a test can ask whether all of it arrived.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from itertools import count
from threading import Event, Thread
from types import TracebackType
from typing import Any, Final, Self

import httpx

from tests.support import builders
from tests.support.stack import Stack
from tests.support.wait import until

#: Every so many-th item is a report, the others are check-ins; families take turns, so that there are many incidents.
_REPORT_EVERY: Final = 3
_KINDS: Final = ("violence.brawl", "order.crowd", "integrity.money", "facility.power", "dispute.count")
_AGAIN_SECONDS: Final = 0.05


class SteadyDevice:
    """Posts ``per_second`` reports and check-ins, one after the other, from its start until it is stopped."""

    def __init__(self, stack: Stack, *, per_second: float = 100.0, gateways: Sequence[str] = ()) -> None:
        """``gateways`` are addresses of others besides the stack's: where one does not answer the next is tried."""
        self._stack = stack
        self._gateways = [stack.gateway_url, *gateways]
        self._every = 1.0 / per_second
        self._stations = builders.stations_of(stack.registry)
        self._stop = Event()
        self._thread = Thread(target=self._run, name="steady-device", daemon=True)
        #: Every id that was ever sent, and those that were answered 202, by table.
        self.sent: dict[str, set[str]] = {"reports": set(), "checkins": set()}
        self.accepted: dict[str, set[str]] = {"reports": set(), "checkins": set()}
        #: Answers that an item has only with a fault of Siaga's own.
        self.refused: list[Any] = []
        #: How many were answered `spooled`, and how long the slowest answer took from the first try, in seconds.
        self.spooled = 0
        self.longest = 0.0

    @property
    def answered(self) -> int:
        """How many items were accepted so far."""
        return sum(map(len, self.accepted.values()))

    def until_answered(self, more: int, timeout: float = 60.0) -> None:
        """Wait until so many more items are accepted than now."""
        wanted = self.answered + more
        until(lambda: self.answered >= wanted, timeout=timeout, what=lambda: f"answers{self._stack.tails()}")

    def stop(self) -> None:
        """Send nothing new; what is being tried gets its answer or is given up."""
        self._stop.set()
        self._thread.join()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _run(self) -> None:
        headers = {"Authorization": f"Bearer {self._stack.token}"}
        with httpx.Client(headers=headers, timeout=10.0) as http:
            due = time.monotonic()
            for number in count():
                due = max(due + self._every, time.monotonic() - 1.0)
                if self._stop.wait(due - time.monotonic()):
                    return
                self._send(http, number)

    def _send(self, http: httpx.Client, number: int) -> None:
        station = self._stations[number % len(self._stations)]
        is_report = number % _REPORT_EVERY == 0
        table, path = ("reports", "/v1/reports") if is_report else ("checkins", "/v1/checkins")
        by = f"anggota-{number % 50}"
        kind = _KINDS[number // _REPORT_EVERY % len(_KINDS)]
        item = (
            builders.report(kind, station=station, by=by) if is_report else builders.checkin(station=station, by=by)
        )
        self.sent[table].add(item["report_id"])
        began = time.monotonic()
        while True:
            try:
                answer = http.post(self._gateways[0] + path, json=item)
            except httpx.HTTPError:
                # Nobody is there: a device keeps what it has and tries again.
                self._gateways.append(self._gateways.pop(0))
            else:
                if answer.status_code == 202:
                    self.accepted[table].add(item["report_id"])
                    self.spooled += answer.json()["status"] == "spooled"
                    self.longest = max(self.longest, time.monotonic() - began)
                    return
                if answer.status_code != 503:
                    self.refused.append(answer.json())
                    return
            if self._stop.wait(_AGAIN_SECONDS):
                return


def ids_in(stack: Stack, table: str) -> Sequence[str]:
    """The ids in a table, each as often as it is there."""
    return [row["report_id"] for row in stack.rows(f"SELECT report_id FROM {table}")]  # noqa: S608
