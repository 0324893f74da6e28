"""Proves by counting that everything accepted is in the database, exactly once, or set aside with its reason.

Input: ``siaga.reports`` and ``siaga.checkins`` from their beginning to their present end, and the database. Output:
an account by topic. State: none. The one place that reads both Kafka and the tables to compare them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from typing import Final

import sqlalchemy as sa
from kafka.errors import KafkaError

from siaga.contracts.canary import canary_of
from siaga.contracts.checkin import AcceptedCheckIn
from siaga.contracts.decode import decode
from siaga.contracts.report import AcceptedReport
from siaga.contracts.topics import CHECKINS, REPORTS
from siaga.settings import Settings
from sinks.batch import Record, original_of, places_of, refusal_id
from sinks.consumer import Consumer, NotReadyError, unreadable
from sinks.reading import reading
from sinks.tables import checkins, rejected, reports
from sinks.work import chunks

_TABLES: Final = {REPORTS: reports, CHECKINS: checkins}
#: Items looked up together.
_TOGETHER: Final = 5_000
_POLL_SECONDS: Final = 0.5


@dataclass(frozen=True, slots=True)
class Item:
    """One item on Kafka; where it cannot be read, without an id and with its bytes."""

    record: Record
    index: int | None
    report_id: str | None
    original: bytes | None = None

    @property
    def rejection_id(self) -> str:
        """Under which id the store would have set it aside."""
        original = self.original if self.original is not None else original_of(self.record, self.index)
        return str(refusal_id(self.record, self.index, original))


@dataclass(slots=True)
class Account:
    """What became of a topic's items."""

    topic: str
    records: int = 0
    items: int = 0
    stored: int = 0
    rejected: int = 0
    missing: list[Item] = field(default_factory=list)


def reconcile(
    settings: Settings, *, wait: float = 10.0, progress: Callable[[int], None] = lambda items: None
) -> list[Account]:
    """Count everything once.

    Args:
        wait: seconds to wait for the store where something is not in the database yet.
        progress: told how many items have been counted.

    Raises:
        SettingsError: Kafka or the database cannot be read.
    """
    accounts = {topic: Account(topic) for topic in _TABLES}
    with reading(settings):
        pass  # an unusable database is said before Kafka is read for an hour
    try:
        items: list[Item] = []
        for record in _records(settings):
            account = accounts[record.topic]
            if record.topic == REPORTS and canary_of(record.value) is not None:
                continue
            account.records += 1
            items += _items(record)
            if len(items) >= _TOGETHER:
                _look_up(settings, accounts, items)
                items = []
                progress(sum(a.items for a in accounts.values()))
        _look_up(settings, accounts, items)
    except (KafkaError, NotReadyError) as error:
        raise unreadable(settings, error) from error
    progress(sum(a.items for a in accounts.values()))
    _wait(settings, accounts, wait)
    return list(accounts.values())


def _wait(settings: Settings, accounts: dict[str, Account], seconds: float) -> None:
    """What is missing may only be late."""
    deadline = time.monotonic() + seconds
    while any(account.missing for account in accounts.values()) and time.monotonic() < deadline:
        # The store tells nobody what it has stored.
        time.sleep(min(_POLL_SECONDS, seconds))
        missing = [item for account in accounts.values() for item in account.missing]
        for account in accounts.values():
            account.items -= len(account.missing)
            account.missing = []
        _look_up(settings, accounts, missing)


# -- Kafka --------------------------------------------------------------------------------------------------------


def _records(settings: Settings) -> Iterator[Record]:
    """Every record there is now."""
    consumer = Consumer(settings, tuple(_TABLES), client_id="siaga-audit", group=None)
    try:
        consumer.start({})
        for records in consumer.records_until_now():
            yield from records
    finally:
        consumer.close()


def _items(record: Record) -> Iterator[Item]:
    model: type[AcceptedReport | AcceptedCheckIn] = AcceptedReport if record.topic == REPORTS else AcceptedCheckIn
    decoded = decode(model, record.value)
    for refused in decoded.refused:
        yield Item(record, refused.index, None, refused.original)
    for index, item in places_of(record, decoded):
        yield Item(record, index, str(item.report_id))


# -- the database -------------------------------------------------------------------------------------------------


def _look_up(settings: Settings, accounts: dict[str, Account], items: list[Item]) -> None:
    """Find each item in its table, by its id, or among what was set aside, by its place."""
    if not items:
        return
    with reading(settings) as connection:
        for topic, account in accounts.items():
            mine = [item for item in items if item.record.topic == topic]
            there = _stored(connection, topic, [item.report_id for item in mine if item.report_id is not None])
            left = {item.rejection_id: item for item in mine if item.report_id not in there}
            aside = _set_aside(connection, left)
            account.items += len(mine)
            account.stored += sum(item.report_id in there for item in mine)
            account.rejected += len(aside)
            account.missing += [item for key, item in left.items() if key not in aside]


def _stored(connection: sa.Connection, topic: str, ids: list[str]) -> set[str]:
    table = _TABLES[topic]
    return {
        found
        for some in chunks(ids)
        for found in connection.scalars(sa.select(table.c.report_id).where(table.c.report_id.in_(some)))
    }


def _set_aside(connection: sa.Connection, ids: Collection[str]) -> set[str]:
    return {
        found
        for some in chunks(ids)
        for found in connection.scalars(sa.select(rejected.c.rejection_id).where(rejected.c.rejection_id.in_(some)))
    }
