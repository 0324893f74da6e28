"""The figures of a period. Pure.

In: a :class:`Material`. Out: a :class:`Figures`, everything a page shows besides words. Durations are seconds.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from siaga.afterday.material import Material, Quiet, Seen

#: What one bar of a chart may stand for, in seconds, and how many bars there are at most.
_SLOTS: Final = (60, 300, 900, 1800, 3600, 3 * 3600, 6 * 3600, 86400, 7 * 86400)
_MOST_SLOTS: Final = 30
SEVERITIES: Final = (1, 2, 3, 4, 5)


@dataclass(frozen=True, slots=True)
class Spread:
    """How long things took: how many, the middle one, what nine in ten stay within, the worst."""

    count: int
    median: float
    p90: float
    worst: float


@dataclass(frozen=True, slots=True)
class Line:
    """A name with its incidents by severity, SEV1 first."""

    name: str
    by_severity: tuple[int, ...]

    @property
    def total(self) -> int:
        """All of them."""
        return sum(self.by_severity)


@dataclass(frozen=True, slots=True)
class Response:
    """One agency's times for one severity."""

    agency: str
    severity: int
    spread: Spread
    #: Calls that no provider has taken; incidents that nobody has taken, or that are not resolved.
    missing: int


@dataclass(frozen=True, slots=True)
class Silence:
    """One station's silences together."""

    station_id: str
    place: str | None
    district: str
    times: int
    seconds: float
    still: bool


@dataclass(frozen=True, slots=True)
class Drills:
    """What was an exercise."""

    incidents: int
    reports: int
    checkins: int
    taken: Spread | None


@dataclass(frozen=True, slots=True)
class Figures:
    """Everything that is computed."""

    total: int
    by_severity: tuple[int, ...]
    open_by_severity: tuple[int, ...]
    by_state: Mapping[str, int]
    by_family: Sequence[Line]
    by_district: Sequence[Line]
    #: By the start (epoch seconds) of each slot, from the first to the last in which anything happened.
    by_slot: Sequence[tuple[int, tuple[int, ...]]]
    injured: int
    dead: int
    taken: Spread | None
    untaken: int
    sent: Sequence[Response]
    answered: Sequence[Response]
    resolved: Sequence[Response]
    silences: Sequence[Silence]
    outages: Sequence[Seen]
    drills: Drills


def slot_of(seconds: float) -> int:
    """How many seconds one bar stands for where a chart shows so many seconds."""
    return next((slot for slot in _SLOTS if seconds / slot <= _MOST_SLOTS), _SLOTS[-1])


def spread_of(values: Iterable[float]) -> Spread | None:
    """``None`` where there are none. The 90th percentile is the nearest rank: one that really happened."""
    ordered = sorted(values)
    if not ordered:
        return None
    middle = len(ordered) // 2
    median = ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2
    return Spread(len(ordered), median, ordered[math.ceil(0.9 * len(ordered)) - 1], ordered[-1])


def agency_of(unit: str, codes: Sequence[str]) -> str:
    """The agency that a unit belongs to: ``polsek`` for ``polsek-kajen``; the longest code that fits comes first."""
    return next((code for code in codes if unit == code or unit.startswith(f"{code}-")), unit)


def figures_of(material: Material) -> Figures:
    """Everything that a page shows."""
    real = [s for s in material.incidents if not s.drill]
    taken = [s for s in real if s.severity <= 3]
    closed = [s for s in real if s.state == "resolved"]
    return Figures(
        total=len(real),
        by_severity=_severities(real),
        open_by_severity=_severities(s for s in real if s.state in ("open", "acknowledged")),
        by_state=dict(Counter(s.state for s in real)),
        by_family=_lines((s.family, s) for s in real),
        by_district=_lines((material.districts.get(s.district, s.district), s) for s in real),
        by_slot=_by_slot(material, real),
        injured=sum(s.injured for s in real if s.state not in ("dismissed", "merged")),
        dead=sum(s.dead for s in real if s.state not in ("dismissed", "merged")),
        taken=spread_of(_answer(s) for s in taken if s.taken_at),
        untaken=sum(1 for s in taken if s.taken_at is None and s.state not in ("dismissed", "merged")),
        sent=_responses((agency_of(c.agency, material.agencies), c.severity, c.waited) for c in material.calls),
        answered=_responses(
            (s.lead, s.severity, _answer(s) if s.taken_at else None)
            for s in real
            if s.called_at is not None and s.state not in ("dismissed", "merged")
        ),
        resolved=_responses(
            (s.lead, s.severity, _between(s.opened_at, s.resolved_at) if s.resolved_at else None)
            for s in (*closed, *(s for s in real if s.state in ("open", "acknowledged")))
        ),
        silences=_silences(material.quiet, material.period.end),
        outages=[s for s in real if s.station_id is None and s.kind == "facility.network"],
        drills=Drills(
            incidents=len(material.incidents) - len(real),
            reports=material.reports.drills,
            checkins=material.checkins.drills,
            taken=spread_of(_answer(s) for s in material.incidents if s.drill and s.taken_at),
        ),
    )


def _answer(seen: Seen) -> float:
    """From the first call, or from the opening where nobody was called, until somebody took it."""
    return _between(seen.called_at or seen.opened_at, seen.taken_at or seen.opened_at)


def _between(earlier: datetime, later: datetime) -> float:
    return max(0.0, (later - earlier).total_seconds())


def _severities(seen: Iterable[Seen]) -> tuple[int, ...]:
    counted = Counter(s.severity for s in seen)
    return tuple(counted[severity] for severity in SEVERITIES)


def _lines(named: Iterable[tuple[str, Seen]]) -> list[Line]:
    found: dict[str, list[Seen]] = defaultdict(list)
    for name, seen in named:
        found[name].append(seen)
    lines = [Line(name, _severities(of)) for name, of in found.items()]
    return sorted(lines, key=lambda line: (-line.total, line.name))


def _by_slot(material: Material, real: Sequence[Seen]) -> list[tuple[int, tuple[int, ...]]]:
    """Every slot from the first to the last, those without an incident too."""
    known = {**material.checkins.by_slot, **material.reports.by_slot}
    if not known and not real:
        return []
    any_slot = next(iter(known), None)
    anchor = 0 if any_slot is None else any_slot % material.slot
    found: dict[int, list[Seen]] = defaultdict(list)
    for seen in real:
        at = int(seen.opened_at.timestamp())
        found[at - (at - anchor) % material.slot].append(seen)
    first, last = min((*known, *found)), max((*known, *found))
    return [(at, _severities(found.get(at, ()))) for at in range(first, last + 1, material.slot)]


def _responses(values: Iterable[tuple[str, int, float | None]]) -> list[Response]:
    found: dict[tuple[int, str], list[float | None]] = defaultdict(list)
    for agency, severity, seconds in values:
        found[severity, agency].append(seconds)
    responses = []
    for (severity, agency), all_of in sorted(found.items()):
        known = [seconds for seconds in all_of if seconds is not None]
        spread = spread_of(known) or Spread(0, 0.0, 0.0, 0.0)
        responses.append(Response(agency, severity, spread, len(all_of) - len(known)))
    return responses


def _silences(quiet: Iterable[Quiet], end: datetime) -> list[Silence]:
    found: dict[str, list[Quiet]] = defaultdict(list)
    for stretch in quiet:
        found[stretch.station_id].append(stretch)
    silences = [
        Silence(
            station_id=station_id,
            place=stretches[0].place,
            district=stretches[0].district,
            times=len(stretches),
            seconds=sum(_between(s.since, s.until or end) for s in stretches),
            still=any(s.until is None for s in stretches),
        )
        for station_id, stretches in found.items()
    ]
    return sorted(silences, key=lambda s: (-s.seconds, s.station_id))
