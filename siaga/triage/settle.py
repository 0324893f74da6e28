"""After a batch: decide what changed, say so, and say what has to be remembered.

Input: a district's state with what the batch marked in it. Output: :class:`Settled`. State: the marks are cleared,
versions are risen. No clock: times come from the events. How records are cut into batches does not matter for what is
decided in the end, only for how many versions it takes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from siaga.contracts.incident import Change, Incident
from siaga.contracts.neighbour import NeighbourTrouble
from siaga.election.registry import Registry
from siaga.rules.severity import Context, Decision, classify, harm_of, is_worse
from siaga.triage import rows, spread
from siaga.triage.snapshot import snapshot_of
from siaga.triage.state import RETOLD, DistrictState, IncidentRecord
from siaga.types import Stage, Vulnerability

#: The stage that rules are asked about where there is no calendar at all.
_NO_CALENDAR: Final = Stage.VOTING.value
#: From the least to the most vulnerable.
_CLASSES: Final = tuple(one.value for one in Vulnerability)


@dataclass(slots=True)
class Settled:
    """What a batch came to: snapshots, what neighbouring districts are told, rows to remember (None deletes)."""

    incidents: list[Incident] = field(default_factory=list)
    troubles: list[NeighbourTrouble] = field(default_factory=list)
    rows: list[tuple[str, bytes | None]] = field(default_factory=list)


def settle(state: DistrictState, registry: Registry) -> Settled:
    """Decide what the batch touched. What nothing changed is told again as it is, where somebody asked for it."""
    settled = Settled()
    if state.spreading:
        spread.look(state, registry)
    for incident in state.dirty.values():
        told, changed = _decide(incident, registry)
        if changed or incident.repeat:
            settled.incidents.append(told)
        settled.troubles += spread.tell(incident, registry, again=not changed)
    settled.rows = rows.flush(state)
    for incident in state.dirty.values():
        incident.report_ids.clear()
        incident.repeat, incident.reexamined = False, None
    state.dirty.clear()
    return settled


def _decide(incident: IncidentRecord, registry: Registry) -> tuple[Incident, bool]:
    """The incident's snapshot, and whether it is a new version."""
    ruleset = registry.ruleset
    decision = classify(incident.subject, _context(incident, registry), ruleset)
    _note_outcome(incident, decision, _severity(incident, decision, registry))
    changed = incident.changed or incident.version == 0
    if changed:
        incident.version += 1
        incident.changed = False
        history, incident.history = incident.history, []
        incident.told_history = history[-RETOLD:]
    else:
        history = incident.told_history
    return snapshot_of(incident, decision, ruleset.version, history), changed


def _context(incident: IncidentRecord, registry: Registry) -> Context:
    if registry.calendar is None:
        stage: str | None = _NO_CALENDAR
    else:
        entry = registry.stage_at(incident.subject.last_at)
        stage = None if entry is None else entry.stage.value
    return Context(
        stage=stage,
        vulnerability=_vulnerability(incident, registry),
        clustered=incident.cluster_id is not None,
        verified=incident.verified_by is not None,
        refuted=incident.refuted_by is not None,
        outage=incident.outage is not None,
        speed=registry.windows.speed,
    )


def _vulnerability(incident: IncidentRecord, registry: Registry) -> str:
    """The gravest class among the stations that its reports are about."""
    station = None if incident.station_id is None else registry.station(incident.station_id)
    found = Vulnerability.AMAN.value if station is None else station.vulnerability
    for station_id in incident.stations.values():
        other = registry.station(station_id)
        if other is not None and _CLASSES.index(other.vulnerability) > _CLASSES.index(found):
            found = other.vulnerability
    return found


def _severity(incident: IncidentRecord, decision: Decision, registry: Registry) -> int:
    """What the rules say, unless a person said otherwise.

    A person's word ends when the facts are worse than they were when it was given, and the rules see it at least as
    grave: that things got worse never makes an incident less grave.
    """
    computed = int(decision.severity)
    override = incident.override
    if override is None:
        return computed
    said = int(override["severity"])
    if computed > said or not _is_worse_than_then(incident, registry):
        return said
    incident.override = incident.override_harm = None
    incident.override_kinds = ()
    detail = f"SEV{said} by {override['by']} ended: the facts are worse than they were then"
    incident.note(Change.OVERRIDE_ENDED, _at(incident), detail=detail)
    return computed


def _is_worse_than_then(incident: IncidentRecord, registry: Registry) -> bool:
    then = incident.override_harm
    if then is None:
        return False
    # How grave a kind is, is the taxonomy's to say, and the same for both.
    base = 6 - registry.taxonomy.gravest_or_unknown(incident.override_kinds).base
    return is_worse(harm_of(incident.subject, registry.taxonomy), (base, *then[1:]))


def _note_outcome(incident: IncidentRecord, decision: Decision, severity: int) -> None:
    before = (
        incident.severity,
        incident.certainty,
        incident.urgency,
        incident.computed,
        incident.kind,
        incident.rules,
    )
    rules = tuple(reason.rule for reason in decision.reasons)
    certainty, urgency, kind = decision.certainty.value, decision.urgency.value, decision.kind.code
    now = (severity, certainty, urgency, int(decision.severity), kind, rules)
    if now == before:
        return
    at = _at(incident)
    if incident.version > 0:
        if incident.reexamined is not None:
            incident.note(Change.RECLASSIFIED, at, detail="the rules, the calendar or the station changed")
        if severity != incident.severity:
            change = Change.RAISED if severity < incident.severity else Change.LOWERED
            incident.note(change, at, detail=f"SEV{incident.severity} to SEV{severity}")
        if certainty != incident.certainty:
            incident.note(Change.CERTAINTY_CHANGED, at, detail=f"{incident.certainty} to {certainty}")
    incident.changed = True
    incident.severity, incident.computed = severity, int(decision.severity)
    incident.certainty, incident.urgency, incident.kind, incident.rules = certainty, urgency, kind, rules


def _at(incident: IncidentRecord) -> float:
    return incident.updated_at if incident.reexamined is None else incident.reexamined
