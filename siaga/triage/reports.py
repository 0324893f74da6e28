"""A report becomes part of an incident: de-duplicate, correct, correlate.

Input: one accepted report whose district is the state's. State: :class:`~siaga.triage.state.DistrictState`.
Output: the state changed, or a :class:`~siaga.triage.state.Refusal`. Times in the history are the gateway's
(``received_at``), so that a replay writes the same.
"""

from __future__ import annotations

from typing import Final
from uuid import UUID, uuid5

from siaga.contracts.incident import Change, IncidentState
from siaga.contracts.rejection import RejectReason
from siaga.contracts.report import AcceptedReport
from siaga.election.registry import Registry
from siaga.rules.correlation import Candidate, correlate
from siaga.rules.severity import harm_of, is_worse
from siaga.rules.subject import Standing, standing_of
from siaga.triage.state import DistrictState, Early, IncidentRecord, Refusal

_NAMESPACE: Final = UUID("e2f3c1a4-6f0b-5d0e-9a52-35d1b7c0a9e6")
#: Whose word is enough to reopen what a person dismissed.
_TRUSTED: Final = frozenset({"officer", "committee"})


def incident_id_of(first: str) -> str:
    """The id of the incident that ``first`` (a report's id, or what Siaga noticed) opens."""
    return str(uuid5(_NAMESPACE, first))


def take_report(state: DistrictState, report: AcceptedReport, registry: Registry) -> Refusal | None:
    """Take a report in; answers why it cannot be used, or None."""
    report_id = str(report.report_id)
    known = state.reports.get(report_id)
    if known is not None:
        state.tell_again(known, report_id)
        return None
    kind = registry.taxonomy.get(report.kind)
    if kind is None:
        return Refusal(
            RejectReason.UNKNOWN_KIND,
            "kind",
            f"unknown kind {report.kind}",
            "send a kind of the taxonomy, or load a taxonomy that has it with 'siaga registry load'",
        )
    if registry.station(report.station_id) is None:
        return Refusal(
            RejectReason.UNKNOWN_STATION,
            "station_id",
            f"unknown station {report.station_id}",
            "load it with 'siaga registry load', or correct the number; then 'siaga rejected replay'",
        )
    standing = standing_of(report, registry.windows.clock_skew.total_seconds())
    window = registry.windows.correlate.total_seconds()
    if report.corrects is not None:
        return _correct(state, report, standing, kind.family, window)
    early = state.early.get(report_id)
    if early is not None and _same_voice(standing, early.person, early.device):
        _arrive_corrected(state, report, standing, kind.family, window, early)
    else:
        join(state, report.station_id, kind.family, standing, window)
    return None


def join(
    state: DistrictState, station_id: str, family: str, standing: Standing, window: float, *, note: str = ""
) -> IncidentRecord:
    """Have a report join the incident it belongs to, or open a new one. Answers the incident."""
    incident = _find(state, station_id, family, standing, window)
    if incident is None:
        return _open(state, station_id, family, standing, note)
    before, had_standings = harm_of(incident.subject), bool(incident.standings)
    state.add_standing(incident, standing)
    worse = not had_standings or is_worse(harm_of(incident.subject), before)
    incident.note(Change.REPORT_JOINED, standing.received, detail=note)
    if _reopens(incident, standing, worse):
        incident.reopen(standing.received, detail="reported again")
    _touch(state, incident)
    return incident


def _find(
    state: DistrictState, station_id: str, family: str, standing: Standing, window: float
) -> IncidentRecord | None:
    ids = state.places.get((station_id, family, standing.drill))
    if not ids:
        return None
    candidates = []
    for incident_id in ids:
        incident = state.incidents[incident_id]
        subject = incident.subject
        candidates.append(Candidate(incident_id, subject.first_at, subject.last_at, incident.is_open))
    found = correlate(candidates, standing.at, window)
    return None if found is None else state.incidents[found]


def _open(
    state: DistrictState, station_id: str, family: str, standing: Standing, note: str = ""
) -> IncidentRecord:
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
    _touch(state, incident)
    return incident


def _reopens(incident: IncidentRecord, standing: Standing, worse: bool) -> bool:
    """Whether a report reopens a closed incident.

    What was resolved is open again when it is seen again, what was dismissed when somebody trusted says so; both
    when the facts got worse. A late report of what was dealt with already changes nothing.
    """
    if incident.is_open:
        return False
    if worse:
        return True
    again = standing.at > incident.closed_at
    return again if incident.state is IncidentState.RESOLVED else again and standing.role in _TRUSTED


def _touch(state: DistrictState, incident: IncidentRecord) -> None:
    state.touch(incident)
    if incident.cluster_id is None:
        state.spreading.add((incident.family, incident.drill))


def _same_voice(standing: Standing, person: str, device: str) -> bool:
    """Only who reported, or the very device, may correct a report."""
    return standing.person == person or standing.device == device


def _correct(
    state: DistrictState, report: AcceptedReport, standing: Standing, family: str, window: float
) -> Refusal | None:
    original = str(report.corrects)
    home = state.incidents.get(state.reports.get(original, ""))
    if home is None:
        return _correct_early(state, report, standing, family, window, original)
    while original in home.superseded and home.superseded[original] != original:
        original = home.superseded[original]
    before = home.standings.get(original)
    if before is None:
        # Withdrawn already: a second withdrawal changes nothing, a replacement is a report like any other.
        if report.withdraws:
            state.supersede(home, standing.report_id, standing.report_id)
            state.touch(home)
        else:
            join(state, report.station_id, family, standing, window)
        return None
    if not _same_voice(standing, before.person, before.device):
        if report.withdraws:
            return Refusal(
                RejectReason.UNAUTHORISED,
                "corrects",
                "only who made a report, or their device, may withdraw it",
                "have the reporter withdraw it, or refute the incident at the command centre",
            )
        join(state, report.station_id, family, standing, window, note="names another's report; both stand")
        return None
    home.drop_standing(original, standing.report_id)
    if report.withdraws:
        state.supersede(home, standing.report_id, standing.report_id)
        home.note(Change.WITHDRAWN, standing.received)
        _close_if_empty(state, home, standing.received, "withdrawn")
    elif home.place == (report.station_id, family, standing.drill):
        state.add_standing(home, standing)
        home.note(Change.CORRECTED, standing.received)
        if not home.is_open and home.outcome == "withdrawn":
            home.reopen(standing.received, detail="corrected")
    else:
        home.note(Change.CORRECTED, standing.received, detail="corrected to another station or kind")
        _close_if_empty(state, home, standing.received, "corrected to another station or kind")
        join(state, report.station_id, family, standing, window, note="corrects an earlier report")
    _touch(state, home)
    return None


def _close_if_empty(state: DistrictState, incident: IncidentRecord, at: float, outcome: str) -> None:
    if not incident.standings and incident.is_open:
        incident.close(IncidentState.DISMISSED, at, outcome)
        incident.note(Change.DISMISSED, at, detail=outcome)
        state.spreading.add((incident.family, incident.drill))


def _correct_early(
    state: DistrictState, report: AcceptedReport, standing: Standing, family: str, window: float, original: str
) -> None:
    """The correction came first: remember it for when the report it corrects arrives."""
    if original not in state.early:
        state.early[original] = Early(
            standing.report_id, standing.received, standing.person, standing.device, report.withdraws
        )
        state.new_early.add(original)
    if not report.withdraws:
        join(state, report.station_id, family, standing, window, note="corrects a report that is not here yet")


def _arrive_corrected(
    state: DistrictState,
    report: AcceptedReport,
    standing: Standing,
    family: str,
    window: float,
    early: Early,
) -> None:
    report_id = standing.report_id
    correcting = state.incidents.get(state.reports.get(early.by, ""))
    if not early.withdraws and correcting is not None:
        state.supersede(correcting, report_id, early.by)
        correcting.note(Change.CORRECTED, standing.received, detail="the corrected report arrived after it")
        _touch(state, correcting)
        return
    incident = _find(state, report.station_id, family, standing, window)
    if incident is None:
        incident = _open(state, report.station_id, family, standing)
        incident.drop_standing(report_id, early.by)
    else:
        state.supersede(incident, report_id, early.by)
    state.supersede(incident, early.by, early.by)
    incident.note(Change.WITHDRAWN, standing.received)
    _close_if_empty(state, incident, standing.received, "withdrawn")
    _touch(state, incident)
