"""What escalation remembers, as rows: key ``<district>/<letter>/<id…>``, value JSON, ``None`` deletes.

The letters are capitals, so that the rows stand beside those of triage in the same table: ``E`` a case, ``G`` an
officer's gathering of a storm, ``P`` a policy and ``R`` the district's part of a roster that a climb is frozen with.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import Final, TypeAlias

from pydantic import TypeAdapter

from siaga.contracts.roster import RosterEntry
from siaga.escalation.case import CallStatus, Case, Note
from siaga.escalation.policy import Policy, parse_policy
from siaga.escalation.roster import Roster
from siaga.escalation.storm import Gathering

CASE: Final = "E"
GATHERING: Final = "G"
POLICY: Final = "P"
ROSTER: Final = "R"
LETTERS: Final = (CASE, GATHERING, POLICY, ROSTER)

Row: TypeAlias = tuple[str, bytes | None]


@dataclass(slots=True)
class Entry:
    """A case and what its next snapshot says. ``version`` rises by one a snapshot that tells something new."""

    case: Case
    version: int = 0
    #: The incident's snapshot that was taken in last.
    incident_version: int = 0
    #: Commands carried out, the last of them.
    commands: list[str] = field(default_factory=list)
    #: What happened since the snapshot before, kept so that the snapshot can be told again.
    notes: list[tuple[float, Note]] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)

    def mark(self, page_id: str, status: CallStatus, refers_to: str | None = None) -> None:
        """Note what became of one call; ``refers_to`` is the page that tells it instead."""
        calls = (
            replace(call, status=status, refers_to=refers_to or call.refers_to) if call.page_id == page_id else call
            for call in self.case.calls
        )
        self.case = replace(self.case, calls=tuple(calls))


_ENTRY: Final = TypeAdapter(Entry)
_GATHERING: Final = TypeAdapter(Gathering)


def entry_row(district: str, entry: Entry) -> Row:
    """A case as a row."""
    return f"{district}/{CASE}/{entry.case.subject.incident_id}", _ENTRY.dump_json(entry)


def gathering_row(district: str, gathering: Gathering) -> Row:
    """An officer's gathering as a row."""
    return f"{district}/{GATHERING}/{gathering.key}", _GATHERING.dump_json(gathering)


def policy_row(district: str, policy: Policy) -> Row:
    """A policy that something is frozen with, as a row."""
    return f"{district}/{POLICY}/{policy.version}", json.dumps([policy.speed, policy.source]).encode()


def roster_row(district: str, roster: Roster) -> Row:
    """The district's part of a roster that something is frozen with, as a row."""
    return f"{district}/{ROSTER}/{roster.version}", roster.entry.to_json()


def gone(district: str, letter: str, name: str) -> Row:
    """A row that deletes."""
    return f"{district}/{letter}/{name}", None


def parse_row(key: str, value: bytes) -> Entry | Gathering | Policy | Roster | None:
    """What a row holds, or None where it is not one of ours."""
    _, letter, name = key.split("/", 2)
    if letter == CASE:
        return _ENTRY.validate_json(value)
    if letter == GATHERING:
        return _GATHERING.validate_json(value)
    if letter == POLICY:
        speed, source = json.loads(value)
        return parse_policy(source).at_speed(speed)
    if letter == ROSTER:
        return Roster(RosterEntry.model_validate_json(value), name)
    return None
