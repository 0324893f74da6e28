"""Gaps before the day: desks and hours with nobody, officers in two places, and whom nothing reaches.

Input: a roster, a policy, the kinds there are, the districts that vote and the hours to look at. Output: findings,
each with what to do. Names no address.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import pairwise
from typing import Final

from siaga.contracts.page import ChannelKind
from siaga.contracts.roster import ChannelEntry, RosterEntry
from siaga.escalation.policy import LEAD, Desk, Policy
from siaga.escalation.roster import Roster
from siaga.escalation.snapshot import moment
from siaga.rules.taxonomy import Taxonomy

_PHONE: Final = re.compile(r"^\+[1-9]\d{7,14}$")
_MAIL: Final = re.compile(r"^[^@\s]+@[^@\s]+\.[^@\s.]+$")
_CHAT: Final = re.compile(r"^(-?\d{4,20}|@[A-Za-z0-9_]{5,32})$")
_ADDRESSES: Final = {
    ChannelKind.SMS: (_PHONE, "a number with its country, such as +628…"),
    ChannelKind.VOICE: (_PHONE, "a number with its country, such as +628…"),
    ChannelKind.WHATSAPP: (_PHONE, "a number with its country, such as +628…"),
    ChannelKind.EMAIL: (_MAIL, "a mail address"),
    ChannelKind.TELEGRAM: (_CHAT, "a chat's number or @name"),
    ChannelKind.WEBHOOK: (re.compile(r"^https?://[^\s/]+\S*$"), "a URL that begins with https://"),
    ChannelKind.NTFY: (
        re.compile(r"^(https?://[^\s/]+/\S+|[A-Za-z0-9_-]{1,64})$"),
        "a topic's name, or its URL that begins with https://",
    ),
}


class Trouble(StrEnum):
    """What is wrong."""

    NO_ROSTER = "no_roster"
    NO_SUCH_DESK = "no_such_desk"
    NOBODY_ON_DUTY = "nobody_on_duty"
    TWO_DUTIES = "two_duties"
    NO_CHANNEL = "no_channel"
    UNREACHABLE_CHANNEL = "unreachable_channel"


@dataclass(frozen=True, slots=True)
class Finding:
    """One gap. ``since`` and ``until`` are its hours, where it has any; ``districts`` whom it concerns."""

    trouble: Trouble
    message: str
    remedy: str
    desk: str | None = None
    districts: tuple[str, ...] = ()
    officer_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None


def check_roster(
    entry: RosterEntry,
    policy: Policy,
    taxonomy: Taxonomy,
    *,
    districts: Sequence[str],
    since: datetime,
    until: datetime,
) -> list[Finding]:
    """Everything that would leave somebody uncalled between ``since`` and ``until``.

    Args:
        entry: the roster.
        policy: whose desks have to be manned.
        taxonomy: whose lead agencies have to be.
        districts: codes of the districts that vote.
        since: the first moment to look at.
        until: the moment to look no further.
    """
    roster = Roster(entry)
    return [
        *_gaps(roster, policy, taxonomy, districts=districts, since=since.timestamp(), until=until.timestamp()),
        *_double_duties(entry, since, until),
        *_unreachable(entry),
    ]


def check_cover(areas: Iterable[str], districts: Iterable[str]) -> list[Finding]:
    """The districts that vote and lie in no roster's area: nobody is called there, whatever happens."""
    covering = tuple(areas)
    bare = tuple(sorted(district for district in districts if not district.startswith(covering)))
    if not bare:
        return []
    message = f"roster: none covers {_some(bare)}, so that nobody is called there"
    return [Finding(Trouble.NO_ROSTER, message, "write and load a roster of that area", districts=bare)]


def desks_of(policy: Policy, taxonomy: Taxonomy) -> list[Desk]:
    """Every desk that the policy calls, the lead agencies' among them."""
    leads = dict.fromkeys(kind.lead for kind in taxonomy.kinds.values())
    named = [*(desk for level in policy.levels for desk in level.desks), *policy.fallback, *policy.oversight]
    return list(
        dict.fromkeys(
            each
            for desk in named
            for each in ([Desk(lead, desk.role) for lead in leads] if desk.agency == LEAD else [desk])
        )
    )


def _gaps(
    roster: Roster,
    policy: Policy,
    taxonomy: Taxonomy,
    *,
    districts: Sequence[str],
    since: float,
    until: float,
) -> Iterable[Finding]:
    cuts = _cuts(roster.entry, since, until)
    for desk in desks_of(policy, taxonomy):
        missing = tuple(district for district in districts if not roster.has_desk(desk, district))
        if missing:
            yield Finding(
                Trouble.NO_SUCH_DESK,
                f"{desk}: no shift seats anybody there for {_some(missing)}",
                f"add shifts for {desk}, or take the desk out of the policy",
                desk=str(desk),
                districts=missing,
            )
        empty: dict[tuple[float, float], list[str]] = {}
        for district in districts:
            if district not in missing:
                for hours in _empty_hours(roster, desk, district, cuts):
                    empty.setdefault(hours, []).append(district)
        for (begins, ends), here in sorted(empty.items()):
            yield Finding(
                Trouble.NOBODY_ON_DUTY,
                f"{desk}: nobody is on duty for {_some(here)}",
                f"add a shift or an override for {desk}",
                desk=str(desk),
                districts=tuple(here),
                since=moment(begins),
                until=moment(ends),
            )


def _cuts(entry: RosterEntry, since: float, until: float) -> list[float]:
    """The moments at which somebody comes or goes; between two of them nothing changes."""
    turns = [(s.starts_at, s.ends_at) for s in entry.shifts] + [(o.starts_at, o.ends_at) for o in entry.overrides]
    moments = {at.timestamp() for turn in turns for at in turn}
    return sorted({since, until, *(at for at in moments if since < at < until)})


def _empty_hours(roster: Roster, desk: Desk, district: str, cuts: Sequence[float]) -> list[tuple[float, float]]:
    hours: list[tuple[float, float]] = []
    for begins, ends in pairwise(cuts):
        if roster.on_duty(desk, district, begins):
            continue
        if hours and hours[-1][1] == begins:
            hours[-1] = (hours[-1][0], ends)
        else:
            hours.append((begins, ends))
    return hours


def _double_duties(entry: RosterEntry, since: datetime, until: datetime) -> Iterable[Finding]:
    turns: dict[str, list[tuple[datetime, datetime, str]]] = {}
    for shift in entry.shifts:
        turns.setdefault(shift.officer_id, []).append(
            (shift.starts_at, shift.ends_at, f"{shift.agency}/{shift.role}")
        )
    for override in entry.overrides:
        desk = f"{override.agency}/{override.role}"
        turns.setdefault(override.officer_id, []).append((override.starts_at, override.ends_at, desk))
    for officer_id, theirs in turns.items():
        theirs.sort()
        told: set[tuple[str, str]] = set()
        for number, (begins, ends, desk) in enumerate(theirs):
            for other_begins, other_ends, other in theirs[number + 1 :]:
                if other_begins >= ends:
                    break
                first, last = max(begins, other_begins, since), min(ends, other_ends, until)
                if other == desk or first >= last or (desk, other) in told:
                    continue
                told.add((desk, other))
                yield Finding(
                    Trouble.TWO_DUTIES,
                    f"{officer_id}: sits at {desk} and at {other} at once",
                    "give one of the desks to somebody else",
                    desk=other,
                    officer_id=officer_id,
                    since=first,
                    until=last,
                )


def _unreachable(entry: RosterEntry) -> Iterable[Finding]:
    called = {s.officer_id for s in entry.shifts} | {o.officer_id for o in entry.overrides}
    called |= {m.officer_id for m in entry.mediators}
    for officer in entry.officers:
        if officer.officer_id in called and not officer.channels:
            yield Finding(
                Trouble.NO_CHANNEL,
                f"{officer.officer_id}: has a duty and no channel",
                "add a channel, or give the duty to somebody who can be reached",
                officer_id=officer.officer_id,
            )
        for channel in officer.channels:
            wanted = address_problem(channel)
            if wanted is not None:
                yield Finding(
                    Trouble.UNREACHABLE_CHANNEL,
                    f"{officer.officer_id}: the address of channel {channel.name} cannot be right",
                    f"write {wanted}",
                    officer_id=officer.officer_id,
                )


def address_problem(channel: ChannelEntry) -> str | None:
    """What the address should look like, where it does not; the address itself is never told."""
    pattern, wanted = _ADDRESSES[channel.kind]
    return None if pattern.match(channel.address) else wanted


def _some(codes: Sequence[str]) -> str:
    listed = ", ".join(codes[:5])
    return listed if len(codes) <= 5 else f"{listed} and {len(codes) - 5} more districts"
