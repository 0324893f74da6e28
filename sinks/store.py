"""The store: everything that is on Kafka into the database, once, in order, through outages of either.

Input: the topics of :mod:`sinks.batch`. Output: rows. State: none besides the database. The order is the promise:
rows and offsets are committed together by the database, and only then are the offsets committed to Kafka. The next
batch is decoded while the database still works on the one before: two threads, one batch in flight.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, wait
from datetime import UTC, datetime
from threading import Event
from typing import Final, TypeVar

from kafka.errors import KafkaError

from siaga import tracing
from siaga.contracts.topics import ESCALATIONS, PAGE_RESULTS, PAGES
from siaga.settings import Settings, SettingsError
from sinks import metrics
from sinks.batch import TOPICS, Batch, Place
from sinks.consumer import AstrayError, ClusterChangedError, Consumer, NotReadyError, StandstillError
from sinks.database import DATABASE_FAULTS, engine_of
from sinks.lane import Lane
from sinks.notify import metrics as notify_metrics
from sinks.onlooker import Onlooker, Standstill
from sinks.paging import batch_has_paging
from sinks.work import Written
from sinks.writer import PositionsMovedError, Writer

logger = logging.getLogger(__name__)

T = TypeVar("T")

_POLL_SECONDS: Final = 0.2
#: Seconds between two polls that do not fill a batch, at least and at most, and in between so many times what the
#: last transaction took: a trickle is gathered, and the more is gathered the longer it takes to write.
_LEAST_GATHERED: Final = 0.01
_MOST_GATHERED: Final = 0.04
_GATHERED: Final = 3.0
#: The first pause before a try is repeated; they double.
_FIRST_PAUSE: Final = 0.1
#: The longest before Kafka is tried again.
_LONGEST_PAUSE: Final = 5.0
#: Pause between two looks whether the other store is gone.
_STANDBY_PAUSE: Final = 1.0
#: How often offsets are committed to Kafka, lag is told and open incidents are counted.
_TELL_EVERY: Final = 1.0
#: Seconds that a batch under way gets when the process is to end.
_LAST_SECONDS: Final = 5.0
#: A transaction that takes longer means that the database is away, though nothing says so.
_STUCK_SECONDS: Final = 10.0
#: What has reading from Kafka begin anew.
_BEGIN_ANEW: Final = (
    KafkaError,
    NotReadyError,
    ClusterChangedError,
    AstrayError,
    StandstillError,
    PositionsMovedError,
)


class StoppedError(RuntimeError):
    """The process is to end: nothing more is tried."""


class Store:
    """Runs until ``stop`` is set.

    Args:
        ready: called each time that reading begins.
        paged: called when something was stored that the notifier waits for.
    """

    name = "store"

    def __init__(
        self, settings: Settings, stop: Event, ready: Callable[[], None], paged: Callable[[], None] = lambda: None
    ) -> None:
        self._settings = settings
        self._stop = stop
        self._ready = ready
        self._paged = paged
        self._writer = Writer(engine_of(settings, writes=True))
        self._lane = Lane("database")
        self._canaries = metrics.Canaries()
        self._standstill = Standstill()
        #: The cluster that is read, and the ids of its topics.
        self._cluster: tuple[str, Mapping[str, str]] | None = None
        #: The batch being written; gives its positions once it is stored.
        self._under_way: Future[dict[Place, int]] | None = None
        self._working_since: float | None = None
        self._up = True
        self._standing_by = False
        #: Stored and not yet committed to Kafka.
        self._stored: dict[Place, int] = {}
        self._recount = True
        #: Whether pages may still be on Kafka that were there when this cluster was first read.
        self._behind = True
        self._told = 0.0
        #: When Kafka was asked last (monotonic seconds), and whether that filled a batch: then it may have more.
        self._polled = 0.0
        self._filled = False
        #: Seconds that the last transaction took.
        self._took = 0.0
        self._pause = _FIRST_PAUSE
        metrics.DATABASE_UP.set_function(self._database_up)

    def run(self) -> None:
        """Store until asked to stop.

        Raises:
            SettingsError: no broker is set, or the schema is newer than this Siaga.
        """
        try:
            while not self._stop.is_set():
                try:
                    self._serve_cluster()
                except _BEGIN_ANEW as error:
                    metrics.BROKER_FAULTS.inc()
                    logger.warning("reading begins anew in %g s: %s", self._pause, error or type(error).__name__)
                    self._stop.wait(self._pause)
                    self._pause = min(self._pause * 2, _LONGEST_PAUSE)
        except StoppedError:
            pass
        finally:
            wait([self._lane.submit(self._writer.release)], 1.0)

    # -- Kafka's side ---------------------------------------------------------------------------------------------

    def _serve_cluster(self) -> None:
        """Read one cluster until asked to stop or it is another."""
        self._on_database(lambda: None)
        consumer = Consumer(self._settings, TOPICS, client_id="siaga-store")
        stands_still = Event()
        onlooker = Onlooker(self._settings, self._standstill, consumer.partitions, consumer.seen, stands_still.set)
        try:
            self._cluster = cluster, topic_ids = consumer.cluster_id, consumer.topic_ids
            positions = self._on_database(lambda: self._writer.begin(cluster, datetime.now(UTC), topic_ids))
            consumer.start(positions, self._writer.leader_epochs)
            self._canaries.expect(max(number for _, number in consumer.partitions) + 1)
            self._recount, self._behind = True, True
            logger.info("storing %d partitions of cluster %s", len(consumer.partitions), cluster)
            self._ready()
            self._pause = _FIRST_PAUSE
            onlooker.start()
            while not self._stop.is_set():
                self._take(consumer)
                self._tell(consumer)
                if stands_still.is_set():
                    raise StandstillError("records wait on kafka, and reading brought none of them")
        except AstrayError as astray:
            self._follow(astray)
            raise
        finally:
            onlooker.stop()
            self._finish(consumer)

    def _take(self, consumer: Consumer) -> None:
        """Records as they come, in batches of so many rows."""
        if not self._filled:
            gathered = min(max(_GATHERED * self._took, _LEAST_GATHERED), _MOST_GATHERED)
            self._stop.wait(self._polled + gathered - time.monotonic())
        self._polled, self._filled = time.monotonic(), False
        batch: Batch | None = None
        for record in consumer.poll(_POLL_SECONDS):
            batch = batch or Batch(self._writer.epoch, datetime.now(UTC))
            batch.add(record)
            if batch.rows >= self._settings.store_batch:
                self._submit(batch)
                batch, self._filled = None, True
        if batch is not None:
            self._submit(batch)

    def _follow(self, astray: AstrayError) -> None:
        """Go on where there are records, and say which ones are gone."""
        self._settle()
        places = {place: one.instead for place, one in astray.places.items()}
        anew = any(one.shortened for one in astray.places.values())
        self._on_database(lambda: self._writer.go_on_at(places, datetime.now(UTC), anew=anew))
        for (topic, partition), one in astray.places.items():
            if one.shortened:
                metrics.LOGS_ANEW.labels(reason="cut_off").inc()
                logger.error(
                    "%s-%d was stored up to %d, and kafka has lost its end; it is read again from %d",
                    *(topic, partition, one.at, one.instead),
                )
            else:
                metrics.EXPIRED.inc(one.instead - one.at)
                logger.error(
                    "%s-%d was stored up to %d, and begins at %d now: kafka removed %d records that were not stored",
                    *(topic, partition, one.at, one.instead, one.instead - one.at),
                )

    def _submit(self, batch: Batch) -> None:
        self._settle()
        self._under_way = self._lane.submit(lambda: self._persist(batch))

    def _settle(self) -> None:
        """Wait until the batch under way is stored."""
        under_way, self._under_way = self._under_way, None
        if under_way is not None:
            positions = self._answer(under_way)
            self._stored.update(positions)

    def _answer(self, future: Future[T]) -> T:
        """What became of something in the lane; when the process is to end, it has only so long.

        Raises:
            StoppedError: the process is to end, and the database does not.
        """
        left = _LAST_SECONDS
        while left > 0:
            if wait([future], _POLL_SECONDS).done:
                return future.result()
            if self._stop.is_set():
                left -= _POLL_SECONDS
        raise StoppedError(f"the database did not end its work within {_LAST_SECONDS:g} s; what it had comes again")

    def _tell(self, consumer: Consumer) -> None:
        """Once a second: what others want to know."""
        if self._under_way is not None and self._under_way.done():
            self._settle()
        if time.monotonic() - self._told < _TELL_EVERY:
            return
        self._told = time.monotonic()
        stored, self._stored = self._stored, {}
        consumer.commit(stored)
        consumer.check()
        for topic, waiting in consumer.lag().items():
            metrics.LAG.labels(topic=topic).set(waiting)
        if self._under_way is None and self._behind and not consumer.is_behind((ESCALATIONS, PAGES, PAGE_RESULTS)):
            self._behind = False
            self._under_way = self._lane.submit(self._catch_up)
        elif self._recount and self._under_way is None:
            self._recount = False
            self._under_way = self._lane.submit(self._count)

    def _finish(self, consumer: Consumer) -> None:
        try:
            self._settle()
            consumer.commit(self._stored, wait=2.0)
        except (StoppedError, PositionsMovedError) as error:
            logger.info("the last batch was not stored: %s", error or "the database is away")
        finally:
            self._stored = {}
            consumer.close()

    # -- the database's side: all of it in the lane's thread ------------------------------------------------------

    def _on_database(self, act: Callable[[], T]) -> T:
        """Do something in the lane, as often as it takes, and wait for it."""
        return self._answer(self._lane.submit(lambda: self._insist(act)))

    def _insist(self, act: Callable[[], T]) -> T:
        """Do something with an open writer; a fault of the database has it opened and done again."""
        pause = _FIRST_PAUSE
        while True:
            self._working_since = time.monotonic()
            try:
                self._open()
                answer = act()
            except SettingsError:
                raise
            except DATABASE_FAULTS as error:
                self._lost(error, pause)
            else:
                self._working_since = None
                if not self._up:
                    logger.info("the database is back")
                    self._up = True
                return answer
            self._working_since = None
            if self._stop.wait(pause):
                raise StoppedError
            pause = min(pause * 2, self._settings.store_retry_max)

    def _open(self) -> None:
        """Have the writer open, and where it was lost, on the positions that the database has now."""
        if self._writer.is_open:
            return
        while not self._writer.open():
            if not self._standing_by:
                logger.info("another store writes into this database; this one stands by")
                self._standing_by = True
            if self._stop.wait(_STANDBY_PAUSE):
                raise StoppedError
        if self._standing_by:
            logger.info("the other store is gone; this one takes over")
            self._standing_by = False
        if self._cluster is not None:
            cluster, topic_ids = self._cluster
            self._writer.begin(cluster, datetime.now(UTC), topic_ids)

    def _lost(self, error: BaseException, pause: float) -> None:
        self._writer.close()
        metrics.RETRIES.inc()
        if self._up:
            self._up = False
            # Without the driver's message, which may show values of the rows.
            cause = getattr(error, "orig", None) or error
            logger.warning("the database does not take it (%s); trying again, next in %g s", _kind(cause), pause)

    def _persist(self, batch: Batch) -> dict[Place, int]:
        """Store one batch, however long it takes; answers how far that is."""

        def write() -> Written:
            began = time.perf_counter()
            written = self._writer.write(batch)
            self._took = time.perf_counter() - began
            metrics.BATCH_SECONDS.observe(self._took)
            return written

        written = self._insist(write)
        self._canaries.stored(batch.canaries)
        for table, count in written.rows.items():
            metrics.ROWS.labels(table=table).inc(count)
        for reason in written.rejected:
            metrics.REJECTED.labels(reason=reason).inc()
        now = datetime.now(UTC)
        if tracing.is_on():
            for report_id, received in zip(written.report_ids, written.reports_received, strict=True):
                tracing.stored(report_id, tracing.Stretch(received.timestamp(), now.timestamp()))
        metrics.CLOCK_AHEAD.inc(written.clocks_ahead)
        for kind, times in (("report", written.reports_received), ("incident", written.triaged_received)):
            for received in times:
                metrics.LATENCY.labels(kind=kind).observe(max(0.0, (now - received).total_seconds()))
        for level, seconds in written.answers:
            notify_metrics.ACK_SECONDS.labels(level=notify_metrics.level_label(level)).observe(max(0.0, seconds))
        notify_metrics.EXHAUSTED.inc(written.exhausted)
        self._recount = self._recount or "incidents" in written.rows
        if batch_has_paging(batch):
            self._paged()
        return batch.positions

    def _catch_up(self) -> dict[Place, int]:
        self._insist(lambda: self._writer.caught_up(datetime.now(UTC)))
        self._paged()
        return {}

    def _count(self) -> dict[Place, int]:
        metrics.show_open_incidents(self._insist(self._writer.open_incidents))
        metrics.show_silent(*self._insist(self._writer.silent))
        return {}

    def _is_stuck(self) -> bool:
        since = self._working_since
        return since is not None and time.monotonic() - since > _STUCK_SECONDS

    def _database_up(self) -> float:
        return float(self._up and not self._is_stuck())


def _kind(error: BaseException) -> str:
    code = getattr(error, "sqlstate", None) or getattr(error, "sqlite_errorname", None)
    return f"{type(error).__name__} {code}" if code else type(error).__name__
