"""A command: what a person decided about an incident."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Final, Self

from pydantic import Field, model_validator

from siaga.contracts.base import UUID, CleanText, Contract, SchemaVersion, Time, Token
from siaga.types import DistrictField, Severity

#: Reports that one command can split off.
MOST_SPLIT: Final = 500


class Action(StrEnum):
    """What a person can do to an incident."""

    ACKNOWLEDGE = "acknowledge"
    RESOLVE = "resolve"
    DISMISS = "dismiss"
    REOPEN = "reopen"
    ASSIGN = "assign"
    VERIFY = "verify"
    REFUTE = "refute"
    OVERRIDE = "override"
    NOTE = "note"
    # --- answers to a page, and who deals with it
    CANNOT = "cannot"
    ESCALATE = "escalate"
    ON_MY_WAY = "on_my_way"
    HAND_OFF = "hand_off"
    ACCEPT = "accept"
    SNOOZE = "snooze"
    # --- which reports are about the same thing
    MERGE = "merge"
    SPLIT = "split"


class Via(StrEnum):
    """By which way a decision came in."""

    CONSOLE = "console"
    CLI = "cli"
    LINK = "link"
    SMS = "sms"
    WHATSAPP = "whatsapp"
    TELEGRAM = "telegram"


class Command(Contract):
    """One decision by one named person. ``command_id`` makes it idempotent."""

    schema_version: SchemaVersion
    command_id: UUID
    incident_id: UUID
    district: DistrictField
    action: Action
    by: Token
    at: Time
    via: Via | None = Field(default=None, description="By which way it came; `null` where nobody said")
    reason: Annotated[CleanText, Field(max_length=500)] = ""
    severity: Severity | None = Field(default=None, description="For `override`; `null` ends an override")
    assignee: Token | None = Field(default=None, description="For `assign`")
    agency: Token | None = Field(default=None, description="For `hand_off`: who should take it")
    minutes: Annotated[int, Field(ge=1, le=24 * 60)] | None = Field(
        default=None, description="For `on_my_way`: until arrival; for `snooze`: how long"
    )
    into: UUID | None = Field(
        default=None, description="For `merge`: the incident of the same district that takes the reports"
    )
    report_ids: Annotated[tuple[UUID, ...], Field(max_length=MOST_SPLIT)] = Field(
        default=(), description="For `split`: the reports that leave to an incident of their own"
    )

    @model_validator(mode="after")
    def _reasoned(self) -> Self:
        if self.action in (Action.OVERRIDE, Action.DISMISS, Action.REFUTE) and not self.reason.strip():
            raise ValueError(f"reason: {self.action} needs one; say why in a sentence")
        if self.action is Action.ASSIGN and self.assignee is None:
            raise ValueError("assignee: assign needs an officer's id")
        if self.action is Action.HAND_OFF and self.agency is None:
            raise ValueError("agency: hand_off needs an agency's code; say who should take it")
        if self.action is Action.SNOOZE and self.minutes is None:
            raise ValueError("minutes: snooze needs them; say how long, such as 10")
        if self.action is Action.MERGE and self.into in (None, self.incident_id):
            raise ValueError("into: merge needs another incident; name the one that takes the reports")
        if self.action is Action.SPLIT and not self.report_ids:
            raise ValueError("report_ids: split needs the reports that leave; name one at least")
        return self
