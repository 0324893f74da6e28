"""Looks at a page once more just before it is sent: is it still wanted?

Input: the page and what the database says of its incident now. Output: why not, or how long to wait, or neither.
Pure; times are epoch seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from siaga.contracts.escalation import EscalationState
from siaga.contracts.page import Page, Purpose
from siaga.contracts.page_result import ResultReason
from siaga.escalation.conflict import is_conflicted

#: What somebody's taking it makes superfluous.
_CALLS: Final = (Purpose.PAGE, Purpose.VERIFY)
#: What its being over makes superfluous.
_ASKS: Final = (*_CALLS, Purpose.HANDOFF)
#: Seconds until it is looked again whether a page that is to be taken back has gone out.
_PATIENCE: Final = 1.0


@dataclass(frozen=True, slots=True)
class Standing:
    """An escalation as the database has it."""

    state: EscalationState
    generation: int
    round: int
    level: int
    updated_at: float

    def answers(self, page: Page) -> bool:
        """Whether it is no older than the page, so that what it says concerns the page."""
        told = (page.generation, page.round, page.level)
        return (self.generation, self.round, self.level) >= told and self.updated_at >= page.due_at.timestamp()


class Taken(StrEnum):
    """What became of the pages that a retraction takes back."""

    SENT = "sent"
    UNDECIDED = "undecided"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class Facts:
    """What the database says that concerns some pages."""

    cancelled: frozenset[str] = frozenset()
    standings: Mapping[str, Standing] = field(default_factory=dict)
    #: Units accused, by incident.
    accused: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    #: By retraction.
    taken: Mapping[str, Taken] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Wait:
    """Ask again at ``until``."""

    until: float


def look(page: Page, facts: Facts, *, agency_kind: str, now: float, expires: bool) -> ResultReason | Wait | None:
    """Why a page is not to be sent (now), or None.

    Args:
        agency_kind: what kind of unit the officer's is.
        expires: whether the clock is to be trusted with an age: not just after it was set.
    """
    page_id = str(page.page_id)
    incidents = [str(told.incident_id) for told in page.incidents] or [str(page.incident_id)]
    if any(is_conflicted(page.agency, agency_kind, facts.accused.get(incident)) for incident in incidents):
        return ResultReason.ACCUSED_UNIT
    if page_id in facts.cancelled:
        return ResultReason.CANCELLED
    if expires and now >= page.expires_at.timestamp():
        return ResultReason.EXPIRED
    if page.purpose is Purpose.RETRACTION:
        return _taken_back(facts.taken.get(page_id, Taken.UNDECIDED), now)
    reasons = {_answered(page, facts.standings.get(incident)) for incident in incidents}
    return None if None in reasons else max(reasons, key=lambda reason: reason is ResultReason.CLOSED)


def _taken_back(taken: Taken, now: float) -> ResultReason | Wait | None:
    """What was never sent needs no retraction, and nothing is taken back before it is known whether it was."""
    if taken is Taken.NEVER:
        return ResultReason.CANCELLED
    return Wait(now + _PATIENCE) if taken is Taken.UNDECIDED else None


def _answered(page: Page, standing: Standing | None) -> ResultReason | None:
    """Why an incident needs no page any more, or None where it does."""
    digest = page.purpose is Purpose.DIGEST
    if standing is None or not (digest or standing.answers(page)):
        return None
    if standing.state.is_over and (digest or page.purpose in _ASKS):
        return ResultReason.CLOSED
    is_taken = standing.state in (EscalationState.ACKNOWLEDGED, EscalationState.SNOOZED)
    if is_taken and (digest or page.purpose in _CALLS):
        return ResultReason.ACKNOWLEDGED
    return None
