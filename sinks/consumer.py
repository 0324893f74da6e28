"""Records of the store's topics, in the order of their partitions, from where the database says.

One store reads all partitions, so they are assigned by hand: no group to rebalance, nothing to wait for, and the same
on both brokers. Positions come from the database; what is committed to Kafka only tells others how far we are.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import AuthorizationError, KafkaError
from kafka.structs import OffsetAndMetadata

from siaga.contracts.topics import MAX_RECORD_BYTES, STORE_GROUP
from siaga.settings import Settings, SettingsError
from siaga.wire.client import FETCH_WAIT_MS, connection
from sinks.batch import Place, Record

logger = logging.getLogger(__name__)

_CONNECT_MS: Final = 5_000
_REQUEST_MS: Final = 10_000
#: How soon another cluster behind the same address, or more partitions, are noticed.
_METADATA_MS: Final = 3_000
_POLL_SECONDS: Final = 0.5
#: Seconds in which something has to come while not everything has been read, else Kafka is held to be away.
_PATIENCE: Final = 30.0


class NotReadyError(RuntimeError):
    """Kafka answers and does not have what is needed yet; the message says what."""


class ClusterChangedError(RuntimeError):
    """Another cluster, or the same with other partitions, answers now: begin anew."""


class Consumer:
    """Reads ``topics`` of the cluster behind the settings' address, one thread at a time.

    Who only looks is in no ``group``, and needs no right on one.

    Raises:
        KafkaError: Kafka does not answer.
        NotReadyError: a topic is not there.
    """

    def __init__(
        self, settings: Settings, topics: Sequence[str], *, client_id: str, group: str | None = STORE_GROUP
    ) -> None:
        self._kafka: Any = KafkaConsumer(
            **connection(settings, client_id),
            group_id=group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            bootstrap_timeout_ms=_CONNECT_MS,
            request_timeout_ms=_REQUEST_MS,
            metadata_max_age_ms=_METADATA_MS,
            fetch_max_wait_ms=FETCH_WAIT_MS,
            # The largest entry of the registry fits, on brokers that cut there too.
            max_partition_fetch_bytes=8 * MAX_RECORD_BYTES,
            metrics_enabled=False,
            max_poll_records=settings.store_batch,
        )
        try:
            self.cluster_id = str(self._kafka._cluster.cluster_id)
            self._partitions = [TopicPartition(topic, number) for topic in topics for number in self._of(topic)]
        except BaseException:
            self.close()
            raise
        self._next: dict[TopicPartition, int] = {}

    def _of(self, topic: str) -> list[int]:
        found = self._kafka.partitions_for_topic(topic)
        if not found:
            raise NotReadyError(f"topic {topic} is not there yet; 'siaga topics' creates it")
        return sorted(found)

    @property
    def partitions(self) -> list[Place]:
        """Every partition that is read."""
        return [(tp.topic, tp.partition) for tp in self._partitions]

    def start(self, positions: Mapping[Place, int]) -> None:
        """Read from ``positions``, and partitions that are not named from their beginning."""
        self._kafka.assign(self._partitions)
        for tp in self._partitions:
            position = positions.get((tp.topic, tp.partition))
            if position is None:
                self._kafka.seek_to_beginning(tp)
            else:
                self._next[tp] = position
                self._kafka.seek(tp, position)

    def poll(self, timeout: float) -> Iterator[Record]:
        """The next records, as they are asked for; none when there are none within ``timeout`` seconds."""
        for tp, records in self._kafka.poll(timeout_ms=int(timeout * 1000)).items():
            self._notice(tp, records[0].offset)
            self._next[tp] = records[-1].offset + 1
            for record in records:
                yield _record(record)

    def _notice(self, tp: TopicPartition, offset: int) -> None:
        """A position that is not there any more is replaced by the beginning: notice it."""
        expected = self._next.get(tp, 0)
        if offset < expected:
            logger.warning(
                "%s-%d begins again at %d, before %d where it was read: the log was shortened or made anew",
                *(tp.topic, tp.partition, offset, expected),
            )

    def check(self) -> None:
        """See whether it is still the same that is read.

        Raises:
            ClusterChangedError: another cluster answers at this address, or a topic has more partitions.
        """
        if self._kafka._cluster.cluster_id not in (None, self.cluster_id):
            raise ClusterChangedError("another cluster answers at this address")
        for topic in {tp.topic for tp in self._partitions}:
            now = self._kafka.partitions_for_topic(topic)
            if now and len(now) > sum(tp.topic == topic for tp in self._partitions):
                raise ClusterChangedError(f"topic {topic} has more partitions")

    def lag(self) -> dict[str, int]:
        """How many records wait, by topic, as far as Kafka has told."""
        waiting = dict.fromkeys((tp.topic for tp in self._partitions), 0)
        for tp in self._partitions:
            end = self._kafka.highwater(tp)
            if end is not None:
                waiting[tp.topic] += max(0, end - self._reached(tp))
        return waiting

    def is_behind(self, topics: Collection[str]) -> bool:
        """Whether records of ``topics`` wait, or Kafka has not told yet."""
        ours = [tp for tp in self._partitions if tp.topic in topics]
        ends = {tp: self._kafka.highwater(tp) for tp in ours}
        return any(end is None or end > self._reached(tp) for tp, end in ends.items())

    def records_until_now(self) -> Iterator[list[Record]]:
        """Every record there is now, some at a time; an empty list where none came for a while.

        A partition ends where Kafka first says that it does. The position has to get there, as the last record may
        have expired, or be a mark of a transaction.

        Raises:
            KafkaError: Kafka refuses.
            NotReadyError: nothing moves for half a minute before the end.
        """
        ends: dict[TopicPartition, int] = {}
        moved, left = time.monotonic(), (-1, -1)
        while True:
            found = list(self.poll(_POLL_SECONDS))
            for tp in self._partitions:
                end = self._kafka.highwater(tp)
                if end is not None:
                    ends.setdefault(tp, end)
            yield [record for record in found if record.offset < ends[TopicPartition(record.topic, record.partition)]]
            untold = len(self._partitions) - len(ends)
            unread = sum(max(0, end - self._reached(tp)) for tp, end in ends.items())
            if not untold and not unread:
                return
            if (untold, unread) != left:
                moved, left = time.monotonic(), (untold, unread)
            elif time.monotonic() - moved > _PATIENCE:
                raise NotReadyError("it tells nothing more before the end of its partitions")

    def _reached(self, tp: TopicPartition) -> int:
        """The next offset that is read: behind the last record, or behind what holds no record for anybody.

        Not the client's ``position()``, which looks at every partition each time, and may ask Kafka.
        """
        position = self._kafka._subscription.assignment[tp].position
        return self._next.get(tp, 0) if position is None else int(position.offset)

    def commit(self, positions: Mapping[Place, int], *, wait: float = 0.0) -> None:
        """Tell Kafka how far the database is; at most ``wait`` seconds. Never raises: nothing depends on it."""
        offsets = {TopicPartition(*place): OffsetAndMetadata(at, "", -1) for place, at in positions.items()}
        if not offsets:
            return
        try:
            if wait:
                self._kafka.commit(offsets, timeout_ms=int(wait * 1000))
            else:
                self._kafka.commit_async(offsets)
        except KafkaError as error:
            logger.debug("offsets were not committed to kafka: %s", error)

    def close(self) -> None:
        """End it; never raises."""
        try:
            self._kafka.close(autocommit=False, timeout_ms=1000)
        except Exception as error:
            logger.debug("a consumer did not close: %s", error)


def unreadable(settings: Settings, error: Exception) -> SettingsError:
    """What is said to whoever wanted to look at what is on Kafka, and could not."""
    if isinstance(error, AuthorizationError):
        return SettingsError(
            f"kafka_user: {settings.kafka_user or 'nobody'} may not read what is on {settings.kafka}; set "
            "SIAGA_KAFKA_USER to siaga-sinks, with its password (docs/how-to/secure-the-lines.md)"
        )
    said = str(error) or type(error).__name__
    return SettingsError(f"kafka: {settings.kafka} cannot be read ({said}); start it, or correct SIAGA_KAFKA")


def _record(record: Any) -> Record:
    by = next((value for name, value in record.headers or () if name == "ce_source" and value), None)
    return Record(
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        key=record.key,
        value=record.value,
        at=datetime.fromtimestamp(max(0, record.timestamp or 0) / 1000, UTC),
        by=by.decode(errors="replace").replace("\x00", "")[:200] if by is not None else None,
    )
