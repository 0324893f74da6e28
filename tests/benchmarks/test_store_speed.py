"""How fast the store catches up with a topic that is full already, on both databases.

The whole way is measured: from Kafka's bytes over validated contracts to committed rows.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from itertools import islice
from random import Random

import pytest
from kafka import KafkaProducer

from siaga.contracts.arrays import record_values
from siaga.contracts.incident import Change
from siaga.contracts.topics import CHECKINS, INCIDENTS, REPORTS, partition_of
from tests.support import builders
from tests.support.stack import SINKS, Stack
from tests.support.stored import happened, snapshot
from tests.support.traffic import ids
from tests.support.wait import until

#: Items of each kind, and how many of them a record carries.
SIZES = {CHECKINS: (300_000, 100), REPORTS: (60_000, 100), INCIDENTS: (60_000, 20)}
_TABLES = {CHECKINS: "checkins", REPORTS: "reports", INCIDENTS: "incidents"}


def _items(topic: str, count: int) -> Iterator[bytes]:
    rng = Random(1)
    for number, item_id in enumerate(map(uuid.UUID, islice(ids(rng), count))):
        station = f"{builders.DISTRICT}.{2001 + number % 60}-{1 + number % 17:03d}"
        if topic == CHECKINS:
            checkin = builders.checkin(station=station, report_id=item_id, turnout=number % 300, queue=number % 20)
            yield builders.accepted_checkin(checkin).to_json()
        elif topic == REPORTS:
            report = builders.report(
                station=station, report_id=item_id, text="Cekcok di pintu TPS", facts={"crowd": 9}
            )
            yield builders.accepted(report).to_json()
        else:
            history = [happened(Change.OPENED, builders.now())]
            yield snapshot(item_id, station_id=station, reports=[item_id], history=history).to_json()


def _fill(stack: Stack, topic: str) -> int:
    count, together = SIZES[topic]
    producer = KafkaProducer(bootstrap_servers=stack.broker.address, compression_type="lz4", linger_ms=20)
    partition = partition_of(builders.DISTRICT, stack.settings.partitions)
    items = _items(topic, count)
    while some := list(islice(items, together)):
        for value in record_values(some):
            producer.send(topic, value, builders.DISTRICT.encode(), partition=partition)
    producer.flush(60)
    producer.close()
    return count


@pytest.mark.parametrize("topic", SIZES)
def test_rows_a_second(topic: str, make_stack: object, parts: str) -> None:
    stack: Stack = make_stack()  # type: ignore[operator]
    stack.prepare()
    count = _fill(stack, topic)
    name = f'siaga_store_rows_total{{table="{_TABLES[topic]}"}}'

    stack.launch(SINKS)
    stack.wait_ready(SINKS)
    began, first = time.perf_counter(), stack.metrics(SINKS).get(name, 0.0)
    until(lambda: stack.metrics(SINKS).get(name, 0.0) >= count, timeout=300, what=f"{count} rows", every=0.02)
    seconds = time.perf_counter() - began

    print(f"\n{_TABLES[topic]:10} {parts:9} {(count - first) / seconds:>10,.0f} rows/s ({count - first:,.0f} rows)")
    assert stack.count(_TABLES[topic]) == count
