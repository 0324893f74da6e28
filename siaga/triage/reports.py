"""A report becomes part of an incident: de-duplicate, correct, correlate.

Input: one accepted report whose district is the state's. State: :class:`~siaga.triage.state.DistrictState`.
Output: the state changed, or a :class:`~siaga.triage.state.Refusal`. Times in the history are the gateway's
(``received_at``), so that a replay writes the same.
"""

from __future__ import annotations

from typing import Final

from siaga.contracts.incident import Change, IncidentState
from siaga.contracts.rejection import RejectReason
from siaga.contracts.report import AcceptedReport, Role
from siaga.election.registry import Registry
from siaga.rules.severity import harm_of, is_worse
from siaga.rules.subject import Standing, standing_of
from siaga.triage.joining import find, join, open_incident, touch
from siaga.triage.silence import heard
from siaga.triage.state import DistrictState, Early, IncidentRecord, Refusal, unknown_station

#: Who may be far from the station they report about: their report does not show that the station can be reached.
_ELSEWHERE: Final = frozenset({Role.PUBLIC, Role.SENSOR})


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
        return unknown_station(report.station_id)
    standing = standing_of(report, registry.windows.clock_skew.total_seconds())
    if report.corrects is not None:
        refusal = _correct(state, report, standing, kind.family, registry)
        if refusal is not None:
            return refusal
    else:
        early = state.early.get(report_id)
        if early is not None and _same_voice(standing, early.person, early.device):
            _arrive_corrected(state, report.station_id, kind.family, standing, registry)
        else:
            join(state, report.station_id, kind.family, standing, registry)
    if not report.drill and report.reporter.role not in _ELSEWHERE:
        heard(state, report.station_id, standing.received, registry)
    return None


def _same_voice(standing: Standing, person: str, device: str) -> bool:
    """Only who reported, or the very device, may correct a report."""
    return standing.person == person or standing.device == device


def _correct(
    state: DistrictState, report: AcceptedReport, standing: Standing, family: str, registry: Registry
) -> Refusal | None:
    original = str(report.corrects)
    early = state.early.get(original)
    if original not in state.reports and early is not None and _same_voice(standing, early.person, early.device):
        original = early.by  # a second correction of a report that is not here yet replaces the first
    home = state.incidents.get(state.reports.get(original, ""))
    if home is None:
        _correct_early(state, report, standing, family, registry)
        return None
    while (by := home.superseded.get(original, original)) != original:
        original = by
        home = state.incidents.get(state.reports.get(by, ""), home)
    before = home.standings.get(original)
    if before is None:
        # Withdrawn already: a second withdrawal changes nothing, a replacement is a report like any other.
        if report.withdraws:
            state.supersede(home, standing.report_id, standing.report_id)
            state.tell_again(home.incident_id, standing.report_id)
        else:
            join(state, report.station_id, family, standing, registry)
        return None
    if not _same_voice(standing, before.person, before.device):
        if report.withdraws:
            return Refusal(
                RejectReason.UNAUTHORISED,
                "corrects",
                "only who made a report, or their device, may withdraw it",
                "have the reporter withdraw it, or refute the incident at the command centre",
            )
        join(state, report.station_id, family, standing, registry, note="names another's report; both stand")
        return None
    if report.withdraws:
        state.drop_standing(home, original, standing.report_id)
        state.supersede(home, standing.report_id, standing.report_id)
        home.note(Change.WITHDRAWN, standing.received)
        _close_if_empty(home, standing.received, "withdrawn")
    elif (report.station_id, family, standing.drill) in home.places:
        if report.station_id != home.station_id:
            home.stations[standing.report_id] = report.station_id
        _replace(state, home, original, standing, registry)
    else:
        state.drop_standing(home, original, standing.report_id)
        home.note(Change.CORRECTED, standing.received, detail="corrected to another station or kind")
        _close_if_empty(home, standing.received, "corrected to another station or kind")
        join(state, report.station_id, family, standing, registry, note="corrects an earlier report")
    touch(state, home)
    return None


def _replace(
    state: DistrictState, home: IncidentRecord, original: str, standing: Standing, registry: Registry
) -> None:
    """A correction of the same place: it stands where the report stood. Worse facts open what was closed."""
    before = harm_of(home.subject, registry.taxonomy)
    state.drop_standing(home, original, standing.report_id)
    state.add_standing(home, standing)
    home.note(Change.CORRECTED, standing.received)
    if not home.is_open and is_worse(harm_of(home.subject, registry.taxonomy), before):
        home.reopen(standing.received, detail="corrected to worse")


def _close_if_empty(incident: IncidentRecord, at: float, outcome: str) -> None:
    """Nobody stands by it any more: dismissed, unless an officer saw it and said so by name."""
    if not incident.standings and incident.is_open and incident.verified_by is None:
        incident.close(IncidentState.DISMISSED, at, outcome)
        incident.note(Change.DISMISSED, at, detail=outcome)


def _correct_early(
    state: DistrictState, report: AcceptedReport, standing: Standing, family: str, registry: Registry
) -> None:
    """The correction came first: remember it for when the report it corrects arrives."""
    original = str(report.corrects)
    if original not in state.early:
        state.early[original] = Early(
            standing.report_id, standing.received, standing.person, standing.device, report.withdraws
        )
        state.new_early[original] = None
    if not report.withdraws:
        note = "corrects a report that is not here yet"
        join(state, report.station_id, family, standing, registry, note=note)


def _arrive_corrected(
    state: DistrictState, station_id: str, family: str, standing: Standing, registry: Registry
) -> None:
    """The report arrives after its correction, or after its withdrawal: it never stands."""
    report_id = standing.report_id
    early = state.early[report_id]
    correcting = state.incidents.get(state.reports.get(early.by, ""))
    if not early.withdraws and correcting is not None:
        state.supersede(correcting, report_id, early.by)
        correcting.note(Change.CORRECTED, standing.received, detail="the corrected report arrived after it")
        touch(state, correcting)
        return
    incident = find(state, station_id, family, standing, registry)
    if incident is None:
        incident = open_incident(state, station_id, family, standing)
        state.drop_standing(incident, report_id, early.by)
    else:
        state.supersede(incident, report_id, early.by)
    state.supersede(incident, early.by, early.by)
    incident.note(Change.WITHDRAWN, standing.received)
    _close_if_empty(incident, standing.received, "withdrawn")
    touch(state, incident)
