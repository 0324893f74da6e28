"""Ends a worker that stands still while records wait: Faust is known to hang (faust-streaming 175, 523, 532).

Input: ends of the partitions and what the group has committed, asked over a connection of its own from a thread of
its own, so that neither a blocked event loop nor a hung client can keep it from noticing. Output: the lag as a
metric, and the end of the process; its supervisor starts it again. A broker that does not answer is no standstill.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable
from contextlib import closing
from threading import Event, Thread
from time import monotonic
from typing import Any, Final

from kafka import KafkaAdminClient, TopicPartition

from siaga.contracts.topics import STREAM_INPUTS, STREAMS_GROUP
from siaga.settings import Settings
from siaga.wire.client import connection
from siaga.wire.ends import look_closer, looking, said_ends
from siaga.wire.progress import Progress
from streams import metrics
from streams.hearing import Where

logger = logging.getLogger(__name__)

#: Exit code of a worker that ended itself.
STALLED: Final = 70
_EVERY: Final = 2.0
#: Seconds between two closer looks: each fetches a batch of every partition.
_CLOSER_EVERY: Final = 15.0
#: Seconds for which a look is worth something.
_FRESH: Final = 4 * _EVERY
_REQUEST_MS: Final = 5000


def end_at_once(why: str) -> None:
    """End the process without writing another byte to Kafka; whoever looks after it starts it again.

    Not ``sys.exit``: what hangs would hang the exit as well. Nothing is lost, nothing was acknowledged early.
    """
    sys.stderr.write(f"siaga: streams: {why}; this worker ends itself to be started again\n")
    sys.stderr.flush()
    os._exit(STALLED)


def refuse_at_once(why: str) -> None:
    """End the process over what no new start mends, as a setting that is wrong does; ``why`` has the remedy."""
    sys.stderr.write(f"siaga: {why}\n")
    sys.stderr.flush()
    os._exit(2)


class Watchdog:
    """Looks every two seconds at the partitions ``owned`` names; at all of them while this worker has none."""

    def __init__(
        self,
        settings: Settings,
        worker: str,
        owned: Callable[[], frozenset[int]],
        see_topics: Callable[[Any], None],
    ) -> None:
        self._settings = settings
        self._worker = worker
        self._owned = owned
        self._see_topics = see_topics
        self._progress = Progress[Where]()
        #: Ends as fetches told them, and when they were asked last (monotonic seconds).
        self._ends: dict[Where, int] = {}
        self._looked_closer = -_CLOSER_EVERY
        self._seen: tuple[float, dict[Where, tuple[int, int]]] | None = None
        self._stop = Event()
        self._thread = Thread(target=self._run, name="watchdog", daemon=True)

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def stop(self) -> None:
        """Watch no more."""
        self._stop.set()

    def waiting(self) -> dict[Where, tuple[int, int]] | None:
        """For each input of this worker: what was committed, where the log ended. None if that is not known now."""
        seen = self._seen
        return seen[1] if seen is not None and monotonic() - seen[0] < _FRESH else None

    def _run(self) -> None:
        said = ""
        while not self._stop.is_set():
            try:
                self._watch()
            except Exception as error:  # whatever it is: without this thread nobody would notice a standstill
                if str(error) != said:
                    said = str(error)
                    logger.warning("the watchdog cannot look after this worker: %s", said or repr(error))
                self._progress = Progress[Where]()
                self._stop.wait(_EVERY)

    def _watch(self) -> None:
        name = f"{self._worker}-watchdog"
        limits = {"bootstrap_timeout_ms": _REQUEST_MS, "request_timeout_ms": _REQUEST_MS}
        with (
            closing(KafkaAdminClient(**connection(self._settings, name), **limits)) as admin,
            looking(self._settings, name) as consumer,
        ):
            while not self._stop.wait(_EVERY):
                self._look(admin, consumer)

    def _look(self, admin: Any, consumer: Any) -> None:
        self._see_topics(admin)
        owned = self._owned() or range(self._settings.partitions)
        asked = [TopicPartition(topic, number) for topic in STREAM_INPUTS for number in owned]
        ends = self._ends_of(consumer, asked)
        answered = admin.list_group_offsets({STREAMS_GROUP: asked})[STREAMS_GROUP]
        committed = {Where(*tp): answer.offset for tp, answer in answered.items() if answer.offset >= 0}
        self._seen = monotonic(), {where: (committed.get(where, 0), end) for where, end in ends.items()}
        for topic in STREAM_INPUTS:
            behind = sum(max(0, ends[w] - committed.get(w, 0)) for w in ends if w.topic == topic)
            metrics.LAG.labels(topic=topic).set(behind)
        waited = self._progress.observe(ends, committed, monotonic())
        metrics.STANDING_STILL.set(waited)
        if waited >= self._settings.stall_seconds and not self._stop.is_set():
            end_at_once(
                f"records have waited for {waited:.0f} s without any progress "
                f"(stall_seconds is {self._settings.stall_seconds:g})"
            )

    def _ends_of(self, consumer: Any, asked: list[Any]) -> dict[Where, int]:
        """Where the partitions end: as the broker says, and now and then as a fetch does (:mod:`siaga.wire.ends`)."""
        said = said_ends(consumer, asked)
        if monotonic() - self._looked_closer >= _CLOSER_EVERY:
            look_closer(consumer, said)
            self._looked_closer = monotonic()
            self._ends = {Where(*tp): end for tp, end in said.items()}
        return {Where(*tp): max(end, self._ends.get(Where(*tp), 0)) for tp, end in said.items()}
