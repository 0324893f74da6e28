"""A test of the roster before the day: every officer is called on every channel, and who did not answer is named.

Input: a roster, the time. Output: pages; afterwards, with what became of them, an account. Pure.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from siaga.contracts.escalation import EscalationReason
from siaga.contracts.page import Page, Purpose, code_of, page_id_of
from siaga.contracts.roster import RosterEntry
from siaga.types import Certainty, Severity

#: What the contract wants to know of an incident, where there is none.
_KIND = "other.other"
_TAKEN = ("accepted", "delivered")


def drill_pages(
    roster: RosterEntry,
    drill: UUID,
    now: datetime,
    wait: timedelta,
    *,
    officers: Collection[str] = (),
    agencies: Collection[str] = (),
) -> list[Page]:
    """A page for every channel of every officer, or of those named by id or unit.

    Args:
        drill: see :func:`siaga.contracts.page.drill_call_id`.
        now: when they are due.
        wait: for how long they are sent, and answers are waited for.
    """
    units = {agency.agency: agency for agency in roster.agencies}
    somewhere = _a_district(roster)
    pages = []
    for officer in roster.officers:
        if (officers or agencies) and officer.officer_id not in officers and officer.agency not in agencies:
            continue
        for channel in officer.channels:
            page_id = page_id_of(
                incident=drill,
                generation=1,
                level=0,
                round_=0,
                officer=officer.officer_id,
                channel=channel.name,
                purpose=Purpose.DRILL_CALL,
            )
            pages.append(
                Page(
                    schema_version=1,
                    page_id=page_id,
                    code=code_of(page_id),
                    purpose=Purpose.DRILL_CALL,
                    reason=EscalationReason.DRILL_CALL,
                    incident_id=drill,
                    generation=1,
                    level=0,
                    round=0,
                    district=next(iter(units[officer.agency].districts), somewhere),
                    officer_id=officer.officer_id,
                    agency=officer.agency,
                    channel=channel.name,
                    channel_kind=channel.kind,
                    language=officer.language,
                    severity=Severity.SEV5,
                    certainty=Certainty.OBSERVED,
                    kind=_KIND,
                    kind_id="uji panggilan",
                    kind_en="call test",
                    station_id=None,
                    place=units[officer.agency].name,
                    reporter_count=0,
                    occurred_at=now,
                    due_at=now,
                    answer_by=now + wait,
                    expires_at=now + wait,
                    drill=True,
                )
            )
    return pages


def _a_district(roster: RosterEntry) -> str:
    """What a page is keyed by of an officer whose unit covers the whole area: a district of it, whichever."""
    named = sorted({district for agency in roster.agencies for district in agency.districts})
    return named[0] if named else ".".join([*roster.area.split("."), "01", "01"][:3])


@dataclass(frozen=True, slots=True)
class Reached:
    """How one officer came out of it: what became of each channel's page, and whether they answered."""

    officer_id: str
    agency: str
    channels: tuple[tuple[str, str], ...]
    answered: bool

    @property
    def is_taken(self) -> bool:
        """Whether a provider took the page of every channel."""
        return bool(self.channels) and all(status in _TAKEN for _, status in self.channels)


def account(
    roster: RosterEntry, pages: Iterable[Page], statuses: Mapping[UUID, str], answered: Collection[str]
) -> list[Reached]:
    """Everybody who was called; who did not answer comes first.

    ``statuses`` are the pages' as the notifier has them; one that is not in it has not come that far.
    """
    called: dict[str, list[Page]] = {}
    for page in pages:
        called.setdefault(page.officer_id, []).append(page)
    found = [
        Reached(
            officer.officer_id,
            officer.agency,
            tuple((page.channel, statuses.get(page.page_id, "due")) for page in called.get(officer.officer_id, ())),
            officer.officer_id in answered,
        )
        for officer in roster.officers
        if officer.officer_id in called
    ]
    return sorted(found, key=lambda one: (one.answered, one.is_taken, one.agency, one.officer_id))
