"""Records put back into Kafka out of the database: few, and each waited for."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from kafka import KafkaProducer
from kafka.errors import AuthorizationError, KafkaError

from siaga.contracts.headers import cloud_event
from siaga.contracts.topics import MAX_RECORD_BYTES
from siaga.settings import Settings, SettingsError
from siaga.wire.client import close_producer, connection, not_allowed

_CONNECT_MS: Final = 10_000
_DELIVERY_SECONDS: Final = 60.0
#: Records on their way at once.
_IN_FLIGHT: Final = 500


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A record to be written. ``event_id`` is where it comes from."""

    topic: str
    partition: int
    key: bytes | None
    value: bytes
    event_id: str
    kind: str
    replayed: bool = False


def produce(settings: Settings, records: Iterable[Outgoing], *, source: str) -> int:
    """Write records in order and return, with their number, when Kafka has all of them (``acks=all``).

    Raises:
        SettingsError: no broker is set, it does not answer, or it refuses a record. What came before may be there.
    """
    try:
        producer: Any = KafkaProducer(
            **connection(settings, f"siaga-{source}"),
            acks="all",
            compression_type="lz4",
            max_request_size=4 * MAX_RECORD_BYTES,
            max_block_ms=_CONNECT_MS,
            bootstrap_timeout_ms=_CONNECT_MS,
            delivery_timeout_ms=int(_DELIVERY_SECONDS * 1000),
            metrics_enabled=False,
        )
    except KafkaError as error:
        raise _unwritten(settings, error) from error
    sent: deque[Any] = deque()
    count = 0
    try:
        for record in records:
            headers = cloud_event(kind=record.kind, source=source, event_id=record.event_id, at=datetime.now(UTC))
            if record.replayed:
                headers.append(("siaga-replayed", b"true"))
            sent.append(
                producer.send(record.topic, record.value, record.key, partition=record.partition, headers=headers)
            )
            count += 1
            if len(sent) > _IN_FLIGHT:
                sent.popleft().get(_DELIVERY_SECONDS)
        while sent:
            sent.popleft().get(_DELIVERY_SECONDS)
    except KafkaError as error:
        raise _unwritten(settings, error) from error
    finally:
        with suppress(Exception):
            close_producer(producer)
    return count


def _unwritten(settings: Settings, error: KafkaError) -> SettingsError:
    if isinstance(error, AuthorizationError):
        then = "set SIAGA_KAFKA_USER to siaga-admin, with its password, and do it again"
        return SettingsError(not_allowed(settings, f"write this on {settings.kafka}", then))
    return SettingsError(
        f"kafka: {settings.kafka} does not take what it is given ({type(error).__name__}); "
        "start it, or correct SIAGA_KAFKA, and do it again"
    )
