"""What a batch writes: rows of state to the changelog, and records for everybody else.

Input: the districts a batch changed. Output: a :class:`Batch`, in the order it is to be written. Pure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from siaga import tracing
from siaga.contracts.arrays import record_values
from siaga.contracts.base import SCHEMA_VERSION, Contract
from siaga.contracts.canary import Canary
from siaga.contracts.escalation import Escalation, EscalationReason
from siaga.contracts.headers import Headers, cloud_event
from siaga.contracts.incident import Incident
from siaga.contracts.page import Page
from siaga.contracts.rejection import Rejection
from siaga.contracts.timer import Timer, TimerKind
from siaga.contracts.topics import ESCALATIONS, INCIDENTS, NEIGHBOURS, PAGES, REJECTED, TIMERS
from siaga.escalation.duties import Duties
from streams import metrics
from streams.districts import Districts
from streams.intake import settle_now

SOURCE: Final = "streams"


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One record to be written."""

    topic: str
    partition: int
    key: bytes
    value: bytes | None
    headers: Headers


@dataclass(frozen=True, slots=True)
class Row:
    """One row of state to be remembered; ``None`` forgets it."""

    partition: int
    key: bytes
    value: bytes | None


@dataclass(slots=True)
class Batch:
    """State first, then what others are told: after a crash in between, everything is told again from the state."""

    rows: list[Row] = field(default_factory=list)
    records: list[Outgoing] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.rows or self.records)


def gather(
    districts: Districts,
    duties: Duties,
    *,
    rejections: Iterable[Rejection] = (),
    canaries: Iterable[Canary] = (),
    now: datetime,
) -> Batch:
    """Settle the districts that changed and collect what is to be written."""
    batch = Batch()
    counted = _Counted()
    for district in districts.take_touched():
        settle_now(district, duties)
        partition, code = districts.partition(district.code), district.code
        settled, district.settled = district.settled, []
        told = district.book.settle()
        if tracing.is_on():
            for page in told.pages:
                tracing.asked(page, tracing.Stretch(page.due_at.timestamp(), now.timestamp()))
        rows = [row for part in settled for row in part.rows]
        batch.rows += [Row(partition, key.encode(), value) for key, value in (*rows, *told.rows)]
        incidents = [incident for part in settled for incident in part.incidents]
        troubles = [trouble for part in settled for trouble in part.troubles]
        counted.add(incidents, len(troubles), told.escalations, told.pages)
        batch.records += _records(INCIDENTS, partition, code, incidents, now)
        batch.records += _records(ESCALATIONS, partition, code, told.escalations, now)
        batch.records += _records(PAGES, partition, code, told.pages, now)
        for trouble in troubles:
            to = trouble.to_district
            batch.records += _records(NEIGHBOURS, districts.partition(to), to, [trouble], now)
    for rejection in rejections:
        place = rejection.partition or 0
        batch.records += _records(REJECTED, place, rejection.source, [rejection], now)
    for canary in canaries:
        batch.records += _records(INCIDENTS, canary.partition, "canary", [canary], now)
    counted.show()
    return batch


class _Counted:
    """What a batch told, counted and shown at once: a metric costs as much as a small decision."""

    def __init__(self) -> None:
        self._snapshots: Counter[int] = Counter()
        self._pages: Counter[int] = Counter()
        self._troubles = self._exhausted = 0

    def add(
        self, incidents: Iterable[Incident], troubles: int, escalations: Iterable[Escalation], pages: Iterable[Page]
    ) -> None:
        """Count what is told of a district."""
        self._snapshots.update(int(incident.severity) for incident in incidents)
        self._pages.update(int(page.severity) for page in pages)
        self._troubles += troubles
        self._exhausted += sum(
            any(step.reason is EscalationReason.LEVELS_EXHAUSTED for step in escalation.steps)
            for escalation in escalations
        )

    def show(self) -> None:
        """Add it to the metrics."""
        for severity, count in self._snapshots.items():
            metrics.SNAPSHOTS.labels(severity=str(severity)).inc(count)
        for severity, count in self._pages.items():
            metrics.PAGES.labels(severity=str(severity)).inc(count)
        metrics.TROUBLES.inc(self._troubles)
        metrics.EXHAUSTED.inc(self._exhausted)


def timer_records(districts: Districts, timers: Iterable[Timer], now: datetime) -> list[Outgoing]:
    """Deadlines that passed, as records to the partitions of their districts."""
    by_district: dict[str, list[Timer]] = {}
    for timer in timers:
        metrics.TIMERS.labels(kind=timer.kind.value).inc()
        by_district.setdefault(timer.district, []).append(timer)
    return [
        record
        for district, several in by_district.items()
        for record in _records(TIMERS, districts.partition(district), district, several, now)
    ]


_KINDS: Final = {
    INCIDENTS: "incident",
    ESCALATIONS: "escalation",
    PAGES: "page",
    NEIGHBOURS: "neighbour-trouble",
    REJECTED: "rejection",
    TIMERS: "timer",
}


def _records(topic: str, partition: int, key: str, items: Iterable[Contract], now: datetime) -> Iterator[Outgoing]:
    for number, value in enumerate(record_values(item.to_json() for item in items)):
        headers = cloud_event(
            kind=_KINDS[topic],
            source=SOURCE,
            event_id=f"{key}-{now.timestamp():.6f}-{number}",
            at=now,
            subject=key,
        )
        yield Outgoing(topic, partition, key.encode(), value, headers)


def registry_timers(districts: Iterable[str], now: datetime) -> list[Timer]:
    """Timers that have districts decided anew after the registry changed."""
    return [
        Timer(schema_version=SCHEMA_VERSION, district=code, kind=TimerKind.REGISTRY, due_at=now, at=now)
        for code in districts
    ]
