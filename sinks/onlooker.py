"""Sees from outside whether the store still reads: kafka-python 3.0 was seen to read nothing more, silently,
after a broker had been killed and started again.

Input: where the partitions end, asked over a connection of its own from a thread of its own; how far the store has
read. Output: whether it stands still, upon which the store begins to read anew. A broker that does not answer is no
standstill, nor is a store that waits for its database or has more to read than it can take.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping
from threading import Event, Thread
from time import monotonic
from typing import Any, Final

from kafka import TopicPartition

from siaga.settings import Settings
from siaga.wire.ends import looking, said_ends
from siaga.wire.progress import Progress
from sinks.batch import Place

logger = logging.getLogger(__name__)

_EVERY: Final = 2.0
#: Seconds for which records wait in vain until that is a standstill, at first and at most.
_PATIENCE: Final = 10.0
_MOST_PATIENCE: Final = 600.0


class Standstill:
    """Whether the looks so far make a standstill. Pure; times in seconds of any clock that only goes forward.

    Each standstill in a row takes twice as long to be called one, should it be something that reading anew does not
    mend.
    """

    def __init__(self) -> None:
        self._progress = Progress[Place]()
        self._patience = _PATIENCE
        self._came_empty = 0

    def is_seen(self, ends: Mapping[Place, int], reached: Mapping[Place, int], came_empty: int, now: float) -> bool:
        """Take in one look.

        Args:
            ends: where the partitions end.
            reached: where the store reads them next.
            came_empty: how often the store has asked in vain so far. One that did not since the last look is busy
                with what it has, or waits for its database.
            now: when this is.
        """
        if came_empty == self._came_empty:
            self._progress = Progress()
        self._came_empty = came_empty
        if self._progress.observe(ends, reached, now) < self._patience:
            if all(reached.get(place, 0) >= end for place, end in ends.items()):
                self._patience = _PATIENCE
            return False
        self._progress = Progress()
        self._patience = min(2 * self._patience, _MOST_PATIENCE)
        return True

    def forget(self) -> None:
        """Nothing could be seen for a while, or another reader is looked at."""
        self._progress = Progress()


class Onlooker:
    """Looks every two seconds; ``seen`` is told by the store: where it reads next, and how often it asked in vain.

    Args:
        standstill: what is known of the readers before; none of them is looked at any more.
        call: called at a standstill, in a thread of its own; nothing is looked at afterwards.
    """

    def __init__(
        self,
        settings: Settings,
        standstill: Standstill,
        places: Collection[Place],
        seen: Callable[[], tuple[Mapping[Place, int], int]],
        call: Callable[[], None],
    ) -> None:
        self._settings = settings
        self._standstill = standstill
        self._partitions = [TopicPartition(*place) for place in places]
        self._seen = seen
        self._call = call
        self._stop = Event()
        self._thread = Thread(target=self._run, name="onlooker", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._standstill.forget()
        self._thread.start()

    def stop(self) -> None:
        """Look no more. Does not wait for a look under way."""
        self._stop.set()

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                with looking(self._settings, "siaga-store-onlooker") as kafka:
                    self._watch(kafka)
            except Exception as error:  # whatever it is: without this thread nobody would notice a standstill
                logger.debug("it cannot be seen whether the store reads: %s", error or type(error).__name__)
                self._standstill.forget()
                self._stop.wait(_EVERY)

    def _watch(self, kafka: Any) -> None:
        while not self._stop.wait(_EVERY):
            ends = {(tp.topic, tp.partition): end for tp, end in said_ends(kafka, self._partitions).items()}
            # What is known is the next reader's by now.
            if self._stop.is_set():
                return
            if self._standstill.is_seen(ends, *self._seen(), monotonic()):
                self._stop.set()
                self._call()
