"""Makes ``docs/reference/crash-matrix.md``: every fault of the chaos tests once more, larger, and what was counted.

    python -m tests.support.crash_document [--pages 40] [--write docs/reference/crash-matrix.md]

Input: the brokers and databases that this machine has. Output: the page, or exit 1 where a promise was broken.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from siaga.supervisor.embedded import EmbeddedBroker
from tests.support import builders
from tests.support import escalation_faults as faults
from tests.support.brokers import ApacheKafka, embedded_broker, missing_for_kafka
from tests.support.crash_matrix import MEANINGS, POINTS, Counted, run, trial
from tests.support.databases import PostgresCluster, PostgresDatabase, SqliteDatabase, missing_for_postgres
from tests.support.stack import Stack
from tests.support.watch import Watch, on_watch

_COUNTS: Final = "due | accepted | explained | out of unknown | repeated | lost | not told"
_RIGHT: Final = " | ".join(["---:"] * 7)
_HEAD: Final = f"| database | killed | channel | {_COUNTS} |\n| --- | --- | --- | {_RIGHT} |"
_FAULTS_HEAD: Final = f"| fault | channel | {_COUNTS} |\n| --- | --- | {_RIGHT} |"


def line_of(*names: str, counted: Counted) -> str:
    """A line of a printed matrix."""
    cells = (
        *names,
        counted.channel,
        counted.due,
        counted.accepted,
        counted.explained,
        counted.unknown,
        counted.repeated,
        counted.lost,
        counted.untold,
    )
    return f"| {' | '.join(map(str, cells))} |"


# -- the notifier, point by point ------------------------------------------------------------------------------------


def whole_matrix(pages: int, points: Iterable[str] = POINTS) -> Iterator[Counted]:
    """Every point on every database that this machine has, each on fresh parts."""
    cluster = None if missing_for_postgres() else PostgresCluster()
    try:
        if cluster is not None:
            cluster.start()
        for name in ("SQLite", *(["PostgreSQL"] if cluster is not None else [])):
            for point in points:
                with tempfile.TemporaryDirectory(prefix=f"siaga-{uuid.uuid4().hex[:6]}-") as made:
                    directory = Path(made)
                    broker: EmbeddedBroker = embedded_broker(directory)
                    database = SqliteDatabase(directory) if name == "SQLite" or cluster is None else cluster.create()
                    try:
                        with trial(broker, database, directory) as running:
                            run(running, point, pages=pages)
                            yield from running.count(name, point)
                    finally:
                        broker.kill()
    finally:
        if cluster is not None:
            cluster.remove()


# -- escalations, fault by fault -------------------------------------------------------------------------------------

Fault = Callable[[Watch, ApacheKafka, PostgresDatabase], object]


def _workers(watch: Watch, kafka: ApacheKafka, postgres: PostgresDatabase) -> None:
    faults.kill_one_worker_of_two(watch, incidents=12)
    faults.kill_every_worker_while_deadlines_pass(watch)


#: What goes wrong, how the watch is set up, and what is done.
_FAULTS: Final[tuple[tuple[str, dict[str, Any], Fault], ...]] = (
    (
        "stream worker, sinks, PostgreSQL and Apache Kafka killed at random, twice each; 200 incidents",
        {"speed": 6.0, "stations": 20, "gateway_ack_timeout": 0.5},
        lambda w, kafka, postgres: faults.kill_everything_at_random(w, (kafka, postgres), incidents=200, seed=2022),
    ),
    (
        "one of two workers killed in mid-climb and back, then all of them while deadlines pass",
        {"speed": 15.0, "stations": 6, "workers": 2},
        _workers,
    ),
    (
        "worker killed between its memory of a call and its telling, and before it takes note of that",
        {"speed": 15.0},
        lambda w, kafka, postgres: faults.die_between_memory_and_telling(w),
    ),
    (
        "acknowledgements at the deadline",
        {"speed": 20.0, "stations": 20},
        lambda w, kafka, postgres: faults.answer_around_the_deadline(w, incidents=40, seed=2022),
    ),
    (
        "no sweeper: the workers' clock alone",
        {"speed": 120.0, "stations": 8, "sweeper": False},
        lambda w, kafka, postgres: faults.climb_storm_and_lease(w),
    ),
    (
        "no workers' clock: the sweeper alone",
        {"speed": 120.0, "stations": 8, "stream_clock": False},
        lambda w, kafka, postgres: faults.climb_storm_and_lease(w),
    ),
    (
        "the webhooks' provider away for ten minutes",
        {"speed": 30.0, "stations": 4, "texts": True},
        lambda w, kafka, postgres: faults.provider_away_for_ten_minutes(w),
    ),
    (
        "a desk struck off the roster in mid-climb",
        {"speed": 8.0},
        lambda w, kafka, postgres: faults.strike_off_the_operations_desk(w),
    ),
)


def fault_matrix() -> Iterator[tuple[str, Counted]]:
    """Every fault on Apache Kafka and PostgreSQL, each on fresh parts; nothing where this machine lacks them."""
    if missing_for_postgres() or missing_for_kafka():
        return
    for name, options, go_wrong in _FAULTS:
        with ExitStack() as parts:
            made = Path(parts.enter_context(tempfile.TemporaryDirectory(prefix=f"siaga-{uuid.uuid4().hex[:6]}-")))
            cluster = PostgresCluster()
            parts.callback(cluster.remove)
            cluster.start()
            kafka = ApacheKafka(made / "kafka")
            parts.callback(kafka.kill)
            kafka.start()
            postgres = cluster.create()

            def make_stack(**settings: Any) -> Stack:
                return parts.enter_context(Stack(kafka, postgres, made, **settings))  # noqa: B023  (called here)

            watch = parts.enter_context(on_watch(make_stack, made, **options))
            go_wrong(watch, kafka, postgres)
            watch.settle()
            wrong = [*sorted(watch.unheard()), *watch.hasty()]
            if wrong:
                raise AssertionError(f"{name}: nobody was called, or too soon: {wrong}")
            for counted in watch.account("PostgreSQL", name):
                yield name, counted


# -- the page --------------------------------------------------------------------------------------------------------

_PAGE: Final = """\
# Crash matrix

Two ledgers are reconciled after each fault: the durable log of a provider in a process of its own, and the database
with what the streams were told.

- **due**: pages there were. **accepted**: a provider has them. **explained**: failed or suppressed, with the reason.
- **out of unknown**: pages of which nobody knew for a while whether they had arrived.
- **repeated**: messages that the provider took once more. Each has a doubt of its own behind it, and the same page
  id, code and `Idempotency-Key`; a webhook here can be asked first, the SMS gateway cannot.
- **lost**: due and neither accepted nor explained, or called accepted and not in the provider's log.
- **not told**: settled, and the streams were not told.

Made on {date} (UTC) with `make crash-matrix`; a small version runs with every test run.

## The notifier dies at each point of a page's way

The notifier is killed (SIGKILL, nothing cleaned up) while pages are due, {pages} a run, and started again; the
provider meanwhile answers 500 once, takes a message and drops the connection once, hangs once and answers twice once.
A death takes every message that is on its way at that moment with it, here up to 32 webhooks and 8 SMS, not only the
one at the point that is named. (`tests/chaos/test_crash_matrix.py`)

{points}

## Incidents climb while something goes wrong

Reports come in at the gateway, incidents climb level by level and people answer, on Apache Kafka and PostgreSQL.
Pages due are those on `siaga.pages`; most of what is explained was still waiting when somebody took its incident or
it was over. Everybody who had to be called was, no level came sooner than the deadline of the one before allows, and
what became due several times over while every worker was dead came once.
(`tests/chaos/test_escalation_faults.py`, `tests/chaos/test_escalation_outages.py`)

{faults}
"""


def _print(line: str, counted: Counted) -> str:
    print(line + ("" if counted.is_sound else "  <-- BROKEN"), flush=True)
    return line


def main() -> None:
    """Print both matrices; exit 1 where a promise was broken."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--pages", type=int, default=40)
    parser.add_argument("--write", type=Path)
    chosen = parser.parse_args()
    sound, points, climbs = True, [_HEAD], [_FAULTS_HEAD]
    print(_HEAD, flush=True)
    for counted in whole_matrix(chosen.pages):
        points.append(_print(line_of(counted.database, MEANINGS[counted.point], counted=counted), counted))
        sound = sound and counted.is_sound
    print(_FAULTS_HEAD, flush=True)
    for name, counted in fault_matrix():
        climbs.append(_print(line_of(name, counted=counted), counted))
        sound = sound and counted.is_sound
    if chosen.write is not None and sound:
        date = f"{datetime.now(builders.now().tzinfo):%d %B %Y}"
        page = _PAGE.format(date=date, pages=chosen.pages, points="\n".join(points), faults="\n".join(climbs))
        chosen.write.write_text(page)
    sys.exit(0 if sound else 1)


if __name__ == "__main__":
    main()
