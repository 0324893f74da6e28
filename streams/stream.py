"""The stream itself: Faust's events in, batches out, and what a rebalance asks for.

The order of a batch is the promise: fold records, write state, write outputs, acknowledge the records. A crash
anywhere leaves records unacknowledged; they come again, and what is known already is told again.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

from siaga.contracts.escalation import EscalationState
from siaga.contracts.topics import COMMANDS, REPORTS
from siaga.escalation.duties import Duties
from siaga.settings import Settings
from siaga.wire.steady import steady_now
from streams import metrics
from streams.app import Parts
from streams.deadlines import Deadlines, RegistryChanges
from streams.districts import Districts
from streams.hearing import Hearing, Where
from streams.intake import Incoming, Intake
from streams.log import Log
from streams.outputs import gather, registry_timers, timer_records
from streams.stall import end_at_once
from streams.topics import Topics

logger = logging.getLogger(__name__)

#: Records folded and not yet written, at most: what a crash makes come again, and what memory must hold.
MOST_PENDING: Final = 2000
#: Seconds between two looks for what came due, at least and at most: an escalation's deadline is met when it comes.
_SHORT_TICK: Final = 0.1
_TICK: Final = 0.5
#: The least that is gathered for, in seconds: what was fetched together is folded by then.
_LEAST_GATHERED: Final = 0.001


def _incoming(event: Any) -> Incoming:
    message = event.message
    return Incoming(message.topic, message.partition, message.offset, event.value, steady_now())


class Stream:
    """Folds records of the partitions it was given, batch by batch. Everything here runs in the event loop."""

    def __init__(
        self, settings: Settings, parts: Parts, duties: Duties, changes: RegistryChanges, topics: Topics
    ) -> None:
        self._flush_after = settings.stream_flush
        self._session = settings.stream_session
        self._app = parts.app
        self._table = parts.table
        self._duties = duties
        self._registry = duties.registry
        self._changes = changes
        self._topics = topics
        self.districts = Districts(settings.partitions)
        self._intake = Intake(self.districts, duties)
        self._deadlines = Deadlines(self.districts, duties.registry, climbs=settings.stream_clock)
        self.hearing = Hearing()
        self._log = Log(parts.app, parts.table, topics)
        #: Folded and not yet acknowledged, and when the first of them came (monotonic seconds).
        self._pending: list[Any] = []
        self._since = 0.0
        #: Seconds that the last writing took.
        self._took = 0.0
        #: Commands about incidents whose reports may still be on their way, in order, not acknowledged.
        self._early: list[Any] = []
        self._work = asyncio.Event()
        self._writing = asyncio.Lock()
        #: Districts whose registry changed and that were not told yet to decide anew.
        self._reexamine: list[str] = []
        self._beat = time.monotonic()
        self._measured = 0.0
        #: Set once the state was read back for the first time.
        self.ready = asyncio.Event()
        parts.app.agent(parts.inputs, name="siaga", concurrency=1)(self._consume)
        parts.app.on_partitions_revoked.connect(self._revoked)
        parts.table.on_recover(self._recovered)

    # -- records in, batches out ----------------------------------------------------------------------------------

    async def _consume(self, stream: Any) -> None:
        """Faust's agent. Never raises: an exception here would have Faust pass over the record."""
        events: AsyncIterator[Any] = stream.noack().events()
        async for event in events:
            self._take_registry()
            record = _incoming(event)
            # Topics are read side by side: after an outage a decision may come before what it is about.
            if record.topic == COMMANDS and (self._early or self._intake.is_early(record)):
                self._early.append(event)
                continue
            self._fold(event, record)
            # A full buffer keeps the loop in here: do not wait for the flusher's turn.
            if len(self._pending) >= MOST_PENDING or time.monotonic() - self._since > self._flush_after:
                await self.flush()

    def _fold(self, event: Any, record: Incoming) -> None:
        if not self._pending:
            self._since = time.monotonic()
        self._intake.take(record, datetime.now(UTC))
        self._pending.append(event)
        self._work.set()

    def _take_early(self, waiting: Mapping[Where, tuple[int, int]] | None) -> None:
        """Carry out, or refuse, the commands that waited, once everything before them was handled."""
        still: list[Any] = []
        for event in self._early:
            record = _incoming(event)
            if still or not self.hearing.caught_up(record.partition, waiting):
                still.append(event)
            else:
                self._fold(event, record)
        self._early = still

    async def run_flusher(self) -> None:
        """Writes what was gathered, as long after the first of it as the last writing took.

        So an idle worker writes at once, and one whose writing takes long writes more at a time.
        """
        while True:
            await self._work.wait()
            await asyncio.sleep(min(max(self._took, _LEAST_GATHERED), self._flush_after))
            await self.flush()

    async def flush(self) -> None:
        """Settle, write, acknowledge: one batch at a time, in order."""
        async with self._writing:
            if time.monotonic() - self._beat > self._session:
                # Frozen for so long (a stopped process, a suspended machine) that others may have these partitions.
                end_at_once("stood still for longer than its session lasts")
            self._work.clear()
            events, self._pending = self._pending, []
            began = time.monotonic()
            rejections, canaries = self._intake.take_told()
            for canary in canaries:
                self.hearing.canary(canary.partition, began)
            batch = gather(
                self.districts, self._duties, rejections=rejections, canaries=canaries, now=datetime.now(UTC)
            )
            if batch:
                await self._log.write(batch)
                self._took = time.monotonic() - began
                metrics.FLUSHES.observe(self._took)
            for event in events:
                event.ack()
                message = event.message
                self.hearing.handled(Where(message.topic, message.partition), message.offset + 1)

    # -- partitions come and go -----------------------------------------------------------------------------------

    async def _revoked(self, app: Any, revoked: Any, **_: Any) -> None:
        """Nothing may be written for a partition once another worker has it: write now, or end."""
        metrics.RECOVERING.set(1)
        try:
            await asyncio.wait_for(self.flush(), self._session / 2)
        except TimeoutError:
            end_at_once("partitions are taken away and Kafka does not take what was decided about them")

    async def _recovered(self) -> None:
        """The table holds the state of our partitions: begin with it, and tell once more what it says."""
        # Faust lets the inputs flow now and only then goes to what was committed; what it fetched in between would be
        # thrown away, and not come again where nothing was committed yet. It has the flow resumed when it is there.
        self._app.consumer.stop_flow()
        await asyncio.to_thread(self._topics.know)
        async with self._writing:
            # Folded after the last flush, into states that are replaced now: they come again.
            self._pending.clear()
            self._early.clear()
            self._intake.take_told()
            owned = {tp.partition for tp in self._app.consumer.assignment() if tp.topic == REPORTS}
            # Another worker changes these now; should one come back, it is read from the changelog's beginning.
            elsewhere = [key for key in self._table.data if self._partition_of(key) not in owned]
            if strangers := self._topics.take_strangers():
                logger.warning("%d rows were remembered from topics that are gone; they do not count", len(strangers))
            for key in (*elsewhere, *strangers):
                self._table.data.pop(key, None)
            rows = [(key.decode(), value) for key, value in self._table.data.items() if value]
            self._take_registry()
            self.districts.assign(owned, rows, self._registry.district_codes)
            self.hearing.forget()
            self._tell_again()
        metrics.PARTITIONS.set(len(owned))
        metrics.RECOVERING.set(0)
        logger.info("%d partitions, %d districts with something to remember", len(owned), len(self.districts.touched))
        self.ready.set()
        self._work.set()

    def _partition_of(self, key: bytes) -> int:
        return self.districts.partition(key.partition(b"/")[0].decode())

    def _tell_again(self) -> None:
        """What a crashed worker decided and perhaps did not tell. The receivers know by version what they have."""
        now = steady_now()
        for code, district in self.districts.all.items():
            district.book.take_over(self._duties, now)
            district.book.draw_near(self._duties, now)
            incidents = district.state.incidents
            for incident in incidents.values():
                district.state.tell_again(incident.incident_id)
            if incidents:
                self.districts.touch(code, now)

    # -- what comes by itself -------------------------------------------------------------------------------------

    def _take_registry(self) -> None:
        changed = self._changes.apply(self.districts.all)
        if changed is not None:
            self.districts.know(self._registry.district_codes)
            self._reexamine += changed

    async def run_clock(self, waiting_in: Callable[[], Mapping[Where, tuple[int, int]] | None]) -> None:
        """Sends what came due, and has districts decided anew whose registry changed.

        ``waiting_in`` tells what was committed and where the log ended, as last seen from outside.
        """
        while True:
            self._beat = time.monotonic()
            await asyncio.sleep(min(_TICK, max(_SHORT_TICK, self._deadlines.next_in(steady_now()))))
            self._take_registry()
            if not self.ready.is_set() or self._app.rebalancing:
                continue
            now = datetime.now(UTC)
            changed, self._reexamine = dict.fromkeys(self._reexamine), []
            mine = [code for code in changed if self.districts.partition(code) in self.districts.owned]
            waiting = waiting_in()
            self._take_early(waiting)
            can_tell = partial(self.hearing.can_tell, waiting=waiting, now=time.monotonic())
            due = self._deadlines.due(now.timestamp(), steady_now(), can_tell)
            timers = [*registry_timers(mine, now), *due]
            if timers and not await self._log.offer(timer_records(self.districts, timers, now)):
                self._reexamine += mine
                self._deadlines.not_sent(due)
            if self._beat - self._measured >= _TICK:
                self._measured = self._beat
                self._measure()

    def _measure(self) -> None:
        districts = self.districts.all.values()
        metrics.DISTRICTS.set(len(districts))
        metrics.INCIDENTS.set(sum(len(district.state.incidents) for district in districts))
        standing = Counter(entry.case.state for district in districts for entry in district.book.entries.values())
        for state in EscalationState:
            if not state.is_over:
                metrics.ESCALATIONS.labels(state=state.value).set(standing[state])
