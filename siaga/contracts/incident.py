"""An incident: what one or more reports are about. Snapshots of it travel, ``version`` rising by one."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from siaga.contracts.base import UUID, CleanText, Contract, KindCode, SchemaVersion, Time, Token
from siaga.contracts.report import Facts
from siaga.types import Certainty, DistrictField, Severity, StationField, Urgency


class IncidentState(StrEnum):
    """Where an incident stands."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"
    DISMISSED = "dismissed"
    #: Its reports are another incident's now: ``merged_into``.
    MERGED = "merged"

    @property
    def is_open(self) -> bool:
        """Whether somebody still has to deal with it."""
        return self in (IncidentState.OPEN, IncidentState.ACKNOWLEDGED)


class Change(StrEnum):
    """What happened to an incident between two snapshots."""

    OPENED = "opened"
    REPORT_JOINED = "report_joined"
    REPORT_REPEATED = "report_repeated"
    CORRECTED = "corrected"
    WITHDRAWN = "withdrawn"
    RAISED = "raised"
    LOWERED = "lowered"
    CERTAINTY_CHANGED = "certainty_changed"
    JOINED_CLUSTER = "joined_cluster"
    LEFT_CLUSTER = "left_cluster"
    ACKNOWLEDGED = "acknowledged"
    ASSIGNED = "assigned"
    VERIFIED = "verified"
    REFUTED = "refuted"
    OVERRIDDEN = "overridden"
    OVERRIDE_ENDED = "override_ended"
    RESOLVED = "resolved"
    DISMISSED = "dismissed"
    REOPENED = "reopened"
    NOTED = "noted"
    STATION_SILENT = "station_silent"
    STATION_BACK = "station_back"
    RECLASSIFIED = "reclassified"
    MERGED = "merged"
    TOOK_IN = "took_in"
    SPLIT = "split"


class Reason(Contract):
    """Why the severity, certainty or urgency is as it is, in words for people."""

    rule: Token
    effect: Annotated[str, Field(max_length=40)]
    id: str = Field(description="Indonesian")
    en: str = Field(description="English")
    confidential: bool = False


class HistoryEntry(Contract):
    """One thing that happened to the incident since the snapshot before."""

    change: Change
    at: Time
    by: Token | None = Field(default=None, description="Officer, for what people do. CONFIDENTIAL")
    detail: Annotated[CleanText, Field(max_length=500)] = ""


class Override(Contract):
    """A severity set by a person; stands until the facts get worse than they were when it was made."""

    severity: Severity
    by: Token
    reason: Annotated[CleanText, Field(max_length=500)]
    at: Time
    computed: Severity = Field(description="What the rules said when it was made")


class Incident(Contract):
    """A snapshot of an incident in ``siaga.incidents``."""

    schema_version: SchemaVersion
    incident_id: UUID
    version: Annotated[int, Field(ge=1)]
    generation: Annotated[int, Field(ge=1)] = 1
    district: DistrictField
    station_id: StationField | None = Field(description="`null` where the whole district is meant (an outage)")
    station_count: Annotated[int, Field(ge=1)] = Field(
        default=1, description="Silent stations of an outage; else the stations that its reports are about"
    )
    kind: KindCode
    family: Annotated[str, Field(pattern=r"^[a-z_]{1,40}$")]
    lead_agency: Token
    support_agencies: tuple[Token, ...] = ()
    state: IncidentState
    severity: Severity
    computed_severity: Severity
    certainty: Certainty
    urgency: Urgency
    reasons: tuple[Reason, ...]
    override: Override | None = None
    needs_verification: bool = False
    verified_by: Token | None = None
    refuted_by: Token | None = None
    assigned_to: Token | None = None
    acknowledged_by: Token | None = None
    outcome: Annotated[CleanText, Field(max_length=500)] | None = None
    facts: Facts = Field(description="The worst that its standing reports say")
    report_count: Annotated[int, Field(ge=0)]
    reporter_count: Annotated[int, Field(ge=0)] = Field(description="Independent reporters")
    report_ids: tuple[UUID, ...] = Field(
        default=(), description="Reports that joined since the snapshot before, or are told again"
    )
    report_moves: tuple[int, ...] = Field(
        default=(),
        description="How often each of `report_ids` has moved by a merge or a split; empty where none of them has",
    )
    merged_into: UUID | None = Field(default=None, description="The incident that has its reports, once merged")
    accused_units: tuple[Token, ...] = Field(
        default=(), description="Every unit that a report of it accuses, also of an incident merged with it"
    )
    cluster_id: UUID | None = None
    clock_skewed: bool = False
    first_occurred_at: Time
    last_occurred_at: Time
    first_received_at: Time
    opened_at: Time
    updated_at: Time
    ruleset: Token = Field(description="Version of the ruleset that decided")
    drill: bool = False
    history: tuple[HistoryEntry, ...] = ()
