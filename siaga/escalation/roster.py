"""Who is on duty: a roster, compiled to answer quickly who sits at which desk at a moment.

Input: a :class:`~siaga.contracts.roster.RosterEntry`. Output: officers. Times are epoch seconds. How a roster is
written by people is in :mod:`siaga.escalation.roster_file`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Final, TypeVar

from siaga.contracts.roster import AgencyEntry, OfficerEntry, OverrideEntry, RosterEntry, ShiftEntry
from siaga.escalation.policy import Desk, label_of

#: The version of a roster that was never loaded: nobody is on duty in it.
NO_ROSTER: Final = "none"
E = TypeVar("E", ShiftEntry, OverrideEntry)


@dataclass(frozen=True, slots=True)
class Seat:
    """One officer at one desk of the unit ``agency``.

    ``home`` is the unit they belong to; ``stands_in`` says that an override put them there.
    """

    officer: OfficerEntry
    home: AgencyEntry
    agency: AgencyEntry
    role: str
    stands_in: bool = False


class Roster:
    """A roster. Never changes; a new version is a new object."""

    def __init__(self, entry: RosterEntry, version: str | None = None) -> None:
        self.entry = entry
        #: Its version with a few digits of its content; a part keeps that of the whole.
        self.version = version or label_of(entry.version, entry.to_json())
        self._officers = {officer.officer_id: officer for officer in entry.officers}
        self._agencies = {agency.agency: agency for agency in entry.agencies}
        self._shifts = _by_desk(entry.shifts)
        self._overrides = _by_desk(entry.overrides)
        self._units: dict[tuple[str, str], list[AgencyEntry]] = {}

    def officer(self, officer_id: str) -> OfficerEntry | None:
        """The officer of this id, or None."""
        return self._officers.get(officer_id)

    def agency(self, code: str) -> AgencyEntry | None:
        """The unit of this code, or None."""
        return self._agencies.get(code)

    def agency_of(self, officer_id: str) -> AgencyEntry | None:
        """The unit an officer belongs to, or None where the roster does not know them."""
        officer = self._officers.get(officer_id)
        return None if officer is None else self._agencies[officer.agency]

    @cached_property
    def desks(self) -> tuple[tuple[str, str], ...]:
        """Every desk that some shift names: (unit, role)."""
        return tuple(self._shifts)

    def units(self, code: str, district: str) -> list[AgencyEntry]:
        """The units that ``code`` names (one unit, or all of a kind) and that cover ``district``."""
        units = self._units.get((code, district))
        if units is None:
            # Asked for every desk of every level, each time something moves: the same few, over and over.
            units = self._units[code, district] = [
                agency
                for agency in self.entry.agencies
                if code in (agency.agency, agency.kind) and (not agency.districts or district in agency.districts)
            ]
        return units

    def has_desk(self, desk: Desk, district: str) -> bool:
        """Whether any shift, at any time, seats somebody there."""
        return any((unit.agency, desk.role) in self._shifts for unit in self.units(desk.agency, district))

    def on_duty(self, desk: Desk, district: str, at: float) -> list[Seat]:
        """Who sits at ``desk`` for ``district`` at ``at``, in the order of the roster."""
        return [seat for unit in self.units(desk.agency, district) for seat in self._seated(unit, desk.role, at)]

    def _seated(self, unit: AgencyEntry, role: str, at: float) -> list[Seat]:
        key = (unit.agency, role)
        ids = list(dict.fromkeys(s.officer_id for s in self._shifts.get(key, ()) if _covers(s, at)))
        standing_in: set[str] = set()
        for override in self._overrides.get(key, ()):
            if not _covers(override, at):
                continue
            if override.instead_of is None:
                ids = [override.officer_id]
            elif override.instead_of in ids:
                ids = [override.officer_id if i == override.instead_of else i for i in ids]
            else:
                continue
            standing_in.add(override.officer_id)
        return [self._seat(officer_id, unit, role, officer_id in standing_in) for officer_id in dict.fromkeys(ids)]

    def _seat(self, officer_id: str, unit: AgencyEntry | None, role: str, stands_in: bool = False) -> Seat:
        officer = self._officers[officer_id]
        home = self._agencies[officer.agency]
        return Seat(officer, home, unit or home, role, stands_in)

    def seat_of(self, officer_id: str) -> Seat | None:
        """An officer at their own unit, on duty or not; None where the roster does not know them."""
        return self._seat(officer_id, None, "duty") if officer_id in self._officers else None

    def mediators(self, village: str) -> list[Seat]:
        """The Bhabinkamtibmas of a village."""
        return [
            self._seat(mediator.officer_id, None, "bhabinkamtibmas")
            for mediator in self.entry.mediators
            if mediator.village == village
        ]

    def part(self, district: str, since: float) -> Roster:
        """What concerns one district from ``since`` on: small enough to be kept with the district's state."""
        entry = self.entry
        units = {a.agency for a in entry.agencies if not a.districts or district in a.districts}
        shifts = tuple(s for s in entry.shifts if s.agency in units and s.ends_at.timestamp() > since)
        overrides = tuple(o for o in entry.overrides if o.agency in units and o.ends_at.timestamp() > since)
        mediators = tuple(m for m in entry.mediators if m.village.startswith(f"{district}."))
        kept = {s.officer_id for s in shifts} | {o.officer_id for o in overrides} | {m.officer_id for m in mediators}
        # Everybody of a unit that can be accused here stays, so that their conflict is known when they act.
        officers = tuple(o for o in entry.officers if o.officer_id in kept or o.agency in units)
        homes = units | {o.agency for o in officers}
        part = {
            "agencies": tuple(a for a in entry.agencies if a.agency in homes),
            "officers": officers,
            "shifts": shifts,
            "overrides": overrides,
            "mediators": mediators,
        }
        return Roster(entry.model_copy(update=part), self.version)


@lru_cache(maxsize=1024)
def empty_roster(area: str) -> Roster:
    """A roster in which nobody is on duty, for where none is loaded."""
    return Roster(RosterEntry(schema_version=1, version=NO_ROSTER, area=area, agencies=(), officers=(), shifts=()))


def _covers(entry: ShiftEntry | OverrideEntry, at: float) -> bool:
    return entry.starts_at.timestamp() <= at < entry.ends_at.timestamp()


def _by_desk(entries: Iterable[E]) -> dict[tuple[str, str], list[E]]:
    desks: dict[tuple[str, str], list[E]] = {}
    for entry in entries:
        desks.setdefault((entry.agency, entry.role), []).append(entry)
    return desks
