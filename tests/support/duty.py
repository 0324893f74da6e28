"""A stack with officers on duty, whose pages come into an inbox."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx

from producers.simulate.duty import demo_roster
from siaga.contracts.registry import DistrictStations
from siaga.contracts.roster import RosterEntry
from siaga.types import Vulnerability
from tests.support import builders
from tests.support.stack import CONSOLE, GATEWAY, INBOX, SINKS, Stack
from tests.support.wait import until

#: Election minutes in a real one: a level has 6 seconds to answer about SEV1.
SPEED = 30.0


class Manned:
    """A running Siaga of two districts with everybody on duty."""

    def __init__(
        self,
        make_stack: Callable[..., Stack],
        change: Callable[[RosterEntry], RosterEntry] = lambda roster: roster,
        *,
        target: str | None = None,
        speed: float = SPEED,
        stations: int = 3,
        vulnerability: dict[str, Vulnerability] | None = None,
        **settings: Any,
    ) -> None:
        """Start everything.

        Args:
            make_stack: makes a stack of ``settings``.
            change: made to the roster before it is loaded.
            target: where pages are posted to (an officer's id is added) instead of to the inbox, which is not
                started then; nor is the command centre.
            speed: election minutes in a real one.
            stations: polling stations a district.
            vulnerability: classes of stations that are not ``aman``.
        """
        self.stack = make_stack(**settings)
        self.speed = speed
        registry = builders.small_registry(
            day=builders.calendar(speed=speed), stations=stations, vulnerability=vulnerability
        )
        districts = [entry for entry in registry if isinstance(entry, DistrictStations)]
        inbox = target or f"{self.stack.inbox_url}/pages"
        (roster,) = demo_roster(districts, starting=builders.now(), inbox=inbox, seed=1)
        self.roster = change(roster)
        self.stack.registry = [*registry, self.roster]
        around = () if target is not None else (INBOX, CONSOLE)
        self.stack.start(*around, SINKS, *self.stack.workers, GATEWAY)

    def report(self, kind: str = "violence.mass_clash", **more: Any) -> str:
        """Post a report; the incident it makes."""
        item = builders.report(kind, **more)
        assert self.stack.post(item).status == 202
        return str(
            until(
                lambda: self.stack.scalar(
                    "SELECT incident_id FROM reports WHERE report_id = :id", id=item["report_id"]
                ),
                what=lambda: f"an incident{self.stack.tails()}",
                every=0.05,
            )
        )

    def command(self, action: str, incident_id: str, by: str = "posko-duty-1", **more: Any) -> None:
        """A person's decision."""
        self.stack.command(builders.command(action, incident_id, by=by, **more))

    def inbox(self) -> list[dict[str, Any]]:
        """What the officers received, oldest first: each message with the page it tells."""
        found = httpx.get(f"{self.stack.inbox_url}/api/pages").json()["pages"][::-1]
        return [{**message, **message["pages"][0]} for message in found]

    def pages(self, level: int, generation: int = 1) -> list[dict[str, Any]]:
        """The pages of a level that were made so far, oldest first."""
        where = "level = :level AND generation = :generation AND purpose <> 'retraction' ORDER BY due_at, officer_id"
        return self.stack.rows(f"SELECT * FROM pages WHERE {where}", level=level, generation=generation)  # noqa: S608

    def until_received(self, *desks: str, timeout: float = 30.0) -> list[dict[str, Any]]:
        """Wait until an officer of each desk (``polres-ops``) has received something; all messages."""

        def received() -> list[dict[str, Any]] | None:
            found = self.inbox()
            officers = {message["officer_id"].rpartition("-")[0] for message in found}
            return found if set(desks) <= officers else None

        return until(
            received,
            timeout=timeout,
            what=lambda: f"pages of {desks}; there are {[m['officer_id'] for m in self.inbox()]}{self.stack.tails()}",
            every=0.05,
        )

    def escalation(self) -> dict[str, Any]:
        """Where the (only) incident stands."""
        rows = self.stack.rows("SELECT state, level, generation, acknowledged_by FROM escalations")
        return rows[0] if rows else {}

    def until_escalation(self, **wanted: Any) -> None:
        """Wait until it stands so."""
        until(
            lambda: wanted.items() <= self.escalation().items(),
            timeout=30,
            what=lambda: f"an escalation that is {wanted}; it is {self.escalation()}{self.stack.tails()}",
            every=0.05,
        )
