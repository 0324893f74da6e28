"""A world for escalation: incidents happen, people answer, time passes, and a pager notes who is called.

It drives the pure core through :class:`~siaga.escalation.book.EscalationBook`, as the streams do, and keeps the rows
that were written, so that a restart is a line.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from siaga.contracts.escalation import Escalation
from siaga.contracts.incident import Incident, Reason
from siaga.contracts.page import ChannelKind, Page, Purpose
from siaga.contracts.page_result import PageResult, PageStatus, ResultReason
from siaga.contracts.registry import key_of
from siaga.contracts.roster import (
    AgencyEntry,
    ChannelEntry,
    MediatorEntry,
    OfficerEntry,
    OverrideEntry,
    PolicyEntry,
    RosterEntry,
    ShiftEntry,
)
from siaga.contracts.timer import Timer
from siaga.election.registry import Registry
from siaga.escalation.book import EscalationBook, restore_books
from siaga.escalation.duties import Duties
from siaga.rules.agency import agencies
from siaga.triage.state import Refusal
from tests.support import builders

NOON: Final = datetime(2022, 2, 23, 5, 0, tzinfo=UTC)
#: officer -> (agency, kind of agency, role). One a desk, on duty for a week.
PEOPLE: Final = {
    "polsek-kajen": ("polsek-kajen", "polsek", "duty"),
    "polres": ("polres", "polres", "duty"),
    "ops-desk": ("polres", "polres", "ops"),
    "wakapolres": ("polres", "polres", "deputy"),
    "kodim": ("kodim", "kodim", "liaison"),
    "kapolres": ("polres", "polres", "chief"),
    "posko": ("posko", "posko", "duty"),
    "propam": ("propam", "propam", "duty"),
    "inspektorat": ("inspektorat", "inspektorat", "duty"),
    "panitia": ("panitia", "panitia", "duty"),
    "dinkes": ("dinkes", "dinkes", "duty"),
}


def channel(name: str, kind: ChannelKind = ChannelKind.SMS) -> ChannelEntry:
    """A channel whose address is made up."""
    return ChannelEntry(name=name, kind=kind, address=f"+62-{name}")


def roster(
    people: Iterable[str] = tuple(PEOPLE),
    *,
    version: str = "uji-1",
    silent: Iterable[str] = (),
    overrides: Iterable[OverrideEntry] = (),
    cleared: Iterable[str] = (),
) -> RosterEntry:
    """A roster of some of :data:`PEOPLE`, each with SMS first and a webhook second; ``silent`` have no channel."""
    people = list(people)
    silent = set(silent)
    units = {PEOPLE[p][0]: PEOPLE[p][1] for p in (*people, "polsek-kajen")}
    return RosterEntry(
        schema_version=1,
        version=version,
        area="33.26",
        agencies=tuple(
            AgencyEntry(
                agency=unit,
                kind=kind,
                name=unit,
                districts=(builders.DISTRICT,) if kind == "polsek" else (),
            )
            for unit, kind in units.items()
        ),
        officers=(
            *(
                OfficerEntry(
                    officer_id=person,
                    name=person,
                    agency=PEOPLE[person][0],
                    cleared=person in set(cleared),
                    channels=() if person in silent else (channel("sms"), channel("hook", ChannelKind.WEBHOOK)),
                )
                for person in people
            ),
            OfficerEntry(officer_id="bhabin", name="bhabin", agency="polsek-kajen", channels=(channel("sms"),)),
        ),
        shifts=tuple(
            ShiftEntry(
                agency=PEOPLE[person][0],
                role=PEOPLE[person][2],
                officer_id=person,
                starts_at=NOON - timedelta(days=1),
                ends_at=NOON + timedelta(days=7),
            )
            for person in people
        ),
        overrides=tuple(overrides),
        mediators=(MediatorEntry(village=builders.STATION[:13], officer_id="bhabin"),),
    )


class World:
    """One district and its escalations."""

    def __init__(self, entry: RosterEntry | None = None) -> None:
        self.now = NOON.timestamp()
        registry = Registry()
        for item in builders.small_registry(day=builders.calendar(starts=NOON - timedelta(hours=5)), stations=9):
            registry.apply(key_of(item), item.to_json())
        self.duties = Duties(registry)
        self.load(entry or roster())
        self.book = EscalationBook(builders.DISTRICT)
        self.rows: dict[str, bytes] = {}
        self.pages: list[Page] = []
        self.snapshots: list[Escalation] = []
        self.results: list[PageResult] = []
        self.incidents: dict[str, Incident] = {}

    def load(self, entry: RosterEntry | PolicyEntry) -> None:
        """A policy or roster is loaded."""
        self.duties.apply(key_of(entry), entry.to_json())

    # -- what happens -----------------------------------------------------------------------------------------------

    def report(
        self,
        kind: str = "violence.brawl",
        *,
        severity: int | None = None,
        station: str | None = builders.STATION,
        accused: str | None = None,
        **more: Any,
    ) -> str:
        """An incident opens; answers its id. Its severity is the kind's own unless given."""
        known = self.duties.registry.taxonomy.get(kind)
        assert known is not None
        lead, support = agencies(known, accused)
        at = self.moment()
        incident_id = str(uuid.UUID(int=len(self.incidents) + 1))
        self.incidents[incident_id] = Incident.model_validate(
            {
                "schema_version": 1,
                "incident_id": incident_id,
                "version": 1,
                "district": builders.DISTRICT,
                "station_id": station,
                "kind": kind,
                "family": known.family,
                "lead_agency": lead,
                "support_agencies": support,
                "state": "open",
                "severity": severity or int(known.base),
                "computed_severity": severity or int(known.base),
                "certainty": "likely",
                "urgency": "immediate",
                "reasons": (Reason(rule="base", effect="", id=known.id, en=known.en),),
                "facts": {"accused_unit": accused},
                "report_count": 1,
                "reporter_count": 1,
                "first_occurred_at": at,
                "last_occurred_at": at,
                "first_received_at": at,
                "opened_at": at,
                "updated_at": at,
                "ruleset": "uji",
                **more,
            }
        )
        self.tell(incident_id)
        return incident_id

    def change(self, incident_id: str, **changes: Any) -> None:
        """The incident changes: its next snapshot is told."""
        before = self.incidents[incident_id]
        if "accused" in changes:
            accused = changes.pop("accused")
            kind = self.duties.registry.taxonomy.get(before.kind)
            assert kind is not None
            changes["facts"] = before.facts.model_copy(update={"accused_unit": accused})
            changes["lead_agency"] = agencies(kind, accused)[0]
        update = {"version": before.version + 1, "updated_at": self.moment(), **changes}
        self.incidents[incident_id] = Incident.model_validate({**before.model_dump(), **update})
        self.tell(incident_id)

    def tell(self, incident_id: str) -> None:
        """The incident's present snapshot reaches the book, perhaps again."""
        self.book.take_incident(self.incidents[incident_id], self.duties, self.now)
        self.settle()

    def resolve(self, incident_id: str) -> None:
        """Somebody resolves it."""
        self.change(incident_id, state="resolved")

    def refute(self, incident_id: str) -> None:
        """Somebody refutes it."""
        self.change(incident_id, state="dismissed", refuted_by="komandan-1")

    def reopen(self, incident_id: str) -> None:
        """It is open again."""
        generation = self.incidents[incident_id].generation + 1
        self.change(incident_id, state="open", generation=generation, refuted_by=None, acknowledged_by=None)

    def merge(self, merged: str, into: str) -> None:
        """Two incidents are one: the second has the reports of both, and is as grave as the graver was."""
        gone, stays = self.incidents[merged], self.incidents[into]
        units = {*gone.accused_units, *stays.accused_units, gone.facts.accused_unit, stays.facts.accused_unit} - {
            None
        }
        both = tuple(sorted(map(str, units)))
        self.change(into, severity=min(gone.severity, stays.severity), accused_units=both)
        self.change(merged, state="merged", merged_into=into, accused_units=both)

    def say(
        self,
        action: str,
        incident_id: str,
        by: str,
        *,
        command_id: str | uuid.UUID | None = None,
        **more: Any,
    ) -> Refusal | None:
        """Somebody answers or decides; answers why they may not."""
        base = builders.command("note", incident_id, by=by, at=self.moment(), command_id=command_id)
        command = type(base).model_validate({**base.model_dump(), "action": action, **more})
        refusal = self.book.refusal(command, self.duties)
        if refusal is None:
            self.book.take_command(command, self.duties, self.now)
            self.settle()
        return refusal

    def result(self, page: Page, status: PageStatus, reason: ResultReason = ResultReason.NONE) -> None:
        """The notifier says what became of a page."""
        result = PageResult(
            schema_version=1,
            page_id=page.page_id,
            incident_id=page.incident_id,
            generation=page.generation,
            district=page.district,
            officer_id=page.officer_id,
            channel=page.channel,
            status=status,
            reason=reason,
            attempt=1,
            at=self.moment(),
        )
        self.results.append(result)
        self.book.take_result(result, self.duties, self.now)
        self.settle()

    def advance(self, *, minutes: float, watched: bool = True) -> None:
        """Time passes; what comes due is noticed as it does, or not where nobody watches."""
        until = self.now + minutes * 60.0
        while watched and (timers := self.book.due(until)):
            first = min(timers, key=lambda timer: timer.due_at)
            self.now = max(self.now, first.due_at.timestamp())
            self.fire(first.model_copy(update={"at": self.moment()}))
        self.now = until

    def fire(self, timer: Timer) -> None:
        """A timer's record is handled."""
        self.book.take_timer(timer, self.duties)
        self.settle()

    def due(self) -> list[Timer]:
        """What is due now."""
        return self.book.due(self.now)

    def restart(self) -> None:
        """The worker ends and another one begins with the rows that were written."""
        self.book = restore_books(self.rows.items()).get(builders.DISTRICT, EscalationBook(builders.DISTRICT))

    def settle(self) -> None:
        settled = self.book.settle()
        self.pages += settled.pages
        self.snapshots += settled.escalations
        for key, value in settled.rows:
            if value is None:
                self.rows.pop(key, None)
            else:
                self.rows[key] = value

    def moment(self) -> datetime:
        """The present."""
        return datetime.fromtimestamp(self.now, UTC)

    # -- what came of it --------------------------------------------------------------------------------------------

    @property
    def paged(self) -> list[str]:
        """Who was called, in order."""
        return [page.officer_id for page in self.pages]

    def forget(self) -> None:
        """Note only what comes from here on."""
        self.pages.clear()
        self.snapshots.clear()

    def now_of(self, incident_id: str) -> Escalation:
        """The last snapshot of an incident's escalation."""
        return next(s for s in reversed(self.snapshots) if str(s.incident_id) == incident_id)

    def retracted(self) -> list[str]:
        """Who was told that it was not so."""
        return [page.officer_id for page in self.pages if page.purpose is Purpose.RETRACTION]
