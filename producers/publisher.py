"""Puts messages on Kafka: in arrays, on their district's partition, acknowledged by all replicas.

In: messages of one district. Out: records with CloudEvents headers, and a future that says when Kafka has them.
State: what is on its way, bounded in bytes; one kafka-python producer, replaced whenever it failed to deliver.
"""

from __future__ import annotations

import logging
import re
import time
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from threading import Condition, Lock, Thread
from typing import Any, Final

from kafka import KafkaProducer
from kafka.errors import (
    InvalidRecordError,
    KafkaError,
    KafkaTimeoutError,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
)

from siaga.contracts.arrays import record_values
from siaga.contracts.headers import cloud_event
from siaga.contracts.topics import CHECKINS, MAX_RECORD_BYTES, REPORTS, partition_of
from siaga.settings import Settings
from siaga.wire.client import close_producer, connection

log = logging.getLogger(__name__)

#: Bytes on their way to Kafka at once; beyond it `publish` waits.
_MAX_BYTES: Final = 64 * 1024 * 1024
_CONNECT_SECONDS: Final = 5.0
#: Topics whose partitions a new producer asks for before it is used, and the seconds it gets for that.
_KNOWN_BEFOREHAND: Final = (REPORTS, CHECKINS)
_TOPICS_SECONDS: Final = 1.0
_LONGEST_PAUSE: Final = 2.0
#: Faults of one record, which say nothing against the connection.
_OF_THE_RECORD: Final = (MessageSizeTooLargeError, RecordListTooLargeError, InvalidRecordError)
#: The id of a message, which stands near its beginning: the contracts' fields travel in order.
_ID: Final = re.compile(rb'"[a-z]+_id":"([0-9a-f-]{36})"')
_ID_WITHIN: Final = 120

_partition_of = lru_cache(maxsize=16_384)(partition_of)


class PublishError(RuntimeError):
    """Kafka has not acknowledged a record; it may have it all the same. The message says why."""


class Publisher:
    """Publishes from any thread. Connects by itself, in the background, and again after every outage.

    Order: records of one district reach Kafka in the order of their ``publish`` calls, as long as none fails.
    """

    def __init__(
        self,
        settings: Settings,
        client_id: str,
        *,
        delivery_timeout: float = 60.0,
        max_bytes: int = _MAX_BYTES,
    ) -> None:
        """``delivery_timeout`` is how long a record is tried, in seconds, before its future fails.

        Raises:
            siaga.settings.SettingsError: no broker is set.
        """
        self._options = connection(settings, client_id)
        self._source = client_id.removeprefix("siaga-")
        self._partitions = settings.partitions
        self._delivery_ms = int(delivery_timeout * 1000)
        self._max_bytes = max_bytes
        self._state = Condition()
        self._producer: Any = None
        self._why = "is not connected yet"
        self._bytes = 0
        self._records = 0
        self._closing = False
        self._connector = Thread(target=self._keep_connected, name=f"{client_id}-connect", daemon=True)
        self._connector.start()

    @property
    def connected(self) -> bool:
        """Whether there is a producer that has not failed since it connected."""
        return self._producer is not None

    def wait_connected(self, timeout: float) -> bool:
        """Wait until there is; false after ``timeout`` seconds."""
        with self._state:
            return self._state.wait_for(lambda: self._producer is not None, timeout)

    def publish(
        self,
        topic: str,
        district: str,
        items: Sequence[bytes],
        kind: str,
        *,
        timeout: float = 30.0,
        traceparent: str | None = None,
    ) -> Future[None]:
        """Send messages of one district; the future is done when Kafka has acknowledged all of them.

        One message travels as an object, several as arrays, in as many records as their limits ask for. While Kafka
        is away or too much is on its way this waits, but never longer than ``timeout`` seconds; 0 never waits. What
        goes wrong comes as a :class:`PublishError` in the future, never from here.
        """
        return self.publish_to(
            topic,
            _partition_of(district, self._partitions),
            district,
            items,
            kind,
            timeout=timeout,
            traceparent=traceparent,
        )

    def publish_to(
        self,
        topic: str,
        partition: int,
        key: str,
        items: Sequence[bytes],
        kind: str,
        *,
        timeout: float = 30.0,
        traceparent: str | None = None,
    ) -> Future[None]:
        """As :meth:`publish`, on a partition of the caller's choice and under a key that is no district."""
        values = list(record_values(items))
        sent: Future[None] = Future()
        if not values:
            sent.set_result(None)
            return sent
        found = _ID.search(items[0], 0, _ID_WITHIN)
        headers = cloud_event(
            kind=kind,
            source=self._source,
            event_id=found[1].decode() if found else str(uuid.uuid4()),
            at=datetime.now(UTC),
            subject=key,
            traceparent=traceparent,
        )
        all_sent = _AllSent(sent, len(values))
        deadline = time.monotonic() + timeout
        for value in values:
            try:
                self._send(_Record(topic, partition, key.encode(), value, headers), deadline, all_sent.one)
            except PublishError as error:
                all_sent.one(error)
                break
        return sent

    def flush(self, timeout: float) -> None:
        """Wait until Kafka has acknowledged, or finally refused, everything that was published.

        Raises:
            PublishError: it has not within ``timeout`` seconds.
        """
        with self._state:
            if not self._state.wait_for(lambda: self._records == 0, timeout):
                why = "" if self._producer is not None else f"; Kafka {self._why}"
                raise PublishError(f"{self._records} records are not acknowledged after {timeout:g} s{why}")

    def close(self, timeout: float) -> None:
        """Let what is on its way arrive, for at most ``timeout`` seconds, and end. The rest fails its futures."""
        with self._state:
            self._closing = True
            self._state.notify_all()
            self._state.wait_for(lambda: self._records == 0 or self._producer is None, timeout)
            producer, self._producer = self._producer, None
            self._why = "is left: the publisher is closed"
        if producer is not None:
            close_producer(producer)
        # It may be in the middle of an attempt to connect, which nobody waits for any more.
        self._connector.join(min(timeout, 0.5))

    # -- sending --------------------------------------------------------------------------------------------------

    def _send(self, record: _Record, deadline: float, done: Callable[[Exception | None], None]) -> None:
        size = len(record.value)
        while True:
            producer = self._reserve(size, deadline)
            try:
                future = record.send(producer)
                break
            except (KafkaError, ValueError) as error:
                self._release(size)
                # A topic not seen before: its metadata is on the way. Everything else speaks against the producer,
                # also that it knows a topic no more: the broker began anew, and nothing makes it ask again soon.
                if not isinstance(error, KafkaTimeoutError) or record.topic in _KNOWN_BEFOREHAND:
                    self._failed(producer, error)
                if isinstance(error, _OF_THE_RECORD) or time.monotonic() >= deadline:
                    raise PublishError(f"{record.topic}: {error}") from error
                # Nothing tells when the client knows it.
                time.sleep(0.01)

        def settled(error: Exception | None) -> None:
            self._release(size)
            if error is not None:
                self._failed(producer, error)
                error = PublishError(f"{record.topic}: {error}")
            done(error)

        future.add_callback(lambda _: settled(None))
        future.add_errback(settled)

    def _reserve(self, size: int, deadline: float) -> Any:
        """A producer, with room for ``size`` more bytes on their way."""
        with self._state:
            while True:
                if self._closing:
                    raise PublishError("the publisher is closed")
                fits = not self._bytes or self._bytes + size <= self._max_bytes
                if self._producer is not None and fits:
                    self._bytes += size
                    self._records += 1
                    return self._producer
                if not self._state.wait(max(0.0, deadline - time.monotonic())) and time.monotonic() >= deadline:
                    why = f"Kafka {self._why}" if self._producer is None else "too much is on its way"
                    raise PublishError(why)

    def _release(self, size: int) -> None:
        with self._state:
            self._bytes -= size
            self._records -= 1
            self._state.notify_all()

    def _failed(self, producer: Any, error: Exception) -> None:
        """Give up a producer that could not deliver: what it believes of the broker may no longer be so.

        An idempotent producer numbers its records, and an embedded broker that began anew knows none of them.
        """
        if isinstance(error, _OF_THE_RECORD):
            return
        with self._state:
            if self._producer is producer:
                self._producer = None
                self._why = f"did not take a record ({error})"
                Thread(target=close_producer, args=(producer,), name="old-producer", daemon=True).start()
                self._state.notify_all()

    # -- connecting -----------------------------------------------------------------------------------------------

    def _keep_connected(self) -> None:
        pause, said = 0.1, ""
        while not self._closing:
            if self._producer is None:
                try:
                    producer = self._connect()
                except (KafkaError, PublishError, OSError) as error:
                    if str(error) != said:
                        said = str(error)
                        log.warning("kafka: cannot be reached (%s); trying again", said)
                    with self._state:
                        self._why = f"cannot be reached ({said})"
                        self._state.wait_for(lambda: self._closing, pause)
                    pause = min(pause * 2, _LONGEST_PAUSE)
                    continue
                with self._state:
                    self._producer = producer
                    self._state.notify_all()
                if said:
                    log.warning("kafka: is reached again")
                pause, said = 0.1, ""
            with self._state:
                self._state.wait_for(lambda: self._closing or self._producer is None)

    def _connect(self) -> Any:
        """A producer that knows the partitions of its topics, so that sending never waits for them."""
        producer = KafkaProducer(
            **self._options,
            acks="all",
            enable_idempotence=True,
            compression_type="lz4",
            batch_size=MAX_RECORD_BYTES // 2,
            max_request_size=2 * MAX_RECORD_BYTES,
            # Sending must not wait inside: whoever calls may be an event loop.
            max_block_ms=0,
            bootstrap_timeout_ms=int(_CONNECT_SECONDS * 1000),
            request_timeout_ms=max(1000, min(30_000, self._delivery_ms // 2)),
            delivery_timeout_ms=max(1000, self._delivery_ms),
            metrics_enabled=False,
        )
        try:
            deadline = time.monotonic() + _TOPICS_SECONDS
            for topic in _KNOWN_BEFOREHAND:
                self._check(topic, _partitions_for(producer, topic, deadline))
        except BaseException:
            close_producer(producer)
            raise
        return producer

    def _check(self, topic: str, count: int) -> None:
        if count != self._partitions:
            # Another number would put districts on partitions where nobody looks for them.
            raise PublishError(
                f"partitions: {topic} has {count} partitions, not {self._partitions}; set SIAGA_PARTITIONS={count}"
            )


@dataclass(frozen=True, slots=True)
class _Record:
    """One record as Kafka gets it."""

    topic: str
    partition: int
    key: bytes
    value: bytes
    headers: list[tuple[str, bytes]]

    def send(self, producer: Any) -> Any:
        return producer.send(
            self.topic, value=self.value, key=self.key, headers=self.headers, partition=self.partition
        )


class _AllSent:
    """Settles one future when the last of several records is settled, or at the first that failed."""

    def __init__(self, future: Future[None], records: int) -> None:
        self._future = future
        self._left = records
        self._settled = False
        self._lock = Lock()

    def one(self, error: Exception | None) -> None:
        with self._lock:
            self._left -= 1
            if self._settled or (error is None and self._left):
                return
            self._settled = True
        if not self._future.set_running_or_notify_cancel():
            return
        if error is None:
            self._future.set_result(None)
        else:
            self._future.set_exception(error)


def _partitions_for(producer: Any, topic: str, deadline: float) -> int:
    while True:
        try:
            return len(producer.partitions_for(topic))
        except KafkaTimeoutError:
            if time.monotonic() >= deadline:
                raise PublishError(f"kafka: there is no topic {topic}; make the topics with 'siaga topics'") from None
            # The client has begun to ask for it, and nothing tells when it knows.
            time.sleep(0.02)
