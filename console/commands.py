"""Puts a person's decision on Kafka, and answers that cannot be used. In: a checked command, or a rejection.
Out: a record of ``siaga.commands`` in its district's partition, or of ``siaga.rejected``, acknowledged before this
returns. State: one producer, made when it is first needed.
"""

from __future__ import annotations

import logging
from threading import Lock
from typing import Any, Final

from kafka import KafkaProducer
from kafka.errors import KafkaError

from console.metrics import Metrics
from siaga.contracts.command import Command
from siaga.contracts.headers import cloud_event
from siaga.contracts.rejection import Rejection
from siaga.contracts.topics import COMMANDS, REJECTED, partition_of
from siaga.settings import Settings, SettingsError
from siaga.wire.client import close_producer, connection

log = logging.getLogger(__name__)

_SECONDS: Final = 5.0


class CommandError(RuntimeError):
    """The command did not reach Kafka, or nobody knows whether it did; sending it again with its id is harmless."""


class CommandPublisher:
    """Publishes commands; any thread may."""

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        self._settings = settings
        self._metrics = metrics
        self._lock = Lock()
        self._producer: Any = None

    def publish(self, command: Command) -> None:
        """Send ``command`` and wait until Kafka has it.

        Raises:
            CommandError: it could not be sent within five seconds.
        """
        headers = cloud_event(
            kind="command",
            source="console",
            event_id=str(command.command_id),
            at=command.at,
            subject=command.district,
        )
        try:
            self._send(COMMANDS, command.to_json(), command.district, headers)
        except (KafkaError, SettingsError) as error:
            self._metrics.commands.labels(command.action.value, "failed").inc()
            log.warning("a command did not reach Kafka: %s", error)
            raise CommandError("kafka: did not take the command; try again in a moment") from error
        self._metrics.commands.labels(command.action.value, "accepted").inc()

    def reject(self, rejection: Rejection) -> None:
        """Set aside what could not be used and wait until Kafka has it.

        Raises:
            CommandError: it could not be sent within five seconds.
        """
        headers = cloud_event(
            kind="rejection", source="console", event_id=str(rejection.rejection_id), at=rejection.at
        )
        try:
            self._send(REJECTED, rejection.to_json(), rejection.source, headers)
        except (KafkaError, SettingsError) as error:
            log.warning("an answer that cannot be used was not set aside: %s", error)
            raise CommandError("kafka: did not take the rejection; send the message again") from error

    def _send(self, topic: str, value: bytes, key: str, headers: Any) -> None:
        sent = self._connected().send(
            topic,
            value=value,
            key=key.encode(),
            headers=headers,
            partition=partition_of(key, self._settings.partitions),
        )
        sent.get(timeout=_SECONDS)

    def _connected(self) -> Any:
        with self._lock:
            if self._producer is None:
                milliseconds = int(_SECONDS * 1000)
                self._producer = KafkaProducer(
                    **connection(self._settings, "siaga-console"),
                    acks="all",
                    max_block_ms=milliseconds,
                    bootstrap_timeout_ms=milliseconds,
                    delivery_timeout_ms=milliseconds,
                    request_timeout_ms=milliseconds // 2,
                    allow_auto_create_topics=False,
                    metrics_enabled=False,
                )
            return self._producer

    def close(self) -> None:
        """End the connection."""
        with self._lock:
            if self._producer is not None:
                close_producer(self._producer, 5.0)
                self._producer = None
