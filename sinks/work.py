"""One transaction's work: rows put at once, those that do not fit set aside, and what is there already.

Input: a connection with its transaction begun, and a batch. Output: rows, and :class:`Written`. State: both.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, TypeVar

import sqlalchemy as sa

from siaga.contracts.decode import Problem, Refused
from siaga.contracts.rejection import RejectReason
from siaga.store import tables
from siaga.store.tables import utc_text
from sinks.batch import Batch, Kept, original_of
from sinks.bulk import Row, put, put_one
from sinks.database import ROW_FAULTS
from sinks.rows import said_in_body, said_in_checkin

K = TypeVar("K")

#: Keys of one statement.
_KEYS: Final = 500


@dataclass(slots=True)
class Written:
    """What a batch came to."""

    #: Rows inserted or replaced, by table.
    rows: dict[str, int] = field(default_factory=dict)
    #: Reasons of the rejections among them.
    rejected: list[str] = field(default_factory=list)
    #: When what is stored now had been received: reports, and reports whose incident is stored now.
    reports_received: list[datetime] = field(default_factory=list)
    #: Ids of the reports among them.
    report_ids: list[str] = field(default_factory=list)
    #: Reports among them whose device's clock ran ahead.
    clocks_ahead: int = 0
    triaged_received: list[datetime] = field(default_factory=list)
    #: Answers of officers: at which level, and seconds since the escalation began.
    answers: list[tuple[int, float]] = field(default_factory=list)
    #: Times that an escalation passed its last level.
    exhausted: int = 0


@dataclass(slots=True)
class Work:
    """What is done in one transaction."""

    connection: sa.Connection
    batch: Batch
    #: Whether all that the cluster knew of pages at first has been stored.
    caught_up: bool
    written: Written = field(default_factory=Written)
    #: Keys of rows that could not be stored.
    set_aside: set[str] = field(default_factory=set)

    def put(self, table: sa.Table, kept: Sequence[Kept], *, newer: Sequence[str] | None = None) -> int:
        """Store rows at once, or where one of them does not fit one by one, so that only that one is set aside."""
        if not kept:
            return 0
        try:
            with self.connection.begin_nested():
                done = put(self.connection, table, [row for row, _, _ in kept], newer=newer)
        except ROW_FAULTS:
            done = sum(self._put_one(table, entry, newer) for entry in kept)
        self.written.rows[table.name] = self.written.rows.get(table.name, 0) + done
        return done

    def _put_one(self, table: sa.Table, kept: Kept, newer: Sequence[str] | None) -> int:
        try:
            with self.connection.begin_nested():
                return put_one(self.connection, table, kept[0], newer=newer)
        except ROW_FAULTS as error:
            self.set_aside.add(str(kept[0][0]))
            # The database's message may show values: only what kind of fault it was.
            cause = getattr(error, "orig", None) or error
            problem = Problem(
                "", f"does not fit the table {table.name} ({type(cause).__name__})", "correct it and send it again"
            )
            _, record, index = kept
            refused = Refused(RejectReason.UNSTORABLE, (problem,), original_of(record, index), index)
            self.batch.refuse(record, refused)
            return 0

    def put_rejected(self) -> None:
        """Store what was set aside: last, as until now there may have been more of it."""
        there = set(self.known(tables.rejected, self.batch.rejected))
        for _ in range(2):  # a rejection that does not fit is set aside itself
            new = {key: kept for key, kept in self.batch.rejected.items() if key not in there}
            self.put(tables.rejected, list(new.values()))
            self.written.rejected += [kept[0][1] for key, kept in new.items() if key not in self.set_aside]
            there |= set(new)

    def known(self, table: sa.Table, keys: Collection[str]) -> dict[str, object]:
        """What those rows say that are there, by key."""
        key = next(iter(table.primary_key))
        if table is tables.checkins:
            columns = list(table.columns)
        else:
            columns = [key, table.c.body] if "body" in table.c else [key]
        return {
            row[0]: _said(table, row)
            for some in chunks(keys)
            for row in self.connection.execute(sa.select(*columns).where(key.in_(some)))
        }


def said_of(table: sa.Table, row: Row) -> object:
    """What a row to be stored says, to be compared with :meth:`Work.known`."""
    if table is tables.checkins:
        return said_in_checkin(row)
    return said_in_body(row[list(table.c).index(table.c.body)])


def _said(table: sa.Table, row: Sequence[Any]) -> object:
    if table is tables.checkins:
        return said_in_checkin(tuple(utc_text(value) if isinstance(value, datetime) else value for value in row))
    return said_in_body(row[1]) if "body" in table.c else None


def chunks(keys: Collection[K]) -> Iterator[list[K]]:
    """Keys in portions that a statement can name."""
    every = list(keys)
    for start in range(0, len(every), _KEYS):
        yield every[start : start + _KEYS]
