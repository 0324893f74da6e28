"""Writes a batch to Kafka, state before outputs, and does not come back before Kafka has it.

Input: a :class:`~streams.outputs.Batch`. State: Faust's table, kept like the changelog. Errors: none; what Kafka does
not take is written again, after a growing pause, for as long as it takes. The watchdog bounds that.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Iterator, Sequence
from typing import Any, Final

from siaga.contracts.topics import STATE_CHANGELOG
from streams import metrics
from streams.crash import Point, pass_by_with
from streams.outputs import Batch, Outgoing
from streams.topics import Topics

logger = logging.getLogger(__name__)

_FIRST_PAUSE: Final = 0.1
_LONGEST_PAUSE: Final = 5.0
#: Records on their way at once: what the producer buffers is bounded by it.
_IN_FLIGHT: Final = 2000


class Log:
    """Faust's producer and its table, for whole batches."""

    def __init__(self, app: Any, table: Any, topics: Topics) -> None:
        self._app = app
        self._table = table
        self._topics = topics

    async def write(self, batch: Batch) -> None:
        """Write the state and wait for it, then the outputs and wait for them."""
        mark = self._topics.mark
        await self._insist([Outgoing(STATE_CHANGELOG, r.partition, r.key, r.value, mark) for r in batch.rows])
        for row in batch.rows:
            if row.value is None:
                self._table.data.pop(row.key, None)
            else:
                self._table.data[row.key] = row.value
        pass_by_with(Point.AFTER_STATE, batch.records)
        await self._insist(batch.records)
        pass_by_with(Point.AFTER_OUTPUTS, batch.records)

    async def offer(self, records: Sequence[Outgoing]) -> bool:
        """Write ``records`` once; false when Kafka did not take all of them."""
        try:
            await self._send(records)
        except Exception as error:  # whatever the client raises means the same: not now
            logger.warning("kafka did not take %d records (%s)", len(records), type(error).__name__)
            return False
        return True

    async def _insist(self, records: Sequence[Outgoing]) -> None:
        pause = _FIRST_PAUSE
        while not await self.offer(records):
            metrics.RETRIES.inc()
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)

    async def _send(self, records: Sequence[Outgoing]) -> None:
        # Past Faust's own send, which makes a future of every record: that cost more than deciding about it.
        producer = self._app.producer._ensure_producer()
        for start in range(0, len(records), _IN_FLIGHT):
            sent: list[Awaitable[object]] = [
                await producer.send_batch(batch, topic, partition=partition)
                for (topic, partition), batch in _batches(producer, records[start : start + _IN_FLIGHT])
            ]
            await asyncio.gather(*sent)


def _batches(producer: Any, records: Sequence[Outgoing]) -> Iterator[tuple[tuple[str, int], Any]]:
    """The records of each partition as aiokafka's batches, in their order, with the place that they are for."""
    by_place: dict[tuple[str, int], list[Outgoing]] = {}
    for record in records:
        by_place.setdefault((record.topic, record.partition), []).append(record)
    for place, several in by_place.items():
        batch = producer.create_batch()
        for r in several:
            if batch.append(key=r.key, value=r.value, timestamp=None, headers=r.headers) is None:  # it is full
                yield place, batch
                batch = producer.create_batch()
                batch.append(key=r.key, value=r.value, timestamp=None, headers=r.headers)
        yield place, batch
