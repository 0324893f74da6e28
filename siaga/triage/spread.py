"""Spread: incidents join and leave clusters, and trouble is told to the districts around.

Input: the families whose spread changed (``state.spreading``), open incidents and what neighbours told. Output:
``cluster_id`` of incidents, and :class:`~siaga.contracts.neighbour.NeighbourTrouble` for the districts around.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from siaga.contracts.incident import Change, IncidentState
from siaga.contracts.neighbour import NeighbourTrouble
from siaga.election.district import Station
from siaga.election.registry import Registry
from siaga.rules.spread import SPREADING, Trouble, clusters
from siaga.triage.snapshot import moment
from siaga.triage.state import DistrictState, Foreign, IncidentRecord, Told
from siaga.types import Severity, district_of

#: Less grave trouble is not told to the districts around, unless they know of it already.
TOLD: Final = Severity.SEV3


def look(state: DistrictState, registry: Registry) -> None:
    """Look at every family whose spread may have changed. Drills spread among drills."""
    for family, drill in sorted(state.spreading):
        if family in SPREADING:
            _look_at(state, family, drill, registry)
    state.spreading.clear()


def _look_at(state: DistrictState, family: str, drill: bool, registry: Registry) -> None:
    here = [
        incident
        for incident in state.families.get((family, drill), {}).values()
        if incident.state is not IncidentState.DISMISSED
    ]
    told = [t for t in state.foreign.values() if t.family == family and t.drill == drill and not t.over]
    found = clusters([*_local(here, registry), *_foreign(told)], registry.windows)
    at = max([*(incident.updated_at for incident in here), *(trouble.last_at for trouble in told)], default=0.0)
    # Whoever was dismissed is in no cluster; what was resolved or merged keeps the one it had.
    for incident in list(state.families.get((family, drill), {}).values()):
        if incident.state not in (IncidentState.RESOLVED, IncidentState.MERGED):
            _move(state, incident, found.get(incident.incident_id), max(at, incident.updated_at))


def _local(incidents: list[IncidentRecord], registry: Registry) -> Iterator[Trouble]:
    for incident in incidents:
        if incident.station_id is None:
            continue
        district, subject = registry.district(incident.district), incident.subject
        place = None if district is None else district.place(incident.station_id)
        if place is not None:
            yield Trouble(
                incident.incident_id,
                incident.district,
                incident.station_id,
                *place,
                subject.first_at,
                subject.last_at,
                incident.cluster_id,
            )


def _foreign(told: list[Foreign]) -> Iterator[Trouble]:
    for trouble in told:
        yield Trouble(
            trouble.incident_id,
            district_of(trouble.station_id),
            trouble.station_id,
            trouble.lat,
            trouble.lon,
            trouble.first_at,
            trouble.last_at,
            trouble.cluster_id,
        )


def _move(state: DistrictState, incident: IncidentRecord, cluster_id: str | None, at: float) -> None:
    before = incident.cluster_id
    if cluster_id == before:
        return
    incident.cluster_id = cluster_id
    if cluster_id is None:
        incident.note(Change.LEFT_CLUSTER, at)
    else:
        incident.note(Change.JOINED_CLUSTER, at, detail="two clusters became one" if before else "")
    state.touch(incident)


def tell(incident: IncidentRecord, registry: Registry, *, again: bool) -> list[NeighbourTrouble]:
    """What the districts around are to know of an incident that was just decided; they are told what they know not.

    ``again`` has them told what they know, too: what was told may have been lost.
    """
    if incident.family not in SPREADING:
        return []
    station, district = _station(incident, registry), registry.district(incident.district)
    if station is None or district is None or not district.neighbours:
        return []
    over = incident.state is IncidentState.DISMISSED
    if incident.told is None and (over or incident.severity > TOLD):
        return []
    subject = incident.subject
    now = Told(subject.first_at, subject.last_at, incident.cluster_id, over)
    if now == incident.told and not again:
        return []
    incident.told = now
    return [
        NeighbourTrouble(
            schema_version=1,
            to_district=code,
            from_district=incident.district,
            incident_id=incident.incident_id,
            version=incident.version,
            station_id=station.station_id,
            kind=incident.kind,
            family=incident.family,
            severity=Severity(incident.severity),
            lat=station.lat,
            lon=station.lon,
            first_occurred_at=moment(now.first_at),
            last_occurred_at=moment(now.last_at),
            cluster_id=now.cluster_id,
            over=over,
            drill=incident.drill,
        )
        for code in district.neighbours
    ]


def _station(incident: IncidentRecord, registry: Registry) -> Station | None:
    return None if incident.station_id is None else registry.station(incident.station_id)
