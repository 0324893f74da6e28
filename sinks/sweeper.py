"""The second clock of escalations: what is due by the database is told to the streams, whatever their own clocks do.

Input: the table ``escalations``. Output: ``siaga.timers``, with the very key that a worker's own clock gives the
timer, so that whichever comes second changes nothing. State: what was sent of late. One process sweeps at a time.

A worker's clock comes first where it works: the sweeper gives it a moment. What a worker has not handled is sent
again, for as long as it is due.
"""

from __future__ import annotations

import logging
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import Final

import sqlalchemy as sa
from kafka.errors import KafkaError

from siaga.contracts.base import SCHEMA_VERSION
from siaga.contracts.escalation import EscalationState
from siaga.contracts.timer import Timer, TimerKind
from siaga.contracts.topics import TIMERS, partition_of
from siaga.settings import Settings
from siaga.store.tables import escalations
from sinks.database import DATABASE_FAULTS, StoreLock, make_engine
from sinks.migrate import newest, revision_of
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

#: Incident, generation, level, round, kind.
_Key = tuple[str, int, int, int, str]


@dataclass(frozen=True, slots=True)
class Due:
    """A deadline that passed, by the database."""

    key: _Key
    timer: Timer


def due(connection: sa.Connection, now: datetime) -> list[Due]:
    """What is due at ``now`` and not over, the longest overdue first."""
    table = escalations.c
    over = [state.value for state in EscalationState if state.is_over]
    asked = (
        sa.select(escalations)
        .where(table.next_due_at <= now, table.next_timer.is_not(None), table.state.not_in(over))
        .order_by(table.next_due_at)
        .limit(_MOST)
    )
    return [
        Due(
            (row.incident_id, row.generation, row.level, row.round, row.next_timer),
            Timer.model_validate(
                {
                    "schema_version": SCHEMA_VERSION,
                    "district": row.district,
                    "kind": TimerKind(row.next_timer),
                    "due_at": row.next_due_at,
                    "at": now,
                    "incident_id": row.incident_id,
                    "generation": row.generation,
                    "level": row.level,
                    "round": row.round,
                }
            ),
        )
        for row in connection.execute(asked)
    ]


class Sweeper:
    """Runs until ``stop`` is set."""

    name = "sweeper"

    def __init__(self, settings: Settings, stop: Event) -> None:
        self._settings = settings
        self._stop = stop
        self._engine = make_engine(settings.database_url, writes=False)
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
        connection = self._engine.connect()
        try:
            with connection.begin():
                ready = revision_of(connection) == newest()
            if not ready or not self._lock.take(connection):
                connection.close()
                return False
        except BaseException:
            connection.close()
            raise
        self._connection = connection
        return True

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
        now, steady = datetime.now(UTC), time.monotonic()
        with self._connection.begin():
            found = due(self._connection, now - timedelta(seconds=_GRACE))
        self._sent = {key: at for key, at in self._sent.items() if steady - at < _AGAIN}
        fresh = [one for one in found if one.key not in self._sent]
        if not fresh:
            return
        timers = [one.timer.model_copy(update={"at": now}) for one in fresh]
        self._sender.send([self._outgoing(timer) for timer in timers])
        self._sent |= dict.fromkeys((one.key for one in fresh), steady)
        for timer in timers:
            metrics.SWEPT.labels(kind=timer.kind.value).inc()
        metrics.SWEEPER_LAG.set(max((now - timer.due_at).total_seconds() for timer in timers))

    def _outgoing(self, timer: Timer) -> Outgoing:
        return Outgoing(
            TIMERS,
            partition_of(timer.district, self._settings.partitions),
            timer.district.encode(),
            timer.to_json(),
            event_id="/".join(
                map(str, (timer.incident_id, timer.generation, timer.level, timer.round, timer.kind.value))
            ),
            kind="timer",
        )
