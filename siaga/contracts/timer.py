"""What came due in a district. Written by the streams to themselves: state changes only while handling a record."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator

from siaga.contracts.base import UUID, Contract, SchemaVersion, Time
from siaga.types import DistrictField


class TimerKind(StrEnum):
    """What came due."""

    SILENCE = "silence"
    EXPIRY = "expiry"
    REGISTRY = "registry"
    #: Nobody acknowledged an incident in time.
    DEADLINE = "deadline"
    #: An acknowledgement was not renewed.
    LEASE = "lease"
    #: A postponed call is due again.
    SNOOZE = "snooze"
    #: The digest of a storm is due in the district.
    DIGEST = "digest"

    @property
    def is_of_incident(self) -> bool:
        """Whether it concerns one round of one incident's escalation."""
        return self in (TimerKind.DEADLINE, TimerKind.LEASE, TimerKind.SNOOZE)


class Timer(Contract):
    """A deadline that passed at ``due_at``; ``at`` is when that was noticed.

    An escalation's timer is keyed (incident, generation, level, round, kind): two clocks may notice the same one,
    and the second notice changes nothing.
    """

    schema_version: SchemaVersion
    district: DistrictField
    kind: TimerKind
    due_at: Time
    at: Time
    incident_id: UUID | None = None
    generation: Annotated[int, Field(ge=1)] | None = None
    level: Annotated[int, Field(ge=0)] | None = None
    round: Annotated[int, Field(ge=0)] | None = None

    @model_validator(mode="after")
    def _keyed(self) -> Self:
        keys = {"incident_id": self.incident_id, "generation": self.generation, "level": self.level}
        keys["round"] = self.round
        for name, value in keys.items():
            if self.kind.is_of_incident and value is None:
                raise ValueError(f"{name}: a {self.kind} timer needs it; name the round that is due")
            if not self.kind.is_of_incident and value is not None:
                raise ValueError(f"{name}: a {self.kind} timer is about the district; leave it out")
        return self
