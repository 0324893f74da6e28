"""The notifier: sends pages that are due, one process at a time, and writes down what became of each.

Input: the tables that the store fills. Output: messages at providers; the pages' new states and the results to be
told, committed together. State: the connection with the notifier's lock, what is under way, circuits and rosters.

The order is the promise. A page is claimed and the claim committed before it is sent; what became of it is committed
before anything else is done with it. A crash before the claim leaves it queued, one after it leaves a lease that runs
out; only then is it ``unknown``, and only out of ``unknown`` is a page ever repeated.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from threading import Event
from typing import Final

import sqlalchemy as sa

from siaga import tracing
from siaga.contracts.page import ChannelKind, Page
from siaga.links import make_links
from siaga.settings import Settings
from sinks.database import DATABASE_FAULTS, StoreLock, engine_of
from sinks.migrate import connect_alone
from sinks.notify import adapters, ledger, metrics, outbox
from sinks.notify.channels import load_channels
from sinks.notify.clock import Clock
from sinks.notify.crash import Point, pass_by
from sinks.notify.crew import Crew, Done
from sinks.notify.directory import Directory
from sinks.notify.errand import Errands
from sinks.notify.gather import gather
from sinks.notify.limits import longest
from sinks.notify.machine import Change, lease_ran_out
from sinks.notify.outbox import Candidate
from sinks.notify.outcome import Verdict
from sinks.notify.plan import Errand, Job, Plan, Planner
from sinks.notify.settle import changes_of

logger = logging.getLogger(__name__)

#: Messages and questions under way at once, over all channels.
_CREW: Final = 64
#: Pages looked at in one round besides as many as can be sent: some will not be.
_MORE: Final = 16
#: Messages under way from which on those that are done are gathered for so many seconds.
_MANY: Final = 8
_GATHER_SECONDS: Final = 0.004
#: Seconds between two looks where nothing wakes it.
_IDLE: Final = 0.5
#: Seconds between two looks at leases, receipts and the ledger.
_TEND_EVERY: Final = 1.0
_FIRST_PAUSE: Final = 0.1
_LONGEST_PAUSE: Final = 5.0
_STANDBY_PAUSE: Final = 1.0
#: Seconds that what is under way gets when the process is to end.
_LAST_SECONDS: Final = 5.0


class Notifier:
    """Runs until ``stop`` is set.

    Args:
        wake: set by whoever stored a page; cleared here.
        active: set while this process is the one that sends.
        told: set when results were written.

    Raises:
        SettingsError: the channels' file or the links' key cannot be used.
    """

    name = "notifier"

    def __init__(self, settings: Settings, stop: Event, *, wake: Event, active: Event, told: Event) -> None:
        self._stop = stop
        self._wake = wake
        self._active = active
        self._told = told
        self._specs = load_channels(settings)
        self._engine = engine_of(settings, writes=True)
        self._lock = StoreLock(self._engine, "notifier")
        self._connection: sa.Connection | None = None
        self._directory = Directory()
        self._planner = Planner(self._specs)
        self._crew = Crew(_CREW, Errands(make_links(settings)).run, wake.set)
        self._clock = Clock()
        #: What is under way, and until when (monotonic seconds) it is waited for.
        self._flights: dict[int, tuple[Job, float]] = {}
        #: Done and not yet written down.
        self._done: list[Done] = []
        self._tended = 0.0
        self._pause = _FIRST_PAUSE
        self._up = True

    # -- life -------------------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Send until asked to stop."""
        adapters.prepare(self._specs.values())
        try:
            while not self._stop.is_set():
                try:
                    if self._open():
                        self._serve()
                    else:
                        self._stop.wait(_STANDBY_PAUSE)
                except DATABASE_FAULTS as error:
                    self._lost(error)
        finally:
            self._finish()

    def _open(self) -> bool:
        """Whether there is a connection that has the lock, to a database that is up to date."""
        if self._connection is not None:
            return True
        connection = connect_alone(self._engine, self._lock)
        if connection is None:
            return False
        try:
            with connection.begin():
                outbox.release(connection, self._clock.now())
        except BaseException:
            connection.close()
            raise
        self._connection = connection
        self._active.set()
        metrics.ACTIVE.set(1)
        logger.info("sending pages")
        return True

    def _serve(self) -> None:
        while not self._stop.is_set():
            self._wake.clear()
            if not self._step():
                self._wake.wait(_IDLE)
            if len(self._flights) >= _MANY:
                # Others will be done in a moment: they share a transaction with whoever just was.
                self._stop.wait(_GATHER_SECONDS)

    def _step(self) -> bool:
        """One round: write down, tend, claim. Answers whether there may be more to do at once."""
        if self._clock.was_set():
            logger.warning("the clock was set: everything that waits for a time is looked at now")
            with self._transaction() as connection:
                outbox.release(connection, self._clock.now())
        wrote = self._write_down()
        if time.monotonic() - self._tended >= _TEND_EVERY:
            self._tended = time.monotonic()
            self._tend()
        claimed = self._claim()
        self._pause, self._up = _FIRST_PAUSE, True
        return wrote or claimed

    def _lost(self, error: BaseException) -> None:
        self._close()
        metrics.RETRIES.inc()
        if self._up:
            self._up = False
            # Without the driver's message, which may show values of the rows.
            logger.warning("the database is away (%s); pages wait", type(error).__name__)
        self._stop.wait(self._pause)
        self._pause = min(self._pause * 2, _LONGEST_PAUSE)

    def _close(self) -> None:
        connection, self._connection = self._connection, None
        self._active.clear()
        metrics.ACTIVE.set(0)
        if connection is not None:
            connection.invalidate()
            connection.close()

    def _finish(self) -> None:
        """Write down what is still under way, as far as it comes in time; leases explain the rest."""
        deadline = time.monotonic() + _LAST_SECONDS
        with suppress(*DATABASE_FAULTS):
            while self._connection is not None and self._flights and time.monotonic() < deadline:
                self._wake.clear()
                if not self._write_down():
                    self._wake.wait(0.05)
        self._close()
        self._lock.release()

    @contextmanager
    def _transaction(self) -> Iterator[sa.Connection]:
        if self._connection is None:
            raise sa.exc.InvalidRequestError("the notifier is not connected")
        with self._connection.begin():
            yield self._connection

    # -- claiming ---------------------------------------------------------------------------------------------------

    def _free(self) -> dict[ChannelKind, int]:
        """How many more each kind of channel can take."""
        busy = Counter(job.kind for job, _ in self._flights.values())
        spare = _CREW - len(self._flights)
        return {kind: min(spec.parallel - busy[kind], spare) for kind, spec in self._specs.items()}

    def _claim(self) -> bool:
        """Decide about what is due, claim what is to be sent, and only then send it."""
        now, free = self._clock.now(), self._free()
        if all(room <= 0 for room in free.values()):
            return False
        with self._transaction() as connection:
            found = outbox.candidates(connection, now, free=free, most=_CREW - len(self._flights) + _MORE)
            if not found:
                return False
            plan = self._plan(connection, found, free, now)
            self._write_plan(connection, plan, found, now)
            if plan.sends:
                pass_by(Point.BEFORE_CLAIM)
        if plan.sends:
            pass_by(Point.AFTER_CLAIM)
        self._count(plan.changes, found)
        for job, members in plan.sends:
            for member in members:
                if not member.begun:
                    dwell = max(0.0, now - member.page.due_at.timestamp())
                    metrics.DWELL_SECONDS.labels(severity=str(int(member.page.severity))).observe(dwell)
            if job.repeats:
                metrics.REPEATED.labels(channel=job.kind.value).inc(len(members))
            if len(members) > 1:
                metrics.BUNDLES.labels(channel=job.kind.value).inc()
        for job in (*(job for job, _ in plan.sends), *plan.asks):
            self._start(job)
        return bool(plan.sends or plan.changes or plan.asks)

    def _plan(
        self, connection: sa.Connection, found: Sequence[Candidate], free: dict[ChannelKind, int], now: float
    ) -> Plan:
        self._directory.refresh(connection)
        world = gather(
            connection,
            found,
            specs=self._specs,
            directory=self._directory,
            free=free,
            now=now,
            expires=self._clock.trusts_ages,
        )
        return self._planner.plan(found, world, now)

    def _write_plan(self, connection: sa.Connection, plan: Plan, found: Sequence[Candidate], now: float) -> None:
        outbox.claim(
            connection,
            [(page_id, job.key, now + job.spec.lease) for job, _ in plan.sends for page_id in job.attempts],
            now,
        )
        for job, members in plan.sends:
            if job.spec.limits:
                outbox.count_message(connection, members[0].contact, key=job.key, attempt=job.attempt, now=now)
        for job in plan.asks:
            # Nobody asks or sends it meanwhile.
            outbox.postpone(connection, job.attempts, now + 2 * job.spec.lease)
        outbox.apply(connection, plan.changes, {c.state.page_id: c.page for c in found}, now)

    def _start(self, job: Job) -> None:
        self._flights[id(job)] = (job, time.monotonic() + job.spec.lease)
        self._crew.submit(job)

    def _count(self, changes: Sequence[Change], found: Sequence[Candidate]) -> None:
        about = {c.state.page_id: c.page for c in found}
        for change in changes:
            metrics.tell(about[change.page_id], change.told)
        if any(change.told for change in changes):
            self._told.set()

    # -- writing down -----------------------------------------------------------------------------------------------

    def _write_down(self) -> bool:
        """Commit what became of what was under way."""
        for done in self._crew.done():
            self._flights.pop(id(done.job), None)
            self._done.append(done)
            self._learn(done)
        if not self._done:
            return False
        now = self._clock.now()
        with self._transaction() as connection:
            states = outbox.states(connection, {page_id for done in self._done for page_id in done.job.attempts})
            about: dict[str, Page] = {str(page.page_id): page for done in self._done for page in done.job.pages}
            changes = []
            for several in _apart(self._done):
                changed = [change for done in several for change in changes_of(done, states, now)]
                outbox.apply(connection, changed, about, now)
                if len(several) < len(self._done):
                    states |= outbox.states(connection, [change.page_id for change in changed])
                changes += changed
            taken = [about[change.page_id] for change in changes if change.is_accepted]
            causes = ledger.causes_of(connection, taken)
            for done in self._done:
                if done.job.errand is Errand.SEND and not done.may_have_arrived and done.job.spec.limits:
                    outbox.uncount_message(connection, key=done.job.key, attempt=done.job.attempt)
        if tracing.is_on():
            self._trace(now)
        self._done.clear()
        pass_by(Point.AFTER_COMMIT)
        for change in changes:
            metrics.tell(about[change.page_id], change.told)
        for page in taken:
            metrics.took(page, causes.get(page.page_id), now)
        self._told.set()
        return True

    def _trace(self, now: float) -> None:
        for done in self._done:
            if done.job.errand is Errand.SEND:
                for page in done.job.pages:
                    stretch = tracing.Stretch(now - done.seconds, now)
                    attempt = done.job.attempts[str(page.page_id)]
                    tracing.sent(page, attempt, stretch, verdict=done.outcome.verdict.value)

    def _learn(self, done: Done) -> None:
        """What an answer says of the provider's health."""
        job = done.job
        metrics.SEND_SECONDS.labels(channel=job.kind.value).observe(done.seconds)
        breaker = self._planner.breaker(job.provider, job.spec)
        was_open = breaker.is_open
        if done.outcome.hurts_circuit:
            breaker.failed(self._clock.now())
        else:
            breaker.succeeded()
        if breaker.is_open is not was_open:
            # Not which provider: an officer's own server is their address.
            state = "is left alone for a while" if breaker.is_open else "takes messages again"
            logger.warning("%s: a provider %s (%s)", job.kind, state, done.outcome.detail or done.outcome.verdict)
        if done.outcome.verdict is not Verdict.NOT_ASKED:
            self._planner.questions.pop(job.key, None)

    # -- tending ----------------------------------------------------------------------------------------------------

    def _tend(self) -> None:
        """Leases that ran out, receipts that are due, messages that no limit counts any more, and the ledger."""
        now, steady = self._clock.now(), time.monotonic()
        for number, (_, until) in list(self._flights.items()):
            if steady >= until:  # its thread hangs; what it says in the end still counts
                del self._flights[number]
        own = {page_id for job, _ in self._flights.values() for page_id in job.attempts}
        spare = max(longest(spec.limits) for spec in self._specs.values())
        with self._transaction() as connection:
            lease = max(spec.lease for spec in self._specs.values())
            overdue = outbox.overdue_leases(connection, now, lease, own=own)
            changes = [change for state in overdue if (change := lease_ran_out(state, now)) is not None]
            about = outbox.pages_of(connection, [change.page_id for change in changes])
            outbox.apply(connection, changes, about, now)
            outbox.forget_messages(connection, now - spare)
            asks = self._receipts(connection, now)
            ledger.show(connection, outbox.moment(now))
        for change in changes:
            metrics.tell(about[change.page_id], change.told)
        if changes:
            logger.warning("%d pages: whoever was sending them fell silent", len(changes))
            self._told.set()
        for job in asks:
            self._start(job)
        open_circuits = Counter(key.partition(" ")[0] for key, b in self._planner.breakers.items() if b.is_open)
        for kind in ChannelKind:
            metrics.CIRCUITS_OPEN.labels(channel=kind.value).set(open_circuits[kind.value])

    def _receipts(self, connection: sa.Connection, now: float) -> list[Job]:
        """Questions whether accepted pages arrived."""
        found = outbox.receipts(connection, now)
        jobs = []
        if found:
            free = self._free()
            world = gather(
                connection, found, specs=self._specs, directory=self._directory, free=free, now=now, expires=True
            )
            for candidate in found:
                job = self._planner.receipt(candidate, world)
                if job is not None and free[job.kind] > 0:
                    free[job.kind] -= 1
                    jobs.append(job)
                    outbox.postpone(connection, job.attempts, now + 2 * job.spec.lease)
                elif job is None:
                    outbox.postpone(connection, [candidate.state.page_id], None)
        return jobs


def _apart(every: Sequence[Done]) -> Iterator[list[Done]]:
    """What was done in portions in which no page stands twice: the second is decided on what the first made of it."""
    portion: list[Done] = []
    concerned: set[str] = set()
    for done in every:
        if concerned & done.job.attempts.keys():
            yield portion
            portion, concerned = [], set()
        portion.append(done)
        concerned |= done.job.attempts.keys()
    yield portion
