"""What the command line asks of the database. Nothing confidential is among the answers."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa

from siaga.contracts.incident import IncidentState
from siaga.rules.taxonomy import Taxonomy, builtin_taxonomy, parse_taxonomy
from sinks.tables import incidents, registry, rejected, reports, stations

#: Columns of an incident that anybody who may use the command line may see: no officer, no confidential reason.
_INCIDENT: Final = (
    *("incident_id", "version", "generation", "state", "severity", "certainty", "urgency"),
    *("kind", "family", "lead_agency", "district", "station_id", "station_count", "report_count", "reporter_count"),
    *(
        "needs_verification",
        "cluster_id",
        "first_occurred_at",
        "last_occurred_at",
        "opened_at",
        "updated_at",
        "drill",
    ),
)


def list_incidents(
    connection: sa.Connection,
    *,
    only_open: bool = False,
    severities: Collection[int] = (),
    district: str | None = None,
    limit: int = 100,
) -> list[dict[str, Any]]:
    """Incidents, open ones first, the gravest of them first, then the newest.

    Args:
        only_open: leave out what is resolved or dismissed.
        severities: 1 (gravest) to 5; all when there are none.
        district: a district's code, or the beginning of one: a regency's or a province's.
    """
    table = incidents
    is_open = table.c.state.in_([state.value for state in IncidentState if state.is_open])
    asked = sa.select(*(table.c[name] for name in _INCIDENT), table.c.reasons)
    if only_open:
        asked = asked.where(is_open)
    if severities:
        asked = asked.where(table.c.severity.in_(severities))
    if district:
        asked = asked.where(table.c.district.startswith(district, autoescape=True))
    order = (sa.case((is_open, 0), else_=1), table.c.severity, table.c.updated_at.desc(), table.c.incident_id)
    found = []
    for row in connection.execute(asked.order_by(*order).limit(limit)).mappings():
        shown = [reason for reason in row["reasons"] if not reason["confidential"]]
        found.append({**{name: row[name] for name in _INCIDENT}, "reasons": shown})
    return found


def reports_of(connection: sa.Connection, incident_id: UUID) -> list[dict[str, Any]]:
    """What tells the reports of an incident from each other, oldest first."""
    names = ("report_id", "station_id", "kind", "reporter_role", "occurred_at", "received_at")
    asked = sa.select(*(reports.c[name] for name in names)).where(reports.c.incident_id == str(incident_id))
    rows = connection.execute(asked.order_by(reports.c.received_at, reports.c.report_id)).mappings()
    return [dict(row) for row in rows]


def list_rejected(
    connection: sa.Connection, *, reason: str | None = None, ids: Collection[str] = (), limit: int | None = 100
) -> list[dict[str, Any]]:
    """What was set aside, the newest first, with the original bytes."""
    asked = sa.select(rejected).order_by(rejected.c.at.desc(), rejected.c.rejection_id)
    if reason is not None:
        asked = asked.where(rejected.c.reason == reason)
    if ids:
        asked = asked.where(rejected.c.rejection_id.in_(ids))
    return [dict(row) for row in connection.execute(asked.limit(limit)).mappings()]


def districts_with_stations(connection: sa.Connection) -> set[str]:
    """Codes of the districts that vote."""
    return set(connection.execute(sa.select(stations.c.district).distinct()).scalars())


def taxonomy_of(connection: sa.Connection) -> Taxonomy:
    """The kinds as the registry has them, the built-in ones where it has none."""
    value = connection.scalar(sa.select(registry.c.value).where(registry.c.key == "taxonomy/kinds"))
    return parse_taxonomy(json.loads(value)["toml"]) if value else builtin_taxonomy()
