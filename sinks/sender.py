"""A producer that is kept open, for what the sinks tell the streams while they run: results and deadlines.

Input: records. Output: the same on Kafka, acknowledged by all replicas. State: the connection, anew after a fault.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from kafka import KafkaProducer
from kafka.errors import KafkaError, KafkaTimeoutError

from siaga.contracts.headers import cloud_event
from siaga.contracts.topics import MAX_RECORD_BYTES
from siaga.settings import Settings
from siaga.wire.client import close_producer, connection
from sinks.producing import Outgoing

_CONNECT_MS: Final = 5_000
_DELIVERY_SECONDS: Final = 10.0


class Sender:
    """Writes records of one part. One thread at a time may use it."""

    def __init__(self, settings: Settings, source: str) -> None:
        self._settings = settings
        self._source = source
        self._producer: Any = None

    def send(self, records: Sequence[Outgoing]) -> None:
        """Write records in order and return when Kafka has all of them.

        Raises:
            KafkaError: Kafka does not answer or refuses one; any of them may be there all the same.
        """
        try:
            producer = self._open()
            sent = [self._put(producer, record) for record in records]
            for future in sent:
                future.get(_DELIVERY_SECONDS)
        except (KafkaError, TimeoutError) as error:
            self.close()
            if isinstance(error, KafkaError):
                raise
            raise KafkaTimeoutError(f"no acknowledgement within {_DELIVERY_SECONDS:g} s") from error

    def close(self) -> None:
        """End the connection; what it still held may or may not be there."""
        producer, self._producer = self._producer, None
        if producer is not None:
            close_producer(producer)

    def _open(self) -> Any:
        if self._producer is None:
            self._producer = KafkaProducer(
                **connection(self._settings, f"siaga-{self._source}"),
                acks="all",
                compression_type="lz4",
                linger_ms=2,
                max_request_size=4 * MAX_RECORD_BYTES,
                max_block_ms=_CONNECT_MS,
                bootstrap_timeout_ms=_CONNECT_MS,
                delivery_timeout_ms=int(_DELIVERY_SECONDS * 1000),
                request_timeout_ms=int(_DELIVERY_SECONDS * 1000) - 1000,
                allow_auto_create_topics=False,
                metrics_enabled=False,
            )
        return self._producer

    def _put(self, producer: Any, record: Outgoing) -> Any:
        headers = cloud_event(kind=record.kind, source=self._source, event_id=record.event_id, at=datetime.now(UTC))
        return producer.send(record.topic, record.value, record.key, partition=record.partition, headers=headers)
