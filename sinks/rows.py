"""From contracts to rows: tuples in the order of each table's columns, with what drivers take as it is. Pure.

Tables with a ``seq`` have it last; the rows here end before it, and the writer gives each its number.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

from pydantic import TypeAdapter

from siaga.contracts.checkin import AcceptedCheckIn
from siaga.contracts.command import Command
from siaga.contracts.incident import HistoryEntry, Incident, Reason
from siaga.contracts.registry import DistrictStations
from siaga.contracts.rejection import Rejection
from siaga.contracts.report import AcceptedReport, Channel
from siaga.store import tables
from siaga.store.tables import utc_text
from siaga.types import district_of
from sinks.bulk import Row

#: What the gateway adds and what a device changes when it sends the same report again: no part of what it says.
#: Nor when a decision was brought: a link that is tapped twice, or a message that a gateway brings twice, is one.
_VOLATILE: Final = frozenset({"received_at", "device_id", "sent_at", "at"})
_REASONS: Final = TypeAdapter(tuple[Reason, ...])
_STEADY_CHECKIN: Final = tuple(
    number for number, column in enumerate(tables.checkins.columns) if column.name not in _VOLATILE
)


def report_row(report: AcceptedReport) -> Row:
    """A report's row, without an incident."""
    return (
        str(report.report_id),
        report.station_id,
        district_of(report.station_id),
        report.kind,
        utc_text(report.occurred_at),
        report.sent_at and utc_text(report.sent_at),
        utc_text(report.received_at),
        report.device_id,
        report.reporter.role.value,
        report.channel.value,
        report.corrects and str(report.corrects),
        report.withdraws,
        report.drill,
        report.model_dump_json(),
        None,
    )


def checkin_row(checkin: AcceptedCheckIn) -> Row:
    """A check-in's row. Hot: a hundred thousand a second pass here, so that it calls as little as it can."""
    station, sent, reporter, location = checkin.station_id, checkin.sent_at, checkin.reporter, checkin.location
    where = (None, None, None) if location is None else (location.lat, location.lon, location.accuracy_m)
    return (
        str(checkin.report_id),
        station,
        district_of(station),
        checkin.phase._value_,
        # The contracts' times are in UTC already.
        checkin.occurred_at.isoformat(" ", "microseconds"),
        None if sent is None else sent.isoformat(" ", "microseconds"),
        checkin.received_at.isoformat(" ", "microseconds"),
        checkin.device_id,
        reporter.id,
        reporter.role._value_,
        checkin.turnout,
        checkin.queue,
        checkin.personnel,
        *where,
        checkin.channel._value_,
        checkin.drill,
    )


def rejection_row(rejection: Rejection) -> Row:
    """A rejection's row.

    Raises:
        ValueError: ``original`` is not base64.
    """
    return (
        str(rejection.rejection_id),
        rejection.reason.value,
        rejection.field,
        rejection.message,
        rejection.remedy,
        rejection.source,
        rejection.topic,
        rejection.partition,
        rejection.offset,
        rejection.index,
        rejection.key,
        rejection.original_bytes(),
        utc_text(rejection.at),
        None,
    )


def incident_row(incident: Incident, epoch: int) -> Row:
    """An incident's row."""
    return (
        str(incident.incident_id),
        epoch,
        incident.version,
        incident.generation,
        incident.district,
        incident.station_id,
        incident.station_count,
        incident.kind,
        incident.family,
        incident.lead_agency,
        incident.state.value,
        int(incident.severity),
        int(incident.computed_severity),
        incident.certainty.value,
        incident.urgency.value,
        _REASONS.dump_json(incident.reasons).decode(),
        incident.needs_verification,
        incident.verified_by,
        incident.refuted_by,
        incident.assigned_to,
        incident.acknowledged_by,
        incident.outcome,
        incident.report_count,
        incident.reporter_count,
        incident.cluster_id and str(incident.cluster_id),
        incident.clock_skewed,
        utc_text(incident.first_occurred_at),
        utc_text(incident.last_occurred_at),
        utc_text(incident.first_received_at),
        utc_text(incident.opened_at),
        utc_text(incident.updated_at),
        incident.ruleset,
        incident.drill,
        incident.model_dump_json(),
    )


def event_row(incident_id: str, entry: HistoryEntry) -> Row:
    """The row of one thing that happened to an incident; told again, it has the same id."""
    said = [incident_id, entry.change.value, utc_text(entry.at), entry.by, entry.detail]
    return (hashlib.sha256(canonical(said)).hexdigest(), *said)


def command_row(command: Command) -> Row:
    """A command's row."""
    return (
        str(command.command_id),
        str(command.incident_id),
        command.district,
        command.action.value,
        command.by,
        utc_text(command.at),
        command.reason,
        command.model_dump_json(),
    )


def station_rows(entry: DistrictStations) -> Iterable[Row]:
    """The rows of a district's stations."""
    for station in entry.stations:
        yield (
            station.station_id,
            station.name,
            entry.district,
            station.village,
            station.lat,
            station.lon,
            station.vulnerability.value,
            station.voters,
        )


def district_row(entry: DistrictStations) -> Row:
    """A district's row."""
    return (entry.district, entry.name, json.dumps(entry.neighbours), len(entry.stations))


# -- is it the same? ----------------------------------------------------------------------------------------------


_CANONICAL: Final = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def canonical(value: object) -> bytes:
    """JSON of one form only, to be hashed or compared."""
    return _CANONICAL.encode(value).encode()


def said_in_body(body: str | Mapping[str, Any]) -> Mapping[str, Any]:
    """What a report or command says, from its row's ``body``, however often and by whatever way it was sent."""
    parsed = json.loads(body) if isinstance(body, str) else body
    # A message does not say when it happened: what stands there is when it was brought, and it may be brought twice.
    passing = _VOLATILE | {"occurred_at"} if parsed.get("channel") == Channel.SMS else _VOLATILE
    # What says nothing is left out: it may be a field that there was not yet when the row was written.
    return {name: value for name, value in parsed.items() if name not in passing and value not in (None, [])}


def said_in_checkin(row: Row) -> Row:
    """What a check-in says, from its row, however often and by whatever way it was sent."""
    return tuple(row[number] for number in _STEADY_CHECKIN)
