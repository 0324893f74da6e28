"""Gathers accepted items into arrays, waits until Kafka has them, and puts them on disk when it does not answer.

In: entries, from requests. Out: records on Kafka, or entries on the spool, and for each ticket what became of its
items. State: what waits, in memory; the spool and the journal on disk. Everything but the disk and Kafka's own
threads runs on the event loop.

Order: items of one district reach Kafka in the order they came. So once anything is spooled, everything is, behind
it, until the spool is empty; and when Kafka fails one record, all that were sent after it and not acknowledged go to
the spool too, in their order. Kafka may then get an item twice; everybody knows it by its id.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final

from producers.entries import Entry, ItemKind, by_record
from producers.journal import Journal
from producers.metrics import GatewayMetrics, Outcome
from producers.publisher import Publisher, PublishError
from producers.spool import Spool, SpoolFull
from siaga.contracts.topics import MAX_ARRAY, MAX_RECORD_BYTES

log = logging.getLogger(__name__)

#: Items that may wait in memory at once; beyond it, the next are answered 503.
_MAX_WAITING: Final = 20_000
#: What is drained from the spool at once.
_DRAIN_ITEMS: Final = 2_000
_DRAIN_BYTES: Final = 4 * 1024 * 1024
_FIRST_PAUSE: Final = 0.1
_LONGEST_PAUSE: Final = 1.0


class Ticket:
    """A request's items. ``done`` is set when the last of them is settled; ``outcomes`` are in their order."""

    __slots__ = ("_left", "done", "outcomes")

    def __init__(self, items: int, loop: asyncio.AbstractEventLoop) -> None:
        self.outcomes = [Outcome.UNAVAILABLE] * items
        self.done: asyncio.Future[None] = loop.create_future()
        self._left = items

    def settle(self, index: int, outcome: Outcome) -> None:
        """Say what became of one item."""
        self.outcomes[index] = outcome
        self._left -= 1
        if not self._left and not self.done.done():
            self.done.set_result(None)


class _Group:
    """Items that travel as one record."""

    __slots__ = ("district", "entries", "kind", "number", "size", "slots", "timer", "traceparent")

    def __init__(self, kind: ItemKind, district: str) -> None:
        self.kind = kind
        self.district = district
        self.entries: list[Entry] = []
        self.slots: list[tuple[Ticket, int]] = []
        self.size = 0
        self.traceparent: str | None = None
        self.number = 0
        self.timer: asyncio.TimerHandle | None = None


class Batcher:
    """The way from a request to Kafka or the disk. Made and used on a running event loop."""

    def __init__(
        self,
        publisher: Publisher,
        spool: Spool,
        journal: Journal | None,
        metrics: GatewayMetrics,
        *,
        linger: float,
        ack_timeout: float,
    ) -> None:
        """``linger`` and ``ack_timeout`` are in seconds."""
        self._publisher = publisher
        self._spool = spool
        self._journal = journal
        self._metrics = metrics
        self._linger = linger
        self._ack_timeout = ack_timeout
        self._loop = asyncio.get_running_loop()
        self._disk = ThreadPoolExecutor(1, thread_name_prefix="gateway-disk")
        self._gathering: dict[tuple[ItemKind, str], _Group] = {}
        self._timer: asyncio.TimerHandle | None = None
        #: Records on their way to Kafka, in the order they were sent.
        self._in_flight: dict[int, _Group] = {}
        self._numbers = 0
        self._waiting = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._spooling = spool.items > 0
        self._to_journal: list[_Group] = []
        self._to_spool: list[_Group] = []
        self._writing = False
        self._journal_wake = asyncio.Event()
        self._spool_wake = asyncio.Event()
        self._drain_wake = asyncio.Event()
        self._stopping = False
        loops = [self._write_spool, self._drain, *([self._write_journal] if journal is not None else [])]
        self._tasks = [asyncio.create_task(_for_ever(each), name=each.__name__) for each in loops]

    @property
    def waiting(self) -> int:
        """Items that are not settled."""
        return self._waiting

    @property
    def spooling(self) -> bool:
        """Whether items go to the disk instead of to Kafka."""
        return self._spooling

    # -- in -------------------------------------------------------------------------------------------------------

    def submit(self, entries: Sequence[Entry], traceparent: str | None = None) -> Ticket:
        """Take a request's items; its ticket is done when each is on Kafka or on disk, or cannot be kept."""
        ticket = Ticket(len(entries), self._loop)
        if self._stopping or self._waiting + len(entries) > _MAX_WAITING:
            refused = Outcome.UNAVAILABLE if self._stopping else Outcome.FULL
            for index, entry in enumerate(entries):
                self._metrics.count(entry.kind, refused)
                ticket.settle(index, refused)
            return ticket
        self._waiting += len(entries)
        self._idle.clear()
        for index, entry in enumerate(entries):
            self._gather(entry, ticket, index, traceparent)
        return ticket

    def _gather(self, entry: Entry, ticket: Ticket, index: int, traceparent: str | None) -> None:
        key = (entry.kind, entry.district)
        group = self._gathering.get(key)
        if group is not None and (
            len(group.entries) >= MAX_ARRAY or group.size + len(entry.item) + 1 > MAX_RECORD_BYTES - 2
        ):
            self._flush()
            group = None
        if group is None:
            group = self._gathering[key] = _Group(entry.kind, entry.district)
            group.traceparent = traceparent
            if self._timer is None:
                self._timer = self._loop.call_later(self._linger, self._flush)
        group.entries.append(entry)
        group.slots.append((ticket, index))
        group.size += len(entry.item) + 1

    def _flush(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        gathered, self._gathering = list(self._gathering.values()), {}
        if self._journal is not None:
            self._to_journal += gathered
            self._journal_wake.set()
        else:
            self._route(gathered)

    def _route(self, groups: Sequence[_Group]) -> None:
        for group in groups:
            if self._spooling:
                self._queue_for_spool(group)
            else:
                self._publish(group)

    # -- to Kafka -------------------------------------------------------------------------------------------------

    def _publish(self, group: _Group) -> None:
        self._numbers += 1
        group.number = self._numbers
        self._in_flight[group.number] = group
        group.timer = self._loop.call_later(self._ack_timeout, self._late, group)
        self._metrics.array_items.observe(len(group.entries))
        sent = self._publisher.publish(
            group.kind.topic,
            group.district,
            [entry.item for entry in group.entries],
            group.kind.value,
            timeout=0,
            traceparent=group.traceparent,
        )
        if sent.done() and (error := sent.exception()) is not None:
            # At once, before a later record can be sent over a connection that comes up this moment.
            self._give_up(str(error))
            return
        sent.add_done_callback(lambda future: self._from_thread(self._sent, group, future))

    def _from_thread(self, call: Callable[[_Group, Future[None]], None], group: _Group, future: Future[None]) -> None:
        try:
            self._loop.call_soon_threadsafe(call, group, future)
        except RuntimeError:
            log.debug("an acknowledgement came after the end")

    def _sent(self, group: _Group, future: Future[None]) -> None:
        if group.number not in self._in_flight:
            return  # given up before: it is on the spool
        error = future.exception()
        if error is not None:
            self._give_up(str(error))
            return
        del self._in_flight[group.number]
        if group.timer is not None:
            group.timer.cancel()
        self._settle(group, Outcome.ACCEPTED)

    def _late(self, group: _Group) -> None:
        if group.number in self._in_flight:
            self._give_up(f"no acknowledgement within {self._ack_timeout:g} s")

    def _give_up(self, why: str) -> None:
        """Put everything Kafka has not acknowledged on the spool, in the order it was sent."""
        if not self._spooling:
            log.warning("gateway: Kafka does not take items (%s); they go to the disk", why)
        self._spooling = True
        doubtful, self._in_flight = list(self._in_flight.values()), {}
        for group in doubtful:
            if group.timer is not None:
                group.timer.cancel()
            self._queue_for_spool(group)

    # -- to the disk ----------------------------------------------------------------------------------------------

    def _queue_for_spool(self, group: _Group) -> None:
        self._to_spool.append(group)
        self._spool_wake.set()

    async def _write_spool(self) -> None:
        """One write and one sync for all that gathered during the last one."""
        await self._spool_wake.wait()
        self._spool_wake.clear()
        groups, self._to_spool = self._to_spool, []
        self._writing = True
        try:
            outcome = await self._on_disk(self._spool.append, groups)
        finally:
            self._writing = False
        for group in groups:
            self._settle(group, outcome)
        self._drain_wake.set()

    async def _write_journal(self) -> None:
        await self._journal_wake.wait()
        self._journal_wake.clear()
        groups, self._to_journal = self._to_journal, []
        if self._journal is None or not groups:
            return
        outcome = await self._on_disk(self._journal.append, groups)
        if outcome is Outcome.SPOOLED:
            self._route(groups)
        else:
            for group in groups:
                self._settle(group, outcome)

    async def _on_disk(self, append: Callable[[list[Entry]], None], groups: Sequence[_Group]) -> Outcome:
        entries = [entry for group in groups for entry in group.entries]
        try:
            await self._loop.run_in_executor(self._disk, append, entries)
        except SpoolFull:
            return Outcome.FULL
        except OSError as error:
            log.error("gateway: the disk does not take items: %s", error.strerror)
            return Outcome.UNAVAILABLE
        except Exception:
            # Nobody may wait for ever for an answer.
            log.exception("gateway: items could not be written")
            return Outcome.UNAVAILABLE
        return Outcome.SPOOLED

    # -- from the disk to Kafka -----------------------------------------------------------------------------------

    async def _drain(self) -> None:
        """Empty the spool, in order; the first item that Kafka does not take holds up the rest."""
        if not self._spooling:
            await self._drain_wake.wait()
            self._drain_wake.clear()
        pause = _FIRST_PAUSE
        while self._spooling:
            if self._spool.items:
                entries, cursor = await self._loop.run_in_executor(
                    self._disk, self._spool.peek, _DRAIN_ITEMS, _DRAIN_BYTES
                )
                try:
                    await self._send(entries)
                except PublishError:
                    await asyncio.sleep(pause)
                    pause = min(pause * 2, _LONGEST_PAUSE)
                    continue
                await self._loop.run_in_executor(self._disk, self._spool.advance, cursor)
                pause = _FIRST_PAUSE
                self._metrics.drained.inc(len(entries))
            elif not self._to_spool and not self._writing:
                self._spooling = False
                log.warning("gateway: the disk queue is empty; items go to Kafka again")
            else:
                await self._drain_wake.wait()
                self._drain_wake.clear()

    async def _send(self, entries: Sequence[Entry]) -> None:
        sent = [
            asyncio.wrap_future(self._publisher.publish(kind.topic, district, items, kind.value, timeout=0))
            for kind, district, items in by_record(entries)
        ]
        results = await asyncio.gather(*sent, return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result

    # -- what became of it ----------------------------------------------------------------------------------------

    def _settle(self, group: _Group, outcome: Outcome) -> None:
        for ticket, index in group.slots:
            ticket.settle(index, outcome)
        self._metrics.count(group.kind, outcome, len(group.slots))
        self._waiting -= len(group.slots)
        if not self._waiting:
            self._idle.set()

    async def stop(self, within: float) -> None:
        """Take no more, settle what waits (for at most ``within`` seconds), and end. The spool stays as it is."""
        self._stopping = True
        self._flush()
        try:
            await asyncio.wait_for(self._idle.wait(), within)
        except TimeoutError:
            log.error("gateway: %d items were not settled in time and were answered nothing", self._waiting)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._disk.shutdown(wait=True)


async def _for_ever(step: Callable[[], Awaitable[object]]) -> None:
    """Run a step again and again; what it raises is logged, and nothing stops because of it."""
    while True:
        try:
            await step()
        except asyncio.CancelledError:
            raise
        except Exception:
            log.exception("gateway: a step failed; it goes on")
            await asyncio.sleep(_LONGEST_PAUSE)
