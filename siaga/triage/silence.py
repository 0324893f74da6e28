"""Stations that fall silent and come back: one incident each, or one of the whole district.

Input: a timer that says a check-in is overdue, a station that was heard, a change of the registry.
State: :class:`~siaga.triage.state.DistrictState`. Output: incidents of the kind :data:`KIND`, by Siaga itself.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final
from uuid import UUID, uuid5

from siaga.contracts.incident import Change, IncidentState
from siaga.contracts.report import Role
from siaga.election.district import District
from siaga.election.registry import Registry
from siaga.rules.silence import allowance, deadline, is_outage, is_outage_still
from siaga.rules.subject import Standing
from siaga.triage.joining import find, join, open_incident
from siaga.triage.state import ITSELF, DistrictState, IncidentRecord, Silent

FAMILY: Final = "facility"
KIND: Final = "facility.network"
#: What a silence that became part of an outage ends with.
FOLDED: Final = "part of the outage of the district"

_NAMESPACE: Final = UUID("0b8d3b54-3f0e-5a57-8f57-2a8f6c1f7d90")
_BACK: Final = "the station was heard again"
_ALL_BACK: Final = "the stations were heard again"
_UNKNOWN: Final = "the station is no longer in the registry"
_NOT_MISSING: Final = "no check-in is missing by the calendar as it is now"
#: Outcomes of what Siaga closed by itself, and may open again by itself.
_OURS: Final = frozenset({FOLDED, _BACK, _ALL_BACK, _UNKNOWN, _NOT_MISSING})


def next_silence(state: DistrictState, registry: Registry, now: float) -> float | None:
    """When the first station that is overdue by ``now`` should have checked in; None where none is.

    Cheap to ask every second: a district is only looked through when something in it can have come due.
    """
    stage, district = registry.stage_at(now), registry.district(state.code)
    if (stage, district) != state.silence_looked:
        state.silence_looked, state.silence_look_at = (stage, district), 0.0
    if now < state.silence_look_at:
        return None
    if stage is None or stage.checkin_every is None or not district:
        state.silence_look_at = math.inf
        return None
    if state.watch_from is None:
        return stage.starts_at.timestamp()
    earliest = math.inf
    for station_id in district.station_ids:
        if station_id in state.silent or station_id in state.closed:
            continue
        if station_id not in state.since:
            return state.watch_from
        due = deadline(_heard_at(state, station_id), stage, registry.windows)
        if due is not None and due < earliest:
            earliest = due
    state.silence_look_at = earliest
    return earliest if earliest <= now else None


def look(state: DistrictState, registry: Registry, at: float) -> None:
    """Look which stations are silent at ``at``; those seen for the first time are watched from then on."""
    state.silence_look_at = 0.0
    district = registry.district(state.code)
    if district is None:
        return
    _watch(state, district, at)
    stage = registry.stage_at(at)
    overdue: list[tuple[float, str]] = []
    for station_id in district.station_ids:
        if station_id in state.silent or station_id in state.closed:
            continue
        due = deadline(_heard_at(state, station_id), stage, registry.windows)
        if due is not None and due <= at:
            overdue.append((due, station_id))
    if overdue:
        _fall_silent(state, sorted(overdue), registry, at)


def heard(state: DistrictState, station_id: str, received: float, registry: Registry) -> None:
    """A station sent a report (``received``: the gateway's time): it can be reached.

    Where no check-in is expected that matters only to who is silent already: a stage counts from its own beginning.
    """
    silent = station_id in state.silent
    if not silent and allowance(registry.stage_at(received), registry.windows) is None:
        return
    fresh = received > _heard_at(state, station_id)
    if received > state.since.get(station_id, -math.inf):
        state.since[station_id] = received
        state.seen_changed = True
    if fresh and silent:
        back(state, station_id, received, registry)


def back(state: DistrictState, station_id: str, at: float, registry: Registry) -> None:
    """A silent station was heard again."""
    _end(state, {station_id: _BACK}, registry, at)


def reexamine(state: DistrictState, registry: Registry, at: float) -> None:
    """The registry changed: silences that it no longer bears out end, stations that left it are forgotten."""
    district = registry.district(state.code)
    ended: dict[str, str] = {}
    for station_id, silent in sorted(state.silent.items()):
        due = deadline(_heard_at(state, station_id), registry.stage_at(silent.since), registry.windows)
        if district is None or station_id not in district:
            ended[station_id] = _UNKNOWN
        elif due is None or due > max(at, silent.since):
            ended[station_id] = _NOT_MISSING
    if ended:
        _end(state, ended, registry, at)
    if district is not None:
        for known in (state.seen, state.since, state.closed):
            for station_id in [station_id for station_id in known if station_id not in district]:
                del known[station_id]
                state.watch_changed = True
    look(state, registry, at)


def _heard_at(state: DistrictState, station_id: str) -> float:
    return max(state.watch_from or 0.0, state.since.get(station_id, 0.0), state.seen.get(station_id, 0.0))


def _watch(state: DistrictState, district: District, at: float) -> None:
    if state.watch_from is None:
        state.watch_from = at
        state.watch_changed = True
    for station_id in district.station_ids:
        if station_id not in state.since:
            state.since[station_id] = at
            state.watch_changed = True


def _expected(state: DistrictState, registry: Registry) -> int:
    district = registry.district(state.code)
    if district is None:
        return 0
    return len(district) - sum(station_id in district for station_id in state.closed)


def _fall_silent(state: DistrictState, overdue: list[tuple[float, str]], registry: Registry, at: float) -> None:
    state.watch_changed = True
    outage = state.incidents.get(state.outage_id or "")
    if outage is not None:
        _grow(state, outage, overdue, at)
    elif is_outage(len(state.silent) + len(overdue), _expected(state, registry), registry.windows):
        _begin_outage(state, overdue, at)
    else:
        for due, station_id in overdue:
            _fall_silent_alone(state, station_id, due, registry, at)


def _fall_silent_alone(state: DistrictState, station_id: str, due: float, registry: Registry, at: float) -> None:
    standing = _noticed(station_id, due, at)
    incident = _noticed_before(state, standing, at)
    if incident is None:
        found = find(state, station_id, FAMILY, standing, registry)
        if found is None or found.state is IncidentState.DISMISSED:
            incident = open_incident(state, station_id, FAMILY, standing)
        else:
            incident = join(state, station_id, FAMILY, standing, registry)
    incident.note(Change.STATION_SILENT, at, detail="a check-in is overdue")
    state.silent[station_id] = Silent(incident.incident_id, due)
    state.touch(incident)


def _noticed_before(state: DistrictState, standing: Standing, at: float) -> IncidentRecord | None:
    """The incident of a check-in that was missed before; open again where nobody but Siaga closed it."""
    incident = state.incidents.get(state.reports.get(standing.report_id, ""))
    if incident is not None and not incident.is_open and incident.outcome in _OURS:
        incident.reopen(at, detail="the same check-in is missing again")
    return incident


def _begin_outage(state: DistrictState, overdue: list[tuple[float, str]], at: float) -> None:
    standing = _noticed(state.code, overdue[0][0], at)
    outage = _noticed_before(state, standing, at) or open_incident(state, None, FAMILY, standing)
    outage.outage = ()
    state.outage_id = outage.incident_id
    for station_id, silent in sorted(state.silent.items()):
        _fold(state, state.incidents.get(silent.incident_id), at)
        state.silent[station_id] = Silent(outage.incident_id, silent.since)
    _grow(state, outage, overdue, at)


def _fold(state: DistrictState, incident: IncidentRecord | None, at: float) -> None:
    """What one station's silence was is part of the outage now; what people said of it stays beside."""
    if incident is None or not incident.is_open or not _by_itself(incident):
        return
    incident.close(IncidentState.DISMISSED, at, FOLDED)
    incident.note(Change.DISMISSED, at, detail=FOLDED)
    state.touch(incident)


def _grow(state: DistrictState, outage: IncidentRecord, overdue: list[tuple[float, str]], at: float) -> None:
    for due, station_id in overdue:
        state.silent[station_id] = Silent(outage.incident_id, due)
    standing = _noticed(state.code, overdue[-1][0], at)
    if standing.report_id not in state.reports:
        state.add_standing(outage, standing)
    _count(state, outage, Change.STATION_SILENT, at)
    if outage.state is IncidentState.RESOLVED:
        outage.reopen(at, detail="more stations are silent")


def _end(state: DistrictState, ended: Mapping[str, str], registry: Registry, at: float) -> None:
    """These stations are silent no more; ``ended`` says why, by station."""
    state.watch_changed, state.silence_look_at = True, 0.0
    outage: IncidentRecord | None = None
    for station_id, detail in ended.items():
        incident = state.incidents.get(state.silent.pop(station_id).incident_id)
        if incident is None:
            continue
        if incident.outage is not None:
            outage = incident
            continue
        incident.note(Change.STATION_BACK, at, detail=detail)
        if incident.is_open and _by_itself(incident):
            incident.close(IncidentState.RESOLVED, at, detail)
            incident.note(Change.RESOLVED, at, detail=detail)
        state.touch(incident)
    if outage is not None:
        _count(state, outage, Change.STATION_BACK, at)
        if not is_outage_still(len(outage.outage or ()), _expected(state, registry), registry.windows):
            _end_outage(state, outage, registry, at)


def _end_outage(state: DistrictState, outage: IncidentRecord, registry: Registry, at: float) -> None:
    """It is over. The few that are silent still are so one by one, since when they were."""
    state.outage_id = None
    if outage.is_open:
        outage.close(IncidentState.RESOLVED, at, _ALL_BACK)
        outage.note(Change.RESOLVED, at, detail=_ALL_BACK)
    for station_id in outage.outage or ():
        _fall_silent_alone(state, station_id, state.silent[station_id].since, registry, at)


def _count(state: DistrictState, outage: IncidentRecord, change: Change, at: float) -> None:
    """Write down how many are silent; one entry for all that change alike between two snapshots."""
    outage.outage = tuple(sorted(k for k, s in state.silent.items() if s.incident_id == outage.incident_id))
    if outage.history and outage.history[-1]["change"] == change.value:
        outage.history.pop()
    outage.note(change, at, detail=f"{len(outage.outage)} stations are silent")
    state.touch(outage)


def _by_itself(incident: IncidentRecord) -> bool:
    """Whether nobody but Siaga says so."""
    return incident.verified_by is None and all(s.person == ITSELF for s in incident.standings.values())


def _noticed(place: str, due: float, at: float) -> Standing:
    """What Siaga itself noticed, as the rules see it: the same missed check-in has the same id."""
    return Standing(
        report_id=str(uuid5(_NAMESPACE, f"{place}|{due!r}")),
        kind=KIND,
        role=Role.SENSOR.value,
        person=ITSELF,
        device=ITSELF,
        text="",
        at=due,
        received=at,
    )
