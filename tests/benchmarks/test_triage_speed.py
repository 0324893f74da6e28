"""How fast one stream worker triages what waits for it, against a bare loop of Quix Streams on the same broker.

The whole way is measured: from Kafka's bytes over validated contracts to state and outputs that Kafka acknowledged.
Prints only; ``python -m pytest tests/benchmarks/test_triage_speed.py -s``
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterable

import psutil
from kafka import KafkaAdminClient, KafkaProducer
from kafka.admin import NewTopic

from siaga.contracts.arrays import record_values
from siaga.contracts.topics import CHECKINS, REPORTS, partition_of
from tests.support import builders, traffic
from tests.support.brokers import ROOT, Broker
from tests.support.stack import STREAMS, Stack
from tests.support.wait import until

QUIX = ROOT / ".cache" / "quix" / "bin" / "python"
RECORDS = 100_000
#: What is triaged: topic, items, and how many of them a record carries.
CASES = {
    "check-ins in arrays of 100": (CHECKINS, 400_000, 100),
    "check-ins one a record": (CHECKINS, 30_000, 1),
    "reports in arrays of 100": (REPORTS, 30_000, 100),
    "reports one a record": (REPORTS, 10_000, 1),
}


def test_items_a_second_against_a_bare_loop(make_stack: Callable[..., Stack], parts: str) -> None:
    stack = make_stack(registry=traffic.country(**traffic.REGENCY))
    stack.prepare()
    stack.start(STREAMS)
    loop = _bare_loop(stack.broker)
    if loop is not None:
        print(f"\n{parts}: Quix Streams, consumed and forwarded: {loop:,.0f} records/s")
    for name, (topic, count, together) in CASES.items():
        stack.stop(STREAMS)
        _fill(stack, topic, _items(stack, topic, count), together)
        rate, cpu = _rate(stack, topic, count)
        ratio = "" if loop is None else f", {rate / loop:.2f} of the bare loop"
        print(f"{parts}: {name:27} {rate:>9,.0f} items/s, {cpu * 1e6:.1f} µs CPU{ratio}")


def _items(stack: Stack, topic: str, count: int) -> Iterable[tuple[str, bytes]]:
    """District and bytes of each item. Check-ins of a district come together, as the gateway's arrays do."""
    stations = builders.stations_of(stack.registry)
    if topic == CHECKINS:
        for item in traffic.checkins(stations, count):
            yield item["station_id"][:8], builders.accepted_checkin(item).to_json()
    else:
        for item in traffic.reports(stations, count):
            yield item["station_id"][:8], builders.accepted(item).to_json()


def _fill(stack: Stack, topic: str, items: Iterable[tuple[str, bytes]], together: int) -> None:
    producer = KafkaProducer(bootstrap_servers=stack.broker.address, compression_type="lz4", linger_ms=20)
    partitions = stack.settings.partitions
    waiting: dict[str, list[bytes]] = {}

    def send(district: str) -> None:
        partition = partition_of(district, partitions)
        for value in record_values(waiting.pop(district)):
            producer.send(topic, value, district.encode(), partition=partition)

    for district, item in items:
        waiting.setdefault(district, []).append(item)
        if len(waiting[district]) >= together:
            send(district)
    for district in list(waiting):
        send(district)
    producer.flush(60)
    producer.close()


def _rate(stack: Stack, topic: str, count: int) -> tuple[float, float]:
    """Items a second and CPU seconds an item, from the first look at the worker until it has committed all."""
    name = f'siaga_streams_items_total{{kind="{topic.rpartition(".")[2]}"}}'
    stack.launch(STREAMS)
    stack.wait_ready(STREAMS)
    worker = psutil.Process(stack.processes[STREAMS].pid)
    began, used, first = time.perf_counter(), sum(worker.cpu_times()[:2]), stack.metrics(STREAMS).get(name, 0.0)
    until(lambda: stack.metrics(STREAMS).get(name, 0.0) >= count, timeout=300, what=f"{count} items", every=0.1)
    items = count - first
    return items / (time.perf_counter() - began), (sum(worker.cpu_times()[:2]) - used) / items


def _bare_loop(broker: Broker) -> float | None:
    """Records a second of the loop to be measured against; None where its environment is not there."""
    if not QUIX.exists():
        print(f"\nQuix Streams is not in {QUIX.parents[1]}; 'make bench' puts it there")
        return None
    admin = KafkaAdminClient(bootstrap_servers=broker.address)
    admin.create_topics([NewTopic(name, 4, 1) for name in ("uji.masuk", "uji.keluar")])
    admin.close()
    value = builders.accepted_checkin(builders.checkin(turnout=120)).to_json()
    producer = KafkaProducer(bootstrap_servers=broker.address, compression_type="lz4", linger_ms=20)
    for number in range(RECORDS):
        producer.send("uji.masuk", value, b"33.26.09", partition=number % 4)
    producer.flush(60)
    producer.close()
    argv = [QUIX, "-W", "ignore", ROOT / "tests" / "benchmarks" / "quix_loop.py", broker.address]
    ran = subprocess.run(
        [*map(str, argv), "uji.masuk", "uji.keluar", str(RECORDS)], capture_output=True, text=True, check=True
    )
    return float(ran.stdout)
