"""Traffic for benchmarks: reports and check-ins of a whole country's stations, from a seed.

Strewn as on a bad day: every family of trouble, now and then somebody injured, and about each trouble three reports,
by people who do not wait for each other. Nothing of it is true of any place.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from random import Random
from typing import Any, Final

from siaga.contracts.registry import RegistryEntry
from tests.support import builders
from tests.support.country import synthetic_country

#: A regency: as many districts and stations as the round this began with could have.
REGENCY: Final = {"districts": 20, "stations": 1_300}
#: Kinds by how often they come up.
_KINDS: Final = {
    "violence.brawl": 8,
    "violence.mass_clash": 1,
    "intimidation.voter": 6,
    "order.crowd": 14,
    "order.convoy": 6,
    "integrity.money": 8,
    "integrity.ballot_box": 1,
    "dispute.count": 10,
    "procedure.late_opening": 14,
    "procedure.logistics": 10,
    "information.hoax": 6,
    "hazard.flood": 4,
    "facility.power": 8,
    "neutrality.officer": 2,
    "health.emergency": 2,
}
_ROLES: Final = ("officer", "committee", "witness", "public")
#: How many of the reports are about trouble that nobody has reported yet, and how many troubles are talked about.
_NEW: Final = 0.35
_TALKED_ABOUT: Final = 200


def country(**size: int) -> list[RegistryEntry]:
    """A voting day without expected check-ins, and the districts of :func:`synthetic_country`."""
    return [builders.calendar(), *synthetic_country(**size)]


def ids(rng: Random) -> Iterator[str]:
    """UUIDs of version 7, as devices prefer them: they rise with time."""
    started = int(time.time() * 1000)
    number = 0
    while True:
        number += 1
        high = (started + number // 90) << 80 | 7 << 76 | rng.getrandbits(12) << 64
        yield str(uuid.UUID(int=high | 2 << 62 | rng.getrandbits(62)))


def reports(stations: Sequence[str], count: int, *, seed: int = 1) -> Iterator[dict[str, Any]]:
    """So many reports as devices post them, from stations in no order, all of this minute."""
    rng = Random(seed)
    kinds, weights = list(_KINDS), list(_KINDS.values())
    now = datetime.now(UTC)
    report_ids = ids(rng)
    talked: list[tuple[str, str]] = []
    for _ in range(count):
        if not talked or rng.random() < _NEW:
            talked = [*talked[-_TALKED_ABOUT:], (rng.choices(kinds, weights)[0], rng.choice(stations))]
        kind, station = rng.choice(talked)
        facts: dict[str, Any] = {"crowd": rng.randint(5, 90)} if rng.random() < 0.3 else {}
        if rng.random() < 0.05:
            facts["injured"] = rng.randint(1, 3)
        yield builders.report(
            kind,
            station=station,
            report_id=next(report_ids),
            at=now,
            by=f"pelapor-{rng.randint(1, 20_000)}",
            role=rng.choices(_ROLES, (5, 3, 3, 2))[0],
            text="Cekcok dua kubu pendukung di pintu TPS" if rng.random() < 0.5 else "",
            facts=facts,
        )


def checkins(stations: Sequence[str], count: int, *, seed: int = 1) -> Iterator[dict[str, Any]]:
    """So many check-ins, station after station."""
    rng = Random(seed)
    now = datetime.now(UTC)
    report_ids = ids(rng)
    for number in range(count):
        yield builders.checkin(
            station=stations[number % len(stations)],
            report_id=next(report_ids),
            at=now,
            by=f"anggota-{number % 5_000}",
            turnout=rng.randint(0, 300),
            queue=rng.randint(0, 40),
            personnel=rng.randint(1, 4),
        )
