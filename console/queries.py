"""Questions to the database that an endpoint asks. Rows come out whole: who may see what of them is decided next.

Pages are cut by a cursor that names the last row looked at, so that nothing is shown twice or left out however the
table grows meanwhile.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa

from siaga.store.paging import escalation_steps, escalations, pages
from siaga.store.tables import (
    audit_log,
    checkins,
    commands,
    incident_events,
    incidents,
    rejected,
    reports,
    stations,
)

Row = dict[str, Any]
#: Rows read at once while looking for a page of what somebody may see.
_CHUNK: Final = 200


@dataclass(frozen=True, slots=True)
class Filter:
    """Which incidents; empty means all."""

    states: Sequence[str] = ()
    severities: Sequence[int] = ()
    districts: Sequence[str] = ()
    kinds: Sequence[str] = ()
    families: Sequence[str] = ()
    since: datetime | None = None
    drill: bool | None = None


def encode_cursor(opened_at: datetime, incident_id: str) -> str:
    """Where a page ended."""
    return base64.urlsafe_b64encode(json.dumps([opened_at.isoformat(), incident_id]).encode()).decode().rstrip("=")


def decode_cursor(cursor: str) -> tuple[datetime, str]:
    """Where the page before ended.

    Raises:
        ValueError: it is none of ours.
    """
    try:
        at, incident_id = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        moment = datetime.fromisoformat(at)
        if moment.tzinfo is None:
            raise ValueError("no offset")
        return moment, str(UUID(incident_id))
    except (ValueError, TypeError, AttributeError, binascii.Error, RecursionError):
        raise ValueError("cursor: is none that this address gave; leave it out to begin at the newest") from None


def find_incidents(
    connection: sa.Connection, chosen: Filter, after: tuple[datetime, str] | None = None, *, chunk: int = _CHUNK
) -> Iterator[tuple[Row, datetime]]:
    """Incidents (whole snapshots) with when they opened, newest first; so many are read at once."""
    while True:
        # What is sorted is small; the snapshots are fetched for the page alone.
        wanted = sa.select(incidents.c.opened_at, incidents.c.incident_id).where(*_conditions(chosen))
        if after is not None:
            at, incident_id = after
            same = sa.and_(incidents.c.opened_at == at, incidents.c.incident_id > incident_id)
            wanted = wanted.where(sa.or_(incidents.c.opened_at < at, same))
        wanted = wanted.order_by(incidents.c.opened_at.desc(), incidents.c.incident_id).limit(chunk)
        found = connection.execute(wanted).all()
        ids = [row.incident_id for row in found]
        whole = sa.select(incidents.c.incident_id, incidents.c.body).where(incidents.c.incident_id.in_(ids))
        bodies = {row.incident_id: row.body for row in connection.execute(whole)}
        for opened_at, incident_id in found:
            yield bodies[incident_id], opened_at
        if len(found) < chunk:
            return
        after = (found[-1].opened_at, found[-1].incident_id)


def _conditions(chosen: Filter) -> list[sa.ColumnElement[bool]]:
    table = incidents.c
    found: list[sa.ColumnElement[bool]] = []
    for column, values in (
        (table.state, chosen.states),
        (table.severity, chosen.severities),
        (table.district, chosen.districts),
        (table.kind, chosen.kinds),
        (table.family, chosen.families),
    ):
        if values:
            found.append(column.in_(list(values)))
    if chosen.since is not None:
        found.append(table.updated_at >= chosen.since)
    if chosen.drill is not None:
        found.append(table.drill.is_(chosen.drill))
    return found


def one_incident(connection: sa.Connection, incident_id: str) -> Row | None:
    """One incident, as its last snapshot has it."""
    found: Row | None = connection.scalar(sa.select(incidents.c.body).where(incidents.c.incident_id == incident_id))
    return found


def reports_of(connection: sa.Connection, incident_id: str) -> list[Row]:
    """The reports of an incident, oldest first, in the form :func:`siaga.redaction.report` takes."""
    wanted = sa.select(reports.c.body, reports.c.district).where(reports.c.incident_id == incident_id)
    wanted = wanted.order_by(reports.c.received_at, reports.c.report_id).limit(500)
    found = []
    for body, district in connection.execute(wanted):
        reporter = body.get("reporter") or {}
        more = {"reporter_id": reporter.get("id"), "reporter_role": reporter.get("role")}
        found.append({**body, **more, "district": district, "incident_id": incident_id})
    return found


def reports_elsewhere(connection: sa.Connection, incident_id: str, report_ids: Sequence[str]) -> list[str]:
    """Those of the reports that are not of the incident, as far as is stored."""
    table = reports.c
    wanted = sa.select(table.report_id).where(table.report_id.in_(report_ids), table.incident_id == incident_id)
    here = set(connection.scalars(wanted)) if report_ids else set()
    return [report_id for report_id in report_ids if report_id not in here]


def history_of(connection: sa.Connection, incident_id: str) -> list[Row]:
    """What happened to an incident, oldest first."""
    wanted = (
        sa.select(
            incident_events.c.change,
            incident_events.c.at,
            incident_events.c.actor.label("by"),
            incident_events.c.detail,
        )
        .where(incident_events.c.incident_id == incident_id)
        .order_by(incident_events.c.at, incident_events.c.seq)
        .limit(1000)
    )
    return [dict(row) for row in connection.execute(wanted).mappings()]


def escalation_of(connection: sa.Connection, incident_id: str) -> Row | None:
    """Where an incident stands on its policy."""
    columns = [column for column in escalations.c if column.name not in ("body", "seq", "epoch")]
    row = connection.execute(sa.select(*columns).where(escalations.c.incident_id == incident_id)).mappings().first()
    return None if row is None else dict(row)


def steps_of(connection: sa.Connection, incident_id: str) -> list[Row]:
    """What happened to its escalation, oldest first."""
    table = escalation_steps.c
    names = ("at", "reason", "level", "round", "officer_id", "channel", "page_id", "desk")
    wanted = sa.select(*(table[name] for name in names)).where(table.incident_id == incident_id)
    wanted = wanted.order_by(table.at, table.seq).limit(1000)
    return [dict(row) for row in connection.execute(wanted).mappings()]


def pages_of(connection: sa.Connection, incident_id: str) -> list[Row]:
    """Who was called about an incident and what came of it, oldest first."""
    table = pages.c
    wanted = sa.select(*(column for column in table if column.name not in ("seq", "message_key")))
    wanted = wanted.where(table.incident_id == incident_id).order_by(table.due_at, table.page_id).limit(500)
    found = []
    for row in connection.execute(wanted).mappings():
        asked = row["body"].get("reason")
        found.append({**row, "reason": asked, "status_reason": row["reason"], "updated_at": row["delivered_at"]})
    return found


def page_by_id(connection: sa.Connection, page_id: str) -> Row | None:
    """One call to an officer: what its link has to know."""
    columns = [pages.c[name] for name in ("page_id", "incident_id", "officer_id", "agency", "code", "body")]
    row = connection.execute(sa.select(*columns).where(pages.c.page_id == page_id)).mappings().first()
    return None if row is None else dict(row)


def find_escalations(connection: sa.Connection, states: Sequence[str]) -> Iterator[tuple[Row, Row]]:
    """Escalations with their incidents (whole snapshots), what is due first first; all states when none is named."""
    columns = [column for column in escalations.c if column.name not in ("body", "seq", "epoch")]
    wanted = sa.select(*columns, incidents.c.body.label("incident")).join(
        incidents, incidents.c.incident_id == escalations.c.incident_id
    )
    if states:
        wanted = wanted.where(escalations.c.state.in_(list(states)))
    late = escalations.c.next_due_at.is_(None)
    for row in connection.execute(
        wanted.order_by(late, escalations.c.next_due_at, escalations.c.severity)
    ).mappings():
        yield {name: value for name, value in row.items() if name != "incident"}, row["incident"]


def commands_of(connection: sa.Connection, incident_id: str) -> list[Row]:
    """What people decided about an incident, oldest first."""
    wanted = sa.select(commands.c.body).where(commands.c.incident_id == incident_id).order_by(commands.c.at)
    return list(connection.scalars(wanted.limit(500)))


def all_stations(connection: sa.Connection, districts: Sequence[str], after: str | None = None) -> Iterator[Row]:
    """The stations of ``districts`` (all when empty), by number, those past ``after``."""
    wanted = sa.select(*(column for column in stations.c if column.name != "seq")).order_by(stations.c.station_id)
    if districts:
        wanted = wanted.where(stations.c.district.in_(list(districts)))
    if after is not None:
        wanted = wanted.where(stations.c.station_id > after)
    for row in connection.execute(wanted).mappings():
        yield dict(row)


def audit_rows(connection: sa.Connection, before: int | None, limit: int) -> list[Row]:
    """The audit trail, newest first; ``before`` is the ``seq`` of the last row seen."""
    shown = (column for column in audit_log.c if column.name != "salt")
    wanted = sa.select(*shown).order_by(audit_log.c.seq.desc()).limit(limit)
    if before is not None:
        wanted = wanted.where(audit_log.c.seq < before)
    return [dict(row) for row in connection.execute(wanted).mappings()]


def incident_facts(connection: sa.Connection, since: datetime) -> Iterator[Row]:
    """What trends and summaries are counted from: the incidents opened since then, without their texts."""
    wanted = sa.select(incidents.c.body, incidents.c.opened_at).where(incidents.c.opened_at >= since)
    for body, opened_at in connection.execute(wanted.order_by(incidents.c.opened_at)):
        yield {**body, "opened_at": opened_at}


def acknowledged_at(connection: sa.Connection, since: datetime) -> dict[str, datetime]:
    """When each incident was first taken by somebody."""
    first = sa.func.min(incident_events.c.at, type_=incident_events.c.at.type)
    wanted = sa.select(incident_events.c.incident_id, first).where(
        incident_events.c.change == "acknowledged", incident_events.c.at >= since
    )
    return {row[0]: row[1] for row in connection.execute(wanted.group_by(incident_events.c.incident_id))}


def totals(connection: sa.Connection, since: datetime) -> dict[str, int]:
    """How many reports, check-ins and rejections there were since then."""
    found = {}
    for table, column in (
        (reports, reports.c.received_at),
        (checkins, checkins.c.received_at),
        (rejected, rejected.c.at),
    ):
        counted = sa.select(sa.func.count()).select_from(table).where(column >= since)
        found[table.name] = int(connection.scalar(counted) or 0)
    return found
