"""What each event does to an escalation: a function an event, called by the table of :mod:`siaga.escalation.machine`.

Input: a :class:`~siaga.escalation.moves.Move` on the case as it was, and the event. Output: the moves made on it.
"""

from __future__ import annotations

from typing import Final

from siaga.contracts.escalation import EscalationReason, EscalationState
from siaga.contracts.page import Purpose
from siaga.contracts.timer import TimerKind
from siaga.escalation.case import NOTHING, Answered, Call, CallStatus, Case, Due, EventKind, Seen, Sent, TookIn
from siaga.escalation.moves import Move, bars, told_calls
from siaga.escalation.oncall import Callee, receivers, rung

S = EscalationState
E = EventKind
R = EscalationReason

#: Leases that somebody may have at once who says how long they need.
LONGEST_LEASE: Final = 2.0

# -- the incident ----------------------------------------------------------------------------------------------------


def opened(move: Move, event: Seen) -> None:
    """A new incident: the first level, or the command centre's queue."""
    _begin(move, R.OPENED)


def reopened(move: Move, event: Seen) -> None:
    """Another generation: it climbs from the first level, with the policy and roster of the day."""
    move.cancel_waiting()
    move.set(told=told_calls(move.case))
    move.set(
        subject=event.subject,
        generation=event.generation,
        level=0,
        round=0,
        due_at=None,
        due_kind=None,
        holder=None,
        held_until=None,
        handed_to=None,
        led_by=None,
        gravest=NOTHING,
        declined=(),
        calls=(),
        opened_at=move.now,
    )
    _begin(move, R.REOPENED)


def _begin(move: Move, reason: EscalationReason) -> None:
    severity = move.case.subject.severity
    if move.policy.pages(severity):
        move.climb(1, reason, anew=True)
    else:
        move.queue(R.SEVERITY_LOGGED if severity > 4 else R.SEVERITY_QUEUES)


def changed(move: Move, event: Seen) -> None:
    """Something that calls nobody by itself."""
    move.set(subject=event.subject)
    case = move.case
    if case.state is S.QUEUED and not move.policy.pages(event.subject.severity):
        reason = R.SEVERITY_LOGGED if event.subject.severity > 4 else R.SEVERITY_QUEUES
        move.set(reason=reason, gravest=event.subject.severity)
    elif case.state.is_paging and case.due_at is not None:
        # What fell and rose again waits no longer than what it is now.
        move.set(
            due_at=min(case.due_at, max(move.now, case.updated_at) + move.policy.deadline(case.subject.severity))
        )


def rose(move: Move, event: Seen) -> None:
    """Called again at the level it now deserves; whoever has taken it is told as well."""
    move.set(subject=event.subject)
    also = move.officer(move.case.holder)
    if move.case.state is S.EXHAUSTED:
        move.exhaust(R.SEVERITY_ROSE, also)
        return
    level = move.case.level and max(move.case.level, move.policy.raised_level(event.subject.severity))
    move.climb(max(level, 1), R.SEVERITY_ROSE, anew=True, also=also)


def fell(move: Move, event: Seen) -> None:
    """It is not grave enough any more to call anybody."""
    move.set(subject=event.subject)
    move.queue(R.SEVERITY_FELL)


def accused(move: Move, event: Seen) -> None:
    """A unit is accused from now on: its people are out of it, and oversight is called in."""
    move.set(subject=event.subject)
    case = move.case
    barred = [call.officer_id for call in case.calls if bars(move.case, move.roster, call.officer_id, call.agency)]
    move.cancel_waiting(barred)
    for officer_id in dict.fromkeys(barred):
        move.note(R.ACCUSED_UNIT, officer_id=officer_id)
    if case.state.is_over:
        return
    if case.level and event.subject.severity < case.gravest:
        move.set(level=max(case.level, move.policy.raised_level(event.subject.severity)))
    called = {call.officer_id for call in case.calls}
    first = rung(move.roster, move.policy, move.case.query, move.now, 1).callees
    oversight = [callee for callee in first if callee.officer.officer_id not in called]
    move.again(R.UNIT_ACCUSED, also=(*move.officer(case.holder), *oversight))
    if case.handed_to is not None and not receivers(move.roster, move.case.query, case.handed_to, move.now).callees:
        move.set(handed_to=None)


def closed(move: Move, event: Seen) -> None:
    """It is over; where it was refuted, whoever was told of it is told that it was not so."""
    state, reason = _ENDS[event.kind]
    move.cancel_waiting()
    move.set(subject=event.subject, state=state, reason=reason, due_at=None, due_kind=None, handed_to=None)
    move.note(reason)
    if event.kind is E.REFUTED:
        move.retract()


_ENDS: Final = {
    E.RESOLVED: (S.RESOLVED, R.RESOLVED),
    E.DISMISSED: (S.DISMISSED, R.DISMISSED),
    E.REFUTED: (S.DISMISSED, R.REFUTED),
    E.MERGED: (S.MERGED, R.MERGED),
}


def took_in(move: Move, event: TookIn) -> None:
    """Another incident is part of it: whoever was called about that one is called about this one, which climbs on
    from the level that was reached for either. Where somebody has taken it, they are only listed."""
    theirs, case = event.case, move.case
    move.remember(told_calls(theirs))
    if theirs.state is S.QUEUED:
        return
    asked = {call.officer_id for call in case.this_round() if call.status.may_be_answered} | {case.holder}
    also: list[Callee] = []
    for officer_id in _on_it(theirs):
        if officer_id in asked:
            continue
        callees = move.officer(officer_id) if case.state.is_paging else ()
        if not callees:
            barred = bars(case, move.roster, officer_id)
            move.note(R.ACCUSED_UNIT if barred else R.TOOK_IN, officer_id=officer_id)
        also += callees
    if case.state is S.PAGING and theirs.state is S.EXHAUSTED:
        move.exhaust(R.TOOK_IN, also)
    elif case.state is S.PAGING and theirs.state.is_paging and theirs.level > case.level:
        move.climb(theirs.level, R.TOOK_IN, also=also)
    else:
        move.call(also, R.TOOK_IN)


def _on_it(case: Case) -> list[str]:
    """Who was called in this round and may still come, and who has taken it."""
    called = [
        call.officer_id
        for call in case.this_round()
        if call.status.may_be_answered and call.purpose is not Purpose.RETRACTION
    ]
    held = [] if case.holder is None else [case.holder]
    return [officer_id for officer_id in dict.fromkeys((*held, *called)) if officer_id not in case.declined]


# -- people ----------------------------------------------------------------------------------------------------------


def taken(move: Move, event: Answered) -> None:
    """Somebody takes it: a lease. What still waits to be sent is not sent any more."""
    case = move.case
    reason = R.ON_MY_WAY if event.kind is E.ON_MY_WAY else R.TAKEN
    if event.with_cluster:
        reason = R.TAKEN_WITH_CLUSTER
    elif case.handed_to is not None and _receives(move, event.by):
        reason = R.ACCEPTED
        if move.roster.units(case.handed_to, case.subject.district):
            move.set(led_by=case.handed_to)
    move.cancel_waiting()
    # Whoever says that they need 45 minutes has them, up to twice the lease.
    lease = min(max(move.policy.lease, event.seconds), LONGEST_LEASE * move.policy.lease)
    _hold(move, event.by, S.ACKNOWLEDGED, TimerKind.LEASE, lease)
    move.set(reason=reason, handed_to=None)
    move.note(reason, officer_id=event.by)


def _hold(move: Move, by: str, state: EscalationState, kind: TimerKind, seconds: float) -> None:
    until = move.now + seconds
    move.set(state=state, holder=by, held_until=until, due_at=until, due_kind=kind)


def _receives(move: Move, officer_id: str) -> bool:
    to, home = move.case.handed_to, move.roster.agency_of(officer_id)
    return to == officer_id or (home is not None and to in (home.agency, home.kind))


def acted(move: Move, event: Answered) -> None:
    """Any act on it renews the lease."""
    until = max(move.now + move.policy.lease, move.case.held_until or 0.0)
    move.set(held_until=until, due_at=until)
    move.note(R.RENEWED, officer_id=event.by)


def cannot(move: Move, event: Answered) -> None:
    """Somebody cannot: the others of the level may; where nobody is left, the next level is called at once."""
    case = move.case
    move.note(R.DECLINED, officer_id=event.by)
    if case.handed_to is not None and _receives(move, event.by):
        move.set(handed_to=None)
        move.again(R.DECLINED, also=move.officer(case.holder), but=event.by)
        return
    if case.holder is not None:
        if case.holder == event.by:
            move.again(R.DECLINED, but=event.by)
        return
    move.set(declined=tuple(dict.fromkeys((*case.declined, event.by))))
    if case.state is S.PAGING and event.by in {call.officer_id for call in case.current()}:
        _climb_if_nobody_is_left(move, R.EVERYBODY_DECLINED)


def _climb_if_nobody_is_left(move: Move, reason: EscalationReason) -> None:
    case = move.case
    left = [c for c in case.current() if c.status.may_be_answered and c.officer_id not in case.declined]
    if not left:
        move.climb(case.level + 1, reason)


def escalate(move: Move, event: Answered) -> None:
    """Somebody asks for the next level; they need not be called again themselves."""
    move.note(R.ASKED_TO_ESCALATE, officer_id=event.by)
    if move.case.state is S.QUEUED:
        move.climb(1, R.ASKED_TO_ESCALATE, anew=True)
    else:
        move.set(handed_to=None)
        anew = move.case.holder is not None
        move.climb(move.case.level + 1, R.ASKED_TO_ESCALATE, anew=anew, but=event.by if anew else None)


def hand_off(move: Move, event: Answered) -> None:
    """Somebody else is asked to take it; the sender's clock runs on until they accept."""
    case, to = move.case, event.to
    if to is None or to == case.holder:
        return
    found = receivers(move.roster, case.query, to, move.now)
    for one in found.skipped:
        move.note(one.reason, officer_id=one.officer_id, desk=str(one.desk))
    if not found.callees:
        return
    deadline = move.now + move.policy.deadline(case.subject.severity)
    due_at = deadline if case.due_at is None else min(case.due_at, deadline)
    move.set(
        state=S.HANDED_OFF,
        reason=R.HANDED_OFF,
        round=case.round + 1,
        declined=(),
        handed_to=to,
        due_at=due_at,
        due_kind=TimerKind.DEADLINE,
    )
    move.call(found.callees, R.HANDED_OFF, purpose=Purpose.HANDOFF)


def snooze(move: Move, event: Answered) -> None:
    """Somebody takes it and asks to be called again; no longer than the policy allows."""
    move.cancel_waiting()
    _hold(move, event.by, S.SNOOZED, TimerKind.SNOOZE, min(event.seconds, move.policy.snooze))
    move.set(reason=R.SNOOZED, handed_to=None)
    move.note(R.SNOOZED, officer_id=event.by)


# -- time ------------------------------------------------------------------------------------------------------------


def deadline(move: Move, event: Due) -> None:
    """Nobody answered in time: one level up, however long ago it was due."""
    case = move.case
    if case.state is S.EXHAUSTED:
        move.exhaust(R.UNACKNOWLEDGED)
    elif case.state is S.HANDED_OFF and (case.holder is not None or not move.policy.pages(case.subject.severity)):
        move.again(R.DEADLINE_PASSED, also=move.officer(case.holder))
    else:
        move.climb(case.level + 1, R.DEADLINE_PASSED)


def lease(move: Move, event: Due) -> None:
    """Whoever took it did nothing since, or asked to be called again: it pages again, them as well."""
    reason = R.LEASE_ENDED if event.kind is E.LEASE_DUE else R.SNOOZE_ENDED
    move.again(reason, also=move.officer(move.case.holder))


# -- the notifier ----------------------------------------------------------------------------------------------------


def page_sent(move: Move, event: Sent) -> None:
    """A provider took it, or the notifier let it be: it was answered or closed meanwhile."""
    status = CallStatus.ACCEPTED if event.kind is E.PAGE_SENT else CallStatus.CANCELLED
    if _call(move, event).status in (CallStatus.MADE, CallStatus.WAITING, CallStatus.RECALLED):
        move.mark(event.page_id, status)


def _call(move: Move, event: Sent) -> Call:
    return next(call for call in move.case.calls if call.page_id == event.page_id)


def page_failed(move: Move, event: Sent) -> None:
    """A channel failed for good, or has to wait: the officer's next one; nobody reached, the next level at once."""
    case = move.case
    call = _call(move, event)
    status = CallStatus.FAILED if event.kind is E.PAGE_FAILED else CallStatus.WAITING
    if call.status in (CallStatus.FAILED, status):
        return
    move.mark(event.page_id, status)
    is_current = (call.level, call.round) == (case.level, case.round) and case.state.is_paging
    retracts = call.purpose is Purpose.RETRACTION
    if (not is_current and not retracts) or bars(move.case, move.roster, call.officer_id, call.agency):
        return
    if not move.call_next_channel(call) and case.state is S.PAGING and not retracts:
        _climb_if_nobody_is_left(move, R.EVERY_CHANNEL_FAILED)
