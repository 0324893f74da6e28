"""Officers on duty in a running Siaga, whose pages a provider with a durable log of its own takes.

Whatever goes wrong meanwhile (:mod:`tests.support.escalation_faults`), in the end everything is over, and
:meth:`Watch.account` reconciles the provider's log with the database and with what stood on Kafka. Pages due are
those on ``siaga.pages``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from operator import not_
from pathlib import Path
from typing import Any, Final

from siaga.contracts.page import ChannelKind, Page
from siaga.contracts.roster import ChannelEntry, RosterEntry
from siaga.contracts.topics import COMMANDS, PAGES
from siaga.waiting import wait_for
from tests.support import builders
from tests.support.crash_matrix import Counted, reckon
from tests.support.duty import Manned
from tests.support.provider import Provider
from tests.support.stack import SINKS, Stack
from tests.support.wait import until

MakeStack = Callable[..., Stack]

#: Election minutes that a level has, by severity.
MINUTES: Final = {1: 2.0, 2: 5.0, 3: 15.0}
_CHANNELS: Final = """
[defaults]
timeout_seconds = 1
pause_seconds = 0.1
longest_pause_seconds = 0.5
circuit_failures = 3
circuit_pause_seconds = 1

[webhook]
ask_url = "{hook}/messages/{{key}}"

[sms]
adapter = "http"
url = "{sms}/sms/{{address}}"
receipt = "id"
limits = []
"""
_OPEN: Final = "status IN ('queued', 'sending') OR (status = 'unknown' AND available_at IS NOT NULL)"


class Watch:
    """Officers on duty whose pages a provider takes; a second one takes text messages where officers have them."""

    def __init__(self, make_stack: MakeStack, directory: Path, *, texts: bool = False, **more: Any) -> None:
        """``more`` are :class:`Manned`'s keyword arguments and settings."""
        self.provider = Provider(directory)
        (directory / "sms").mkdir()
        self.sms = Provider(directory / "sms")
        for provider in (self.provider, self.sms):
            provider.start()
        channels = directory / "channels.toml"
        channels.write_text(_CHANNELS.format(hook=self.provider.url, sms=self.sms.url))
        self.manned = Manned(
            make_stack,
            _with_texts if texts else lambda roster: roster,
            target=f"{self.provider.url}/send",
            channels_file=channels,
            **more,
        )
        self.stack = self.manned.stack

    def close(self) -> None:
        """End the providers; their logs stay."""
        self.provider.kill()
        self.sms.kill()

    # -- what happens -----------------------------------------------------------------------------------------------

    def report(self, trouble: tuple[str, dict[str, Any]], station: str, by: str = "anggota-1") -> None:
        """Post a report of a kind and its facts, as often as it takes until it is accepted."""
        kind, facts = trouble
        item = builders.report(kind, station=station, by=by, facts=facts)
        until(lambda: self.stack.post(item).status == 202, timeout=60, what="the gateway to accept a report")

    def incidents(self, count: int) -> list[dict[str, Any]]:
        """Wait until there are so many incidents that are called about; where they stand."""
        self.stack.until_count("escalations", count, timeout=120)
        return self.standing()

    def swept(self, kind: str) -> float:
        """Timers of a kind that the sweeper has sent since the sinks began."""
        return self.stack.metrics(SINKS).get(f'siaga_sweeper_timers_total{{kind="{kind}"}}', 0.0)

    def noticed(self, kind: str) -> float:
        """Timers of a kind that the stream workers have noticed since they began."""
        name = f'siaga_streams_timers_total{{kind="{kind}"}}'
        return sum(self.stack.metrics(worker).get(name, 0.0) for worker in self.stack.workers)

    def standing(self) -> list[dict[str, Any]]:
        """Where each incident stands."""
        return self.stack.rows("SELECT * FROM escalations ORDER BY incident_id")

    def say(self, action: str, about: Iterable[dict[str, Any]], by: str = "posko-duty-1") -> None:
        """Somebody decides about several incidents at once."""
        by_district: dict[str, list[bytes]] = {}
        for row in about:
            command = builders.command(action, row["incident_id"], district=row["district"], by=by)
            by_district.setdefault(row["district"], []).append(command.to_json())
        for district, commands in by_district.items():
            self.stack.produce(COMMANDS, district, *commands)

    def taken(self) -> list[dict[str, Any]]:
        """All that the providers took."""
        return [*self.provider.taken(), *self.sms.taken()]

    def until_taken(self, more: int, timeout: float = 90.0) -> None:
        """Wait until the providers have taken so many more messages than now."""
        wanted = len(self.taken()) + more
        until(
            lambda: len(self.taken()) >= wanted,
            timeout=timeout,
            what=lambda: f"{wanted} messages; there are {len(self.taken())}{self.stack.tails()}",
            every=0.1,
        )

    def queued(self, channel_kind: str) -> list[str]:
        """The pages that wait to be sent over a kind of channel."""
        asked = "SELECT page_id FROM pages WHERE status = 'queued' AND channel_kind = :kind"
        return [row["page_id"] for row in self.stack.rows(asked, kind=channel_kind)]

    def until_accepted(self, level: int, timeout: float = 90.0) -> None:
        """Wait until pages of a level are there and all of them taken."""

        def statuses() -> set[str]:
            asked = "SELECT status FROM pages WHERE level = :level"
            return {row["status"] for row in self.stack.rows(asked, level=level)}

        until(
            lambda: statuses() and statuses() <= {"accepted", "delivered"},
            timeout=timeout,
            what=lambda: f"pages of level {level}; they are {statuses()}{self.stack.tails()}",
            every=0.1,
        )

    def until_climbed(self, level: int, where: str = "1=1", timeout: float = 120.0) -> None:
        """Wait until every incident that nobody has taken is called about at this level, or a higher one."""
        below = f"level < {level} AND state IN ('paging', 'exhausted') AND {where}"
        self.stack.until_count("escalations", 0, below, timeout=timeout)

    # -- what came of it --------------------------------------------------------------------------------------------

    def settle(self) -> None:
        """Have everything be over, and wait until every page is accounted for and told."""

        def left() -> list[dict[str, Any]]:
            return [row for row in self.standing() if row["state"] not in ("resolved", "dismissed")]

        def is_over() -> bool:
            if asked := left():
                self.say("resolve", asked)
            # Said once more where it was not heard, such as of an incident that nobody knew yet.
            return not asked or not wait_for(left, 2.0, every=0.1, enough=not_)

        until(is_over, timeout=120, what=lambda: f"everything to be over{self.stack.tails()}")
        until(
            lambda: len({page.page_id for page in self.due()}) == self.stack.count("pages"),
            timeout=60,
            every=0.5,
            what=lambda: f"every page to be stored{self.stack.tails()}",
        )
        self.stack.until_count("pages", 0, _OPEN, timeout=90)
        self.stack.until_count("page_results", 0, "published_at IS NULL", timeout=60)

    def due(self) -> list[Page]:
        """The pages that had to be sent, told again or not, each once."""
        items = {item["page_id"]: item for item in self.stack.items(PAGES)}
        return [Page.model_validate(item) for item in items.values()]

    def account(self, database: str, fault: str) -> list[Counted]:
        """The two ledgers, a line for each kind of channel."""
        return list(reckon(self.stack, self.taken(), self.due(), database=database, point=fault))

    def unheard(self) -> set[str]:
        """Incidents that nobody was called about: neither by itself nor in a digest, and that wait for none."""
        due = self.due()
        heard = {str(page.incident_id) for page in due}
        heard |= {str(told.incident_id) for page in due for told in page.incidents}
        folded = "SELECT incident_id FROM escalation_steps WHERE reason = 'folded_into_digest'"
        heard |= {row["incident_id"] for row in self.stack.rows(folded)}
        return {row["incident_id"] for row in self.standing() if row["severity"] <= 3} - heard

    def hasty(self) -> list[str]:
        """Climbs that came sooner than the deadline of the level before allows."""
        asked = (
            "SELECT p.incident_id, p.severity, p.round, p.level, min(p.due_at) AS due_at FROM pages p "
            "WHERE p.purpose IN ('page', 'verify') "
            "AND p.reason IN ('opened', 'deadline_passed', 'levels_exhausted', 'unacknowledged') "
            "GROUP BY p.incident_id, p.severity, p.round, p.level ORDER BY p.incident_id, 5"
        )
        found, before = [], dict[str, float]()
        for row in self.stack.rows(asked):
            at, incident = epoch(row["due_at"]), row["incident_id"]
            deadline = MINUTES[row["severity"]] * 60.0 / self.manned.speed
            if at - before.get(incident, 0.0) < deadline - 0.05:
                found.append(f"{incident} level {row['level']} round {row['round']}")
            before[incident] = at
        return found


def epoch(at: datetime | str) -> float:
    """A time of the database in epoch seconds; SQLite has times as text."""
    return (at if isinstance(at, datetime) else datetime.fromisoformat(at)).timestamp()


def _with_texts(roster: RosterEntry) -> RosterEntry:
    """Everybody has a telephone besides the webhook."""
    officers = tuple(
        officer.model_copy(
            update={
                "channels": (
                    *officer.channels,
                    ChannelEntry(name="hp", kind=ChannelKind.SMS, address=officer.officer_id),
                )
            }
        )
        for officer in roster.officers
    )
    return roster.model_copy(update={"officers": officers})


@contextmanager
def on_watch(make_stack: MakeStack, directory: Path, **more: Any) -> Iterator[Watch]:
    """A :class:`Watch`, closed in the end."""
    watch = Watch(make_stack, directory, **more)
    try:
        yield watch
    finally:
        watch.close()
