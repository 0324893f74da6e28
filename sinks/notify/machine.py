"""How a page moves: a table of (status, event) → status, and what each move brings with it.

Input: a page's state, what happened to it, the channel's spec and the time. Output: the :class:`Change` to write.
Pure; times are epoch seconds.

    queued ─▶ sending ─▶ accepted ─▶ delivered, or failed after all
      ▲ ▲        │ │ └──▶ failed
      │ └────────┘ ▼
      └──────── unknown ─▶ accepted, failed, sending (once more)
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from siaga.contracts.page_result import PageStatus, ResultReason
from siaga.types import Severity
from sinks.notify.channels import ChannelSpec
from sinks.notify.outcome import Outcome, Verdict


class Status(StrEnum):
    """Where a page stands."""

    QUEUED = "queued"
    SENDING = "sending"
    UNKNOWN = "unknown"
    ACCEPTED = "accepted"
    DELIVERED = "delivered"
    FAILED = "failed"
    SUPPRESSED = "suppressed"


class Event(StrEnum):
    """What can happen to a page."""

    CLAIMED = "claimed"
    ACCEPTED = "accepted"
    DELIVERED = "delivered"
    FAILED_TEMPORARILY = "failed_temporarily"
    FAILED = "failed"
    UNCLEAR = "unclear"
    NOT_THERE = "not_there"
    SUPPRESSED = "suppressed"
    HELD = "held"
    #: A receipt says that it did not arrive.
    UNDELIVERED = "undelivered"


_Q, _S, _U, _A, _D, _F = (
    Status.QUEUED,
    Status.SENDING,
    Status.UNKNOWN,
    Status.ACCEPTED,
    Status.DELIVERED,
    Status.FAILED,
)
#: Every move there is. What is not in it does not happen: a page that is over stays as it is.
TABLE: Final[dict[tuple[Status, Event], Status]] = {
    (_Q, Event.CLAIMED): _S,
    (_U, Event.CLAIMED): _S,
    # An answer may come after its lease ran out, when it was queued again or even given up: the provider has it.
    **{(status, Event.ACCEPTED): _A for status in (_S, _U, _Q, _F, Status.SUPPRESSED)},
    **{(status, Event.DELIVERED): _D for status in (_S, _U, _Q, _F, Status.SUPPRESSED, _A)},
    # One of which an earlier try may have arrived stays unknown instead.
    **{(status, Event.FAILED_TEMPORARILY): _Q for status in (_S, _U)},
    **{(status, Event.FAILED): _F for status in (_S, _U, _Q)},
    (_A, Event.UNDELIVERED): _F,
    (_S, Event.UNCLEAR): _U,
    (_U, Event.NOT_THERE): _Q,
    (_Q, Event.SUPPRESSED): Status.SUPPRESSED,
    (_U, Event.SUPPRESSED): _U,
    (_Q, Event.HELD): _Q,
    (_U, Event.HELD): _U,
}

_EVENTS: Final = {
    Verdict.ACCEPTED: Event.ACCEPTED,
    Verdict.DELIVERED: Event.DELIVERED,
    Verdict.FAILED_TEMPORARILY: Event.FAILED_TEMPORARILY,
    Verdict.FAILED: Event.FAILED,
    Verdict.UNDELIVERED: Event.FAILED,
    Verdict.UNCLEAR: Event.UNCLEAR,
    Verdict.NOT_THERE: Event.NOT_THERE,
}


@dataclass(frozen=True, slots=True)
class PageState:
    """What a decision about a page rests on."""

    page_id: str
    status: Status
    severity: int
    #: Tries begun.
    attempts: int = 0
    #: Whether the streams were told that it waits for its turn.
    waits: bool = False
    #: Whether some try of it may have arrived unheard.
    doubtful: bool = False
    reason: ResultReason = ResultReason.NONE
    provider_id: str | None = None
    sent_at: float | None = None
    #: The message that it was last sent in.
    message_key: str | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """A result to be told to the streams."""

    status: PageStatus
    reason: ResultReason
    attempt: int
    detail: str = ""
    provider_id: str | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """What is written of one page. ``available_at`` is when to look at it next; None is never."""

    page_id: str
    status: Status
    reason: ResultReason = ResultReason.NONE
    available_at: float | None = None
    waits: bool = False
    doubtful: bool = False
    #: Whether it stays part of the message that it was sent in: nobody knows whether that arrived.
    keeps_key: bool = False
    #: Whether the message counts for the contact's limits: it arrived, or may have.
    counts: bool = True
    told: tuple[Told, ...] = ()

    @property
    def is_accepted(self) -> bool:
        """Whether a provider took the page just now."""
        return any(told.status is PageStatus.ACCEPTED for told in self.told)


def after_try(state: PageState, attempt: int, outcome: Outcome, spec: ChannelSpec, now: float) -> Change | None:
    """What an answer to a try, or to a question about it, means; None where it comes too late to mean anything."""
    event = _event_of(state, attempt, outcome, spec)
    status = None if event is None else TABLE.get((state.status, event))
    if event is None or status is None:
        return None
    told = Told(_TOLD[event], outcome.reason, attempt, outcome.detail, outcome.provider_id)
    if event in (Event.FAILED_TEMPORARILY, Event.NOT_THERE):
        return _again(state, outcome, told, spec=spec, now=now)
    unclear, arrived = event is Event.UNCLEAR, event is not Event.FAILED
    again = now + spec.pause_after(attempt) if unclear else None
    return Change(
        state.page_id,
        status,
        outcome.reason,
        _next_receipt(spec, 0.0, now) if event is Event.ACCEPTED else again,
        waits=unclear and state.waits,
        doubtful=unclear or (event is Event.FAILED and state.doubtful),
        keeps_key=arrived,
        counts=arrived,
        told=(told,),
    )


def _event_of(state: PageState, attempt: int, outcome: Outcome, spec: ChannelSpec) -> Event | None:
    event = _EVENTS.get(outcome.verdict)
    if event in (Event.ACCEPTED, Event.DELIVERED):
        return event
    if event is None or attempt != state.attempts:
        return None
    given_up = attempt >= spec.tries and event in (Event.FAILED_TEMPORARILY, Event.NOT_THERE)
    return Event.FAILED if given_up else event


_TOLD: Final = {
    Event.ACCEPTED: PageStatus.ACCEPTED,
    Event.DELIVERED: PageStatus.DELIVERED,
    Event.FAILED_TEMPORARILY: PageStatus.FAILED_TEMPORARILY,
    Event.NOT_THERE: PageStatus.FAILED_TEMPORARILY,
    Event.FAILED: PageStatus.FAILED,
    Event.UNCLEAR: PageStatus.UNKNOWN,
}


def _again(state: PageState, outcome: Outcome, told: Told, *, spec: ChannelSpec, now: float) -> Change:
    """It is tried again later; where the provider asks for long patience, the next channel is tried meanwhile."""
    pause = 0.0 if outcome.verdict is Verdict.NOT_THERE else spec.pause_after(told.attempt)
    pause = max(pause, outcome.retry_after or 0.0)
    results, waits = [told], state.waits
    if pause > spec.longest_pause and not waits:
        results.append(Told(PageStatus.SUPPRESSED, ResultReason.RATE_LIMITED, told.attempt, outcome.detail))
        waits = True
    # Where an earlier try may have arrived, nobody knows still, unless the provider was asked.
    doubtful = state.doubtful and outcome.verdict is not Verdict.NOT_THERE
    return Change(
        state.page_id,
        Status.UNKNOWN if doubtful else Status.QUEUED,
        outcome.reason,
        now + pause,
        waits=waits,
        doubtful=doubtful,
        keeps_key=doubtful,
        counts=False,
        told=tuple(results),
    )


def lease_ran_out(state: PageState, now: float) -> Change | None:
    """Whoever was sending it has fallen silent."""
    if state.status is not Status.SENDING:
        return None
    told = Told(PageStatus.UNKNOWN, ResultReason.LEASE_RAN_OUT, state.attempts)
    return Change(
        state.page_id,
        TABLE[state.status, Event.UNCLEAR],
        ResultReason.LEASE_RAN_OUT,
        now,
        waits=state.waits,
        doubtful=True,
        keeps_key=True,
        told=(told,),
    )


def may_repeat(state: PageState, spec: ChannelSpec) -> bool:
    """Whether a page of which nobody knows is sent once more: severe ones, and where a repeat does no harm."""
    severe = state.severity <= Severity.SEV2
    return state.attempts < spec.tries and (severe or spec.repeats_safely)


def failed(state: PageState, reason: ResultReason, detail: str = "") -> Change:
    """It cannot be sent over this channel."""
    told = Told(PageStatus.FAILED, reason, state.attempts, detail)
    return Change(state.page_id, TABLE[state.status, Event.FAILED], reason, doubtful=state.doubtful, told=(told,))


def suppressed(state: PageState, reason: ResultReason) -> Change:
    """It is not wanted any more. One that may have arrived is not called unsent: it is only not repeated."""
    status = TABLE[state.status, Event.SUPPRESSED]
    told = () if status is Status.UNKNOWN else (Told(PageStatus.SUPPRESSED, reason, state.attempts),)
    return Change(
        state.page_id, status, reason, waits=state.waits, doubtful=state.doubtful, keeps_key=True, told=told
    )


def held(state: PageState, until: float, reason: ResultReason | None) -> Change:
    """It waits until then; with a ``reason`` the streams are told once, so that the next channel is tried."""
    status = TABLE[state.status, Event.HELD]
    tells = reason is not None and not state.waits and status is Status.QUEUED
    return Change(
        state.page_id,
        status,
        reason if reason is not None and status is Status.QUEUED else state.reason,
        until,
        waits=state.waits or tells,
        doubtful=state.doubtful,
        keeps_key=status is Status.UNKNOWN,
        told=(Told(PageStatus.SUPPRESSED, reason, state.attempts),) if tells and reason is not None else (),
    )


def after_receipt(state: PageState, outcome: Outcome, spec: ChannelSpec, now: float) -> Change:
    """What the provider says of a page that it took: it arrived, did not, or is asked about again later, or never.

    Where it did not arrive the officer's next channel is tried.
    """
    if outcome.verdict is Verdict.DELIVERED:
        told = Told(PageStatus.DELIVERED, ResultReason.NONE, state.attempts, provider_id=outcome.provider_id)
        return Change(state.page_id, TABLE[state.status, Event.DELIVERED], told=(told,))
    if outcome.verdict is Verdict.UNDELIVERED:
        told = Told(PageStatus.FAILED, outcome.reason, state.attempts, outcome.detail, outcome.provider_id)
        return Change(state.page_id, TABLE[state.status, Event.UNDELIVERED], outcome.reason, told=(told,))
    age = 0.0 if state.sent_at is None else now - state.sent_at
    return Change(state.page_id, state.status, available_at=_next_receipt(spec, age, now), keeps_key=True)


def _next_receipt(spec: ChannelSpec, age: float, now: float) -> float | None:
    if not spec.can_learn_of_delivery:
        return None
    return next((now - age + after for after in spec.receipts if after > age), None)
