"""What became of a page, in ``siaga.page-results``. Written by the notifier."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from siaga.contracts.base import UUID, CleanText, Contract, SchemaVersion, Time, Token
from siaga.types import DistrictField


class PageStatus(StrEnum):
    """What became of one try to send a page."""

    ACCEPTED = "accepted"
    DELIVERED = "delivered"
    FAILED_TEMPORARILY = "failed_temporarily"
    FAILED = "failed"
    SUPPRESSED = "suppressed"
    UNKNOWN = "unknown"


class ResultReason(StrEnum):
    """Why; ``none`` where it simply went well."""

    NONE = "none"
    # --- why it failed (the names that the metrics use)
    OTHER = "other"
    CLIENT_ERROR = "client_error"
    SERVER_ERROR = "server_error"
    TIMEOUT = "timeout"
    AUTH = "auth"
    RATE_LIMITED = "rate_limited"
    NO_ADDRESS = "no_address"
    CHANNEL_OFF = "channel_off"
    CIRCUIT_OPEN = "circuit_open"
    # --- why it was not sent
    ACKNOWLEDGED = "acknowledged"
    CLOSED = "closed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    BUNDLED = "bundled"
    ACCUSED_UNIT = "accused_unit"
    # --- why nobody knows
    LEASE_RAN_OUT = "lease_ran_out"


class PageResult(Contract):
    """One result of one try. The same (page, attempt, status) told twice means nothing new."""

    schema_version: SchemaVersion
    page_id: UUID
    incident_id: UUID
    generation: Annotated[int, Field(ge=1)]
    district: DistrictField
    officer_id: Token = Field(description="CONFIDENTIAL")
    channel: Token
    status: PageStatus
    reason: ResultReason = ResultReason.NONE
    attempt: Annotated[int, Field(ge=0)] = Field(description="1 is the first try; 0 where none was made")
    provider_id: Annotated[CleanText, Field(max_length=200)] | None = None
    detail: Annotated[CleanText, Field(max_length=300)] = Field(
        default="", description="For the operator; never an address or the message"
    )
    at: Time

    @property
    def needs_next_channel(self) -> bool:
        """Whether the officer has to be tried over another channel: it failed for good, or waits for its turn."""
        waits = self.status is PageStatus.SUPPRESSED and self.reason in (
            ResultReason.RATE_LIMITED,
            ResultReason.BUNDLED,
            ResultReason.CIRCUIT_OPEN,
        )
        return self.status is PageStatus.FAILED or waits
