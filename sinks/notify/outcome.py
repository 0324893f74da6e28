"""What is given to a channel, and what became of it: the words that adapters and the outbox share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from siaga.contracts.page_result import ResultReason


@dataclass(frozen=True, slots=True)
class Message:
    """One message to one address. ``key`` is the same for every try; all but it is CONFIDENTIAL."""

    key: str
    address: str = field(repr=False)
    title: str = field(repr=False)
    text: str = field(repr=False)
    #: What a program can read of it: the pages it tells.
    body: Mapping[str, Any] = field(repr=False, default_factory=dict)
    #: Buttons that answer it, in rows, for channels that have any: what each shows and what it says when tapped.
    buttons: Sequence[Sequence[Mapping[str, str]]] = field(repr=False, default=())


class Verdict(StrEnum):
    """What became of one try."""

    #: The provider has it.
    ACCEPTED = "accepted"
    #: The provider has it, and the officer's device as well.
    DELIVERED = "delivered"
    #: The provider took it, and says that the officer's device did not get it.
    UNDELIVERED = "undelivered"
    #: The provider surely has not got it, and may take it later.
    FAILED_TEMPORARILY = "failed_temporarily"
    #: The provider surely has not got it and will not take it.
    FAILED = "failed"
    #: It may have it: the answer was lost.
    UNCLEAR = "unclear"
    #: Asked for it, the provider says that it has not got it.
    NOT_THERE = "not_there"
    #: The provider could not be asked.
    NOT_ASKED = "not_asked"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one try. ``detail`` is for the operator: never an address, never the message."""

    verdict: Verdict
    reason: ResultReason = ResultReason.NONE
    detail: str = ""
    provider_id: str | None = None
    #: Seconds after which the provider said that it may be tried again.
    retry_after: float | None = None

    @property
    def hurts_circuit(self) -> bool:
        """Whether it says that the provider is not well, not merely that it does not want this one."""
        return self.verdict in (Verdict.FAILED_TEMPORARILY, Verdict.UNCLEAR, Verdict.NOT_ASKED)


#: Longest id of a provider that is kept.
LONGEST_ID: Final = 200


def outcome_of_status(status: int, retry_after: float | None = None) -> Outcome:
    """What an HTTP status other than 2xx says (RFC 9110, section 15; RFC 6585, section 4)."""
    detail = f"HTTP {status}"
    temporarily, for_good = Verdict.FAILED_TEMPORARILY, Verdict.FAILED
    if status in (401, 403, 407):
        return Outcome(for_good, ResultReason.AUTH, detail)
    if status == 429:
        return Outcome(temporarily, ResultReason.RATE_LIMITED, detail, retry_after=retry_after)
    if status in (408, 425):
        return Outcome(temporarily, ResultReason.TIMEOUT, detail, retry_after=retry_after)
    if status >= 500:
        return Outcome(temporarily, ResultReason.SERVER_ERROR, detail, retry_after=retry_after)
    return Outcome(for_good, ResultReason.CLIENT_ERROR, detail)
