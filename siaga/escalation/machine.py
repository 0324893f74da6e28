"""The state machine of escalation: ``advance(case, event, policy, roster, now)``, pure, as a table.

Input: a case, one event, the policy and the roster it is decided with, the time (epoch seconds). Output: the new
case and its effects (calls, cancellations, notes), each with its reason. The timer to set is the case's ``due_at``
and ``due_kind``: one home for the fact, and two clocks may watch it.

What each event does is in :mod:`siaga.escalation.handlers`; what is not in the table changes nothing. The diagram in
``docs/explanation/escalation.md`` is made of this table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any, Final

from siaga.contracts.escalation import EscalationReason, EscalationState
from siaga.contracts.timer import TimerKind
from siaga.escalation import handlers as on
from siaga.escalation.case import Answered, Case, Due, Effect, Event, EventKind, Seen, Sent, Subject
from siaga.escalation.moves import Move, bars
from siaga.escalation.policy import Policy
from siaga.escalation.roster import Roster

S = EscalationState
E = EventKind
R = EscalationReason

#: A time of a record is written to the millisecond at least; a deadline is not missed by rounding.
_ROUNDING: Final = 1e-3
_TIMERS: Final = {
    E.DEADLINE_DUE: TimerKind.DEADLINE,
    E.LEASE_DUE: TimerKind.LEASE,
    E.SNOOZE_DUE: TimerKind.SNOOZE,
}


@dataclass(frozen=True, slots=True)
class Transition:
    """What an event does in a state, and the states it may lead to."""

    handler: Callable[[Move, Any], None]
    targets: frozenset[EscalationState]


def advance(
    case: Case | None, event: Event, policy: Policy, roster: Roster, now: float
) -> tuple[Case | None, tuple[Effect, ...]]:
    """What becomes of ``case`` when ``event`` happens at ``now``.

    ``None`` stands for an incident that was not seen before. An event that does not concern the case (a deadline of a
    round that is over, an answer of somebody of the accused unit) leaves it as it is, without effects.
    """
    transition = TABLE.get((None if case is None else case.state, event.kind))
    if transition is None:
        return case, ()
    if case is None:
        if not isinstance(event, Seen):
            return None, ()
        case = _new_case(event, policy, roster, now)
    elif not _concerns(case, event, roster, now):
        return case, ()
    move = Move(case, policy, roster, now)
    transition.handler(move, event)
    if (move.case.round, move.case.state) != (case.round, case.state):
        _name_versions(move)
    after = move.case
    if after != case:
        after = replace(after, updated_at=max(case.updated_at, now))
    return after, tuple(move.effects)


def _name_versions(move: Move) -> None:
    """Name the policy and the roster that it is decided with from here on."""
    now, before = (move.policy.version, move.roster.version), (move.case.policy, move.case.roster)
    if now != before:
        move.set(policy=now[0], roster=now[1])
        move.note(R.VERSIONS_RENEWED)


def begins_anew(case: Case | None, event: Event) -> bool:
    """Whether the event begins a climb anew, so that the policy and roster of the day are to be used.

    Within a climb they are frozen: an edit neither skips nor repeats a level. A new generation, a call after an
    acknowledgement ran out and each round past the last level may take what is loaded by then.
    """
    if case is None or event.kind in (E.REOPENED, E.LEASE_DUE, E.SNOOZE_DUE):
        return True
    if case.state is S.QUEUED:
        return True
    return case.state is S.EXHAUSTED and event.kind in (E.DEADLINE_DUE, E.ROSE)


def kind_of(case: Case | None, event: Seen, *, is_open: bool, outcome: EventKind, policy: Policy) -> EventKind | None:
    """What it means for the escalation that the incident is as ``event`` says; None where it means nothing.

    Args:
        case: how the escalation stands.
        event: the incident as it is; its ``kind`` is not looked at.
        is_open: whether the incident is.
        outcome: RESOLVED, DISMISSED, REFUTED or MERGED, where it is not.
        policy: what ``case`` is decided with.
    """
    if case is None:
        return E.OPENED if is_open else None
    if not is_open:
        over = case.reason is R.REFUTED if outcome is E.REFUTED else case.state in _OVER
        if not over or (outcome is E.DISMISSED and case.state is S.RESOLVED):
            return outcome
    elif event.generation > case.generation:
        return E.REOPENED
    return _kind_of_change(case, event.subject, policy)


def _kind_of_change(case: Case, now: Subject, policy: Policy) -> EventKind:
    before, pages = case.subject, policy.pages(now.severity)
    if set(now.accused or ()) - set(before.accused or ()) and case.state is not S.QUEUED:
        return E.ACCUSED
    if case.state in _OVER:
        return E.CHANGED
    if pages and now.severity < case.gravest:
        return E.ROSE
    if not pages and now.severity > before.severity and case.state in _CLIMB:
        return E.FELL
    return E.CHANGED


def _new_case(event: Seen, policy: Policy, roster: Roster, now: float) -> Case:
    return Case(
        subject=event.subject,
        generation=event.generation,
        state=S.QUEUED,
        reason=R.OPENED,
        policy=policy.version,
        roster=roster.version,
        opened_at=now,
        updated_at=now,
    )


def _concerns(case: Case, event: Event, roster: Roster, now: float) -> bool:
    match event:
        case Due():
            named = (event.generation, event.level, event.round) == (case.generation, case.level, case.round)
            is_due = case.due_at is not None and now >= case.due_at - _ROUNDING
            return named and case.due_kind is _TIMERS[event.kind] and is_due
        case Answered():
            # No judge in his own cause: nobody of the accused unit takes, passes on or keeps alive an incident.
            return not bars(case, roster, event.by)
        case Sent():
            return any(call.page_id == event.page_id for call in case.calls)
        case _:
            return True


_OVER: Final = (S.RESOLVED, S.DISMISSED, S.MERGED)
_OPEN: Final = tuple(state for state in S if state not in _OVER)
_CLIMB: Final = frozenset((S.PAGING, S.EXHAUSTED))


def _rows(
    states: Iterable[EscalationState | None],
    kinds: Iterable[EventKind],
    handler: Callable[[Move, Any], None],
    targets: Iterable[EscalationState] | None,
) -> dict[tuple[EscalationState | None, EventKind], Transition]:
    """Rows of the table; ``targets`` of None means that the state stays."""
    return {
        (state, kind): Transition(
            handler, frozenset(targets) if targets is not None else frozenset(() if state is None else (state,))
        )
        for state in states
        for kind in kinds
    }


#: (state, event) -> what it does. An event that stands in no row of a state changes nothing in it.
TABLE: Final[dict[tuple[EscalationState | None, EventKind], Transition]] = {
    **_rows([None], [E.OPENED], on.opened, {S.QUEUED, *_CLIMB}),
    **_rows(S, [E.REOPENED], on.reopened, {S.QUEUED, *_CLIMB}),
    **_rows(S, [E.CHANGED], on.changed, None),
    **_rows(_OPEN, [E.ROSE], on.rose, _CLIMB),
    **_rows([S.PAGING, S.EXHAUSTED], [E.FELL], on.fell, {S.QUEUED}),
    **_rows([s for s in _OPEN if s is not S.QUEUED], [E.ACCUSED], on.accused, {S.QUEUED, *_CLIMB}),
    **_rows(_OVER, [E.ACCUSED], on.accused, None),
    **_rows(_OPEN, [E.RESOLVED], on.closed, {S.RESOLVED}),
    **_rows((*_OPEN, S.RESOLVED), [E.DISMISSED], on.closed, {S.DISMISSED}),
    **_rows(S, [E.REFUTED], on.closed, {S.DISMISSED}),
    **_rows(_OPEN, [E.MERGED], on.closed, {S.MERGED}),
    **_rows([s for s in _OPEN if s is not S.PAGING], [E.TOOK_IN], on.took_in, None),
    **_rows([S.PAGING], [E.TOOK_IN], on.took_in, _CLIMB),
    **_rows(_OPEN, [E.TAKEN, E.ON_MY_WAY], on.taken, {S.ACKNOWLEDGED}),
    **_rows([S.ACKNOWLEDGED], [E.ACTED], on.acted, {S.ACKNOWLEDGED}),
    **_rows([S.PAGING], [E.CANNOT], on.cannot, {S.QUEUED, *_CLIMB}),
    **_rows([S.ACKNOWLEDGED], [E.CANNOT], on.cannot, {S.ACKNOWLEDGED, S.QUEUED, *_CLIMB}),
    **_rows([S.SNOOZED], [E.CANNOT], on.cannot, {S.SNOOZED, S.QUEUED, *_CLIMB}),
    **_rows([S.HANDED_OFF], [E.CANNOT], on.cannot, {S.HANDED_OFF, S.QUEUED, *_CLIMB}),
    **_rows([S.EXHAUSTED], [E.CANNOT], on.cannot, {S.EXHAUSTED, S.QUEUED}),
    **_rows([s for s in _OPEN if s is not S.EXHAUSTED], [E.ESCALATE], on.escalate, _CLIMB),
    **{key: row for s in _OPEN for key, row in _rows([s], [E.HAND_OFF], on.hand_off, {s, S.HANDED_OFF}).items()},
    **_rows(_OPEN, [E.SNOOZE], on.snooze, {S.SNOOZED}),
    **_rows([S.PAGING, S.EXHAUSTED], [E.DEADLINE_DUE], on.deadline, _CLIMB),
    **_rows([S.HANDED_OFF], [E.DEADLINE_DUE], on.deadline, {S.QUEUED, *_CLIMB}),
    **_rows([S.ACKNOWLEDGED], [E.LEASE_DUE], on.lease, {S.QUEUED, *_CLIMB}),
    **_rows([S.SNOOZED], [E.SNOOZE_DUE], on.lease, {S.QUEUED, *_CLIMB}),
    **_rows(S, [E.PAGE_SENT, E.PAGE_DROPPED], on.page_sent, None),
    **_rows([S.PAGING], [E.PAGE_FAILED, E.PAGE_WAITS], on.page_failed, _CLIMB),
    **_rows([s for s in S if s is not S.PAGING], [E.PAGE_FAILED, E.PAGE_WAITS], on.page_failed, None),
}
