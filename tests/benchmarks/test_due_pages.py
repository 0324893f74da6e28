"""How long it takes from 500 deadlines in the same second until a webhook has their pages, beside 10,000 open ones.

``python -m pytest tests/benchmarks/test_due_pages.py -s`` (two minutes). One worker, from the deadline over timers,
pages and the store to the last webhook; and before it the 1,000 first calls about 500 reports at once. Prints only.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from kafka import KafkaProducer

from siaga.contracts.arrays import record_values
from siaga.contracts.roster import PolicyEntry
from siaga.contracts.topics import REPORTS, partition_of
from siaga.escalation.policy import builtin_policy
from tests.support import builders
from tests.support.cost import Cost
from tests.support.duty_room import manned_country, shares
from tests.support.receiver import Received, Receiver
from tests.support.stack import SINKS, STREAMS, Stack
from tests.support.wait import until

OPEN = 10_000
DUE = 500
#: Seconds that a level has to answer about SEV1: enough for the calls of the first level to be over.
DEADLINE = 30
#: SEV3, and of families that make no clusters.
_KINDS = ("dispute.count", "hazard.flood", "procedure.logistics", "neutrality.officer")
#: The duty officer of the Polsek and BPBD's, then the operations desk.
_FIRST_LEVEL, _SECOND_LEVEL = 2, 1


def test_from_five_hundred_deadlines_to_the_last_webhook(
    make_stack: Callable[..., Stack], parts: str, tmp_path: Path
) -> None:
    with Receiver(tmp_path) as receiver:
        country = manned_country(receiver.url, districts=20, stations=3_000)
        stack = make_stack(registry=[*country, _policy()]).start(SINKS, STREAMS)
        stations = builders.stations_of(stack.registry)
        _produce(stack, _quiet(stations[DUE:]))
        stack.until_count("escalations", OPEN - DUE, timeout=120)
        before = _until_settled(receiver)

        cost, began = Cost(), time.time()
        _produce(stack, _alarms(stations[:DUE]))
        calls = _until_received(receiver, before, DUE * _FIRST_LEVEL, stack)
        first = sorted(message.at - began for message in calls)
        print(
            f"\n{parts}: {DUE} SEV1 reported at once, {len(first)} calls: {shares(first)} ms; cores: {cost.shares()}"
        )
        stack.until_count("escalations", DUE, "kind = 'hazard.fire' AND level = 1")
        deadlines = sorted(
            _epoch(row["next_due_at"])
            for row in stack.rows("SELECT next_due_at FROM escalations WHERE kind = 'hazard.fire'")
        )

        cost = Cost()
        again = _until_received(receiver, before + len(calls), DUE * _SECOND_LEVEL, stack)
        spent = cost.shares()
        made = [_epoch(row["due_at"]) for row in stack.rows("SELECT due_at FROM pages WHERE level = 2")]
        took = sorted(message.at - deadlines[-1] for message in again)
        print(
            f"{parts}: {stack.count('escalations')} open, {DUE} due within {_ms(deadlines[-1] - deadlines[0])} ms; "
            f"after the last deadline: noticed {_ms(max(made) - deadlines[-1])} ms, webhooks {shares(took)} ms; "
            f"cores: {spent}"
        )
    assert len(made) == DUE


def _ms(seconds: float) -> str:
    return f"{1000 * seconds:.0f}"


def _epoch(stored: object) -> float:
    """A time as a database gives it."""
    return datetime.fromisoformat(str(stored)).timestamp()


def _policy() -> PolicyEntry:
    """The built-in one with another deadline for SEV1."""
    toml = (
        builtin_policy()
        .source.replace("SEV1 = 2", f"SEV1 = {DEADLINE / 60}", 1)
        .replace('version = "', 'version = "uji-', 1)
    )
    return PolicyEntry(schema_version=1, version="uji", toml=toml)


def _quiet(stations: list[str]) -> Iterator[dict[str, Any]]:
    """Reports that each open an incident that pages somebody, or waits for a digest, for a quarter of an hour."""
    for number in range(OPEN - DUE):
        kind = _KINDS[number // len(stations)]
        yield builders.report(kind, station=stations[number % len(stations)], by=f"anggota-{number}")


def _alarms(stations: list[str]) -> Iterator[dict[str, Any]]:
    for number, station in enumerate(stations):
        yield builders.report("hazard.fire", station=station, by=f"piket-{number}", facts={"dead": 1})


def _produce(stack: Stack, reports: Iterable[dict[str, Any]]) -> None:
    """Write reports as the gateway does, a district's in arrays of a hundred."""
    waiting: dict[str, list[bytes]] = {}
    for item in reports:
        waiting.setdefault(item["station_id"][:8], []).append(builders.accepted(item).to_json())
    producer = KafkaProducer(bootstrap_servers=stack.broker.address, acks="all")
    for district, items in waiting.items():
        partition = partition_of(district, stack.settings.partitions)
        for start in range(0, len(items), 100):
            for value in record_values(items[start : start + 100]):
                producer.send(REPORTS, value, district.encode(), partition=partition)
    producer.flush(60)
    producer.close()


def _until_settled(receiver: Receiver) -> int:
    """Wait until no more calls of the quiet ones come; how many came."""
    seen = [-1, -2]

    def is_quiet() -> bool:
        seen.append(len(receiver.received()))
        return len(seen) > 6 and seen[-1] == seen[-6]

    until(is_quiet, timeout=60, what="the calls of the quiet incidents to be over", every=0.5)
    return seen[-1]


def _until_received(receiver: Receiver, before: int, wanted: int, stack: Stack) -> list[Received]:
    """The messages after so many, once as many as wanted have come."""
    until(
        lambda: len(receiver.received()) >= before + wanted,
        timeout=90,
        what=lambda: f"{wanted} messages; there are {len(receiver.received()) - before}{stack.tails()}",
        every=0.25,
    )
    return receiver.received()[before : before + wanted]
