"""Trouble told to the districts within reach, so that a spread across a border is seen on both sides."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from siaga.contracts.base import UUID, Contract, KindCode, SchemaVersion, Time
from siaga.types import DistrictField, Severity, StationField


class NeighbourTrouble(Contract):
    """SEV1 to SEV3 trouble at one station, told to a district within 5 km."""

    schema_version: SchemaVersion
    to_district: DistrictField
    from_district: DistrictField
    incident_id: UUID
    version: Annotated[int, Field(ge=1)]
    station_id: StationField
    kind: KindCode
    family: str
    severity: Severity
    lat: float
    lon: float
    first_occurred_at: Time
    last_occurred_at: Time
    cluster_id: UUID | None = Field(default=None, description="Lets both sides of a border name one cluster alike")
    over: bool = Field(default=False, description="The incident was dismissed: forget it")
    drill: bool = False
