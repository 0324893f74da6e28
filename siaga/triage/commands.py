"""A person's decision changes an incident.

Input: one command about an incident of the state's district. Output: the state changed, or a refusal. A command that
was carried out before (the same ``command_id``) only has the present snapshot told again, as far as is remembered.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from siaga.contracts.command import Action, Command
from siaga.contracts.incident import Change, IncidentState
from siaga.contracts.rejection import RejectReason
from siaga.election.registry import Registry
from siaga.rules.severity import harm_of
from siaga.triage import merging
from siaga.triage.joining import touch
from siaga.triage.state import DistrictState, IncidentRecord, Refusal

#: Commands that an incident remembers, the newest: far more than come between a crash and what is told again for it.
_MOST_COMMANDS: Final = 500
#: Refused commands that it remembers.
_MOST_REFUSALS: Final = 100


def take_command(state: DistrictState, command: Command, registry: Registry) -> Refusal | None:
    """Carry a command out; answers why it cannot be, or None."""
    incident = state.incidents.get(str(command.incident_id))
    if incident is None:
        return Refusal(
            RejectReason.UNKNOWN_INCIDENT,
            "incident_id",
            f"no incident {command.incident_id} is remembered in district {command.district}",
            "check the id and the district; what was closed more than 48 hours ago cannot be changed",
        )
    command_id = str(command.command_id)
    if command_id in incident.commands:
        state.tell_again(incident.incident_id)
        if command.action in _MOVES:
            merging.tell_again(state, incident, command)
        return None
    refusal = _refused_before(incident, command_id) or merging.is_merged(incident, command.action)
    if refusal is None and command.action in _MOVES:
        refusal = _MOVES[command.action](state, incident, command, registry)
    elif refusal is None:
        _ACTIONS[command.action](incident, command, command.at.timestamp())
    if refusal is not None:
        _remember(incident, command_id, refusal)
        state.touch(incident)
        return refusal
    incident.commands.append(command_id)
    del incident.commands[:-_MOST_COMMANDS]
    touch(state, incident)
    return None


def _remember(incident: IncidentRecord, command_id: str, refusal: Refusal) -> None:
    """The oldest are forgotten: a row of state has to fit a record, however often somebody tries."""
    incident.refusals[command_id] = (refusal.reason.value, refusal.field, refusal.message, refusal.remedy)
    while len(incident.refusals) > _MOST_REFUSALS:
        del incident.refusals[next(iter(incident.refusals))]


def _refused_before(incident: IncidentRecord, command_id: str) -> Refusal | None:
    said = incident.refusals.get(command_id)
    return None if said is None else Refusal(RejectReason(said[0]), *said[1:])


def _acknowledge(incident: IncidentRecord, command: Command, at: float) -> None:
    if not incident.is_open:
        incident.note(Change.NOTED, at, by=command.by, detail="acknowledged after it was closed")
        return
    incident.state, incident.acknowledged_by = IncidentState.ACKNOWLEDGED, command.by
    incident.note(Change.ACKNOWLEDGED, at, by=command.by, detail=command.reason)


def _resolve(incident: IncidentRecord, command: Command, at: float) -> None:
    if not incident.is_open:
        incident.note(Change.NOTED, at, by=command.by, detail=command.reason or "resolved after it was closed")
        return
    incident.close(IncidentState.RESOLVED, at, command.reason or None)
    incident.note(Change.RESOLVED, at, by=command.by, detail=command.reason)


def _dismiss(incident: IncidentRecord, command: Command, at: float) -> None:
    incident.close(IncidentState.DISMISSED, at, command.reason)
    incident.note(Change.DISMISSED, at, by=command.by, detail=command.reason)


def _reopen(incident: IncidentRecord, command: Command, at: float) -> None:
    if incident.is_open:
        incident.note(Change.NOTED, at, by=command.by, detail=command.reason or "reopened while it was open")
        return
    incident.reopen(at, by=command.by, detail=command.reason)


def _assign(incident: IncidentRecord, command: Command, at: float) -> None:
    incident.assigned_to = command.assignee
    incident.note(Change.ASSIGNED, at, by=command.by, detail=command.reason)


def _verify(incident: IncidentRecord, command: Command, at: float) -> None:
    refuted = incident.refuted_by is not None
    incident.verified_by, incident.refuted_by = command.by, None
    incident.note(Change.VERIFIED, at, by=command.by, detail=command.reason)
    if refuted and not incident.is_open:
        incident.reopen(at, by=command.by, detail="verified after it had been refuted")


def _refute(incident: IncidentRecord, command: Command, at: float) -> None:
    incident.refuted_by, incident.verified_by = command.by, None
    incident.close(IncidentState.DISMISSED, at, command.reason)
    incident.note(Change.REFUTED, at, by=command.by, detail=command.reason)


def _override(incident: IncidentRecord, command: Command, at: float) -> None:
    if command.severity is None:
        incident.override = incident.override_harm = None
        incident.override_kinds = ()
        incident.note(Change.OVERRIDE_ENDED, at, by=command.by, detail=command.reason)
        return
    incident.override = {
        "severity": int(command.severity),
        "by": command.by,
        "reason": command.reason,
        "at": at,
        "computed": incident.computed or int(command.severity),
    }
    incident.override_harm, incident.override_kinds = harm_of(incident.subject), tuple(sorted(incident.subject.kinds))
    incident.note(Change.OVERRIDDEN, at, by=command.by, detail=command.reason)


def _note(incident: IncidentRecord, command: Command, at: float) -> None:
    incident.note(Change.NOTED, at, by=command.by, detail=command.reason)


def _answer(incident: IncidentRecord, command: Command, at: float) -> None:
    """What only the escalation acts on; the incident's history shows it."""
    words = (command.action.value, command.agency, command.reason)
    incident.note(Change.NOTED, at, by=command.by, detail=": ".join(word for word in words if word)[:500])


def _cannot(incident: IncidentRecord, command: Command, at: float) -> None:
    if incident.state is IncidentState.ACKNOWLEDGED and incident.acknowledged_by == command.by:
        incident.state, incident.acknowledged_by = IncidentState.OPEN, None
    _answer(incident, command, at)


_ACTIONS: Final[dict[Action, Callable[[IncidentRecord, Command, float], None]]] = {
    Action.ACKNOWLEDGE: _acknowledge,
    Action.RESOLVE: _resolve,
    Action.DISMISS: _dismiss,
    Action.REOPEN: _reopen,
    Action.ASSIGN: _assign,
    Action.VERIFY: _verify,
    Action.REFUTE: _refute,
    Action.OVERRIDE: _override,
    Action.NOTE: _note,
    Action.CANNOT: _cannot,
    Action.ESCALATE: _answer,
    Action.ON_MY_WAY: _acknowledge,
    Action.HAND_OFF: _answer,
    Action.ACCEPT: _acknowledge,
    Action.SNOOZE: _answer,
}
_MOVES: Final[dict[Action, Callable[[DistrictState, IncidentRecord, Command, Registry], Refusal | None]]] = {
    Action.MERGE: merging.merge,
    Action.SPLIT: merging.split,
}
