"""What comes due in a district: overdue check-ins, what can be forgotten, a registry that changed.

Input: a time, or a timer that came due. Output: timers, or the state changed. State changes only in
:func:`take_timer`, while a record is handled, so that a replay decides the same.
"""

from __future__ import annotations

from typing import Final

from siaga.contracts.timer import Timer, TimerKind
from siaga.election.registry import Registry
from siaga.triage.expiry import expire, next_expiry
from siaga.triage.silence import look, next_silence, reexamine
from siaga.triage.snapshot import moment
from siaga.triage.state import DistrictState

#: A state is looked through for what can be forgotten so often within the time that reports are remembered.
_EXPIRY_LOOKS: Final = 288


def due(state: DistrictState, registry: Registry, now: float) -> list[Timer]:
    """What has come due in the district by ``now`` (epoch seconds): the same, of the same ``due_at``, until handled.

    Ask only while no record of the district waits to be handled: a check-in that waits is not one that is missing.
    """
    timers = []
    missed = next_silence(state, registry, now)
    if missed is not None:
        timers.append(_timer(state, TimerKind.SILENCE, missed, now))
    if now >= state.expiry_look_at:
        first = next_expiry(state, registry.windows)
        if first is not None and first <= now:
            timers.append(_timer(state, TimerKind.EXPIRY, first, now))
        else:
            state.expiry_look_at = now + registry.windows.dedupe.total_seconds() / _EXPIRY_LOOKS
    return timers


def take_timer(state: DistrictState, timer: Timer, registry: Registry) -> None:
    """Do what came due. Doing it twice changes nothing more."""
    at = timer.at.timestamp()
    match timer.kind:
        case TimerKind.SILENCE:
            look(state, registry, at)
        case TimerKind.EXPIRY:
            expire(state, at, registry.windows)
        case TimerKind.REGISTRY:
            _decide_anew(state, registry, at)


def _decide_anew(state: DistrictState, registry: Registry, at: float) -> None:
    for incident in state.incidents.values():
        if incident.is_open:
            incident.reexamined = at
            state.touch(incident)
            state.spreading.add((incident.family, incident.drill))
    reexamine(state, registry, at)


def _timer(state: DistrictState, kind: TimerKind, due_at: float, now: float) -> Timer:
    return Timer(schema_version=1, district=state.code, kind=kind, due_at=moment(due_at), at=moment(now))
