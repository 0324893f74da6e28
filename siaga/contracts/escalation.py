"""An escalation: where an incident stands on its policy. Snapshots travel in ``siaga.escalations``."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from siaga.contracts.base import UUID, CleanText, Contract, KindCode, SchemaVersion, Time, Token
from siaga.contracts.timer import TimerKind
from siaga.types import DistrictField, Severity, StationField


class EscalationState(StrEnum):
    """Where an escalation stands."""

    QUEUED = "queued"
    PAGING = "paging"
    ACKNOWLEDGED = "acknowledged"
    SNOOZED = "snoozed"
    HANDED_OFF = "handed_off"
    EXHAUSTED = "exhausted"
    RESOLVED = "resolved"
    DISMISSED = "dismissed"
    MERGED = "merged"

    @property
    def is_over(self) -> bool:
        """Whether nobody has to be reached any more."""
        return self in (EscalationState.RESOLVED, EscalationState.DISMISSED, EscalationState.MERGED)

    @property
    def is_paging(self) -> bool:
        """Whether it pages until somebody takes it."""
        return self in (EscalationState.PAGING, EscalationState.HANDED_OFF, EscalationState.EXHAUSTED)


class EscalationReason(StrEnum):
    """Why an escalation did what it did: paged, skipped, kept silent, ended."""

    # --- why it pages
    OPENED = "opened"
    REOPENED = "reopened"
    SEVERITY_ROSE = "severity_rose"
    DEADLINE_PASSED = "deadline_passed"
    LEVEL_SKIPPED = "level_skipped"
    EVERYBODY_DECLINED = "everybody_declined"
    ASKED_TO_ESCALATE = "asked_to_escalate"
    CHANNEL_FAILED = "channel_failed"
    LEASE_ENDED = "lease_ended"
    SNOOZE_ENDED = "snooze_ended"
    HANDED_OFF = "handed_off"
    UNIT_ACCUSED = "unit_accused"
    LEVELS_EXHAUSTED = "levels_exhausted"
    UNACKNOWLEDGED = "unacknowledged"
    REFUTED = "refuted"
    STORM_DIGEST = "storm_digest"
    DRILL_CALL = "drill_call"
    #: Called about an incident that is part of this one now.
    TOOK_IN = "took_in"
    # --- why it does not page
    SEVERITY_QUEUES = "severity_queues"
    SEVERITY_LOGGED = "severity_logged"
    SEVERITY_FELL = "severity_fell"
    NOBODY_ON_DUTY = "nobody_on_duty"
    NO_SUCH_DESK = "no_such_desk"
    NO_CHANNEL = "no_channel"
    EVERY_CHANNEL_FAILED = "every_channel_failed"
    ACCUSED_UNIT = "accused_unit"
    ALREADY_PAGED_FOR_CLUSTER = "already_paged_for_cluster"
    FOLDED_INTO_DIGEST = "folded_into_digest"
    PAGED_AT_ANOTHER_DESK = "paged_at_another_desk"
    DECLINED = "declined"
    # --- what people did
    TAKEN = "taken"
    TAKEN_WITH_CLUSTER = "taken_with_cluster"
    ON_MY_WAY = "on_my_way"
    RENEWED = "renewed"
    SNOOZED = "snoozed"
    ACCEPTED = "accepted"
    RESOLVED = "resolved"
    DISMISSED = "dismissed"
    MERGED = "merged"
    # --- what became of the versions it was decided with
    VERSIONS_RENEWED = "versions_renewed"


class Step(Contract):
    """One thing that happened to an escalation since the snapshot before, for ``siaga why-paged``."""

    at: Time
    reason: EscalationReason
    level: Annotated[int, Field(ge=0)]
    round: Annotated[int, Field(ge=0)]
    officer_id: Token | None = Field(default=None, description="Whom it is about. CONFIDENTIAL")
    channel: Token | None = None
    page_id: UUID | None = None
    desk: Annotated[CleanText, Field(max_length=170)] | None = Field(
        default=None, description="Desk of the policy, such as `polres/ops`"
    )


class Paged(Contract):
    """Who was called last in this round. Officers' ids are CONFIDENTIAL; addresses never stand here."""

    officer_id: Token
    agency: Token
    channel: Token
    page_id: UUID
    level: Annotated[int, Field(ge=0)]
    round: Annotated[int, Field(ge=0)]


class Escalation(Contract):
    """A snapshot in ``siaga.escalations``; ``version`` rises by one within an incident, over its generations.

    The policy and the roster that a round is decided with are frozen: an edit in mid-climb neither skips nor repeats
    a level.
    """

    schema_version: SchemaVersion
    incident_id: UUID
    generation: Annotated[int, Field(ge=1)]
    version: Annotated[int, Field(ge=1)]
    district: DistrictField
    station_id: StationField | None
    kind: KindCode
    severity: Severity
    lead_agency: Token
    state: EscalationState
    reason: EscalationReason = Field(description="Why it is in this state")
    level: Annotated[int, Field(ge=0)] = Field(description="1 is the first; 0 where nobody is paged")
    round: Annotated[int, Field(ge=0)] = Field(description="Rises each time a level is called anew")
    next_due_at: Time | None = Field(default=None, description="When it moves by itself")
    next_timer: TimerKind | None = Field(default=None, description="As what it is due: the kind of its timer")
    digest_due_at: Time | None = Field(
        default=None, description="When the district's digest is due that calls of this incident wait for"
    )
    acknowledged_by: Token | None = Field(default=None, description="CONFIDENTIAL")
    lease_until: Time | None = Field(default=None, description="Until when the acknowledgement holds")
    handed_to: Token | None = Field(default=None, description="Agency that has yet to accept")
    verify: bool = Field(default=False, description="Officers are asked to verify it first")
    cluster_id: UUID | None = None
    paged: tuple[Paged, ...] = Field(default=(), description="Whose answer is waited for, or who was called last")
    cancelled: tuple[UUID, ...] = Field(
        default=(), description="Pages that must not be sent any more, where they still wait"
    )
    mediators: tuple[Token, ...] = Field(default=(), description="Bhabinkamtibmas offered to mediate")
    policy: Token = Field(description="Version of the policy it is decided with")
    roster: Token = Field(description="Version of the roster it is decided with")
    opened_at: Time
    updated_at: Time
    drill: bool = False
    steps: tuple[Step, ...] = ()
