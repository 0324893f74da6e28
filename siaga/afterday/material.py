"""What a report after the day is made from: sums and rows that were let through already. Pure data.

Times are aware; durations are seconds. Nothing here names a person unless the audience may see them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Period:
    """From ``start`` until before ``end``."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if self.start.tzinfo is None or self.end.tzinfo is None:
            raise ValueError("period: a time has no offset; give it one, such as +07:00")
        if self.end <= self.start:
            raise ValueError("to: is not after --from; choose a later time, or leave it out for now")


@dataclass(frozen=True, slots=True)
class Arrivals:
    """Reports or check-ins that arrived, drills apart. ``late`` counts by how late, in seconds; ``ahead`` had a clock
    that runs ahead."""

    total: int = 0
    drills: int = 0
    late: Mapping[int, int] = field(default_factory=dict)
    ahead: int = 0
    by_slot: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Seen:
    """One incident, with when it was first called about, taken and resolved."""

    incident_id: str
    district: str
    station_id: str | None
    place: str | None
    lat: float | None
    lon: float | None
    kind: str
    family: str
    lead: str
    state: str
    severity: int
    reports: int
    stations: int
    drill: bool
    injured: int
    dead: int
    opened_at: datetime
    called_at: datetime | None = None
    taken_at: datetime | None = None
    resolved_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Grave:
    """One grave incident told by itself: as :mod:`siaga.redaction` lets it through."""

    seen: Seen
    told: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Call:
    """One call to an officer. ``sent`` is ``None`` where no provider has taken it."""

    agency: str
    severity: int
    waited: float | None


@dataclass(frozen=True, slots=True)
class Climbed:
    """One incident that went up to the top: each level with the named reason it was first called for."""

    seen: Seen
    steps: Sequence[tuple[int, str, datetime]]
    exhausted: bool
    state: str


@dataclass(frozen=True, slots=True)
class Quiet:
    """One stretch for which a station was silent; ``until`` is ``None`` where it still was."""

    station_id: str
    place: str | None
    district: str
    since: datetime
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Trail:
    """Where the audit trail ends. ``broken`` counts the places where it does not hold, ``None`` where nobody went
    along it."""

    rows: int
    hash: str
    broken: int | None = None


@dataclass(frozen=True, slots=True)
class Material:
    """Everything of one period."""

    period: Period
    election: str | None
    timezone: str
    speed: float
    top_level: int
    slot: int
    districts: Mapping[str, str]
    kinds: Mapping[str, tuple[str, str]]
    agencies: Sequence[str]
    stations: int
    heard: int
    unheard: Sequence[tuple[str, str, str]]
    points: Sequence[tuple[float, float]]
    checkins: Arrivals
    reports: Arrivals
    incidents: Sequence[Seen]
    graves: Sequence[Grave]
    #: Ids of those that are in the sums and told nowhere by themselves.
    counted_only: frozenset[str]
    calls: Sequence[Call]
    climbs: Sequence[Climbed]
    quiet: Sequence[Quiet]
    repeated: int
    skewed_incidents: int
    #: ``None`` where it is not told.
    rejected: Mapping[str, int] | None
    trail: Trail
    rulesets: Sequence[str]
    policies: Sequence[str]
    database: str
