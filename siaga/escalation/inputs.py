"""What a command, a page result and a deadline mean to a case, and the timer that a case waits for.

Input: contracts. Output: the events of :mod:`siaga.escalation.case`. State: none.
"""

from __future__ import annotations

from typing import Final

from siaga.contracts.command import Action, Command
from siaga.contracts.page_result import PageResult, PageStatus
from siaga.contracts.timer import Timer, TimerKind
from siaga.escalation.case import Answered, CallStatus, Case, Due, EventKind, Sent, TookIn
from siaga.escalation.roster import Roster
from siaga.escalation.snapshot import moment

_ANSWERS: Final = {
    Action.ACKNOWLEDGE: EventKind.TAKEN,
    Action.ACCEPT: EventKind.TAKEN,
    Action.ON_MY_WAY: EventKind.ON_MY_WAY,
    Action.CANNOT: EventKind.CANNOT,
    Action.ESCALATE: EventKind.ESCALATE,
    Action.HAND_OFF: EventKind.HAND_OFF,
    Action.SNOOZE: EventKind.SNOOZE,
    Action.NOTE: EventKind.ACTED,
    Action.VERIFY: EventKind.ACTED,
    Action.OVERRIDE: EventKind.ACTED,
    Action.SPLIT: EventKind.ACTED,
}
_DUE: Final = {
    TimerKind.DEADLINE: EventKind.DEADLINE_DUE,
    TimerKind.LEASE: EventKind.LEASE_DUE,
    TimerKind.SNOOZE: EventKind.SNOOZE_DUE,
}
#: What becomes of a call by what happened to its page.
STATUS: Final = {
    EventKind.PAGE_SENT: CallStatus.ACCEPTED,
    EventKind.PAGE_FAILED: CallStatus.FAILED,
    EventKind.PAGE_WAITS: CallStatus.WAITING,
    EventKind.PAGE_DROPPED: CallStatus.CANCELLED,
}


def answer_of(command: Command, case: Case, roster: Roster, speed: float) -> Answered | None:
    """What a command means; None where it comes as the incident's snapshot (it closes or reopens it).

    ``speed`` divides the minutes that people name, as it does every duration of a demonstration.
    """
    if command.action is Action.ASSIGN:
        # Whoever is assigned is asked like a receiver; somebody the roster does not know cannot be called.
        to = command.assignee
        asked = to is not None and to != case.holder and roster.officer(to) is not None
        return Answered(EventKind.HAND_OFF if asked else EventKind.ACTED, command.by, to=to if asked else None)
    kind = _ANSWERS.get(command.action)
    if kind is None:
        return None
    return Answered(kind, command.by, to=command.agency, seconds=(command.minutes or 0) * 60.0 / speed)


def took_in(case: Case) -> TookIn:
    """What it means to the incident that takes its reports, that ``case`` was merged."""
    return TookIn(EventKind.TOOK_IN, case)


def due_of(timer: Timer) -> Due:
    """What a timer of one incident means."""
    return Due(_DUE[timer.kind], timer.generation or 0, timer.level or 0, timer.round or 0)


def timer_of(case: Case, now: float) -> Timer | None:
    """The timer that a case waits for, noticed at ``now``; None where it waits for none."""
    if case.due_at is None or case.due_kind is None:
        return None
    return Timer.model_validate(
        {
            "schema_version": 1,
            "district": case.subject.district,
            "kind": case.due_kind,
            "due_at": moment(case.due_at),
            "at": moment(now),
            "incident_id": case.subject.incident_id,
            "generation": case.generation,
            "level": case.level,
            "round": case.round,
        }
    )


def digest_timer(district: str, due_at: float, now: float) -> Timer:
    """The timer of a district's digests, noticed at ``now``."""
    return Timer(schema_version=1, district=district, kind=TimerKind.DIGEST, due_at=moment(due_at), at=moment(now))


def sent_of(result: PageResult) -> Sent | None:
    """What a page's result means; None where another will follow."""
    if result.needs_next_channel:
        failed = result.status is PageStatus.FAILED
        return Sent(EventKind.PAGE_FAILED if failed else EventKind.PAGE_WAITS, str(result.page_id))
    match result.status:
        case PageStatus.ACCEPTED | PageStatus.DELIVERED:
            return Sent(EventKind.PAGE_SENT, str(result.page_id))
        case PageStatus.SUPPRESSED:
            return Sent(EventKind.PAGE_DROPPED, str(result.page_id))
        case _:
            return None
