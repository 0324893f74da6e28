"""The digests of a district: which calls wait, when they are due, and the call that tells them.

Input: calls that are about to be made, and moments. State: one :class:`~siaga.escalation.storm.Gathering` an officer.
Output: digest calls to send and gatherings to write.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from uuid import UUID

from siaga.contracts.escalation import EscalationReason
from siaga.contracts.page import Purpose, page_id_of
from siaga.escalation.case import Call, CallStatus, Case
from siaga.escalation.policy import Policy, Storm
from siaga.escalation.roster import Roster
from siaga.escalation.storm import Gathering, flush, fold


class Digests:
    """All gatherings of a district."""

    def __init__(self) -> None:
        self.gatherings: dict[str, Gathering] = {}
        self._changed: dict[str, None] = {}
        self._out: list[tuple[Gathering, Call]] = []

    def fold(self, case: Case, call: Call, policy: Policy, now: float) -> bool:
        """Whether ``call`` waits for the digest of its officer."""
        fresh = Gathering(call.officer_id, case.subject.drill)
        gathering = self.gatherings.get(fresh.key, fresh)
        after, waits = fold(gathering, call, case.subject.incident_id, policy.storm, now)
        self._put(after)
        return waits

    @property
    def due_at(self) -> float | None:
        """When the next digest is due (epoch seconds), or None."""
        return min((g.due_at for g in self.gatherings.values() if g.due_at is not None), default=None)

    def due_for(self, case: Case, barred: Callable[[Case, str], bool]) -> float | None:
        """When the first digest is due that calls of ``case`` wait for (epoch seconds), or None.

        For the clock that knows only snapshots. ``barred(case, officer)`` is whether they may not be told.
        """
        if not case.state.is_paging:
            return None
        folded = {call.officer_id for call in case.this_round() if call.status is CallStatus.FOLDED}
        keys = [Gathering(officer, case.subject.drill).key for officer in folded if not barred(case, officer)]
        kept = [self.gatherings[key].due_at for key in keys if key in self.gatherings]
        return min((due_at for due_at in kept if due_at is not None), default=None)

    def flush(
        self, now: float, waiting_of: Callable[[str, str], Call | None], policy: Policy
    ) -> list[tuple[str, str, str]]:
        """Make the digests that are due; answers (incident, officer, digest's page) for each call that one tells.

        ``waiting_of(incident, officer)`` is the call that still waits for an answer and may be told. Asked before it
        is due, the digest before is told again unless a provider took it: a crash may have kept it from being told.
        """
        told = []
        for gathering in list(self.gatherings.values()):
            if gathering.due_at is None or gathering.due_at > now + 1e-3:
                self._out += [(gathering, call) for call in gathering.last if call.status is CallStatus.MADE]
                continue
            waiting = {
                incident_id: call
                for incident_id in gathering.scope
                if (call := waiting_of(incident_id, gathering.officer_id)) is not None
            }
            after = flush(gathering, set(waiting), policy.storm, now)
            if after.number > gathering.number:
                digest = _digest(after, waiting, now)
                after = replace(after, last=(digest,))
                self._out.append((after, digest))
                told += [(incident_id, gathering.officer_id, digest.page_id) for incident_id in after.told]
            self._put(after)
        return told

    def knows(self, page_id: str) -> bool:
        """Whether it is the page of a digest that was made last."""
        return any(call.page_id == page_id for g in self.gatherings.values() for call in g.last)

    def mark(self, page_id: str, status: CallStatus, roster: Roster, now: float) -> None:
        """Remember what became of a digest; one that failed is sent over the officer's next channel."""
        for gathering in list(self.gatherings.values()):
            call = next((call for call in gathering.last if call.page_id == page_id), None)
            if call is None:
                continue
            officer, tried = roster.officer(gathering.officer_id), {c.channel for c in gathering.last}
            left = [] if officer is None else [c for c in officer.channels if c.name not in tried]
            repeated = call.status is status
            last = tuple(replace(c, status=status) if c is call else c for c in gathering.last)
            if status in (CallStatus.FAILED, CallStatus.WAITING) and left and not repeated:
                following = _named(
                    replace(
                        call,
                        channel=left[0].name,
                        channel_kind=left[0].kind,
                        reason=EscalationReason.CHANNEL_FAILED,
                        at=now,
                        status=CallStatus.MADE,
                    ),
                    gathering.told[0],
                )
                last = (*last, following)
            after = replace(gathering, last=last)
            self._put(after)
            self._out += [(after, c) for c in last if c.status is CallStatus.MADE]

    def draw_near(self, storm: Storm, now: float) -> None:
        """Let no digest be due later than it could be, and no call have been made later than ``now``."""
        for gathering in list(self.gatherings.values()):
            due_at = None if gathering.due_at is None else min(gathering.due_at, now + storm.every)
            recent = tuple(min(at, now) for at in gathering.recent)
            self._put(replace(gathering, due_at=due_at, recent=recent))

    def settle(self) -> tuple[list[Gathering], list[tuple[Gathering, Call]]]:
        """Gatherings to write and digests to send."""
        changed, out = [self.gatherings[key] for key in self._changed], self._out
        self._changed, self._out = {}, []
        return changed, out

    def restore(self, gathering: Gathering) -> None:
        """Take in a gathering read back."""
        self.gatherings[gathering.key] = gathering

    def _put(self, gathering: Gathering) -> None:
        if self.gatherings.get(gathering.key) != gathering:
            self.gatherings[gathering.key] = gathering
            self._changed[gathering.key] = None


def _digest(gathering: Gathering, waiting: dict[str, Call], now: float) -> Call:
    """The call of a digest: to the officer as they were to be called for the first of its incidents."""
    first = waiting[gathering.told[0]]
    return _named(
        replace(
            first,
            level=0,
            round=gathering.number,
            severity=min(waiting[incident_id].severity for incident_id in gathering.told),
            purpose=Purpose.DIGEST,
            reason=EscalationReason.STORM_DIGEST,
            at=now,
            answer_by=None,
            status=CallStatus.MADE,
            refers_to=None,
        ),
        gathering.told[0],
    )


def _named(call: Call, incident_id: str) -> Call:
    page_id = page_id_of(
        incident=UUID(incident_id),
        generation=call.generation,
        level=call.level,
        round_=call.round,
        officer=call.officer_id,
        channel=call.channel,
        purpose=call.purpose,
    )
    return replace(call, page_id=str(page_id))
