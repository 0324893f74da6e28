"""Writes batches into the database: one transaction each, rows and offsets together, once whatever is repeated.

Input: :class:`~sinks.batch.Batch`. State: the connection with the store's lock, and what the database said of epochs,
offsets and numbers, read anew after every fault. Every method blocks; one thread at a time may call them.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from types import MappingProxyType
from typing import Final

import sqlalchemy as sa

from siaga.contracts.registry import DistrictStations
from siaga.rules.windows import Windows
from siaga.store.tables import utc_text
from siaga.triage.silence import KIND as SILENCE_KIND
from sinks import audit_log, metrics, tables
from sinks.audit_log import COMMAND, Act, Head, command_detail
from sinks.batch import Batch, Entry, Kept, Place
from sinks.bulk import put
from sinks.database import StoreLock
from sinks.erased import is_erased
from sinks.migrate import upgrade
from sinks.paging import is_caught_up, mark_caught_up, put_paging
from sinks.places import begin_anew, put_positions, take_up
from sinks.rows import district_row, station_rows
from sinks.work import Work, Written, chunks, said_of

logger = logging.getLogger(__name__)

_NEWER_SNAPSHOT: Final = ("epoch", "version")
_NEWER_LINK: Final = ("epoch", "moves", "incident_id")
_CLOCK_SKEW: Final = Windows().clock_skew


class PositionsMovedError(RuntimeError):
    """The database is not where the batch begins: another store, or a commit whose answer was lost. Read it anew."""


class Writer:
    """The one that writes. ``open`` it, ``begin`` with a cluster, ``write``; after a fault ``close``, and again."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._lock = StoreLock(engine)
        self._connection: sa.Connection | None = None
        self._epoch = 0
        self._cluster = ""
        self._topic_ids: Mapping[str, str] = {}
        self._positions: dict[Place, int] = {}
        #: Epochs of the partitions' leaders, as they are kept with the positions that ``begin`` found.
        self.leader_epochs: Mapping[Place, int] = {}
        self._seq = 0
        self._head = Head()
        self._caught_up = False

    @property
    def is_open(self) -> bool:
        """Whether there is a connection that has the lock."""
        return self._connection is not None

    @property
    def epoch(self) -> int:
        """The number of the cluster begun with."""
        return self._epoch

    def open(self) -> bool:
        """Connect, take the lock, bring the schema up to date. False where another store has the lock.

        Raises:
            SchemaError: the schema is newer than this Siaga.
        """
        connection = self._engine.connect()
        try:
            if not self._lock.take(connection):
                connection.close()
                return False
            upgrade(self._engine)
        except BaseException:
            connection.close()
            raise
        self._connection = connection
        return True

    def close(self) -> None:
        """Drop the connection, whatever state it is in, and PostgreSQL's lock with it."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.invalidate()
            connection.close()

    def release(self) -> None:
        """Close, and let another store write."""
        self.close()
        self._lock.release()

    def begin(
        self, cluster_id: str, now: datetime, topic_ids: Mapping[str, str] = MappingProxyType({})
    ) -> dict[Place, int]:
        """Learn where the cluster's partitions are to be read from; those not named, from their beginning.

        Args:
            topic_ids: what tells a topic from another of its name, of those of which the broker says so.
        """
        with self._transaction() as connection:
            standing = take_up(connection, cluster_id, topic_ids, now)
            self._epoch = standing.epoch
            self._cluster = cluster_id
            self._topic_ids = standing.topic_ids
            self._positions, self.leader_epochs = standing.positions, standing.leader_epochs
            self._seq = connection.scalar(sa.select(tables.feed.c.seq)) or 0
            self._head = audit_log.read_head(connection)
            self._caught_up = is_caught_up(connection, cluster_id)
        for topic in standing.made_anew:
            metrics.LOGS_ANEW.labels(reason="made_anew").inc()
            logger.warning("%s was deleted and made anew; it is read from its beginning", topic)
        return dict(self._positions)

    def go_on_at(self, places: Mapping[Place, int], now: datetime, *, anew: bool) -> None:
        """Have these partitions read from elsewhere.

        Args:
            anew: whether they are taken back: what comes there is newer than what is stored, whatever its version.
        """
        with self._transaction() as connection:
            put_positions(connection, self._cluster, self._topic_ids, places, {})
            if anew:
                self._epoch = begin_anew(connection, self._cluster, now)
                self._caught_up = False
        self._positions.update(places)

    def caught_up(self, now: datetime) -> None:
        """Everything that the cluster knew of pages when it was first read is stored: what is queued may be sent."""
        if not self._caught_up:
            with self._transaction() as connection:
                mark_caught_up(connection, self._cluster, now)
            self._caught_up = True

    def open_incidents(self) -> dict[int, int]:
        """How many incidents are open, by severity, drills left out."""
        table = tables.incidents
        asked = (
            sa.select(table.c.severity, sa.func.count())
            .where(table.c.state.in_(("open", "acknowledged")), table.c.drill.is_(sa.false()))
            .group_by(table.c.severity)
        )
        with self._transaction() as connection:
            return {row[0]: row[1] for row in connection.execute(asked)}

    def silent(self) -> tuple[int, int]:
        """How many districts are silent as a whole, and stations by themselves, as Siaga itself noticed."""
        table = tables.incidents
        asked = (
            sa.select(table.c.station_id.is_(None).label("whole"), sa.func.count())
            .where(
                table.c.state.in_(("open", "acknowledged")),
                table.c.kind == SILENCE_KIND,
                table.c.reporter_count == 0,
                table.c.drill.is_(sa.false()),
            )
            .group_by(table.c.station_id.is_(None))
        )
        with self._transaction() as connection:
            counted = {bool(whole): count for whole, count in connection.execute(asked)}
        return counted.get(True, 0), counted.get(False, 0)

    def write(self, batch: Batch) -> Written:
        """Store a batch whole, or raise and store nothing.

        Raises:
            PositionsMovedError: the database stands elsewhere than where the batch begins.
        """
        for place, first in batch.first.items():
            if self._positions.get(place, first) > first:
                raise PositionsMovedError(f"{place[0]}-{place[1]} is stored beyond {first}")
        seq, head, positions = self._seq, self._head, self._positions
        try:
            with self._transaction() as connection:
                written = self._write(connection, batch)
        except BaseException:
            self._seq, self._head, self._positions = seq, head, positions
            raise
        return written

    @contextmanager
    def _transaction(self) -> Iterator[sa.Connection]:
        if self._connection is None:
            raise sa.exc.InvalidRequestError("the writer is not open")
        with self._connection.begin():
            yield self._connection

    # -- one transaction ------------------------------------------------------------------------------------------

    def _write(self, connection: sa.Connection, batch: Batch) -> Written:
        work = Work(connection, batch, self._caught_up)
        written = work.written
        first = self._seq
        for report in self._once(work, tables.reports, batch.reports):
            received = datetime.fromisoformat(report[0][6])
            written.reports_received.append(received)
            written.report_ids.append(report[0][0])
            written.clocks_ahead += datetime.fromisoformat(report[0][4]) > received + _CLOCK_SKEW
        self._once(work, tables.checkins, batch.checkins)
        acts = [_command_act(kept) for kept in self._once(work, tables.commands, batch.commands)]
        acts += self._registry(work)
        work.put(tables.incidents, self._numbered(batch.incidents.values()), newer=_NEWER_SNAPSHOT)
        work.put(tables.incident_events, self._numbered(batch.events.values()))
        work.put(tables.incident_reports, list(batch.links.values()), newer=_NEWER_LINK)
        written.triaged_received += _link(connection, [*batch.links, *batch.reports])
        put_paging(work, self._numbered)
        self._audit(work, acts)
        work.put_rejected()
        self._positions = {**self._positions, **batch.positions}
        put_positions(connection, self._cluster, self._topic_ids, batch.positions, batch.leader_epochs)
        if self._seq != first:
            put(connection, tables.feed, [(1, self._seq)], newer=())
        return written

    def _numbered(self, kept: Iterable[Kept]) -> list[Kept]:
        """The rows with their ``seq``."""
        numbered = []
        for row, record, index in kept:
            self._seq += 1
            numbered.append(((*row, self._seq), record, index))
        return numbered

    def _once(self, work: Work, table: sa.Table, kept: Mapping[str, Kept]) -> list[Kept]:
        """Store what never changes; answers what is new where the caller asks (not for check-ins: they are many)."""
        if not kept:
            return []
        many = table is tables.checkins
        rows = list(kept.values()) if many else self._numbered(kept.values())
        known = {} if many else work.known(table, kept)
        new = [entry for entry in rows if entry[0][0] not in known]
        stored = work.put(table, new)
        if many and stored < len(new):
            known = work.known(table, kept)
        for key, said in known.items():
            # What was erased says something else than what came, and must not come back among what was set aside.
            if said != said_of(table, kept[key][0]) and not is_erased(said):
                work.batch.conflict(kept[key])
        return [] if many else [entry for entry in new if entry[0][0] not in work.set_aside]

    def _audit(self, work: Work, acts: Sequence[Act]) -> None:
        rows = list(audit_log.rows_of(acts, self._head))
        if rows:
            put(work.connection, tables.audit_log, rows)
            self._head = audit_log.head_of(rows[-1])
            put(work.connection, tables.audit_head, [(1, self._head.seq, self._head.hash)], newer=())

    # -- the registry ---------------------------------------------------------------------------------------------

    def _registry(self, work: Work) -> list[Act]:
        """Take in the entries that are newer than what is there; answers those that say something else."""
        table, batch = tables.registry, work.batch
        if not batch.registry:
            return []
        there = {
            row.key: row
            for keys in chunks(list(batch.registry))
            for row in work.connection.execute(sa.select(table).where(table.c.key.in_(keys)))
        }
        rows: list[Kept] = []
        changed: list[Entry] = []
        for key, entry in batch.registry.items():
            known, record = there.get(key), entry.record
            if known is not None and (known.epoch, known.kafka_offset) >= (batch.epoch, record.offset):
                continue
            rows.append(((key, record.value, batch.epoch, record.offset, utc_text(record.at)), record, None))
            if (known.value if known is not None else None) != record.value:
                changed.append(entry)
        work.put(table, rows, newer=())
        self._places(work, changed)
        return [
            Act(
                at=entry.record.at,
                actor=entry.record.by or "registry",
                action="registry.changed" if entry.record.value is not None else "registry.deleted",
                object=entry.key,
                detail=f"sha256:{hashlib.sha256(entry.record.value).hexdigest()}"
                if entry.record.value is not None
                else "",
            )
            for entry in changed
            if entry.key not in work.set_aside
        ]

    def _places(self, work: Work, changed: Iterable[Entry]) -> None:
        """Districts and stations as the changed entries have them; stations no longer named go."""
        stations: list[Kept] = []
        districts: list[Kept] = []
        codes = []
        for entry in changed:
            if not entry.key.startswith("stations/"):
                continue
            codes.append(entry.key.partition("/")[2])
            if isinstance(entry.parsed, DistrictStations):
                districts.append((district_row(entry.parsed), entry.record, None))
                stations += [(row, entry.record, None) for row in station_rows(entry.parsed)]
        first = self._seq
        work.put(tables.districts, self._numbered(districts), newer=())
        work.put(tables.stations, self._numbered(stations), newer=())
        for table in (tables.districts, tables.stations):
            for some in chunks(codes):
                gone = sa.delete(table).where(table.c.district.in_(some), table.c.seq <= first)
                work.connection.execute(gone)


# -- statements ---------------------------------------------------------------------------------------------------


def _link(connection: sa.Connection, report_ids: Sequence[str]) -> list[datetime]:
    """Give reports the incident they are part of, whichever came first; answers when they were received."""
    reports, links = tables.reports, tables.incident_reports
    received: list[datetime] = []
    for some in chunks(report_ids):
        linked = (
            sa.update(reports)
            .values(incident_id=links.c.incident_id)
            .where(
                links.c.report_id == reports.c.report_id,
                reports.c.report_id.in_(some),
                reports.c.incident_id.is_distinct_from(links.c.incident_id),
            )
            .returning(reports.c.received_at)
        )
        received += connection.scalars(linked)
    return received


def _command_act(kept: Kept) -> Act:
    command_id, incident_id, _, action, actor, at, _, body, _ = kept[0]
    return Act(
        at=datetime.fromisoformat(at),
        actor=actor,
        action=f"{COMMAND}{action}",
        object=incident_id,
        detail=command_detail(command_id, json.loads(body)),
    )
