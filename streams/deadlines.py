"""Notices what came due and what changed in the registry, and has it handled in the districts' own order.

State changes only while a record is handled, so that a replay decides the same: a deadline becomes a record in
``siaga.timers``. Sent again every half minute until it was handled; handling one twice is harmless.
"""

from __future__ import annotations

import logging
import math
from collections import deque
from collections.abc import Callable, Iterable
from typing import Final
from uuid import UUID

from siaga.contracts.timer import Timer, TimerKind
from siaga.election.registry import Registry
from siaga.escalation.duties import Duties
from siaga.triage.timers import due
from streams import metrics
from streams.districts import Districts

logger = logging.getLogger(__name__)

#: Seconds until a deadline that nobody handled is sent again.
AGAIN: Final = 30.0

_Key = tuple[str, TimerKind, float, UUID | None]


class Deadlines:
    """The deadlines of the districts a worker has. ``climbs`` is whether it watches those of escalations."""

    def __init__(self, districts: Districts, registry: Registry, *, climbs: bool = True) -> None:
        self._districts = districts
        self._registry = registry
        self._climbs = climbs
        self._sent: dict[_Key, float] = {}

    def due(self, now: float, steady: float, can_tell: Callable[[int], bool]) -> list[Timer]:
        """What came due and was not sent within the last half minute.

        ``now`` is the machine's time, which check-ins are judged by; ``steady`` is
        :func:`siaga.wire.steady.steady_now`, which escalations are (epoch seconds both).

        ``can_tell`` answers for a partition whether silence means anything there at present.
        """
        self._sent = {key: at for key, at in self._sent.items() if abs(now - at) < AGAIN}
        telling = {partition for partition in self._districts.owned if can_tell(partition)}
        found = []
        latest = 0.0
        for district in self._districts.all.values():
            heard = self._districts.partition(district.code) in telling
            climbs = district.book.due(steady) if self._climbs else ()
            for timer in (*due(district.state, self._registry, now), *climbs):
                key = _key_of(timer)
                if key in self._sent or (timer.kind is TimerKind.SILENCE and not heard):
                    continue
                self._sent[key] = now
                found.append(timer)
                if timer.kind is not TimerKind.EXPIRY:
                    latest = max(latest, (timer.at - timer.due_at).total_seconds())
        if found:
            metrics.TIMER_LAG.set(latest)
        return found

    def not_sent(self, timers: Iterable[Timer]) -> None:
        """Kafka did not take these: they are due still, and not in half a minute only."""
        for timer in timers:
            self._sent.pop(_key_of(timer), None)

    def next_in(self, steady: float) -> float:
        """Seconds until the next escalation comes due, as far as can be told; 0 while some wait to be handled."""
        if not self._climbs:
            return math.inf
        times = (district.book.next_at for district in self._districts.all.values())
        return max(0.0, min((at for at in times if at is not None), default=math.inf) - steady)


def _key_of(timer: Timer) -> _Key:
    return timer.district, timer.kind, timer.due_at.timestamp(), timer.incident_id


class RegistryChanges:
    """Entries of the registry, taken in between two batches: told in another thread, applied in the worker's."""

    def __init__(self, duties: Duties) -> None:
        self._duties = duties
        self._told: deque[tuple[str, bytes | None]] = deque()

    def tell(self, key: str, value: bytes | None) -> None:
        """Any thread may tell an entry."""
        self._told.append((key, value))

    def apply(self, present: Iterable[str]) -> list[str] | None:
        """Take in what was told; answers which of the ``present`` districts have to be decided anew.

        None when nothing was told.
        """
        if not self._told:
            return None
        everywhere = False
        changed: set[str] = set()
        while self._told:
            key, value = self._told.popleft()
            try:
                if self._duties.apply(key, value):
                    continue  # what climbs already is decided with what it began with
                applied = self._duties.registry.apply(key, value)
            except ValueError as error:
                # What was there before stays. The message names fields and remedies, never values.
                logger.error("registry: %s cannot be used, what was there before stays: %s", key[:100], error)
                continue
            if applied.districts is None:
                everywhere = True
            else:
                changed |= applied.districts
        return [code for code in present if everywhere or code in changed]
