"""The crash matrix: the notifier is killed at a point while pages are due, started again, and everything is counted.

Two ledgers are reconciled: the provider's durable log, which no crash of ours touches, and the database with what was
told to Kafka from it.
"""

from __future__ import annotations

import random
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from siaga.contracts.page import ChannelKind, Page
from siaga.contracts.topics import PAGE_RESULTS, PAGES
from sinks.notify.crash import Point
from tests.support import builders
from tests.support.brokers import Broker
from tests.support.databases import Database
from tests.support.paged import page, roster
from tests.support.processes import Process
from tests.support.provider import Mode, Provider
from tests.support.stack import SINKS, Stack
from tests.support.wait import until

#: Kills at moments that nobody chose.
AT_RANDOM: Final = "at random, five times"
POINTS: Final = (*(point.value for point in Point), AT_RANDOM)
#: What each point means to whoever reads the matrix.
MEANINGS: Final = {
    Point.BEFORE_CLAIM.value: "before the claim is committed",
    Point.AFTER_CLAIM.value: "after it, before anything is sent",
    Point.AFTER_ACCEPTED.value: "after the provider accepted",
    Point.AFTER_COMMIT.value: "after the last commit",
    AT_RANDOM: AT_RANDOM,
}
_KINDS: Final = ((ChannelKind.WEBHOOK, "hook"), (ChannelKind.SMS, "hp"))
_CHANNELS: Final = """
[defaults]
timeout_seconds = 1
pause_seconds = 0.1
longest_pause_seconds = 0.5
circuit_failures = 50

[webhook]
ask_url = "{provider}/messages/{{key}}"

[sms]
adapter = "http"
url = "{provider}/send/sms/{{address}}"
receipt = "id"
limits = []
"""
_OPEN: Final = "status IN ('queued', 'sending') OR (status = 'unknown' AND available_at IS NOT NULL)"


@dataclass(frozen=True, slots=True)
class Counted:
    """One line of the matrix."""

    database: str
    point: str
    channel: str
    due: int
    accepted: int
    explained: int
    unknown: int
    repeated: int
    #: Repeats that did not come out of ``unknown``, or under another key or code: there must be none.
    unexplained_repeats: int
    #: Due and neither accepted nor explained, or accepted and not in the provider's log: there must be none.
    lost: int
    #: Accepted or explained, and the streams were not told: there must be none.
    untold: int

    @property
    def is_sound(self) -> bool:
        """Whether the promise was kept."""
        return (
            self.lost == self.unexplained_repeats == self.untold == 0 and self.due == self.accepted + self.explained
        )


@dataclass(slots=True)
class Trial:
    """Sinks, a provider and pages; the sinks are killed on the way."""

    stack: Stack
    provider: Provider
    pages: list[Page] = field(default_factory=list)
    starts: int = 0

    def start(self, crash_at: str = "") -> Process:
        """Start the sinks, to die at a point."""
        self.starts += 1
        process = Process(
            SINKS,
            [sys.executable, "-m", "siaga", "sinks"],
            log=self.stack.directory / "sinks.log",
            env={**self.stack.environment, "SIAGA_TEST_CRASH_AT": crash_at},
            cwd=self.stack.directory,
        )
        process.start()
        self.stack.processes[SINKS] = process
        return process

    def make_due(self, count: int) -> None:
        """Have so many pages come, half a channel each; the provider misbehaves now and then."""
        for mode in (Mode.FAIL, Mode.DROP, Mode.TWICE, Mode.HANG):
            self.provider.behave(mode, 1)
        made = []
        for number in range(count):
            kind, channel = _KINDS[number % len(_KINDS)]
            made.append(page(officer_id=f"petugas-{number % 5}", channel=channel, channel_kind=kind, severity=1))
        self.pages += made
        self.stack.produce(PAGES, builders.DISTRICT, *(one.to_json() for one in made))

    def settle(self) -> None:
        """Wait until every page is accounted for and told."""
        self.stack.until_count("pages", len(self.pages), timeout=60)
        self.stack.until_count("pages", 0, _OPEN, timeout=90)
        self.stack.until_count("page_results", 0, "published_at IS NULL", timeout=30)

    def count(self, database: str, point: str) -> Iterator[Counted]:
        """Reconcile the two ledgers, a line for each kind of channel."""
        return reckon(self.stack, self.provider.taken(), self.pages, database=database, point=point)


def reckon(
    stack: Stack, taken: Sequence[dict[str, Any]], due: Sequence[Page], *, database: str, point: str
) -> Iterator[Counted]:
    """Reconcile what providers have ``taken`` with the database and what is told from it, a line for each kind.

    ``due`` are the pages that had to be sent.
    """
    told = {(item["page_id"], item["status"]) for item in stack.items(PAGE_RESULTS)}
    doubts = "SELECT page_id, count(DISTINCT attempt) AS times FROM page_results WHERE status = 'unknown'"
    unknown = {row["page_id"]: row["times"] for row in stack.rows(f"{doubts} GROUP BY page_id")}
    for kind in sorted({one.channel_kind for one in due}, reverse=True):
        rows = stack.rows("SELECT * FROM pages WHERE channel_kind = :kind", kind=kind.value)
        ours = {row["page_id"]: row for row in rows}
        times = {page_id: [t for t in taken if page_id in t["pages"]] for page_id in ours}
        accepted = {i for i, row in ours.items() if row["status"] in ("accepted", "delivered")}
        explained = {i for i, row in ours.items() if row["status"] in ("failed", "suppressed")}
        repeated = {i for i, entries in times.items() if len(entries) > 1}
        # Each repeat has a doubt of its own behind it, and is the very same message.
        explicable = {i for i in repeated if len(times[i]) - 1 <= unknown.get(i, 0)}
        alike = {i for i in repeated if len({(t["key"], *t["codes"]) for t in times[i]}) == 1}
        expected = {str(p.page_id) for p in due if p.channel_kind is kind}
        lost = (expected - accepted - explained) | {i for i in accepted if not times[i]}
        yield Counted(
            database=database,
            point=point,
            channel=kind.value,
            due=len(expected),
            accepted=len(accepted),
            explained=len(explained),
            unknown=len(unknown.keys() & ours.keys()),
            repeated=sum(len(times[i]) - 1 for i in repeated),
            unexplained_repeats=len(repeated - (explicable & alike)),
            lost=len(lost),
            untold=sum(
                not any((page_id, status) in told for status in ("accepted", "delivered", "failed", "suppressed"))
                for page_id in accepted | explained
            ),
        )


@contextmanager
def trial(broker: Broker, database: Database, directory: Path) -> Iterator[Trial]:
    """A trial with its provider, its registry loaded and nothing running yet."""
    officers = [f"petugas-{number}" for number in range(5)]
    with Provider(directory) as provider:
        channels = directory / "channels.toml"
        channels.write_text(_CHANNELS.format(provider=provider.url))
        entries = [
            *builders.small_registry(),
            roster({"hook": provider.address("{}"), "hp": "{}"}, officers),
        ]
        with Stack(broker, database, directory, registry=entries, channels_file=channels) as stack:
            stack.prepare()
            yield Trial(stack, provider)


def run(running: Trial, point: str, *, pages: int) -> None:
    """Have pages come, kill the sinks at ``point``, start them again and wait until all is accounted for."""
    if point == AT_RANDOM:
        rng = random.Random(2022)
        for _ in range(5):
            process = running.start()
            # Killed at any moment, be it before it reads anything.
            running.make_due(pages // 5)
            wanted = running.stack.count("pages", "begun_at IS NOT NULL") + rng.randrange(pages // 5)
            until(
                lambda wanted=wanted: running.stack.count("pages", "begun_at IS NOT NULL") >= wanted,  # type: ignore[misc]
                timeout=60,
                what=f"{wanted} pages to be begun",
            )
            process.kill()
    else:
        process = running.start(point)
        running.make_due(pages)
        until(lambda: not process.running, timeout=60, what=f"the sinks to die {MEANINGS[point]}\n{process.tail()}")
        if process.returncode != -signal.SIGKILL:
            raise AssertionError(f"the sinks ended by themselves\n{process.tail()}")
    running.start()
    running.settle()
