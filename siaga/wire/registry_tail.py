"""The registry on Kafka: putting entries into it, and following it from its beginning for ever.

``siaga.registry`` is compacted and has one partition, so that everybody sees all changes in one order.
"""

from __future__ import annotations

import logging
import uuid
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from threading import Event, Thread
from typing import Any, Final

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import KafkaError, UnknownTopicOrPartitionError

from siaga.contracts.headers import cloud_event
from siaga.contracts.registry import RegistryEntry, key_of
from siaga.contracts.topics import MAX_RECORD_BYTES, REGISTRY
from siaga.settings import Settings
from siaga.wire.client import close_producer, connection
from siaga.wire.ends import said_ends
from siaga.wire.topic_ids import topic_ids

log = logging.getLogger(__name__)

_CONNECT_MS: Final = 10_000
#: Entries on their way at once. A district is about 20 KB, so that this is some 10 MB.
_IN_FLIGHT: Final = 500
_DELIVERY_SECONDS: Final = 60.0

#: Seconds between two looks at which log this is, and the longest wait for a broker that is away.
_LOOK_EVERY: Final = 1.0
_LONGEST_PAUSE: Final = 2.0
_REQUEST_MS: Final = 5000


class RegistryError(RuntimeError):
    """The registry could not be written; the message says why and what to do."""


def publish_entries(settings: Settings, entries: Iterable[RegistryEntry]) -> None:
    """Put ``entries`` into the registry and return when Kafka has all of them (``acks=all``).

    Raises:
        RegistryError: Kafka does not answer, has no such topic, or refuses an entry. What came before it may be
            there; publishing the same entries again is harmless.
        siaga.settings.SettingsError: no broker is set.
    """
    options = connection(settings, "siaga-registry")
    try:
        producer = KafkaProducer(
            **options,
            acks="all",
            compression_type="lz4",
            batch_size=MAX_RECORD_BYTES // 2,
            linger_ms=5,
            max_request_size=4 * MAX_RECORD_BYTES,
            max_block_ms=_CONNECT_MS,
            bootstrap_timeout_ms=_CONNECT_MS,
            delivery_timeout_ms=int(_DELIVERY_SECONDS * 1000),
            metrics_enabled=False,
        )
    except KafkaError as error:
        raise RegistryError(f"kafka: {settings.kafka} does not answer; start it, or correct SIAGA_KAFKA") from error
    done = False
    try:
        sent: deque[tuple[str, Any]] = deque()
        for entry in entries:
            if len(sent) >= _IN_FLIGHT:
                _await(*sent.popleft())
            sent.append((key := key_of(entry), _send(producer, key, entry)))
        while sent:
            _await(*sent.popleft())
        done = True
    finally:
        close_producer(producer, 5.0 if done else 0.0)


def _send(producer: Any, key: str, entry: RegistryEntry) -> Any:
    headers = cloud_event(
        kind=f"registry-{key.partition('/')[0]}",
        source="registry",
        event_id=str(uuid.uuid4()),
        at=datetime.now(UTC),
        subject=key,
    )
    try:
        return producer.send(REGISTRY, value=entry.to_json(), key=key.encode(), headers=headers, partition=0)
    except (KafkaError, ValueError) as error:
        raise _refused(key, error) from error


def _await(key: str, future: Any) -> None:
    try:
        future.get(timeout=_DELIVERY_SECONDS)
    except KafkaError as error:
        raise _refused(key, error) from error


def _refused(key: str, error: Exception) -> RegistryError:
    return RegistryError(
        f"registry: {key} was not taken ({error}); make the topics with 'siaga topics', then load it again"
    )


class RegistryTail:
    """Follows the registry in a thread of its own, without a consumer group, and outlives every outage.

    ``on_entry(key, value)`` is called in that thread, in order, ``value`` ``None`` for a deletion. An entry may come
    again (after another broker took over, or an empty one was filled), so taking one twice must be harmless. What
    ``on_entry`` raises is logged with the key and passed over: one bad entry must not hide the ones behind it.
    """

    def __init__(self, settings: Settings, on_entry: Callable[[str, bytes | None], None], *, client_id: str) -> None:
        self._options = connection(settings, client_id)
        self._on_entry = on_entry
        self._partition = TopicPartition(REGISTRY, 0)
        self._stop = Event()
        self._caught_up = Event()
        self._thread = Thread(target=self._run, name="registry-tail", daemon=True)
        #: Which log the position belongs to (see :func:`_log_of`), and the next offset to read in it.
        self._log: tuple[str, str] | None = None
        self._position = 0

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def wait_caught_up(self, timeout: float) -> bool:
        """Wait until everything that was there when the reading began has been told; false after ``timeout`` s."""
        return self._caught_up.wait(timeout)

    @property
    def caught_up(self) -> bool:
        """Whether everything that was there when the reading began has been told. Never turns false again."""
        return self._caught_up.is_set()

    def stop(self, timeout: float = 5.0) -> None:
        """Read no more; returns when the thread has ended, or after ``timeout`` seconds."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout)

    # -- in the thread --------------------------------------------------------------------------------------------

    def _run(self) -> None:
        pause, said = 0.1, ""
        while not self._stop.is_set():
            try:
                with ExitStack() as clients:
                    self._follow(*self._connect(clients))
                    pause, said = 0.1, ""
            except (KafkaError, OSError) as error:
                if str(error) != said:
                    said = str(error)
                    log.warning("registry: cannot be read (%s); trying again", said)
                self._stop.wait(pause)
                pause = min(pause * 2, _LONGEST_PAUSE)
            except Exception:
                log.exception("registry: reading it failed; trying again")
                self._stop.wait(_LONGEST_PAUSE)

    def _connect(self, clients: ExitStack) -> tuple[Any, Any]:
        """Clients whose position is where the reading goes on; from the beginning if this is another log."""
        common = {**self._options, "bootstrap_timeout_ms": _CONNECT_MS, "request_timeout_ms": _REQUEST_MS}
        admin = clients.enter_context(closing(KafkaAdminClient(**common)))
        found = _log_of(admin)
        if found is None:
            raise UnknownTopicOrPartitionError(f"there is no {REGISTRY}; make the topics with 'siaga topics'")
        consumer = KafkaConsumer(
            **common,
            auto_offset_reset="earliest",
            enable_auto_commit=False,
            max_partition_fetch_bytes=8 * MAX_RECORD_BYTES,
            metrics_enabled=False,
        )
        clients.callback(consumer.close, autocommit=False, timeout_ms=1000)
        consumer.assign([self._partition])
        end = said_ends(consumer, [self._partition])[self._partition]
        # A log that lost its end, or that was made again where the broker has no ids of topics, is shorter.
        if found != self._log or end < self._position:
            self._log, self._position = found, 0
        consumer.seek(self._partition, self._position)
        return admin, consumer

    def _follow(self, admin: Any, consumer: Any) -> None:
        """Read until asked to stop, or until this is no longer the log it was."""
        end = said_ends(consumer, [self._partition])[self._partition]
        waited = 0.0
        while not self._stop.is_set():
            # Not records alone: compaction may have left nothing at the end of the log.
            if not self._caught_up.is_set():
                # What a fetch says: the embedded broker's ListOffsets leaves out the rest of the last batch.
                known = consumer.highwater(self._partition)
                position = consumer.position(self._partition, timeout_ms=1000) or 0
                if position >= max(end, known or 0) and (known is not None or end == 0):
                    self._caught_up.set()
            records = consumer.poll(timeout_ms=200).get(self._partition, ())
            for record in records:
                self._tell(record)
                self._position = record.offset + 1
            waited = 0.0 if records else waited + 0.2
            if waited >= _LOOK_EVERY:
                waited = 0.0
                # An embedded broker that was started again is another, empty log behind the same address; and a
                # topic may be made anew. One that is only gone may come back as either.
                if _log_of(admin) not in (None, self._log):
                    log.warning("registry: the broker or the topic is another one now; reading from the beginning")
                    return

    def _tell(self, record: Any) -> None:
        key = record.key.decode(errors="replace") if record.key else ""
        try:
            self._on_entry(key, record.value)
        except Exception as error:
            # An entry holds what is confidential; a remedy names fields, never values.
            log.error("registry: %s cannot be used and is passed over: %s", key[:100], error)


def _log_of(admin: Any) -> tuple[str, str] | None:
    """What tells the registry's log from others of its name: the cluster's id and the topic's. None without one."""
    named = topic_ids(admin, [REGISTRY])
    return (str(admin.describe_cluster()["cluster_id"]), named[REGISTRY]) if named else None
