"""What an election is made of, as it travels in ``siaga.registry`` (compacted; keyed by entity).

A change takes effect everywhere within seconds. Stations travel a district at a time, so that the whole country
is 7,277 records.
"""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator

from siaga.contracts.base import CleanText, Contract, SchemaVersion, Time, Token
from siaga.contracts.checkin import Phase
from siaga.contracts.roster import PolicyEntry, RosterEntry
from siaga.types import DistrictField, Stage, StationField, Vulnerability, district_of


class Entity(StrEnum):
    """The kinds of entry; a key is ``<entity>/<name>``."""

    STATIONS = "stations"
    CALENDAR = "calendar"
    RULESET = "ruleset"
    TAXONOMY = "taxonomy"
    DEVICE = "device"
    POLICY = "policy"
    ROSTER = "roster"
    POSTURE = "posture"


class StationEntry(Contract):
    """One polling station. ``vulnerability`` is CONFIDENTIAL."""

    station_id: StationField
    name: Annotated[CleanText, Field(max_length=120)]
    village: Annotated[CleanText, Field(max_length=120)]
    lat: Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False)]
    lon: Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)]
    vulnerability: Vulnerability = Vulnerability.AMAN
    voters: Annotated[int, Field(ge=0)] | None = None


class DistrictStations(Contract):
    """``stations/<district>``: a district, its stations, and the districts with a station within reach."""

    schema_version: SchemaVersion
    district: DistrictField
    name: Annotated[CleanText, Field(max_length=120)]
    neighbours: tuple[DistrictField, ...] = Field(
        default=(), description="Districts that have a station within the spread distance of one of ours"
    )
    stations: tuple[StationEntry, ...]

    @model_validator(mode="after")
    def _own_stations(self) -> Self:
        seen = set()
        for station in self.stations:
            if district_of(station.station_id) != self.district:
                raise ValueError(f"stations: {station.station_id} does not stand in district {self.district}")
            if station.station_id in seen:
                raise ValueError(f"stations: {station.station_id} is named twice")
            seen.add(station.station_id)
        return self


class StageEntry(Contract):
    """One stage of the calendar and how often a station checks in during it."""

    stage: Stage
    starts_at: Time
    ends_at: Time
    checkin_every: Annotated[timedelta, Field(gt=timedelta(0))] | None = Field(
        default=None, description="Seconds between check-ins; `null` where none are expected"
    )
    phase: Phase | None = None

    @model_validator(mode="after")
    def _forward(self) -> Self:
        if self.ends_at <= self.starts_at:
            raise ValueError(f"ends_at: {self.stage} ends before it starts; swap or correct the times")
        return self


class Calendar(Contract):
    """``calendar/election``: the stages, in order. ``speed`` divides every duration of every rule."""

    schema_version: SchemaVersion
    election: Token
    name: Annotated[CleanText, Field(max_length=200)]
    timezone: Annotated[str, Field(max_length=60)] = "Asia/Jakarta"
    speed: Annotated[float, Field(gt=0, le=100_000)] = 1.0
    stages: tuple[StageEntry, ...]


class RulesetEntry(Contract):
    """``ruleset/severity``: the ruleset's TOML, whole."""

    schema_version: SchemaVersion
    version: Token
    toml: str


class TaxonomyEntry(Contract):
    """``taxonomy/kinds``: the kinds of incident, as TOML."""

    schema_version: SchemaVersion
    version: Token
    toml: str


class PostureEntry(Contract):
    """``posture/plan``: officers and Linmas by a station's class, and what incidents need, as TOML."""

    schema_version: SchemaVersion
    version: Token
    toml: str


class Device(Contract):
    """``device/<id>``: a device that may report. Only a hash of its secret is kept.

    The secret is 256 random bits, so that one SHA-256 is as good as a slow hash and 2,000 a second can be checked.
    """

    schema_version: SchemaVersion
    device_id: Token
    secret_sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    districts: tuple[Annotated[str, Field(pattern=r"^\d{2}(\.\d{2}){0,2}$")], ...] = Field(
        description="Areas it may report for: codes of a province, regency or district"
    )
    stations: tuple[StationField, ...] = Field(default=(), description="Single stations besides")
    active: bool = True
    rate_per_minute: Annotated[int, Field(ge=1)] | None = None
    previous_sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = Field(
        default=None, description="Hash of the secret before this one, which is good until `previous_until`"
    )
    previous_until: Time | None = None


RegistryEntry = (
    DistrictStations | Calendar | RulesetEntry | TaxonomyEntry | Device | PolicyEntry | RosterEntry | PostureEntry
)

MODELS: dict[Entity, type[RegistryEntry]] = {
    Entity.STATIONS: DistrictStations,
    Entity.CALENDAR: Calendar,
    Entity.RULESET: RulesetEntry,
    Entity.TAXONOMY: TaxonomyEntry,
    Entity.DEVICE: Device,
    Entity.POLICY: PolicyEntry,
    Entity.ROSTER: RosterEntry,
    Entity.POSTURE: PostureEntry,
}


def key_of(entry: RegistryEntry) -> str:
    """The key an entry is kept under, such as ``stations/33.26.08``."""
    match entry:
        case DistrictStations():
            entity, name = Entity.STATIONS, entry.district
        case Calendar():
            entity, name = Entity.CALENDAR, "election"
        case RulesetEntry():
            entity, name = Entity.RULESET, "severity"
        case TaxonomyEntry():
            entity, name = Entity.TAXONOMY, "kinds"
        case Device():
            entity, name = Entity.DEVICE, entry.device_id
        case PolicyEntry():
            entity, name = Entity.POLICY, "escalation"
        case RosterEntry():
            entity, name = Entity.ROSTER, entry.area
        case PostureEntry():
            entity, name = Entity.POSTURE, "plan"
    return f"{entity}/{name}"


def parse_entry(key: str, value: bytes) -> RegistryEntry:
    """The entry kept under ``key``.

    Raises:
        ValueError: the key names no entity we know, or the value does not fit its contract.
    """
    entity = key.partition("/")[0]
    try:
        model = MODELS[Entity(entity)]
    except ValueError:
        raise ValueError(f"key: {key[:80]!r} is no registry entity; known are {', '.join(Entity)}") from None
    return model.model_validate_json(value)
