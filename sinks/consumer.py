"""Records of the store's topics, in the order of their partitions, from where the database says.

One store reads all partitions, so they are assigned by hand: no group to rebalance, nothing to wait for, and the same
on both brokers. Positions come from the database; what is committed to Kafka only tells others how far we are.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Final

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import AuthorizationError, KafkaError, LogTruncationError, OffsetOutOfRangeError
from kafka.structs import OffsetAndMetadata

from siaga.contracts.topics import MAX_RECORD_BYTES, STORE_GROUP
from siaga.settings import Settings, SettingsError
from siaga.wire.client import FETCH_WAIT_MS, connection, not_allowed
from siaga.wire.ends import said_ends, said_starts
from siaga.wire.topic_ids import id_of
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
    """Another cluster, or the same with other topics or partitions, answers now: begin anew."""


@dataclass(frozen=True, slots=True)
class Astray:
    """Where a partition was to be read, ``at``, and where it is to be read instead, as that is not there any more."""

    at: int
    instead: int

    @property
    def shortened(self) -> bool:
        """Whether the log ended before; else its beginning has expired, with records that nobody had read here."""
        return self.instead < self.at


class StandstillError(RuntimeError):
    """Records wait, and reading brings none of them: begin anew."""


class AstrayError(RuntimeError):
    """Partitions are not what they were where they are read: go on elsewhere, and say so."""

    def __init__(self, places: Mapping[Place, Astray]) -> None:
        named = ", ".join(f"{topic}-{number} from {one.instead}" for (topic, number), one in places.items())
        super().__init__(f"kafka has not kept what was to be read; reading {named or 'on'}")
        self.places = places


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
            # A place that is not there any more is told, instead of another one being taken quietly.
            auto_offset_reset="none",
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
            self._partitions: list[TopicPartition] = []
            self.topic_ids: dict[str, str] = {}
            for topic in topics:
                self._partitions += [TopicPartition(topic, number) for number in self._of(topic)]
                if (named := self._id_of(topic)) is not None:
                    self.topic_ids[topic] = named
        except BaseException:
            self.close()
            raise
        self._next: dict[TopicPartition, int] = {}
        self._came_empty = 0

    def _of(self, topic: str) -> list[int]:
        found = self._kafka.partitions_for_topic(topic)
        if not found:
            raise NotReadyError(f"topic {topic} is not there yet; 'siaga topics' creates it")
        return sorted(found)

    def _id_of(self, topic: str) -> str | None:
        """What tells the topic from one of the same name before or after it; None where the broker does not say."""
        return id_of(self._kafka._cluster.topic_id(topic)) or None

    @property
    def partitions(self) -> list[Place]:
        """Every partition that is read."""
        return [(tp.topic, tp.partition) for tp in self._partitions]

    def start(
        self, positions: Mapping[Place, int], leader_epochs: Mapping[Place, int] = MappingProxyType({})
    ) -> None:
        """Read from ``positions``, and partitions that are not named from their beginning.

        Args:
            leader_epochs: those of the records before the positions, where they are known: by them Kafka notices that
                the log was cut off before a position and has grown beyond it since (KIP-320).
        """
        self._kafka.assign(self._partitions)
        for tp in self._partitions:
            place = (tp.topic, tp.partition)
            position = positions.get(place)
            if position is None:
                self._kafka.seek_to_beginning(tp)
            else:
                self._next[tp] = position
                # Its own ``seek`` takes no epoch.
                at = OffsetAndMetadata(position, "", leader_epochs.get(place, -1))
                self._kafka._subscription.seek(tp, at)

    def poll(self, timeout: float) -> Iterator[Record]:
        """The next records, as they are asked for; none when there are none within ``timeout`` seconds.

        Raises:
            AstrayError: what is to be read next is not there any more.
        """
        try:
            found = self._kafka.poll(timeout_ms=int(timeout * 1000))
        except OffsetOutOfRangeError:
            raise AstrayError(self._astray({})) from None
        except LogTruncationError as cut:
            raise AstrayError(self._astray(cut.divergent_offsets)) from None
        if not found:
            self._came_empty += 1
        for tp, records in found.items():
            self._next[tp] = records[-1].offset + 1
            for record in records:
                yield _record(record)

    def _astray(self, cut: Mapping[TopicPartition, OffsetAndMetadata | None]) -> dict[Place, Astray]:
        """All partitions that are to be read where they are not; ``cut`` are those of which Kafka says where."""
        starts = said_starts(self._kafka, self._partitions)
        ends = said_ends(self._kafka, self._partitions)
        found: dict[Place, Astray] = {}
        # Those that are read from wherever they begin have no place yet.
        for tp in [tp for tp in self._partitions if tp in self._next or self._position(tp) is not None]:
            at, start = self._reached(tp), starts[tp]
            if tp in cut and (parted := cut[tp]) is not None:
                found[tp.topic, tp.partition] = Astray(at, max(start, parted.offset))
            elif tp in cut or not start <= at <= ends[tp]:
                found[tp.topic, tp.partition] = Astray(at, start)
        return found

    def check(self) -> None:
        """See whether it is still the same that is read.

        Raises:
            ClusterChangedError: another cluster answers at this address, or a topic was made anew, or has more
                partitions.
        """
        if self._kafka._cluster.cluster_id not in (None, self.cluster_id):
            raise ClusterChangedError("another cluster answers at this address")
        for topic, known in self.topic_ids.items():
            if self._id_of(topic) not in (None, known):
                raise ClusterChangedError(f"topic {topic} was deleted and made anew")
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

    def seen(self) -> tuple[dict[Place, int], int]:
        """Where each partition is read next, and how many polls have brought nothing; of any thread."""
        return {(tp.topic, tp.partition): self._reached(tp) for tp in self._partitions}, self._came_empty

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
            found = self._poll_on()
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

    def _poll_on(self) -> list[Record]:
        """The next records of those that are left: who only counts does not miss what expires meanwhile.

        Raises:
            NotReadyError: a log was shortened while it was read.
        """
        try:
            return list(self.poll(_POLL_SECONDS))
        except AstrayError as astray:
            if any(one.shortened for one in astray.places.values()):
                raise NotReadyError("it does not have any more what was just read; try again") from None
            for place, one in astray.places.items():
                self._kafka.seek(TopicPartition(*place), one.instead)
            return []

    def _reached(self, tp: TopicPartition) -> int:
        """The next offset that is read: behind the last record, or behind what holds no record for anybody."""
        position = self._position(tp)
        return self._next.get(tp, 0) if position is None else position

    def _position(self, tp: TopicPartition) -> int | None:
        """As the client knows it. (Its ``position()`` looks at every partition each time, and may ask Kafka.)"""
        position = self._kafka._subscription.assignment[tp].position
        return None if position is None else int(position.offset)

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
        then = "set SIAGA_KAFKA_USER to siaga-sinks, with its password (docs/how-to/secure-the-lines.md)"
        return SettingsError(not_allowed(settings, f"read what is on {settings.kafka}", then))
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
        leader_epoch=record.leader_epoch if record.leader_epoch is not None and record.leader_epoch >= 0 else None,
        by=by.decode(errors="replace").replace("\x00", "")[:200] if by is not None else None,
    )
