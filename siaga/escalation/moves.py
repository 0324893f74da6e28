"""The moves that an escalation is made of: call a level, climb, skip, exhaust, cancel, retract.

Input: a case, the policy and roster it is decided with, the time. Output: the new case and its effects, gathered
while a handler of :mod:`siaga.escalation.machine` makes its moves.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any
from uuid import UUID

from siaga.contracts.escalation import EscalationReason, EscalationState
from siaga.contracts.page import Purpose, page_id_of
from siaga.contracts.timer import TimerKind
from siaga.escalation.case import MOST_CALLS, Call, CallOut, CallStatus, Cancel, Case, Effect, Note
from siaga.escalation.conflict import is_conflicted
from siaga.escalation.oncall import Callee, Rung, Skipped, last_resort, rung
from siaga.escalation.policy import Desk, Policy
from siaga.escalation.roster import Roster


class Move:
    """One transition in the making."""

    def __init__(self, case: Case, policy: Policy, roster: Roster, now: float) -> None:
        self.case = case
        self.policy = policy
        self.roster = roster
        self.now = now
        self.effects: list[Effect] = []

    def set(self, **changes: Any) -> None:
        """Change fields of the case."""
        self.case = replace(self.case, **changes)

    def note(self, reason: EscalationReason, **about: Any) -> None:
        """Write down why."""
        about.setdefault("level", self.case.level)
        self.effects.append(Note(reason=reason, round=self.case.round, **about))

    # -- climbing ---------------------------------------------------------------------------------------------------

    def climb(
        self,
        level: int,
        reason: EscalationReason,
        *,
        anew: bool = False,
        also: Iterable[Callee] = (),
        but: str | None = None,
    ) -> None:
        """Call ``level``, or the next one that somebody can be reached at; past the last, everybody left to call.

        Args:
            level: where to begin; 1 is the first.
            reason: why.
            anew: begin another round: levels may be called that this round has called.
            also: officers to call besides, wherever that is.
            but: with ``anew``, an officer who has just said that they cannot.
        """
        if anew:
            self.set(round=self.case.round + 1, declined=() if but is None else (but,))
        also = tuple(also)
        for number in range(max(level, 1), len(self.policy.levels) + 1):
            found = rung(self.roster, self.policy, self.case.query, self.now, number)
            callees = self._willing(found)
            if callees:
                self._enter(EscalationState.PAGING, number, reason)
                self.call((*callees, *also), reason)
                return
            self.note(EscalationReason.LEVEL_SKIPPED, level=number)
        self.exhaust(EscalationReason.LEVELS_EXHAUSTED, also)

    def exhaust(self, reason: EscalationReason, also: Iterable[Callee] = ()) -> None:
        """Past the last level: call it again with the fallback desk. Loud, and for as long as nobody answers."""
        self.set(round=self.case.round + 1, declined=())
        found = last_resort(self.roster, self.policy, self.case.query, self.now)
        self._enter(EscalationState.EXHAUSTED, len(self.policy.levels), reason)
        self.note(reason)
        self._note_skipped(found.skipped, self.case.level)
        self.call((*found.callees, *also), reason)

    def again(self, reason: EscalationReason, *, also: Iterable[Callee] = (), but: str | None = None) -> None:
        """Call anew from the level that it stands at; what is not paged waits at the command centre."""
        if not self.policy.pages(self.case.subject.severity):
            self.queue(reason)
        elif self.case.state is EscalationState.EXHAUSTED:
            self.exhaust(reason, also)
        else:
            self.climb(max(self.case.level, 1), reason, anew=True, also=also, but=but)

    def queue(self, reason: EscalationReason) -> None:
        """Nobody is called: it waits at the command centre, or is only logged."""
        self.cancel_waiting()
        self.set(
            state=EscalationState.QUEUED,
            reason=reason,
            level=0,
            due_at=None,
            due_kind=None,
            holder=None,
            held_until=None,
            gravest=self.case.subject.severity,
        )
        self.note(reason)

    def _enter(self, state: EscalationState, level: int, reason: EscalationReason) -> None:
        severity = self.case.subject.severity
        self.set(
            state=state,
            reason=reason,
            level=level,
            holder=None,
            held_until=None,
            due_at=self.now + self.policy.deadline(severity),
            due_kind=TimerKind.DEADLINE,
            gravest=min(self.case.gravest, severity),
        )

    def _willing(self, found: Rung) -> list[Callee]:
        self._note_skipped(found.skipped, found.number)
        callees = []
        for callee in found.callees:
            officer_id = callee.officer.officer_id
            if officer_id in self.case.declined:
                desk = str(callee.desk)
                self.note(EscalationReason.DECLINED, level=found.number, officer_id=officer_id, desk=desk)
            else:
                callees.append(callee)
        return callees

    def _note_skipped(self, skipped: Iterable[Skipped], level: int) -> None:
        for one in skipped:
            self.note(one.reason, level=level, officer_id=one.officer_id, desk=str(one.desk))

    # -- calling ----------------------------------------------------------------------------------------------------

    def call(self, callees: Iterable[Callee], reason: EscalationReason, *, purpose: Purpose | None = None) -> None:
        """Call officers, each over the first of their channels and once."""
        seen: set[str] = set()
        for callee in callees:
            officer = callee.officer
            if officer.officer_id in seen:
                continue
            seen.add(officer.officer_id)
            channel = officer.channels[0]
            self._call(
                Call(
                    page_id="",
                    officer_id=officer.officer_id,
                    agency=callee.agency,
                    channel=channel.name,
                    channel_kind=channel.kind,
                    language=officer.language,
                    cleared=officer.cleared,
                    generation=self.case.generation,
                    level=self.case.level,
                    round=self.case.round,
                    severity=self.case.subject.severity,
                    purpose=purpose or self.case.purpose,
                    reason=reason,
                    at=self.now,
                    answer_by=self.case.due_at,
                    cluster_id=self.case.subject.cluster_id,
                ),
                desk=str(callee.desk),
            )

    def call_next_channel(self, failed: Call) -> bool:
        """Try an officer over the next of their channels; answers whether there is one left."""
        officer = self.roster.officer(failed.officer_id)
        tried = {
            call.channel
            for call in self.case.calls
            if (call.officer_id, call.level, call.round) == (failed.officer_id, failed.level, failed.round)
            and (call.purpose is Purpose.RETRACTION) == (failed.purpose is Purpose.RETRACTION)
        }
        left = [] if officer is None else [channel for channel in officer.channels if channel.name not in tried]
        if not left:
            about = {"officer_id": failed.officer_id, "page_id": failed.page_id}
            self.note(EscalationReason.EVERY_CHANNEL_FAILED, level=failed.level, **about)
            return False
        self._call(
            replace(
                failed,
                channel=left[0].name,
                channel_kind=left[0].kind,
                reason=EscalationReason.CHANNEL_FAILED,
                at=self.now,
                status=CallStatus.MADE,
            )
        )
        return True

    def retract(self) -> None:
        """Tell exactly those who were paged that it was not so; nobody of a unit that it accuses."""
        told = {call.officer_id: call for call in told_calls(self.case)}
        self.set(
            told=(),
            calls=tuple(
                replace(call, status=CallStatus.RETRACTED) if call.purpose is not Purpose.RETRACTION else call
                for call in self.case.calls
            ),
        )
        for call in told.values():
            if bars(self.case, self.roster, call.officer_id, call.agency):
                self.note(EscalationReason.ACCUSED_UNIT, level=call.level, officer_id=call.officer_id)
                continue
            self._call(
                replace(
                    call,
                    purpose=Purpose.RETRACTION,
                    reason=EscalationReason.REFUTED,
                    generation=self.case.generation,
                    at=self.now,
                    answer_by=None,
                    status=CallStatus.MADE,
                    refers_to=call.refers_to or call.page_id,
                )
            )

    def _call(self, call: Call, desk: str | None = None) -> None:
        page_id = page_id_of(
            incident=UUID(self.case.subject.incident_id),
            generation=call.generation,
            level=call.level,
            round_=call.round,
            officer=call.officer_id,
            channel=call.channel,
            purpose=call.purpose,
        )
        call = replace(call, page_id=str(page_id))
        calls = (*self.case.calls, call)
        if len(calls) > MOST_CALLS:
            dropped, calls = calls[:-MOST_CALLS], calls[-MOST_CALLS:]
            self.set(told=_latest((*self.case.told, *(old for old in dropped if old.status.has_told))))
        self.set(calls=calls)
        self.effects.append(CallOut(call))
        self.note(
            call.reason,
            level=call.level,
            officer_id=call.officer_id,
            channel=call.channel,
            page_id=call.page_id,
            desk=desk,
        )

    # -- the opposite of calling ------------------------------------------------------------------------------------

    def cancel_waiting(self, only: Iterable[str] | None = None) -> None:
        """Have no page sent that still waits to be, retractions apart; ``only`` names who gets nothing at all."""
        officers = None if only is None else set(only)
        calls = []
        for call in self.case.calls:
            retracts = call.purpose is Purpose.RETRACTION
            concerned = not retracts if officers is None else call.officer_id in officers
            after = call
            if concerned and call.status is CallStatus.FOLDED:
                after = replace(call, status=CallStatus.CANCELLED)
            elif concerned and call.status in (CallStatus.MADE, CallStatus.WAITING):
                after = replace(call, status=CallStatus.RECALLED)
            if after is not call:
                self.effects.append(Cancel(call.page_id))
            calls.append(after)
        self.set(calls=tuple(calls))

    def mark(self, page_id: str, status: CallStatus) -> None:
        """Remember what became of a call."""
        self.set(
            calls=tuple(replace(call, status=status) if call.page_id == page_id else call for call in self.case.calls)
        )

    # -- who --------------------------------------------------------------------------------------------------------

    def remember(self, told: Iterable[Call]) -> None:
        """Those who were told through these calls are to be told as well where it was not so."""
        self.set(told=_latest((*told, *self.case.told)))

    def officer(self, officer_id: str | None) -> tuple[Callee, ...]:
        """An officer to be called besides, where they can be and may be."""
        seat = None if officer_id is None else self.roster.seat_of(officer_id)
        if seat is None or not seat.officer.channels or bars(self.case, self.roster, seat.officer.officer_id):
            return ()
        return (Callee(seat.officer, seat.home.agency, Desk(seat.home.agency, seat.role)),)


def bars(case: Case, roster: Roster, officer_id: str, agency: str | None = None) -> bool:
    """Whether an officer belongs to the accused unit. ``agency`` is theirs where the roster may not know them."""
    accused = case.subject.accused
    home = roster.agency_of(officer_id)
    if home is not None and is_conflicted(home.agency, home.kind, accused):
        return True
    return agency is not None and is_conflicted(agency, agency, accused)


def told_calls(case: Case) -> tuple[Call, ...]:
    """The last call of each officer who can have read of the incident."""
    told = (call for call in case.calls if call.status.has_told and call.purpose is not Purpose.RETRACTION)
    return _latest((*case.told, *told))


def _latest(calls: Iterable[Call]) -> tuple[Call, ...]:
    return tuple({call.officer_id: call for call in calls}.values())
