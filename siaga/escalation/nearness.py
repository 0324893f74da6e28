"""What a clock that was ahead leaves behind, once it was set right: deadlines that nobody could have set now.

Input: a case and its policy, the time (epoch seconds). Output: the case, due no later than it could be. Pure.
"""

from __future__ import annotations

from dataclasses import replace

from siaga.contracts.timer import TimerKind
from siaga.escalation.case import Case
from siaga.escalation.handlers import LONGEST_LEASE
from siaga.escalation.policy import Policy


def drawn_near(case: Case, policy: Policy, now: float) -> Case:
    """``case``, due no later than it could be if that had been set at ``now``: nobody waits for the difference."""
    if case.due_at is None or case.due_kind is None:
        return case
    latest = (
        now
        + {
            TimerKind.DEADLINE: policy.deadline(case.subject.severity),
            TimerKind.LEASE: LONGEST_LEASE * policy.lease,
            TimerKind.SNOOZE: policy.snooze,
        }[case.due_kind]
    )
    if case.due_at <= latest:
        return case
    return replace(case, due_at=latest, held_until=case.held_until if case.due_kind is TimerKind.DEADLINE else latest)
