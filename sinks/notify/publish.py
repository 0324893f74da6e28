"""Tells the streams what became of pages: from the database, so that a crash neither loses a result nor invents one.

Input: rows of ``page_results`` that Kafka has not got. Output: ``siaga.page-results``. State: none besides the
database. A result may be told twice, after a crash between Kafka's answer and ours to the database; it means nothing
new then.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import groupby
from threading import Event
from typing import Final

import sqlalchemy as sa
from kafka.errors import KafkaError

from siaga.contracts.arrays import record_values
from siaga.contracts.base import SCHEMA_VERSION
from siaga.contracts.page_result import PageResult
from siaga.contracts.topics import PAGE_RESULTS, partition_of
from siaga.settings import Settings
from siaga.store.tables import page_results
from sinks.database import DATABASE_FAULTS, engine_of
from sinks.notify import metrics
from sinks.producing import Outgoing
from sinks.sender import Sender

logger = logging.getLogger(__name__)

_MOST: Final = 500
_IDLE: Final = 0.5
_PAUSE: Final = 1.0

#: A result's key, and what travels.
_Key = tuple[str, int, str, str]
_Row = tuple[_Key, PageResult]


class ResultPublisher:
    """Runs until ``stop`` is set. ``wake`` is set by whoever wrote a result; ``active`` while this process sends."""

    name = "page results"

    def __init__(self, settings: Settings, stop: Event, *, wake: Event, active: Event) -> None:
        self._settings = settings
        self._stop = stop
        self._wake = wake
        self._active = active
        self._engine = engine_of(settings, writes=True)
        self._sender = Sender(settings, "notifier")
        self._up = True

    def run(self) -> None:
        """Publish until asked to stop."""
        while not self._stop.is_set():
            self._wake.clear()
            if not self._active.is_set():
                self._stop.wait(_IDLE)
                continue
            try:
                if not self._publish():
                    self._wake.wait(_IDLE)
            except (KafkaError, *DATABASE_FAULTS) as error:
                if self._up:
                    logger.warning("results wait to be published (%s)", type(error).__name__)
                self._up = False
                self._stop.wait(_PAUSE)
            else:
                self._up = True
        self._sender.close()

    def _publish(self) -> int:
        """Publish what waits; answers how many."""
        rows = self._unpublished()
        if rows:
            self._sender.send(list(_records(rows, self._settings.partitions)))
            self._mark([key for key, _ in rows])
        return len(rows)

    def _unpublished(self) -> list[_Row]:
        table = page_results.c
        asked = sa.select(page_results).where(table.published_at.is_(None)).order_by(table.at).limit(_MOST)
        with self._engine.connect() as connection, connection.begin():
            found = connection.execute(asked).all()
            waiting = len(found) if len(found) < _MOST else _count(connection)
        metrics.UNPUBLISHED.set(waiting)
        return [((row.page_id, row.attempt, row.status, row.reason), _result(row)) for row in found]

    def _mark(self, keys: list[_Key]) -> None:
        table = page_results.c
        ours = sa.and_(
            table.page_id == sa.bindparam("the_page"),
            table.attempt == sa.bindparam("the_attempt"),
            table.status == sa.bindparam("the_status"),
            table.reason == sa.bindparam("the_reason"),
        )
        names = ("the_page", "the_attempt", "the_status", "the_reason")
        done = sa.update(page_results).values(published_at=datetime.now(UTC)).where(ours)
        with self._engine.connect() as connection, connection.begin():
            connection.execute(done, [dict(zip(names, key, strict=True)) for key in keys])


def _count(connection: sa.Connection) -> int:
    asked = sa.select(sa.func.count()).where(page_results.c.published_at.is_(None))
    return int(connection.scalar(asked) or 0)


def _result(row: sa.Row[tuple[object, ...]]) -> PageResult:
    return PageResult.model_validate(
        {
            "schema_version": SCHEMA_VERSION,
            **{
                name: getattr(row, name)
                for name in (
                    *("page_id", "incident_id", "generation", "district", "officer_id", "channel", "status"),
                    *("reason", "attempt", "provider_id", "detail", "at"),
                )
            },
        }
    )


def _records(rows: list[_Row], partitions: int) -> Iterable[Outgoing]:
    by_district = sorted((result for _, result in rows), key=lambda result: (result.district, result.at))
    for district, results in groupby(by_district, key=lambda result: result.district):
        several = list(results)
        for value in record_values(result.to_json() for result in several):
            first = several[0]
            yield Outgoing(
                PAGE_RESULTS,
                partition_of(district, partitions),
                district.encode(),
                value,
                event_id=f"{first.page_id}/{first.attempt}/{first.status}",
                kind="page-result",
            )
