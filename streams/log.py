"""Writes a batch to Kafka, state before outputs, and does not come back before Kafka has it.

Input: a :class:`~streams.outputs.Batch`. State: Faust's table, kept like the changelog. Errors: none; what Kafka does
not take is written again, after a growing pause, for as long as it takes. The watchdog bounds that.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Sequence
from typing import Any, Final

from siaga.contracts.topics import STATE_CHANGELOG
from streams import metrics
from streams.outputs import Batch, Outgoing

logger = logging.getLogger(__name__)

_FIRST_PAUSE: Final = 0.1
_LONGEST_PAUSE: Final = 5.0
#: Records on their way at once: what the producer buffers is bounded by it.
_IN_FLIGHT: Final = 2000


class Log:
    """Faust's producer and its table, for whole batches."""

    def __init__(self, app: Any, table: Any) -> None:
        self._app = app
        self._table = table

    async def write(self, batch: Batch) -> None:
        """Write the state and wait for it, then the outputs and wait for them."""
        await self._insist([Outgoing(STATE_CHANGELOG, r.partition, r.key, r.value, []) for r in batch.rows])
        for row in batch.rows:
            if row.value is None:
                self._table.data.pop(row.key, None)
            else:
                self._table.data[row.key] = row.value
        await self._insist(batch.records)

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
        producer = self._app.producer
        for start in range(0, len(records), _IN_FLIGHT):
            sent: list[Awaitable[object]] = [
                await producer.send(r.topic, r.key, r.value, r.partition, None, r.headers or None)
                for r in records[start : start + _IN_FLIGHT]
            ]
            await asyncio.gather(*sent)
