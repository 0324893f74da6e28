"""Whether what is remembered of the districts lies where the number of partitions has them.

In: the settings and the workers' changelog. Out: a line, or none. State: none. A district's order and state are in
its partition; Kafka adds partitions to a topic in use and moves nothing, so that afterwards a district's reports come
to one worker and what is remembered of them to another. A worker sees every row when it begins; who asks here looks
at the first ones of each partition, as the districts of one that was divided lie side by side in it.
"""

from __future__ import annotations

import time
from typing import Final

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from siaga.contracts.topics import STATE_CHANGELOG, partition_of
from siaga.settings import Settings
from siaga.wire.ends import looking, said_ends, said_starts

#: Rows of a partition that are looked at, and bytes that are fetched for them.
_ROWS: Final = 200
_BYTES: Final = 64 * 1024
_PATIENCE: Final = 5.0


def is_misplaced(key: bytes, partition: int, partitions: int) -> bool:
    """Whether a row of the changelog lies in another partition than its district has among ``partitions``."""
    return partition_of(key.partition(b"/")[0].decode(errors="replace"), partitions) != partition


def moved(partitions: int) -> str:
    """What is said where rows are misplaced, and what to do."""
    return (
        f"partitions: {STATE_CHANGELOG} remembers districts in other partitions than SIAGA_PARTITIONS={partitions} "
        "gives them: partitions were added to topics in use, and neither order nor state moves with them; stop "
        "everything and make the topics anew (docs/how-to/scale.md)"
    )


def misplaced(settings: Settings) -> str | None:
    """A line where the first rows of the changelog are misplaced. None also where it cannot be looked at.

    Raises:
        siaga.settings.SettingsError: no broker is set.
    """
    try:
        options = {"auto_offset_reset": "earliest", "max_partition_fetch_bytes": _BYTES}
        with looking(settings, "siaga-layout", **options) as consumer:
            return moved(settings.partitions) if _has_misplaced(consumer, settings.partitions) else None
    except KafkaError:
        # Who makes topics need not have the right to read what the workers remember: they look themselves.
        return None


def _has_misplaced(consumer: KafkaConsumer, partitions: int) -> bool:
    numbers = consumer.partitions_for_topic(STATE_CHANGELOG) or ()
    every = [TopicPartition(STATE_CHANGELOG, number) for number in numbers]
    if len(every) != partitions:
        return False
    starts, ends = said_starts(consumer, every), said_ends(consumer, every)
    left = {tp: _ROWS for tp in every if starts[tp] < ends[tp]}
    consumer.assign(list(left))
    deadline = time.monotonic() + _PATIENCE
    while left and time.monotonic() < deadline:
        for tp, records in consumer.poll(timeout_ms=200).items():
            if any(is_misplaced(one.key, tp.partition, partitions) for one in records if one.key and one.value):
                return True
            left[tp] = left.get(tp, 0) - len(records)
            if left[tp] <= 0 or records[-1].offset + 1 >= ends[tp]:
                left.pop(tp, None)
                consumer.pause(tp)
    return False
