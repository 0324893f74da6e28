"""What came due in a district. Written by the streams to themselves: state changes only while handling a record."""

from __future__ import annotations

from enum import StrEnum

from siaga.contracts.base import Contract, SchemaVersion, Time
from siaga.types import DistrictField


class TimerKind(StrEnum):
    """What came due."""

    SILENCE = "silence"
    EXPIRY = "expiry"
    REGISTRY = "registry"


class Timer(Contract):
    """A deadline that passed at ``due_at``; ``at`` is when that was noticed."""

    schema_version: SchemaVersion
    district: DistrictField
    kind: TimerKind
    due_at: Time
    at: Time
