"""Follows the database's change feed and tells every open page.

In: ``feed.seq`` and what has a greater ``seq`` than is known. Out: a :class:`Tick` to each subscriber, a few times a
second while something changes and once a second otherwise. State: the :class:`~console.board.Board`. The database is
read in a thread, so that a slow one holds up nobody's page; while it is away the board stands still and says so.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from json import dumps
from typing import Any, Final

import sqlalchemy as sa

from console.board import Board, Changed, Place
from console.knowledge import ENTITIES
from console.metrics import Metrics
from siaga import redaction
from siaga.contracts.escalation import EscalationState
from siaga.contracts.incident import IncidentState
from siaga.redaction import Audience
from siaga.settings import Settings
from siaga.store.paging import escalations
from siaga.store.tables import checkins, districts, feed, incidents, registry, reports, stations
from siaga.supervisor.scrape import fetch

log = logging.getLogger(__name__)

#: Seconds between two looks at the feed, and between two ticks when nothing changed.
_LOOK: Final = 0.2
_BEAT: Final = 1.0
_KNOWLEDGE: Final = 3.0
_CANARY: Final = 2.0
_RESEEN: Final = 60.0
_BATCH: Final = 2_000
#: Ticks that a slow reader may be behind; past that it starts over from the board.
_BEHIND: Final = 120
_OVER: Final = [state.value for state in EscalationState if state.is_over]
_LADDERS: Final = sa.select(
    *(escalations.c[name] for name in ("incident_id", "state", "level", "next_due_at", "next_timer", "seq"))
)
_SEEN_SECONDS: Final = 2 * 3600.0


class Tick:
    """What changed since the tick before, ready to be sent to any audience."""

    def __init__(self, board: Board, changed: Sequence[Changed], now: float, *, reset: bool = False) -> None:
        self.seq = board.seq
        self.reset = reset
        self._board = board
        self._changed = changed
        self._now = now
        self._encoded: dict[Audience, bytes] = {}

    def encoded(self, audience: Audience) -> bytes:
        """The tick as server-sent events for ``audience``; worked out once for all pages of one audience."""
        found = self._encoded.get(audience)
        if found is None:
            found = self._encoded[audience] = self._encode(audience)
        return found

    def _encode(self, audience: Audience) -> bytes:
        parts = [event("reset", {"seq": self.seq}, self.seq)] if self.reset else []
        parts += [change_event(self._board, audience, change) for change in self._changed]
        parts.append(event("pulse", self._board.pulse(audience, self._now), self.seq))
        return b"".join(parts)


def event(name: str, data: Any, seq: int) -> bytes:
    """One server-sent event."""
    return _written(name, dumps(data, separators=(",", ":")).encode(), seq)


def _written(name: str, data: bytes, seq: int) -> bytes:
    return b"id: %d\nevent: %b\ndata: %b\n\n" % (seq, name.encode(), data)


def change_event(board: Board, audience: Audience, change: Changed) -> bytes:
    """A changed incident for ``audience``. One that they may not see any more leaves their page; of one that they
    never might, they are not even told that something changed."""
    row, before = change
    card = board.written_card(audience, row)
    if card is not None:
        return _written("incident", card.json(), row["seq"])
    if before is None or not redaction.may_see(audience, before):
        return b""
    return event("gone", {"incident_id": row["incident_id"]}, row["seq"])


class Feed:
    """Keeps the board up to date while :meth:`running`."""

    def __init__(self, settings: Settings, engine: sa.Engine, metrics: Metrics) -> None:
        self.board = Board()
        self.ready = False
        self._engine = engine
        self._metrics = metrics
        self._sinks = f"http://{settings.metrics_host}:{settings.sinks_metrics_port}/metrics"
        self._subscribers: set[asyncio.Queue[Tick | None]] = set()
        self._due: dict[str, float] = {}
        self._districts_seq = -1
        self._said = ""
        metrics.feed_age.set_function(lambda: max(0.0, time.time() - self.board.vitals.read_at))

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Follow the feed until the block ends; every open page is then told to go."""
        task = asyncio.create_task(self._follow(), name="feed")
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            for queue in tuple(self._subscribers):
                queue.put_nowait(None)

    @asynccontextmanager
    async def subscribed(self) -> AsyncIterator[asyncio.Queue[Tick | None]]:
        """Ticks from now on; ``None`` says that there will be no more, or that the reader is too slow."""
        queue: asyncio.Queue[Tick | None] = asyncio.Queue()
        self._subscribers.add(queue)
        self._metrics.clients.inc()
        try:
            yield queue
        finally:
            self._subscribers.discard(queue)
            self._metrics.clients.dec()

    async def _follow(self) -> None:
        beat = 0.0
        while True:
            try:
                changed, reset = await asyncio.to_thread(self.read)
            except sa.exc.SQLAlchemyError as error:
                self._say(f"the database does not answer ({type(error).__name__}); trying again")
                changed, reset = [], False
            now = time.time()
            if changed or reset or now >= beat:
                beat = now + _BEAT
                self._publish(Tick(self.board, changed, now, reset=reset))
            await asyncio.sleep(_LOOK)

    def _publish(self, tick: Tick) -> None:
        for queue in tuple(self._subscribers):
            if queue.qsize() > _BEHIND:
                self._subscribers.discard(queue)
                queue.put_nowait(None)
            else:
                queue.put_nowait(tick)

    # -- in a thread ----------------------------------------------------------------------------------------------

    def read(self) -> tuple[list[Changed], bool]:
        """Bring the board up to date: the incidents that changed, and whether everything is new."""
        board, now = self.board, time.time()
        with self._engine.connect() as connection:
            newest = int(connection.scalar(sa.select(feed.c.seq)) or 0)
            reset = newest < board.seq
            if reset:  # a database that was restored or replaced
                board.clear()
                self._districts_seq = -1
                self._due.clear()
            if self._is_due("knowledge", now, _KNOWLEDGE):
                self._read_knowledge(connection)
            first = not self.ready or reset
            if first or newest > board.seq:
                self._read_places(connection)
            changed = self._read_incidents(connection, newest, first)
            if self._is_due("vitals", now, _BEAT):
                self._read_vitals(connection, now)
        if self._is_due("canary", now, _CANARY):
            board.vitals.canary_age = self._canary()
        board.vitals.read_at = now
        self.ready = True
        self._say("")
        return changed, reset

    def _is_due(self, what: str, now: float, every: float) -> bool:
        if now < self._due.get(what, 0.0):
            return False
        self._due[what] = now + every
        return True

    def _read_incidents(self, connection: sa.Connection, newest: int, first: bool) -> list[Changed]:
        board = self.board
        if first:
            wanted = sa.select(incidents.c.body, incidents.c.seq)
            still = incidents.c.state.in_([s.value for s in IncidentState if s.is_open])
            found = list(connection.execute(wanted.where(still)))
            over = wanted.where(~still).order_by(incidents.c.seq.desc()).limit(_BATCH)
            found += sorted(connection.execute(over), key=lambda row: int(row.seq))
            for body, seq in found:
                board.put(body, seq)
            for ladder in connection.execute(_LADDERS.where(escalations.c.state.not_in(_OVER))).mappings():
                board.put_ladder(dict(ladder))
            board.floor = board.seq = newest
            return []
        if newest <= board.seq:
            return []
        wanted = (
            sa.select(incidents.c.body, incidents.c.seq)
            .where(incidents.c.seq > board.seq, incidents.c.seq <= newest)
            .order_by(incidents.c.seq)
        )
        changed = [board.put(body, seq) for body, seq in connection.execute(wanted)]
        moved = _LADDERS.where(escalations.c.seq > board.seq, escalations.c.seq <= newest).order_by(escalations.c.seq)
        for ladder in connection.execute(moved).mappings():
            change = board.put_ladder(dict(ladder))
            changed += [change] if change is not None else []
        board.seq = newest
        self._metrics.changes.inc(len(changed))
        now = datetime.now(UTC)
        for row, _ in changed:
            late = now - datetime.fromisoformat(row["updated_at"])
            self._metrics.delay.observe(max(0.0, late.total_seconds()))
        return changed

    def _read_places(self, connection: sa.Connection) -> None:
        known = self._districts_seq
        fresh = connection.execute(sa.select(districts).where(districts.c.seq > known)).all()
        if not fresh:
            return
        names = {row.district: row.name for row in fresh}
        names_of = ("station_id", "name", "village", "district", "lat", "lon", "vulnerability")
        wanted = sa.select(*(stations.c[name] for name in names_of))
        if known >= 0:
            wanted = wanted.where(stations.c.district.in_(list(names)))
        found = connection.execute(wanted).all()
        self.board.load_places(names, [Place(*row[:-1]) for row in found])
        classes: dict[str, dict[str, str]] = {code: {} for code in names}
        for row in found:
            classes.setdefault(row.district, {})[row.station_id] = row.vulnerability
        self.board.classes = {**self.board.classes, **classes}
        self._districts_seq = max(row.seq for row in fresh)

    def _read_knowledge(self, connection: sa.Connection) -> None:
        chosen = sa.or_(*(registry.c.key.like(f"{entity}/%") for entity in ENTITIES))
        found = connection.execute(sa.select(registry.c.key, registry.c.value).where(chosen)).all()
        # The calendar first: a policy's durations are divided by its speed.
        if self.board.knowledge.apply({row.key: row.value for row in sorted(found, key=lambda row: str(row.key))}):
            self.board.renew()

    def _read_vitals(self, connection: sa.Connection, now: float) -> None:
        vitals = self.board.vitals
        hour_ago = datetime.fromtimestamp(now - 3600, UTC)
        if connection.dialect.name == "postgresql":
            minute: Any = sa.func.date_trunc("minute", reports.c.received_at)
        else:
            minute = sa.func.substr(sa.type_coerce(reports.c.received_at, sa.String), 1, 16)
        counted = connection.execute(
            sa.select(sa.type_coerce(minute, sa.String), sa.func.count())
            .where(reports.c.received_at >= hour_ago, reports.c.drill.is_(False))
            .group_by(minute)
        )
        vitals.reports_by_minute = {_minute(at): int(count) for at, count in counted}
        waiting = sa.select(sa.func.count()).where(reports.c.incident_id.is_(None), reports.c.received_at >= hour_ago)
        vitals.untriaged = int(connection.scalar(waiting) or 0)
        whole = self._is_due("seen", now, _RESEEN)
        last = max(vitals.seen.values(), default=0.0)
        # What comes in late is found by the whole look, once a minute.
        after = now - _SEEN_SECONDS if whole else max(last - 5.0, now - _SEEN_SECONDS)
        latest = sa.func.max(checkins.c.received_at, type_=checkins.c.received_at.type)
        heard = connection.execute(
            sa.select(checkins.c.station_id, latest, checkins.c.personnel)
            .where(checkins.c.received_at >= datetime.fromtimestamp(after, UTC))
            .group_by(checkins.c.station_id, checkins.c.personnel)
        )
        for station_id, at, personnel in heard:
            vitals.heard(station_id, at.timestamp(), personnel)

    def _canary(self) -> float | None:
        """Seconds since a canary last went the whole way, as the sinks measure it; ``None`` when they do not say."""
        samples = fetch(self._sinks)
        if samples is None:
            return None
        name = "siaga_store_canary_age_seconds"
        ages = [age for (metric, _), age in samples.items() if metric == name and age == age]  # noqa: PLR0124 (NaN)
        return max(ages, default=None)

    def _say(self, message: str) -> None:
        if message and message != self._said:
            log.warning("%s", message)
        self._said = message


def _minute(at: Any) -> int:
    """The minute since 1970 of what the database calls one."""
    moment = at if isinstance(at, datetime) else datetime.fromisoformat(str(at))
    moment = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return int(moment.timestamp() // 60)
