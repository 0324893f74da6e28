"""Who would be called about an incident, in which order, and why: one home for the answer.

Input: a roster, a policy, a moment and what the incident is. Output: the levels with the officers to call and, for
each who is passed over, the reason. Pure; the machine asks it level by level, ``siaga oncall`` for all at once.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from siaga.contracts.escalation import EscalationReason
from siaga.contracts.roster import OfficerEntry
from siaga.escalation.conflict import is_conflicted
from siaga.escalation.policy import LEAD, Desk, Policy
from siaga.escalation.roster import Roster, Seat


@dataclass(frozen=True, slots=True)
class Query:
    """What the answer depends on besides policy and roster. ``lead`` is the leading agency's code."""

    district: str
    lead: str
    #: The unit accused, or all of them where there are several.
    accused_unit: str | tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Callee:
    """An officer to call. ``desk`` is why: the policy's desk that they sit at."""

    officer: OfficerEntry
    agency: str
    desk: Desk
    stands_in: bool = False


@dataclass(frozen=True, slots=True)
class Skipped:
    """A desk, or one officer at it, that is not called, and why."""

    desk: Desk
    reason: EscalationReason
    officer_id: str | None = None


@dataclass(frozen=True, slots=True)
class Rung:
    """One level as it stands at a moment. ``number`` is 1 for the first; 0 for the fallback past the last."""

    number: int
    callees: tuple[Callee, ...]
    skipped: tuple[Skipped, ...]


@dataclass(frozen=True, slots=True)
class OnCall:
    """The whole climb."""

    levels: tuple[Rung, ...]
    fallback: Rung
    paged: bool
    mediators: tuple[OfficerEntry, ...] = ()


def oncall(
    roster: Roster, policy: Policy, query: Query, at: float, *, severity: int, kind: str, village: str | None = None
) -> OnCall:
    """Everybody who would be called at ``at`` (epoch seconds), level by level, if nobody ever answered."""
    return OnCall(
        levels=tuple(rung(roster, policy, query, at, level) for level in range(1, len(policy.levels) + 1)),
        fallback=last_resort(roster, policy, query, at),
        paged=policy.pages(severity),
        mediators=mediators(roster, policy, query, kind=kind, village=village),
    )


def rung(roster: Roster, policy: Policy, query: Query, at: float, level: int) -> Rung:
    """Who is called at ``level`` (1 is the first) at ``at``.

    Where a unit is accused, oversight joins the first level: the lead that the incident has already been given is
    one desk, and it may be empty.
    """
    seated = [_seated(roster, query, desk, at) for desk in policy.levels[level - 1].desks]
    if level == 1 and query.accused_unit is not None:
        seated.append(_oversight(roster, policy, query, at))
    return _rung(level, seated)


def last_resort(roster: Roster, policy: Policy, query: Query, at: float) -> Rung:
    """Who is called past the last level: the last again, the fallback desk and, for an accused unit, oversight."""
    seated = [_seated(roster, query, desk, at) for desk in (*policy.levels[-1].desks, *policy.fallback)]
    if query.accused_unit is not None:
        seated.append(_oversight(roster, policy, query, at))
    return _rung(0, seated)


def receivers(roster: Roster, query: Query, to: str, at: float) -> Rung:
    """Who is asked to take over when an incident is handed to ``to``: an agency's duty desk, else one officer."""
    seat = roster.seat_of(to)
    if seat is None or roster.units(to, query.district):
        return _rung(0, [_seated(roster, query, Desk(to, "duty"), at)])
    return _rung(0, [_sift([seat], Desk(seat.home.agency, seat.role), query)])


def mediators(
    roster: Roster, policy: Policy, query: Query, *, kind: str, village: str | None
) -> tuple[OfficerEntry, ...]:
    """The Bhabinkamtibmas to offer, none of whom belongs to the accused unit."""
    if village is None or not policy.mediates(kind):
        return ()
    return tuple(seat.officer for seat in roster.mediators(village) if not _conflicted(seat, query.accused_unit))


def _seated(roster: Roster, query: Query, desk: Desk, at: float) -> tuple[list[Callee], list[Skipped]]:
    asked = Desk(query.lead, desk.role) if desk.agency == LEAD else desk
    if not roster.has_desk(asked, query.district):
        return [], [Skipped(asked, EscalationReason.NO_SUCH_DESK)]
    seats = roster.on_duty(asked, query.district, at)
    if not seats:
        return [], [Skipped(asked, EscalationReason.NOBODY_ON_DUTY)]
    return _sift(seats, asked, query)


def _sift(seats: Iterable[Seat], desk: Desk, query: Query) -> tuple[list[Callee], list[Skipped]]:
    callees, skipped = [], []
    for seat in seats:
        if _conflicted(seat, query.accused_unit):
            skipped.append(Skipped(desk, EscalationReason.ACCUSED_UNIT, seat.officer.officer_id))
        elif not seat.officer.channels:
            skipped.append(Skipped(desk, EscalationReason.NO_CHANNEL, seat.officer.officer_id))
        else:
            callees.append(Callee(seat.officer, seat.officer.agency, desk, seat.stands_in))
    return callees, skipped


def _conflicted(seat: Seat, accused_unit: str | tuple[str, ...] | None) -> bool:
    """By the desk they sit at or by the unit they belong to: an officer lent to another unit stays who they are."""
    return any(is_conflicted(unit.agency, unit.kind, accused_unit) for unit in (seat.agency, seat.home))


def _oversight(roster: Roster, policy: Policy, query: Query, at: float) -> tuple[list[Callee], list[Skipped]]:
    """The first oversight desk that has somebody; those before it with why not."""
    skipped: list[Skipped] = []
    for desk in policy.oversight:
        callees, passed = _seated(roster, query, desk, at)
        skipped += passed
        if callees:
            return callees, skipped
    return [], skipped


def _rung(number: int, seated: Iterable[tuple[list[Callee], list[Skipped]]]) -> Rung:
    callees: dict[str, Callee] = {}
    skipped: list[Skipped] = []
    for found, passed in seated:
        skipped += passed
        for callee in found:
            first = callees.setdefault(callee.officer.officer_id, callee)
            if first is not callee and first.desk != callee.desk:
                skipped.append(
                    Skipped(callee.desk, EscalationReason.PAGED_AT_ANOTHER_DESK, callee.officer.officer_id)
                )
    return Rung(number, tuple(callees.values()), tuple(dict.fromkeys(skipped)))
