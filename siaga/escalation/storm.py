"""Storms: past a rate, an officer's SEV3 pages are folded into one digest that grows with the scope.

Input: a call that is about to be made, or a moment at which digests are due. State: one :class:`Gathering` an officer
(drills apart). Output: whether the call waits for the digest, and what the digest tells. SEV1 and SEV2 never wait.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from siaga.contracts.escalation import EscalationReason
from siaga.contracts.page import Purpose
from siaga.escalation.case import Call
from siaga.escalation.policy import Storm
from siaga.types import Severity

#: Calls that may wait: not grave enough to be called for at once, and not an answer to somebody's act.
_FOLDS: Final = (Purpose.PAGE, Purpose.VERIFY)


@dataclass(frozen=True, slots=True)
class Gathering:
    """One officer's recent calls and what waits for their digest."""

    officer_id: str
    drill: bool
    #: When they were called within the window.
    recent: tuple[float, ...] = ()
    #: Incidents of this storm, in the order they came; those that no digest has told yet.
    scope: tuple[str, ...] = ()
    fresh: tuple[str, ...] = ()
    due_at: float | None = None
    #: How many digests were made; never starts over, so that no two have one id.
    number: int = 0
    #: The last digest over each channel it was sent, and what it tells.
    last: tuple[Call, ...] = ()
    told: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """The name it is kept under."""
        return f"{self.officer_id}|{'drill' if self.drill else 'real'}"


def fold(gathering: Gathering, call: Call, incident_id: str, storm: Storm, now: float) -> tuple[Gathering, bool]:
    """Whether ``call`` waits for the digest, and what is remembered of it."""
    recent = tuple(at for at in gathering.recent if at > now - storm.window)
    retried = call.reason is EscalationReason.CHANNEL_FAILED
    waits = call.severity >= Severity.SEV3 and call.purpose in _FOLDS and not retried
    if waits and (gathering.due_at is not None or len(recent) >= storm.pages):
        return (
            replace(
                gathering,
                recent=recent,
                scope=tuple(dict.fromkeys((*gathering.scope, incident_id))),
                fresh=tuple(dict.fromkeys((*gathering.fresh, incident_id))),
                due_at=gathering.due_at if gathering.due_at is not None else now + storm.every,
            ),
            True,
        )
    return replace(gathering, recent=(*recent, now)[-storm.pages :]), False


def flush(gathering: Gathering, live: set[str], storm: Storm, now: float) -> Gathering:
    """The digest that is due: ``number`` rises and ``told`` is what it tells. Without news the storm is over.

    ``live`` are the incidents that still wait for an answer.
    """
    scope = tuple(incident_id for incident_id in gathering.scope if incident_id in live)
    if not any(incident_id in live for incident_id in gathering.fresh):
        return replace(gathering, scope=(), fresh=(), due_at=None)
    return replace(
        gathering,
        recent=(*gathering.recent, now)[-storm.pages :],
        scope=scope,
        fresh=(),
        due_at=now + storm.every,
        number=gathering.number + 1,
        told=scope,
        last=(),
    )
