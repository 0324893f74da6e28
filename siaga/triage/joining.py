"""A report finds the incident it belongs to, or opens one.

Input: one standing report and where it is about. State: :class:`~siaga.triage.state.DistrictState`. Output: the
incident it joined, which may be open again. Times in the history are the gateway's (``received_at``), so that a
replay writes the same.
"""

from __future__ import annotations

from typing import Final
from uuid import UUID, uuid5

from siaga.contracts.incident import Change, IncidentState
from siaga.election.registry import Registry
from siaga.rules.correlation import Candidate, correlate
from siaga.rules.severity import harm_of, is_worse
from siaga.rules.spread import SPREADING
from siaga.rules.subject import Standing
from siaga.triage.state import DistrictState, IncidentRecord

_NAMESPACE: Final = UUID("e2f3c1a4-6f0b-5d0e-9a52-35d1b7c0a9e6")
#: Whose word is enough to reopen what a person dismissed.
_TRUSTED: Final = frozenset({"officer", "committee"})


def incident_id_of(first: str) -> str:
    """The id of the incident that ``first`` (a report's id, or what Siaga noticed) opens."""
    return str(uuid5(_NAMESPACE, first))


def join(
    state: DistrictState, station_id: str, family: str, standing: Standing, registry: Registry, *, note: str = ""
) -> IncidentRecord:
    """Have a report join the incident it belongs to, or open a new one. Answers the incident."""
    incident = find(state, station_id, family, standing, registry)
    if incident is None:
        return open_incident(state, station_id, family, standing, note=note)
    if incident.station_id != station_id:
        incident.stations[standing.report_id] = station_id
    if incident.is_open:
        state.add_standing(incident, standing)
        incident.note(Change.REPORT_JOINED, standing.received, detail=note)
    else:
        before, had_standings = harm_of(incident.subject, registry.taxonomy), bool(incident.standings)
        state.add_standing(incident, standing)
        incident.note(Change.REPORT_JOINED, standing.received, detail=note)
        worse = not had_standings or is_worse(harm_of(incident.subject, registry.taxonomy), before)
        if _reopens(incident, standing, worse):
            incident.reopen(standing.received, detail="reported again")
    touch(state, incident)
    return incident


def find(
    state: DistrictState, station_id: str, family: str, standing: Standing, registry: Registry
) -> IncidentRecord | None:
    """The incident a report belongs to, or None."""
    ids = state.places.get((station_id, family, standing.drill))
    if not ids:
        return None
    candidates = []
    for incident_id in ids:
        incident = state.incidents[incident_id]
        subject = incident.subject
        candidates.append(Candidate(incident_id, subject.first_at, subject.last_at, incident.is_open))
    found = correlate(candidates, standing.at, registry.windows.correlate.total_seconds())
    return None if found is None else state.incidents[found]


def open_incident(
    state: DistrictState, station_id: str | None, family: str, standing: Standing, *, note: str = ""
) -> IncidentRecord:
    """A new incident of this report. ``station_id`` is None where the whole district is meant."""
    incident = IncidentRecord(
        incident_id=incident_id_of(standing.report_id),
        district=state.code,
        station_id=station_id,
        family=family,
        drill=standing.drill,
        opened_at=standing.received,
    )
    state.add(incident)
    state.add_standing(incident, standing)
    incident.note(Change.OPENED, standing.received, detail=note)
    touch(state, incident)
    return incident


def touch(state: DistrictState, incident: IncidentRecord) -> None:
    """Have an incident decided, and its spread looked at: when and where it happens may have changed."""
    state.touch(incident)
    if incident.family in SPREADING:
        state.spreading.add((incident.family, incident.drill))


def _reopens(incident: IncidentRecord, standing: Standing, worse: bool) -> bool:
    """Whether a report reopens a closed incident.

    What was resolved is open again when it is seen again, what was dismissed when somebody trusted says so; both
    when the facts got worse. A late report of what was dealt with already changes nothing.
    """
    if worse:
        return True
    again = standing.at > incident.closed_at
    return again if incident.state is IncidentState.RESOLVED else again and standing.role in _TRUSTED
