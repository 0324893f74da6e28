"""What the database says of a scenario's incidents and of the place it is played at. Reads only.

Input: a connection with its transaction begun. Output: :class:`~siaga.scenario.judge.Seen`, stations, units.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from siaga.contracts.page import Purpose
from siaga.contracts.registry import Calendar, Entity
from siaga.contracts.roster import RosterEntry
from siaga.escalation.roster import Roster, empty_roster
from siaga.scenario.judge import PageSeen, Seen
from siaga.store.tables import escalation_steps, escalations, incidents, pages, registry, reports, stations
from siaga.types import Vulnerability, village_of

#: Classes that no rule makes graver, so that a scenario's severities are the same wherever it is played.
_CALM = (Vulnerability.AMAN.value, Vulnerability.KURANG_RAWAN.value)


@dataclass(frozen=True, slots=True)
class Where:
    """Where a scenario is played: a station for each place, and all the stations of the district and the others."""

    district: str
    places: Mapping[str, str]
    here: tuple[str, ...]
    elsewhere: tuple[str, ...]


def choose_place(
    connection: sa.Connection, places: Sequence[str], *, district: str | None = None, stations_at_least: int = 1
) -> Where | None:
    """Stations in villages of their own in one district, where least happened yet; None where there are none."""
    table = stations.c
    rows = connection.execute(sa.select(table.station_id, table.district, table.vulnerability)).all()
    calm: dict[str, dict[str, str]] = {}
    size = Counter(row.district for row in rows)
    for row in sorted(rows, key=lambda row: row.station_id):
        if row.vulnerability in _CALM:
            calm.setdefault(row.district, {}).setdefault(village_of(row.station_id), row.station_id)
    fitting = [
        code
        for code, here in calm.items()
        if len(here) >= len(places) and size[code] >= stations_at_least and district in (None, code)
    ]
    if not fitting:
        return None
    asked = sa.select(incidents.c.district, sa.func.count().label("times")).group_by(incidents.c.district)
    busy: dict[str, int] = {row.district: row.times for row in connection.execute(asked)}
    chosen = min(fitting, key=lambda code: (busy.get(code, 0), code))
    return Where(
        district=chosen,
        places=dict(zip(places, calm[chosen].values(), strict=False)),
        here=tuple(row.station_id for row in rows if row.district == chosen),
        elsewhere=tuple(row.station_id for row in rows if row.district != chosen),
    )


def calendar(connection: sa.Connection) -> Calendar | None:
    """The calendar that is loaded."""
    value = connection.scalar(sa.select(registry.c.value).where(registry.c.key == f"{Entity.CALENDAR}/election"))
    return None if value is None else Calendar.model_validate_json(bytes(value))


def roster_of(connection: sa.Connection, district: str) -> Roster:
    """The roster of the smallest area that holds a district."""
    table = registry.c
    for area in (district, district[:5], district[:2]):
        value = connection.scalar(sa.select(table.value).where(table.key == f"{Entity.ROSTER}/{area}"))
        if value is not None:
            return Roster(RosterEntry.model_validate_json(bytes(value)))
    return empty_roster(district)


def incidents_of(connection: sa.Connection, report_ids: Collection[str]) -> dict[str, str]:
    """The incidents that reports belong to, by report."""
    asked = sa.select(reports.c.report_id, reports.c.incident_id).where(
        reports.c.report_id.in_(list(report_ids)), reports.c.incident_id.is_not(None)
    )
    return {row.report_id: row.incident_id for row in connection.execute(asked)}


def outage_of(connection: sa.Connection, district: str, since: datetime) -> str | None:
    """The newest outage of a district that began after ``since``."""
    table = incidents.c
    asked = sa.select(table.incident_id).where(
        table.district == district, table.station_id.is_(None), table.opened_at >= since
    )
    found: str | None = connection.scalar(asked.order_by(table.opened_at.desc()).limit(1))
    return found


def see(connection: sa.Connection, incident_ids: Collection[str]) -> dict[str, Seen]:
    """Incidents as they stand, with their escalations and pages."""
    wanted = list(incident_ids)
    table, climb = incidents.c, escalations.c
    asked = (
        sa.select(
            *(table.incident_id, table.district, table.severity, table.state, table.certainty, table.lead_agency),
            *(
                table.cluster_id,
                table.generation,
                climb.state.label("escalation"),
                climb.level,
                climb.acknowledged_by,
            ),
        )
        .select_from(incidents.outerjoin(escalations, climb.incident_id == table.incident_id))
        .where(table.incident_id.in_(wanted))
    )
    called = _pages(connection, wanted)
    return {
        row.incident_id: Seen(
            incident_id=row.incident_id,
            district=row.district,
            severity=row.severity,
            state=row.state,
            certainty=row.certainty,
            lead=row.lead_agency,
            cluster_id=row.cluster_id,
            generation=row.generation,
            escalation=row.escalation,
            level=row.level or 0,
            acknowledged_by=row.acknowledged_by,
            pages=tuple(called.get(row.incident_id, ())),
        )
        for row in connection.execute(asked)
    }


def _pages(connection: sa.Connection, incident_ids: Sequence[str]) -> dict[str, list[PageSeen]]:
    """The pages of incidents, oldest first. A digest is a page of each incident that it tells."""
    step, page = escalation_steps.c, pages.c
    desks = {
        row.page_id: row.desk
        for row in connection.execute(
            sa.select(step.page_id, step.desk).where(
                step.incident_id.in_(incident_ids), step.page_id.is_not(None), step.desk.is_not(None)
            )
        )
    }
    found: dict[str, list[PageSeen]] = {}
    asked = sa.select(pages).where(sa.or_(page.incident_id.in_(incident_ids), page.purpose == Purpose.DIGEST.value))
    for row in connection.execute(asked.order_by(page.due_at, page.page_id)):
        told = {row.incident_id, *(one["incident_id"] for one in row.body.get("incidents", ()))}
        seen = PageSeen(
            officer_id=row.officer_id,
            agency=row.agency,
            desk=desks.get(row.page_id),
            generation=row.generation,
            level=row.level,
            purpose=Purpose(row.purpose),
            channel=row.channel,
            severity=row.severity,
            status=row.status,
            due_at=row.due_at.timestamp(),
            sent_at=None if row.sent_at is None else row.sent_at.timestamp(),
        )
        for incident_id in told.intersection(incident_ids):
            found.setdefault(incident_id, []).append(seen)
    return found
