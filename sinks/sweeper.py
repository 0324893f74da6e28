"""The second clock of escalations: what is due by the database is told to the streams, whatever their own clocks do.

Input: the table ``escalations``. Output: ``siaga.timers``, with the very key that a worker's own clock gives the
timer, so that whichever comes second changes nothing. State: what was sent of late. One process sweeps at a time.

A worker's clock comes first where it works: the sweeper gives it a moment. What a worker has not handled is sent
again, for as long as it is due.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import Any, Final

import sqlalchemy as sa
from kafka.errors import KafkaError

from siaga.contracts.base import SCHEMA_VERSION
from siaga.contracts.escalation import EscalationState
from siaga.contracts.timer import Timer, TimerKind
from siaga.contracts.topics import TIMERS, partition_of
from siaga.settings import Settings
from siaga.store.tables import escalations
from siaga.wire.steady import steady_now
from sinks.database import DATABASE_FAULTS, StoreLock, engine_of
from sinks.migrate import connect_alone
from sinks.notify import metrics
from sinks.producing import Outgoing
from sinks.sender import Sender

logger = logging.getLogger(__name__)

#: Seconds between two looks.
_EVERY: Final = 1.0
#: Seconds that the worker's own clock gets.
_GRACE: Final = 2.0
#: Seconds after which a timer that is due still is sent again.
_AGAIN: Final = 15.0
_PAUSE: Final = 2.0
#: Timers sent in one round.
_MOST: Final = 1000

#: What makes a timer the same one: incident, generation, level, round and kind, or district, moment and kind.
_Key = tuple[str, ...]


def due(connection: sa.Connection, now: datetime) -> Iterator[Timer]:
    """What is due at ``now`` and not over: digests first, then what is longest overdue."""
    table = escalations.c
    calling = [state.value for state in EscalationState if state.is_paging]
    first = sa.func.min(table.digest_due_at, type_=table.digest_due_at.type)
    # One a district, whatever waits for it.
    digests = (
        sa.select(table.district, first.label("due_at"))
        .where(table.digest_due_at <= now, table.state.in_(calling))
        .group_by(table.district)
    )
    for row in connection.execute(digests):
        yield _timer(TimerKind.DIGEST, row, now)
    open_ = [state.value for state in EscalationState if not state.is_over]
    named = (table.incident_id, table.generation, table.level, table.round)
    deadlines = (
        sa.select(table.district, table.next_due_at.label("due_at"), table.next_timer, *named)
        .where(table.next_due_at <= now, table.next_timer.is_not(None), table.state.in_(open_))
        .order_by(table.next_due_at)
    )
    for late in connection.execute(deadlines):
        about = {column.name: late._mapping[column.name] for column in named}
        yield _timer(TimerKind(late.next_timer), late, now, **about)


def _timer(kind: TimerKind, row: Any, now: datetime, **about: Any) -> Timer:
    return Timer.model_validate(
        {
            "schema_version": SCHEMA_VERSION,
            "district": row.district,
            "kind": kind,
            "due_at": row.due_at,
            "at": now,
            **about,
        }
    )


def _key_of(timer: Timer) -> _Key:
    if timer.kind is TimerKind.DIGEST:
        return timer.district, timer.due_at.isoformat(), timer.kind.value
    return tuple(map(str, (timer.incident_id, timer.generation, timer.level, timer.round, timer.kind.value)))


class Sweeper:
    """Runs until ``stop`` is set."""

    name = "sweeper"

    def __init__(self, settings: Settings, stop: Event) -> None:
        self._settings = settings
        self._stop = stop
        self._engine = engine_of(settings, writes=False)
        self._lock = StoreLock(self._engine, "sweeper")
        self._connection: sa.Connection | None = None
        self._sender = Sender(settings, "sweeper")
        #: When each timer was sent last (monotonic seconds).
        self._sent: dict[_Key, float] = {}
        self._up = True

    def run(self) -> None:
        """Sweep until asked to stop."""
        while not self._stop.is_set():
            try:
                if self._open():
                    self._sweep()
            except (KafkaError, *DATABASE_FAULTS) as error:
                if self._up:
                    logger.warning("deadlines are left to the workers for now (%s)", type(error).__name__)
                self._up = False
                if not isinstance(error, KafkaError):
                    self._close()
                self._stop.wait(_PAUSE)
            else:
                self._up = True
            self._stop.wait(_EVERY)
        self._sender.close()
        self._close()
        self._lock.release()

    def _open(self) -> bool:
        if self._connection is not None:
            return True
        self._connection = connect_alone(self._engine, self._lock)
        return self._connection is not None

    def _close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(*DATABASE_FAULTS):
                connection.invalidate()
                connection.close()

    def _sweep(self) -> None:
        """Send what is due and was not sent just now."""
        if self._connection is None:
            return
        now, steady = datetime.fromtimestamp(steady_now(), UTC), time.monotonic()
        self._sent = {key: at for key, at in self._sent.items() if steady - at < _AGAIN}
        with self._connection.begin():
            found = due(self._connection, now - timedelta(seconds=_GRACE))
            fresh = [timer for timer in found if _key_of(timer) not in self._sent]
        if not fresh:
            return
        timers = [timer.model_copy(update={"at": now}) for timer in fresh[:_MOST]]
        self._sender.send([self._outgoing(timer) for timer in timers])
        self._sent |= dict.fromkeys(map(_key_of, timers), steady)
        for timer in timers:
            metrics.SWEPT.labels(kind=timer.kind.value).inc()
        metrics.SWEEPER_LAG.set(max((now - timer.due_at).total_seconds() for timer in timers))

    def _outgoing(self, timer: Timer) -> Outgoing:
        return Outgoing(
            TIMERS,
            partition_of(timer.district, self._settings.partitions),
            timer.district.encode(),
            timer.to_json(),
            event_id="/".join(_key_of(timer)),
            kind="timer",
        )
