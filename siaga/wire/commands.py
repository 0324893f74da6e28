"""Puts people's decisions on Kafka, for programs that send a few and end: the command line."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from kafka import KafkaProducer
from kafka.errors import KafkaError

from siaga.contracts.command import Command
from siaga.contracts.headers import cloud_event
from siaga.contracts.topics import COMMANDS, partition_of
from siaga.settings import Settings
from siaga.wire.client import close_producer, connection

_SECONDS: Final = 10.0


class CommandError(RuntimeError):
    """Kafka did not take a command, or nobody knows whether it did; the message says what to do."""


def publish_commands(settings: Settings, commands: Iterable[Command], *, source: str) -> None:
    """Send commands and return when Kafka has all of them (``acks=all``). ``source`` is the part that sends them.

    Raises:
        CommandError: one was not taken within ten seconds; sending it again with its id is harmless.
        siaga.settings.SettingsError: no broker is set.
    """
    milliseconds = int(_SECONDS * 1000)
    options = connection(settings, f"siaga-{source}")
    refused = CommandError("kafka: did not take the command; start it, or correct SIAGA_KAFKA, and send it again")
    try:
        producer = KafkaProducer(
            **options,
            acks="all",
            max_block_ms=milliseconds,
            bootstrap_timeout_ms=milliseconds,
            delivery_timeout_ms=milliseconds,
            request_timeout_ms=milliseconds // 2,
            allow_auto_create_topics=False,
            metrics_enabled=False,
        )
    except KafkaError as error:
        raise refused from error
    try:
        sent = [
            producer.send(
                COMMANDS,
                value=command.to_json(),
                key=command.district.encode(),
                headers=cloud_event(
                    kind="command",
                    source=source,
                    event_id=str(command.command_id),
                    at=command.at,
                    subject=command.district,
                ),
                partition=partition_of(command.district, settings.partitions),
            )
            for command in commands
        ]
        for future in sent:
            future.get(timeout=_SECONDS)
    except KafkaError as error:
        raise refused from error
    finally:
        close_producer(producer, 2.0)
