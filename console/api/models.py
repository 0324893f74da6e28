"""Incidents and people as they go in and out of the API, for its OpenAPI document. What is let out is decided in the
redaction.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID, uuid4

from pydantic import BaseModel, ConfigDict, Field, model_validator

from console.api.overviews import CardOut, Out
from siaga.contracts.base import CleanText, Token
from siaga.contracts.command import MOST_SPLIT, Action
from siaga.contracts.escalation import EscalationReason, EscalationState
from siaga.contracts.incident import IncidentState
from siaga.contracts.page import ChannelKind, Purpose
from siaga.contracts.report import Channel, Evidence, Facts, Location, Role
from siaga.contracts.timer import TimerKind
from siaga.redaction import UserRole
from siaga.types import Certainty, Severity, Urgency

_OFFICERS = "For operators, commanders, auditors and admins; else null"
_REPORTERS = "For commanders, admins, and auditors with a reason; else null"


class ReasonOut(Out):
    """Why an incident is so grave. Confidential ones reach commanders and admins only."""

    rule: str = Field(description="The rule that says so")
    effect: str = Field("", description="What it did, such as `severity=2`")
    id: str = Field(description="In Indonesian")
    en: str = Field(description="In English")
    confidential: bool = Field(False, description="Whether it tells what only commanders and admins may know")


class OverrideOut(Out):
    """A severity that a person set."""

    severity: Severity = Field(description="What they set")
    computed: Severity | None = Field(None, description="What the rules said then")
    at: datetime | None = Field(None, description="When")
    by: str | None = Field(description=f"Who. {_OFFICERS}")
    reason: str | None = Field(description="Why")


class IncidentOut(Out):
    """An incident as the caller may see it."""

    incident_id: UUID = Field(description="The incident")
    version: int = Field(description="Rises by one with every change")
    generation: int = Field(1, description="Rises when it is opened again")
    district: str = Field(description="Kemendagri code of the district (kecamatan)")
    station_id: str | None = Field(description="The polling station; null where the whole district is meant")
    station_count: int = Field(1, description="Stations that it is about")
    kind: str = Field(description="One of the kinds of the election's taxonomy")
    family: str = Field(description="The kind's family")
    lead_agency: str = Field(description="Who deals with it")
    support_agencies: list[str] = Field([], description="Who helps")
    state: IncidentState = Field(description="Where it stands")
    severity: Severity = Field(description="1 is the gravest, 5 for information")
    computed_severity: Severity = Field(description="What the rules say; another than `severity` where overridden")
    certainty: Certainty = Field(description="How sure it is (CAP 1.2)")
    urgency: Urgency = Field(description="How soon somebody must act (CAP 1.2)")
    reasons: list[ReasonOut] = Field(description="Why severity, certainty and urgency are so")
    needs_verification: bool = Field(False, description="Somebody should look before it is believed")
    override: OverrideOut | None = Field(None, description="The severity that a person set, if one did")
    facts: Facts = Field(description="The worst that its standing reports say")
    outcome: str | None = Field(None, description="What was said when it was resolved or dismissed")
    acknowledged_by: str | None = Field(None, description=f"Who took it. {_OFFICERS}")
    assigned_to: str | None = Field(None, description=f"Whom it was given to. {_OFFICERS}")
    verified_by: str | None = Field(None, description=f"Who found it true. {_OFFICERS}")
    refuted_by: str | None = Field(None, description=f"Who found it untrue. {_OFFICERS}")
    report_count: int = Field(description="Reports that stand")
    reporter_count: int = Field(description="Independent reporters")
    merged_into: UUID | None = Field(None, description="The incident that has its reports; in a single one only")
    accused_units: list[str] = Field([], description="Units that a report of it accuses")
    cluster_id: UUID | None = Field(None, description="Shared by incidents that are one trouble at several stations")
    clock_skewed: bool = Field(False, description="A device's clock was wrong: its times are uncertain")
    drill: bool = Field(False, description="An exercise; never counted as real")
    ruleset: str = Field("", description="Version of the rules that decided it")
    first_occurred_at: datetime = Field(description="When the first of its reports says that it happened")
    last_occurred_at: datetime = Field(description="When the last says so")
    first_received_at: datetime = Field(description="When the first report came in")
    opened_at: datetime = Field(description="When it was opened")
    updated_at: datetime = Field(description="When it last changed")


class IncidentPage(Out):
    """A page of incidents, newest first."""

    incidents: list[IncidentOut] = Field(description="The incidents")
    next: str | None = Field(None, description="Give it back as `cursor`; null on the last page")


class ReportOut(Out):
    """A report. Who sent it is there for commanders, admins, and auditors with a reason."""

    report_id: UUID = Field(description="The report")
    incident_id: UUID = Field(description="The incident that it is part of")
    station_id: str = Field(description="The polling station")
    district: str = Field(description="Kemendagri code of its district (kecamatan)")
    kind: str = Field(description="What it is about")
    occurred_at: datetime = Field(description="When it happened")
    sent_at: datetime | None = Field(None, description="When the device sent it")
    received_at: datetime = Field(description="When the gateway had it")
    text: str = Field(description="In the reporter's words; personal data is masked for viewers and auditors")
    facts: Facts = Field(Facts(), description="What was seen")
    evidence: list[Evidence] = Field([], description="What stays on the device until it is asked for")
    channel: Channel = Field(Channel.APP, description="How it came in")
    corrects: UUID | None = Field(None, description="The earlier report that it replaces")
    withdraws: bool = Field(False, description="With `corrects`: the earlier report is withdrawn, not replaced")
    drill: bool = Field(False, description="An exercise; never counted as real")
    clock_skewed: bool = Field(False, description="The device's clock was wrong: its times are uncertain")
    reporter_role: Role | None = Field(description="As what they speak")
    reporter_id: str | None = Field(None, description=f"Who reported. {_REPORTERS}")
    device_id: str | None = Field(None, description=f"The device that sent it. {_REPORTERS}")
    location: Location | None = Field(None, description=f"Where the device was. {_REPORTERS}")


class HistoryOut(Out):
    """One thing that happened to an incident."""

    change: str = Field(description="What happened, such as `opened`, `raised` or `acknowledged`")
    at: datetime = Field(description="When")
    by: str | None = Field(description=f"Who, where a person did it. {_OFFICERS}")
    detail: str | None = Field(description="More about it")


class CommandOut(Out):
    """A decision that was carried out."""

    command_id: UUID = Field(description="The decision")
    incident_id: UUID = Field(description="The incident that it is about")
    action: Action = Field(description="What was decided")
    at: datetime = Field(description="When")
    by: str | None = Field(description=f"Who. {_OFFICERS}")
    reason: str = Field(description="Why, or the text of a note; empty where nothing was said")
    severity: Severity | None = Field(None, description="Of `override`: what they set; null ended an override")
    assignee: str | None = Field(None, description=f"Of `assign`: whom it was given to. {_OFFICERS}")
    agency: str | None = Field(None, description="Of `hand_off`: who should take it")
    minutes: int | None = Field(None, description="Of `on_my_way`: minutes until arrival; of `snooze`: how long")
    into: UUID | None = Field(None, description="Of `merge`: the incident that took the reports")


class EscalationOut(Out):
    """Where an incident stands on its policy."""

    incident_id: UUID = Field(description="The incident")
    generation: int = Field(description="The incident's; rises when it is opened again")
    version: int = Field(description="Rises by one with every change")
    district: str = Field(description="Kemendagri code of the district (kecamatan)")
    state: EscalationState = Field(description="Where it stands")
    reason: EscalationReason = Field(description="Why it stands there")
    level: int = Field(description="Level of the policy: 1 is the first, 0 where nobody is called")
    round: int = Field(description="Rises each time a level is called anew")
    next_due_at: datetime | None = Field(None, description="When it moves by itself")
    next_timer: TimerKind | None = Field(None, description="As what it is due then")
    acknowledged_by: str | None = Field(None, description=f"Who took it. {_OFFICERS}")
    lease_until: datetime | None = Field(None, description="Until when it counts as taken")
    handed_to: str | None = Field(None, description="The unit that has yet to accept it")
    verify: bool = Field(False, description="Officers are asked to look first")
    opened_at: datetime = Field(description="When it began")
    updated_at: datetime = Field(description="When it last changed")
    drill: bool = Field(False, description="An exercise")
    policy: str = Field(description="Version of the policy that it is decided with")
    roster: str = Field(description="Version of the roster that it is decided with")


class EscalationPage(Out):
    """Escalations, what is due first first."""

    escalations: list[EscalationOut] = Field(description="The escalations")


class StepOut(Out):
    """One thing that happened to an escalation, and why."""

    at: datetime = Field(description="When")
    reason: str = Field(description="Why somebody was called, or was not: as `reason` of an escalation")
    level: int = Field(description="Level of the policy")
    round: int = Field(description="Which call of that level it was")
    desk: str | None = Field(None, description="Desk of the policy, such as `polres/ops`")
    page_id: UUID | None = Field(None, description="The call, where there was one")
    officer_id: str | None = Field(None, description=f"Whom it is about. {_OFFICERS}")
    channel: str | None = Field(None, description=f"By which of their channels. {_OFFICERS}")


class PageOut(Out):
    """One call to an officer. Whom it went to is there for operators, commanders, auditors and admins."""

    page_id: UUID = Field(description="The call; it never changes, however often it is sent")
    code: str = Field(description="The short code in the message, which an answer names")
    purpose: Purpose = Field(description="What it asks for")
    reason: EscalationReason | None = Field(None, description="Why it was made")
    incident_id: UUID = Field(description="The incident")
    generation: int = Field(description="The incident's; rises when it is opened again")
    level: int = Field(description="Level of the policy")
    round: int = Field(description="Which call of that level it was")
    agency: str = Field(description="The officer's unit")
    channel_kind: ChannelKind = Field(description="How it goes")
    status: str = Field(
        description="What became of it: `queued`, `sending`, `unknown`, `accepted` (a provider has it), `delivered`, "
        "`failed` or `suppressed`"
    )
    status_reason: str = Field("", description="Why; empty where there is nothing to say")
    attempts: int = Field(0, description="Tries so far")
    due_at: datetime = Field(description="When it was due")
    sent_at: datetime | None = Field(None, description="When a provider had taken it")
    delivered_at: datetime | None = Field(
        None, description="When it was on the telephone, where the provider says so"
    )
    answer_by: datetime | None = Field(None, description="When the next is called without an answer")
    updated_at: datetime | None = Field(None, description="As `delivered_at`")
    drill: bool = Field(False, description="An exercise")
    officer_id: str | None = Field(None, description=f"Whom it went to. {_OFFICERS}")
    channel: str | None = Field(None, description=f"By which of their channels. {_OFFICERS}")
    provider_id: str | None = Field(None, description=f"The provider's number for it. {_OFFICERS}")


class IncidentDetail(Out):
    """All there is about one incident."""

    incident: IncidentOut = Field(description="The incident")
    card: CardOut = Field(description="The incident as the queue shows it, with its place")
    reports: list[ReportOut] = Field(description="Its reports, oldest first, 500 at most")
    history: list[HistoryOut] = Field(description="What happened to it, oldest first")
    commands: list[CommandOut] = Field(description="What people decided about it, oldest first")
    escalation: EscalationOut | None = Field(None, description="Null where nobody is called")
    steps: list[StepOut] = Field([], description="What happened to its escalation, oldest first")
    pages: list[PageOut] = Field([], description="Who was called, oldest first")
    reporters_shown: bool = Field(description="Whether the reports say who sent them")


class CommandIn(BaseModel):
    """A decision about an incident. ``command_id`` makes it safe to send again."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "command_id": "739d50d1-c33f-4cd8-aa07-ea898af39c23",
                    "action": "note",
                    "reason": "Sudah dihubungi lewat radio",
                }
            ]
        },
    )

    command_id: UUID = Field(
        default_factory=uuid4, description="Made by the caller, so that sending it twice is harmless; else made here"
    )
    action: Action = Field(description="What is decided; `override` and `dismiss` need a commander or an admin")
    reason: Annotated[CleanText, Field(max_length=500)] = Field(
        "", description="Why; needed for `override`, `dismiss` and `refute`, and the text of a `note`"
    )
    severity: Severity | None = Field(None, description="For `override`; null ends an override")
    assignee: Token | None = Field(None, description="For `assign`: an officer's id")
    agency: Token | None = Field(None, description="For `hand_off`: who should take it")
    minutes: Annotated[int, Field(ge=1, le=24 * 60)] | None = Field(
        None, description="For `on_my_way`: until arrival; for `snooze`: how long"
    )
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

    command_id: UUID = Field(description="The decision; send it again with this id if you are not sure")
    status: str = Field("accepted", description="Always `accepted`")


class AuditRow(Out):
    """One row of the audit trail, sealed with the one before it."""

    seq: int = Field(description="Its number; there is none missing")
    at: datetime = Field(description="When")
    actor: str = Field(description="Who did it")
    action: str = Field(description="What they did")
    object: str = Field(description="To what")
    detail: str = Field(description="More about it")
    previous: str = Field(description="`hash` of the row before")
    hash: str = Field(description="SHA-256 over this row and `previous`, in hexadecimal")
    erased_by: int | None = Field(None, description="The row of the erasure that changed this one")


class AuditPage(Out):
    """A page of the audit trail, newest first."""

    rows: list[AuditRow] = Field(description="The rows")
    next: int | None = Field(None, description="Give it back as `cursor`; null on the last page")


class AccessRow(Out):
    """One look of an auditor at who reported."""

    access_id: int = Field(description="Its number")
    at: datetime = Field(description="When")
    user_name: str = Field(description="Who looked")
    incident_id: str = Field(description="At which incident")
    reason: str = Field(description="Why they had to know")


class AccessPage(Out):
    """A page of looks, newest first."""

    rows: list[AccessRow] = Field(description="The looks")
    next: int | None = Field(None, description="Give it back as `cursor`; null on the last page")


class Me(Out):
    """Who is signed in. ``csrf`` has to come back in ``X-CSRF-Token`` with whatever changes something."""

    name: str = Field(description="The user's name")
    role: UserRole = Field(description="What they may see and do")
    agency: str | None = Field(description="Their unit; null where they see those of all")
    districts: list[str] = Field(description="The areas they see; empty where they see all")
    csrf: str | None = Field(description="The session's CSRF token; null for a program with a token")
    expires_at: datetime | None = Field(description="When they have to sign in again; null for a program")


class AnswerOut(Out):
    """What came of a message that a gateway brought."""

    status: str = Field(description="`taken`, `reported`, `no_message`, or why it was set aside")
    reply: str | None = Field(description="What the officer may be told; null where nothing is to be said")


class TelegramOut(Out):
    """What Telegram's Bot API does next: the call of one of its methods, or nothing."""

    method: str | None = Field(
        None, description="`sendMessage` or `answerCallbackQuery`; left out where it does nothing"
    )
    text: str | None = Field(None, description="What the officer is told")
    chat_id: int | None = Field(None, description="Of `sendMessage`: the chat")
    callback_query_id: str | None = Field(None, description="Of `answerCallbackQuery`: the button that was tapped")
    show_alert: bool | None = Field(None, description="Of `answerCallbackQuery`: so that it has to be closed")


class ServiceState(Out):
    """How the process is."""

    status: str = Field(description="`ok`, or `ready`")
