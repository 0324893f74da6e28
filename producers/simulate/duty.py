"""Who is on duty in the demonstration: agencies, officers and shifts for every district that votes.

The names are made up. Every officer is reached over a webhook to one local inbox, where the demonstration shows the
pages it sent.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

from producers.simulate.chance import chance
from siaga.contracts.page import ChannelKind, Language
from siaga.contracts.registry import DistrictStations
from siaga.contracts.roster import (
    AgencyEntry,
    ChannelEntry,
    MediatorEntry,
    OfficerEntry,
    RosterEntry,
    ShiftEntry,
)
from siaga.types import village_of

_FIRST: Final = (
    "Adi", "Bagus", "Citra", "Dewi", "Eko", "Fajar", "Gita", "Hadi", "Indah", "Joko", "Kartika", "Lestari",
    "Mulyono", "Ningsih", "Oki", "Purwanto", "Ratna", "Slamet", "Tri", "Utami", "Wahyu", "Yuli",
)  # fmt: skip
_LAST: Final = (
    "Anggoro", "Basuki", "Cahyono", "Darmawan", "Erlangga", "Firmansyah", "Gunawan", "Hartono", "Iskandar",
    "Kurniawan", "Laksono", "Maulana", "Nugraha", "Prasetyo", "Rahardjo", "Santoso", "Tirtana", "Wicaksono",
)  # fmt: skip
#: Agencies of the whole regency: code, kind, name and the desks that are manned.
_REGENCY: Final = (
    ("polres", "polres", "Polres", ("duty", "ops", "deputy", "chief")),
    ("kodim", "kodim", "Kodim", ("duty", "liaison")),
    ("satpol-pp", "satpol-pp", "Satpol PP", ("duty",)),
    ("dinkes", "dinkes", "Dinas Kesehatan", ("duty",)),
    ("dinas-pmd", "dinas-pmd", "Dinas PMD", ("duty",)),
    ("dinas-pendidikan", "dinas-pendidikan", "Dinas Pendidikan", ("duty",)),
    ("bpbd", "bpbd", "BPBD", ("duty",)),
    ("propam", "propam", "Propam", ("duty",)),
    ("inspektorat", "inspektorat", "Inspektorat", ("duty",)),
    ("panitia", "panitia", "Panitia pemilihan", ("duty",)),
    ("posko", "posko", "Posko", ("duty",)),
)
#: Police and the command centre may be told confidential reasons.
_CLEARED: Final = ("polsek", "polres", "kodim", "propam", "posko")
_SHIFT: Final = timedelta(hours=12)


def demo_roster(
    districts: Sequence[DistrictStations],
    *,
    starting: datetime,
    inbox: str,
    seed: int,
    days: int = 3,
) -> list[RosterEntry]:
    """A roster for each regency that votes, with nobody missing.

    Args:
        districts: who votes.
        starting: when voting begins, with an offset; duty begins half a day before and changes every 12 hours.
        inbox: URL of the local inbox; the officer's id is added to it.
        seed: decides the names.
        days: for how long.
    """
    regencies: dict[str, list[DistrictStations]] = {}
    for district in districts:
        regencies.setdefault(district.district[:5], []).append(district)
    return [
        _Maker(area, starting=starting, inbox=inbox, seed=seed, days=days).make(here)
        for area, here in sorted(regencies.items())
    ]


class _Maker:
    def __init__(self, area: str, *, starting: datetime, inbox: str, seed: int, days: int) -> None:
        self._area, self._seed = area, seed
        self._inbox = inbox.rstrip("/")
        self._shifts_at = [starting - _SHIFT + n * _SHIFT for n in range(2 * days + 1)]
        self._agencies: list[AgencyEntry] = []
        self._officers: list[OfficerEntry] = []
        self._shifts: list[ShiftEntry] = []
        self._mediators: list[MediatorEntry] = []

    def make(self, districts: Iterable[DistrictStations]) -> RosterEntry:
        for code, kind, name, roles in _REGENCY:
            self._man(AgencyEntry(agency=code, kind=kind, name=name), roles)
        for district in districts:
            code = "polsek-" + slug(district.name)
            name = f"Polsek {district.name}"
            agency = AgencyEntry(agency=code, kind="polsek", name=name, districts=(district.district,))
            self._man(agency, ("duty",))
            for village in sorted({village_of(station.station_id) for station in district.stations}):
                officer = self._officer(agency, f"bhabin-{village}")
                self._mediators.append(MediatorEntry(village=village, officer_id=officer))
        return RosterEntry(
            schema_version=1,
            version=f"demo-{self._seed}",
            area=self._area,
            agencies=tuple(self._agencies),
            officers=tuple(self._officers),
            shifts=tuple(self._shifts),
            mediators=tuple(self._mediators),
        )

    def _man(self, agency: AgencyEntry, roles: Iterable[str]) -> None:
        """Two officers a desk, who relieve each other; chiefs and their deputies have no relief."""
        self._agencies.append(agency)
        for role in roles:
            alone = role in ("chief", "deputy")
            ids = [self._officer(agency, f"{agency.agency}-{role}-{n}") for n in range(1, 2 if alone else 3)]
            for n, begins in enumerate(self._shifts_at):
                self._shifts.append(
                    ShiftEntry(
                        agency=agency.agency,
                        role=role,
                        officer_id=ids[n % len(ids)],
                        starts_at=begins,
                        ends_at=begins + _SHIFT,
                    )
                )

    def _officer(self, agency: AgencyEntry, officer_id: str) -> str:
        rng = chance(self._seed, "officer", officer_id)
        channel = ChannelEntry(name="inbox", kind=ChannelKind.WEBHOOK, address=f"{self._inbox}/{officer_id}")
        self._officers.append(
            OfficerEntry(
                officer_id=officer_id,
                name=f"{rng.choice(_FIRST)} {rng.choice(_LAST)}",
                agency=agency.agency,
                language=Language.ENGLISH if agency.agency == "posko" else Language.INDONESIAN,
                cleared=agency.kind in _CLEARED,
                channels=(channel,),
            )
        )
        return officer_id


def slug(name: str) -> str:
    """A name as part of an agency's code, as the simulation's accusations spell it."""
    return "".join(c if c.isalnum() and c.isascii() else "-" for c in name.lower())
