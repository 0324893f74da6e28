"""What goes in and comes out of the API, for its OpenAPI document. What is let out is decided in the redaction."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID, uuid4

from pydantic import BaseModel, ConfigDict, Field, model_validator

from siaga.contracts.base import CleanText, Token
from siaga.contracts.command import MOST_SPLIT, Action
from siaga.contracts.escalation import EscalationReason, EscalationState
from siaga.contracts.incident import IncidentState
from siaga.contracts.report import Facts
from siaga.redaction import UserRole
from siaga.types import Certainty, Severity, Urgency


class Out(BaseModel):
    """An answer."""

    model_config = ConfigDict(extra="forbid")


class ReasonOut(Out):
    """Why an incident is so grave. Confidential ones reach commanders and admins only."""

    rule: str
    effect: str = ""
    id: str
    en: str
    confidential: bool = False


class OverrideOut(Out):
    """A severity that a person set."""

    severity: Severity
    computed: Severity | None = None
    at: datetime | None = None
    by: str | None
    reason: str | None


class IncidentOut(Out):
    """An incident as the caller may see it."""

    incident_id: UUID
    version: int
    generation: int = 1
    district: str
    station_id: str | None
    station_count: int = 1
    kind: str
    family: str
    lead_agency: str
    support_agencies: list[str] = []
    state: IncidentState
    severity: Severity
    computed_severity: Severity
    certainty: Certainty
    urgency: Urgency
    reasons: list[ReasonOut]
    needs_verification: bool = False
    override: OverrideOut | None = None
    facts: Facts
    outcome: str | None = None
    acknowledged_by: str | None = Field(None, description="For operators, commanders, auditors and admins")
    assigned_to: str | None = None
    verified_by: str | None = None
    refuted_by: str | None = None
    report_count: int
    reporter_count: int
    merged_into: UUID | None = Field(None, description="The incident that has its reports; in a single one only")
    accused_units: list[str] = []
    cluster_id: UUID | None = None
    clock_skewed: bool = False
    drill: bool = False
    ruleset: str = ""
    first_occurred_at: datetime
    last_occurred_at: datetime
    first_received_at: datetime
    opened_at: datetime
    updated_at: datetime


class IncidentPage(Out):
    """A page of incidents, newest first; ``next`` is the cursor of the next page."""

    incidents: list[IncidentOut]
    next: str | None = Field(None, description="Give it back as `cursor`; null on the last page")


class ReportOut(Out):
    """A report. Who sent it is there for commanders, admins, and auditors with a reason."""

    model_config = ConfigDict(extra="allow")

    report_id: UUID
    station_id: str
    kind: str
    occurred_at: datetime
    received_at: datetime
    text: str | None
    reporter_role: str | None
    reporter_id: str | None = None
    device_id: str | None = None


class HistoryOut(Out):
    """One thing that happened to an incident."""

    change: str
    at: datetime
    by: str | None
    detail: str | None


class CommandOut(Out):
    """A decision that was carried out."""

    model_config = ConfigDict(extra="allow")

    command_id: UUID
    action: Action
    at: datetime
    by: str | None
    reason: str | None


class EscalationOut(Out):
    """Where an incident stands on its policy."""

    model_config = ConfigDict(extra="allow")

    incident_id: UUID
    state: EscalationState
    reason: EscalationReason
    level: int
    round: int
    next_due_at: datetime | None = None
    acknowledged_by: str | None = None


class EscalationPage(Out):
    """Escalations, what is due first first."""

    escalations: list[EscalationOut]


class StepOut(Out):
    """One thing that happened to an escalation, and why."""

    at: datetime
    reason: str
    level: int
    round: int
    desk: str | None = None
    page_id: UUID | None = None
    officer_id: str | None = None
    channel: str | None = None


class PageOut(Out):
    """One call to an officer. Whom it went to is there for operators, commanders, auditors and admins."""

    model_config = ConfigDict(extra="allow")

    page_id: UUID
    status: str
    level: int
    round: int
    agency: str
    due_at: datetime
    sent_at: datetime | None = None
    officer_id: str | None = None


class IncidentDetail(Out):
    """All there is about one incident."""

    incident: IncidentOut
    card: dict[str, Any] = Field(description="The incident as the queue shows it, with its place")
    reports: list[ReportOut]
    history: list[HistoryOut]
    commands: list[CommandOut]
    escalation: EscalationOut | None = Field(None, description="Null where nobody is called")
    steps: list[StepOut] = []
    pages: list[PageOut] = []
    reporters_shown: bool = Field(description="Whether the reports say who sent them")


class CommandIn(BaseModel):
    """A decision about an incident. ``command_id`` makes it safe to send again."""

    model_config = ConfigDict(extra="forbid")

    command_id: UUID = Field(default_factory=uuid4)
    action: Action
    reason: Annotated[CleanText, Field(max_length=500)] = ""
    severity: Severity | None = Field(None, description="For `override`; null ends an override")
    assignee: Token | None = Field(None, description="For `assign`: an officer's id")
    agency: Token | None = Field(None, description="For `hand_off`: who should take it")
    minutes: Annotated[int, Field(ge=1, le=24 * 60)] | None = None
    into: UUID | None = Field(
        None, description="For `merge`: the incident of the same district that takes the reports"
    )
    report_ids: Annotated[list[UUID], Field(max_length=MOST_SPLIT)] = Field(
        [], description="For `split`: the reports that leave to an incident of their own"
    )

    @model_validator(mode="after")
    def _one_line(self) -> Self:
        if self.action is Action.NOTE and not self.reason.strip():
            raise ValueError("reason: a note needs its text; write it")
        return self


class CommandAccepted(Out):
    """Kafka has the command; the incident changes when the streams have carried it out."""

    command_id: UUID
    status: str = "accepted"


class StationOut(Out):
    """A polling station. Its vulnerability is there for commanders and admins only."""

    model_config = ConfigDict(extra="allow")

    station_id: str
    name: str
    district: str
    village: str
    lat: float
    lon: float
    voters: int | None = None
    last_seen_at: datetime | None = None


class StationPage(Out):
    """A page of stations, by number."""

    stations: list[StationOut]
    next: str | None = None


class AuditRow(Out):
    """One row of the audit trail."""

    model_config = ConfigDict(extra="allow")

    seq: int
    at: datetime
    actor: str
    action: str


class AuditPage(Out):
    """A page of the audit trail, newest first."""

    rows: list[AuditRow]
    next: int | None = None


class AccessRow(Out):
    """One look of an auditor at who reported."""

    access_id: int
    at: datetime
    user_name: str
    incident_id: str
    reason: str


class AccessPage(Out):
    """A page of looks, newest first."""

    rows: list[AccessRow]
    next: int | None = None


class Me(Out):
    """Who is signed in. ``csrf`` has to come back in ``X-CSRF-Token`` with whatever changes something."""

    name: str
    role: UserRole
    agency: str | None
    districts: list[str]
    csrf: str | None
    expires_at: datetime | None


class Summary(Out):
    """What the public may know: sums, no place smaller than a district, and nothing of drills."""

    election: str | None
    at: datetime
    stations: int
    stations_reporting: int
    incidents_open: dict[str, int] = Field(description="By severity, SEV1 to SEV5")
    incidents_closed: int
    by_family: dict[str, int]
    by_district: dict[str, int]
