"""Where partitions end. Only a fetch tells the truth everywhere.

The embedded broker answers ListOffsets with the place behind the *first* record of the last batch, so that whoever
reads up to there misses the rest of it. Its fetches carry the right high watermark, as Apache Kafka's do.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError, RetriableError

from siaga.settings import Settings
from siaga.wire.client import connection

_REQUEST_MS: Final = 5000
_PATIENCE: Final = 20.0
_AGAIN: Final = 0.05


def log_ends(settings: Settings, partitions: Iterable[tuple[str, int]], client_id: str) -> dict[tuple[str, int], int]:
    """The next offset to be written in each of ``partitions``.

    Raises:
        kafka.errors.KafkaError: the broker does not answer within twenty seconds, or a topic is missing.
        siaga.settings.SettingsError: no broker is set.
    """
    wanted = [TopicPartition(*partition) for partition in partitions]
    if not wanted:
        return {}
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            with looking(settings, client_id) as consumer:
                ends = said_ends(consumer, wanted)
                look_closer(consumer, ends)
            return {(tp.topic, tp.partition): end for tp, end in ends.items()}
        except RetriableError:
            # A broker that just starts, or a machine with too much to do, is no reason for a worker to end.
            if time.monotonic() > deadline:
                raise
            time.sleep(_AGAIN)


def first_record(settings: Settings, partition: tuple[str, int], offset: int, client_id: str) -> int | None:
    """The offset of the first record of ``partition`` at or behind ``offset``; None where there is none.

    Raises:
        kafka.errors.KafkaError: the broker does not answer.
        siaga.settings.SettingsError: no broker is set.
    """
    tp = TopicPartition(*partition)
    with looking(settings, client_id, auto_offset_reset="earliest") as consumer:
        consumer.assign([tp])
        consumer.seek(tp, offset)
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline:
            for record in consumer.poll(timeout_ms=200).get(tp, ()):
                return int(record.offset)
            end = consumer.highwater(tp)
            if end is not None and (consumer.position(tp, timeout_ms=_REQUEST_MS) or 0) >= end:
                return None
        raise KafkaError(f"{tp.topic}-{tp.partition} could not be read")


@contextmanager
def looking(settings: Settings, client_id: str, **options: Any) -> Iterator[Any]:
    """A consumer for whoever only looks: in no group, with five seconds of patience a request.

    Raises:
        kafka.errors.KafkaError: the broker does not answer.
        siaga.settings.SettingsError: no broker is set.
    """
    consumer = KafkaConsumer(
        **connection(settings, client_id),
        **options,
        enable_auto_commit=False,
        allow_auto_create_topics=False,
        bootstrap_timeout_ms=_REQUEST_MS,
        request_timeout_ms=_REQUEST_MS,
        metrics_enabled=False,
    )
    try:
        yield consumer
    finally:
        consumer.close(autocommit=False, timeout_ms=1000)


def said_ends(consumer: Any, partitions: Collection[Any]) -> dict[Any, int]:
    """Where ``partitions`` end as ListOffsets says, each of them.

    Raises:
        kafka.errors.KafkaError: the broker does not answer, or a leader is not known within five seconds.
    """
    return _said(consumer.end_offsets, partitions)


def said_starts(consumer: Any, partitions: Collection[Any]) -> dict[Any, int]:
    """Where ``partitions`` begin, whose first records may have expired; raises what :func:`said_ends` does."""
    return _said(consumer.beginning_offsets, partitions)


def _said(ask: Callable[..., dict[Any, int]], partitions: Collection[Any]) -> dict[Any, int]:
    """What ListOffsets says.

    kafka-python 3.0 asks only for those whose leader it knows at that moment and ends with KeyError over the others;
    by then it has begun to find out.
    """
    deadline = time.monotonic() + _REQUEST_MS / 1000
    while True:
        try:
            return ask(list(partitions), timeout_ms=_REQUEST_MS)
        except KeyError as missing:
            if time.monotonic() > deadline:
                raise KafkaError(f"the leader of {missing.args[0]} is not known") from None
            time.sleep(_AGAIN)


def look_closer(consumer: Any, ends: dict[Any, int]) -> None:
    """Correct ``ends``: fetch the last record of each partition that has any, and take what comes with it.

    The consumer is assigned these partitions; nobody else may read with it.
    """
    filled = {tp for tp, end in ends.items() if end > 0}
    consumer.assign(list(filled))
    for tp in filled:
        consumer.seek(tp, ends[tp] - 1)
    deadline = time.monotonic() + _PATIENCE
    while filled:
        if time.monotonic() > deadline:
            raise KafkaError(f"the ends of {len(filled)} partitions could not be fetched")
        consumer.poll(timeout_ms=100)
        for tp in list(filled):
            end = consumer.highwater(tp)
            if end is not None:
                ends[tp] = max(end, ends[tp])
                filled.discard(tp)
                consumer.pause(tp)
