"""Sends a canary into each partition every few seconds, so that a part that stands still is seen at once.

In: the clock. Out: canaries on ``siaga.reports``, which travel the whole way. State: those Kafka has not taken yet.
Canaries are never spooled: that they stop is what they are for.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import Future
from datetime import UTC, datetime
from functools import partial
from itertools import count
from typing import Final

from producers.metrics import GatewayMetrics
from producers.publisher import Publisher
from siaga.contracts.base import SCHEMA_VERSION
from siaga.contracts.canary import Canary
from siaga.contracts.topics import REPORTS, partition_of

SOURCE: Final = "gateway"


def canary_keys(partitions: int) -> list[str]:
    """A key for each partition, so that whoever partitions by key sends the canary where it came from."""
    keys: dict[int, str] = {}
    for number in count():
        key = f"canary-{number}"
        keys.setdefault(partition_of(key, partitions), key)
        if len(keys) == partitions:
            return [keys[partition] for partition in range(partitions)]
    raise AssertionError("every partition has a key")


async def send_canaries(publisher: Publisher, metrics: GatewayMetrics, *, partitions: int, every: float) -> None:
    """Send them until cancelled; ``every`` is in seconds."""
    keys = canary_keys(partitions)
    on_the_way: dict[int, Future[None]] = {}
    while True:
        for partition, key in enumerate(keys):
            last = on_the_way.get(partition)
            if last is not None and not last.done():
                continue  # one that waits tells enough
            canary = Canary(
                schema_version=SCHEMA_VERSION,
                canary=True,
                partition=partition,
                source=SOURCE,
                sent_at=datetime.now(UTC),
            )
            sent = publisher.publish_to(REPORTS, partition, key, [canary.to_json()], "canary", timeout=0)
            sent.add_done_callback(partial(_count, metrics))
            on_the_way[partition] = sent
        await asyncio.sleep(every)


def _count(metrics: GatewayMetrics, sent: Future[None]) -> None:
    metrics.canaries.labels(outcome="failed" if sent.exception() else "sent").inc()
