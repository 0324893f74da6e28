"""Spread: a cluster pages once. Who is being called for it already, and who has taken it.

Input: the cases of a district. Output: a judgement. State: none. Drills are apart from the real thing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from siaga.contracts.escalation import EscalationState
from siaga.contracts.page import Purpose
from siaga.escalation.case import Call, CallStatus, Case

_CALLING = (CallStatus.MADE, CallStatus.ACCEPTED, CallStatus.WAITING, CallStatus.FOLDED, CallStatus.DIGESTED)


def mates(case: Case, cases: Iterable[Case]) -> Iterator[Case]:
    """The other cases of the same cluster that are not over."""
    subject = case.subject
    if subject.cluster_id is None:
        return
    for other in cases:
        theirs = other.subject
        same = theirs.cluster_id == subject.cluster_id and theirs.drill == subject.drill
        if same and theirs.incident_id != subject.incident_id and not other.state.is_over:
            yield other


def is_called_already(case: Case, call: Call, cases: Iterable[Case]) -> bool:
    """Whether the officer is being called for the same cluster at this moment, about something as grave.

    Only a call of a round that still waits for an answer counts, so that members of a cluster never keep each other
    silent: somebody has been called for it and the clock runs.
    """
    if call.purpose not in (Purpose.PAGE, Purpose.VERIFY):
        return False
    for other in mates(case, cases):
        if not other.state.is_paging:
            continue
        for theirs in other.this_round():
            if (
                theirs.officer_id == call.officer_id
                and theirs.cluster_id == call.cluster_id
                and theirs.severity <= call.severity
                and theirs.purpose in (Purpose.PAGE, call.purpose)
                and theirs.status in _CALLING
            ):
                return True
    return False


def holder_of(case: Case, cases: Iterable[Case]) -> str | None:
    """Who has taken the cluster as something at least as grave, or None."""
    for other in mates(case, cases):
        if other.state is EscalationState.ACKNOWLEDGED and other.gravest <= case.subject.severity:
            return other.holder
    return None
