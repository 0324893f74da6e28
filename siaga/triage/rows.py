"""What is remembered of a district as rows: written when they change, read back when a worker starts.

Output: keys ``<district>/<letter>/<id>`` and JSON values, ``None`` where a row is deleted. ``i``: an incident.
``r``: a report, in an incident, whether it stands or not. ``e``: a correction that came before the report it
corrects. ``f``: trouble in a neighbouring district. ``w``: when the stations were heard (one row a district).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import MISSING, fields
from typing import Any, Final

from pydantic_core import from_json, to_json

from siaga.contracts.incident import IncidentState
from siaga.rules.subject import Standing, Subject
from siaga.triage.state import DistrictState, Early, Foreign, IncidentRecord, Silent, Told

Row = tuple[str, bytes | None]

_WATCH: Final = "stations"
#: Not in the incident's row: its key and district, what its reports' rows hold, and what lives until a flush.
_BESIDE: Final = frozenset(
    {
        "incident_id",
        "district",
        "superseded",
        "standings",
        "subject",
        "history",
        "report_ids",
        "changed",
        "repeat",
        "reexamined",
    }
)
_KEPT: Final = tuple(f.name for f in fields(IncidentRecord) if f.name not in _BESIDE)
#: What a field holds unless it is in the row.
_DEFAULTS: Final = {
    f.name: f.default if f.default_factory is MISSING else f.default_factory() for f in fields(IncidentRecord)
}
_TUPLES: Final = ("rules", "outage", "override_harm", "override_kinds", "accused")


def flush(state: DistrictState) -> list[Row]:
    """The rows that changed since the last flush, as things are now; clears the marks."""
    code = state.code
    written: list[Row] = []
    for incident_id in (*state.gone, *state.dirty):
        incident = state.incidents.get(incident_id)
        written.append((f"{code}/i/{incident_id}", None if incident is None else _incident_row(incident)))
    for report_id in state.new_reports:
        written.append((f"{code}/r/{report_id}", _report_row(state, report_id)))
    for report_id in state.new_early:
        early = state.early.get(report_id)
        written.append((f"{code}/e/{report_id}", None if early is None else to_json(_values(early))))
    for incident_id in state.new_foreign:
        trouble = state.foreign.get(incident_id)
        written.append((f"{code}/f/{incident_id}", None if trouble is None else to_json(_values(trouble))))
    if state.seen_changed or state.watch_changed:
        written.append((f"{code}/w/{_WATCH}", _watch_row(state)))
    for marks in (state.gone, state.new_reports, state.new_early, state.new_foreign):
        marks.clear()
    state.seen_changed = state.watch_changed = False
    return written


def restore(rows: Iterable[tuple[str, bytes]]) -> dict[str, DistrictState]:
    """The districts' states that the rows hold, by the district's code."""
    states: dict[str, DistrictState] = {}
    reports: list[tuple[DistrictState, str, list[Any]]] = []
    for key, value in rows:
        code, letter, name = key.split("/", 2)
        state = states.get(code)
        if state is None:
            state = states[code] = DistrictState(code)
        row = from_json(value)
        match letter:
            case "i":
                state.add(_incident(name, code, row))
            case "r":
                reports.append((state, name, row))
            case "e":
                state.early[name] = Early(*row)
            case "f":
                state.foreign[name] = Foreign(*row)
            case "w":
                _restore_watch(state, row)
            case _:
                raise ValueError(
                    f"key: {key[:80]!r} is no row of a state; upgrade Siaga to the version that wrote it"
                )
    for state, report_id, row in reports:
        _restore_report(state, report_id, row)
    for state in states.values():
        for incident in state.incidents.values():
            standing = incident.standings.values() or ((incident.ghost,) if incident.ghost is not None else ())
            incident.subject = Subject.of(standing)
    return states


def _values(thing: Early | Foreign) -> list[Any]:
    return [getattr(thing, f.name) for f in fields(thing)]


def _incident_row(incident: IncidentRecord) -> bytes:
    row = {}
    for name in _KEPT:
        value = getattr(incident, name)
        if value != _DEFAULTS[name]:
            row[name] = value.to_row() if isinstance(value, Standing) else value
    return to_json(row)


def _incident(incident_id: str, code: str, row: dict[str, Any]) -> IncidentRecord:
    for name in _TUPLES:
        if name in row:
            row[name] = tuple(row[name])
    if "state" in row:
        row["state"] = IncidentState(row["state"])
    if "ghost" in row:
        row["ghost"] = Standing.from_row(row["ghost"])
    if "also" in row:
        row["also"] = [tuple(place) for place in row["also"]]
    if "refusals" in row:
        row["refusals"] = {command_id: tuple(said) for command_id, said in row["refusals"].items()}
    if "told" in row:
        row["told"] = Told(*row["told"])
    return IncidentRecord(incident_id=incident_id, district=code, **row)


def _report_row(state: DistrictState, report_id: str) -> bytes | None:
    incident = state.incidents.get(state.reports.get(report_id, ""))
    if incident is None:
        return None
    standing = incident.standings.get(report_id)
    if standing is not None:
        return to_json([incident.incident_id, *standing.to_row()[1:]])
    return to_json([incident.incident_id, incident.superseded[report_id]])


def _restore_report(state: DistrictState, report_id: str, row: list[Any]) -> None:
    incident = state.incidents.get(row[0])
    if incident is None:
        return
    state.reports[report_id] = incident.incident_id
    if len(row) == 2:
        incident.superseded[report_id] = row[1]
    else:
        incident.standings[report_id] = Standing.from_row([report_id, *row[1:]])


def _watch_row(state: DistrictState) -> bytes:
    """Stations by the part of their number after the district's; times that all share are written once."""
    stations: dict[str, list[Any]] = {}
    start = len(state.code) + 1
    for station_id in sorted({*state.seen, *state.since, *state.closed, *state.silent}):
        since = state.since.get(station_id)
        row = [
            state.seen.get(station_id),
            0 if since is not None and since == state.watch_from else since,
            state.closed.get(station_id),
            *(state.silent.get(station_id) or ()),
        ]
        while row and row[-1] is None:
            row.pop()
        stations[station_id[start:]] = row
    return to_json({"from": state.watch_from, "outage": state.outage_id, "stations": stations})


def _restore_watch(state: DistrictState, row: dict[str, Any]) -> None:
    state.watch_from, state.outage_id = row["from"], row["outage"]
    for rest, times in row["stations"].items():
        station_id = f"{state.code}.{rest}"
        seen, since, closed, incident_id, silent_since = times + [None] * (5 - len(times))
        if seen is not None:
            state.seen[station_id] = seen
        if since is not None:
            state.since[station_id] = state.watch_from if since == 0 and state.watch_from is not None else since
        if closed is not None:
            state.closed[station_id] = closed
        if incident_id is not None:
            state.silent[station_id] = Silent(incident_id, silent_since)
