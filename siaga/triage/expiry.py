"""What no rule can need any more is forgotten, so that the state does not grow with the number of past reports.

Input: a district's state and a time. Output: the state smaller; its rows are deleted at the next flush.
"""

from __future__ import annotations

from siaga.rules.windows import Windows
from siaga.triage.state import RETAIN_OPEN, DistrictState, IncidentRecord, last_activity


def expires_at(incident: IncidentRecord, windows: Windows) -> float:
    """When an incident can be forgotten: a closed one after the de-duplication window, an open one after a week."""
    dedupe = windows.dedupe.total_seconds()
    return last_activity(incident) + (max(RETAIN_OPEN / windows.speed, dedupe) if incident.is_open else dedupe)


def next_expiry(state: DistrictState, windows: Windows) -> float | None:
    """When the first thing of the state can be forgotten, or None where there is nothing."""
    dedupe = windows.dedupe.total_seconds()
    silent = {silent.incident_id for silent in state.silent.values()}
    times = [expires_at(incident, windows) for key, incident in state.incidents.items() if key not in silent]
    times += [early.received + dedupe for early in state.early.values()]
    times += [trouble.last_at + dedupe for trouble in state.foreign.values()]
    return min(times, default=None)


def expire(state: DistrictState, now: float, windows: Windows) -> int:
    """Forget what no rule can need any more; answers how many things were forgotten.

    The incident of a station that is still silent stays, however old.
    """
    keep = now - windows.dedupe.total_seconds()
    silent = {silent.incident_id for silent in state.silent.values()}
    old = [
        incident
        for key, incident in state.incidents.items()
        if key not in silent and key not in state.dirty and expires_at(incident, windows) <= now
    ]
    for incident in old:
        state.forget(incident)
    early = [report_id for report_id, correction in state.early.items() if correction.received <= keep]
    for report_id in early:
        del state.early[report_id]
        state.new_early[report_id] = None
    told = [key for key, trouble in state.foreign.items() if trouble.last_at <= keep]
    for key in told:
        del state.foreign[key]
        state.new_foreign[key] = None
    return len(old) + len(early) + len(told)
