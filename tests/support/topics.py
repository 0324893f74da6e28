"""What is on a topic, read from its beginning without a group."""

from __future__ import annotations

import json
from typing import Any

from kafka import KafkaConsumer, TopicPartition

from siaga.contracts.canary import canary_of
from siaga.settings import Settings
from siaga.wire.ends import log_ends


def records_on(address: str, topic: str, *, partitions: int = 4) -> list[Any]:
    """Every record, partition after partition, each in its order."""
    consumer = KafkaConsumer(bootstrap_servers=address, auto_offset_reset="earliest", enable_auto_commit=False)
    try:
        places = [TopicPartition(topic, number) for number in range(partitions)]
        consumer.assign(places)
        consumer.seek_to_beginning(*places)
        ends = log_ends(Settings(kafka=address), places, "uji-ends")
        found: dict[TopicPartition, list[Any]] = {place: [] for place in places}
        while any(consumer.position(place) < ends[place] for place in places):
            for place, records in consumer.poll(timeout_ms=500).items():
                found[place] += records
        return [record for place in places for record in found[place]]
    finally:
        consumer.close()


def items_on(address: str, topic: str, *, partitions: int = 4) -> list[dict[str, Any]]:
    """Every item of every record, without the canaries."""
    items = []
    for record in records_on(address, topic, partitions=partitions):
        if canary_of(record.value) is None:
            read = json.loads(record.value)
            items += read if isinstance(read, list) else [read]
    return items


def first_ids(items: list[dict[str, Any]]) -> list[str]:
    """The items' ids in order, each once: Kafka may get one twice."""
    return list(dict.fromkeys(item["report_id"] for item in items))
