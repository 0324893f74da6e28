"""Stored incidents as cases to decide again, for ``siaga rules diff``.

Input: the database. Output: cases (:mod:`siaga.rules.diff`) and the kinds that are loaded. State: none.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from typing import Any, Final

import sqlalchemy as sa

from siaga.contracts.registry import Entity
from siaga.contracts.report import AcceptedReport
from siaga.election.registry import Registry
from siaga.rules.diff import Case, subject_of
from siaga.rules.taxonomy import Taxonomy
from siaga.rules.vocabulary import Context
from siaga.store.tables import incidents, registry, reports
from siaga.types import Vulnerability

_NEEDED: Final = (Entity.STATIONS, Entity.CALENDAR, Entity.TAXONOMY)
#: Reports read at once.
_BATCH: Final = 1000


@dataclass(frozen=True, slots=True)
class Stored:
    """What is stored: the cases, in order of their ids, and the kinds to decide with."""

    cases: tuple[Case, ...]
    taxonomy: Taxonomy


def stored_cases(connection: sa.Connection, since: datetime) -> Stored:
    """Every incident that has a report received at ``since`` or later, with all of its reports.

    What a decision depends on besides the reports is taken as it stands now: the calendar and the classes of the
    stations, and whether the incident is part of a cluster, verified or refuted.
    """
    known = _registry(connection)
    asked = sa.select(reports.c.incident_id).where(reports.c.received_at >= since, reports.c.incident_id.is_not(None))
    columns = (incidents.c.station_id, incidents.c.cluster_id, incidents.c.verified_by, incidents.c.refuted_by)
    rows = connection.execute(
        sa.select(reports.c.incident_id, reports.c.body, *columns)
        .join(incidents, incidents.c.incident_id == reports.c.incident_id)
        .where(reports.c.incident_id.in_(asked))
        .order_by(reports.c.incident_id, reports.c.report_id)
        .execution_options(yield_per=_BATCH)
    )
    return Stored(tuple(_cases(rows, known)), known.taxonomy)


def _registry(connection: sa.Connection) -> Registry:
    known = Registry(keep=_NEEDED)
    wanted = sa.or_(*(registry.c.key.startswith(f"{entity}/", autoescape=True) for entity in _NEEDED))
    for key, value in connection.execute(sa.select(registry.c.key, registry.c.value).where(wanted)):
        known.apply(key, value)
    return known


def _cases(rows: Any, known: Registry) -> Iterator[Case]:
    skew = known.windows.clock_skew.total_seconds()
    for incident_id, members in groupby(rows, key=lambda row: row.incident_id):
        told = list(members)
        subject = subject_of((AcceptedReport.model_validate(row.body) for row in told), skew)
        if subject.report_count:
            yield Case(incident_id, told[0].station_id, subject, _context(told[0], subject.last_at, known))


def _context(incident: Any, at: float, known: Registry) -> Context:
    station = known.station(incident.station_id) if incident.station_id is not None else None
    context = Context(
        vulnerability=str(Vulnerability.AMAN) if station is None else station.vulnerability,
        clustered=incident.cluster_id is not None,
        verified=incident.verified_by is not None,
        refuted=incident.refuted_by is not None,
        outage=incident.station_id is None,
        speed=known.windows.speed,
    )
    if known.calendar is None:
        return context  # as triage has it: without a calendar, as in the voting
    stage = known.stage_at(at)
    return replace(context, stage=None if stage is None else str(stage.stage))
