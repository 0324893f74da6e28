"""The questions that a report after the day asks the database, of one period.

In: a connection (SQLite or PostgreSQL), a period, and the areas that the reader has. Out: rows of
:mod:`siaga.afterday.material`. What may be counted by the database is counted there; rows that come out are
incidents, calls and silences, never check-ins.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from siaga import redaction
from siaga.afterday.figures import slot_of
from siaga.afterday.material import Arrivals, Call, Climbed, Grave, Period, Quiet, Seen
from siaga.contracts.escalation import EscalationReason
from siaga.contracts.incident import Change
from siaga.contracts.page import Purpose
from siaga.redaction import Audience
from siaga.store.paging import escalation_steps, pages
from siaga.store.tables import (
    checkins,
    districts,
    incident_events,
    incidents,
    rejected,
    reports,
    stations,
)

#: How late, in seconds, an arrival is counted as: it came that long after what it tells happened.
LATE: Final = (600, 3600, 6 * 3600)
#: A clock that runs further ahead than this is said to be wrong (the contracts' own bound).
_AHEAD: Final = 600
#: Grave incidents told by themselves, and climbs to the top, at most; the rest are counted.
MOST_TOLD: Final = 60
_UNHEARD: Final = 24
#: Points of stations on the map: cells of a grid, so that a country draws no more than a regency.
_GRID: Final = 110
#: What says whom an incident concerns, as :func:`siaga.redaction.may_see` asks for it.
_WHOSE: Final = (
    incidents.c.district,
    incidents.c.lead_agency,
    incidents.c.body["support_agencies"].label("support_agencies"),
    incidents.c.body["facts"]["accused_unit"].as_string().label("accused_unit"),
    incidents.c.body["accused_units"].label("accused_units"),
)
#: Why a level is called for the first time in a round.
PAGED: Final = frozenset(
    {
        EscalationReason.OPENED,
        EscalationReason.REOPENED,
        EscalationReason.SEVERITY_ROSE,
        EscalationReason.DEADLINE_PASSED,
        EscalationReason.LEVEL_SKIPPED,
        EscalationReason.EVERYBODY_DECLINED,
        EscalationReason.ASKED_TO_ESCALATE,
        EscalationReason.LEASE_ENDED,
        EscalationReason.SNOOZE_ENDED,
        EscalationReason.HANDED_OFF,
        EscalationReason.UNIT_ACCUSED,
        EscalationReason.LEVELS_EXHAUSTED,
        EscalationReason.UNACKNOWLEDGED,
        EscalationReason.TOOK_IN,
    }
)


class Asked:
    """The questions about one period, on one connection; of some areas only where ``areas`` names any."""

    def __init__(self, connection: sa.Connection, period: Period, areas: Sequence[str]) -> None:
        self._connection = connection
        self._period = period
        self._areas = areas
        rows = connection.execute(sa.select(districts.c.district, districts.c.name))
        self.names: dict[str, str] = {row.district: row.name for row in rows}

    def _within(self, column: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
        return sa.and_(column >= self._period.start, column < self._period.end)

    def _in_areas(self, column: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
        """Whether a district is one that the reader's areas hold."""
        held = [sa.or_(column == area, column.startswith(f"{area}.", autoescape=True)) for area in self._areas]
        return sa.or_(*held) if held else sa.true()

    @property
    def _of_incidents(self) -> sa.ColumnElement[bool]:
        return sa.and_(self._within(incidents.c.opened_at), self._in_areas(incidents.c.district))

    def _epoch(self, column: sa.ColumnElement[Any]) -> sa.ColumnElement[int]:
        """A time's whole seconds since 1970."""
        if self._connection.dialect.name == "sqlite":
            return sa.cast(sa.func.strftime("%s", column), sa.BigInteger)
        return sa.cast(sa.func.floor(sa.extract("epoch", column)), sa.BigInteger)

    # -- what arrived ---------------------------------------------------------------------------------------------

    def slot(self, opened: Sequence[datetime]) -> int:
        """How many seconds one bar of a chart stands for: by the stretch in which anything happened."""
        times = list(opened)
        for table in (checkins, reports):
            at = table.c.received_at
            bounds = sa.select(sa.func.min(at), sa.func.max(at))
            bounds = bounds.where(self._within(at), self._in_areas(table.c.district))
            row = self._connection.execute(bounds).one()
            times += [time for time in row if time is not None]
        return slot_of((max(times) - min(times)).total_seconds() if times else 0.0)

    def arrivals(self, table: sa.Table, slot: int, offset: int) -> Arrivals:
        """How many came, how late, and when."""
        c = table.c
        came, told = self._epoch(c.received_at), self._epoch(c.occurred_at)
        start = came - (came + offset) % slot
        each = sa.select(start.label("slot"), (came - told).label("late"), c.drill)
        rows = each.where(self._within(c.received_at), self._in_areas(c.district)).subquery()
        real, late = ~rows.c.drill, rows.c.late
        counts = [sa.func.count().filter(real, late > bound) for bound in LATE]
        ahead = sa.func.count().filter(real, late < -_AHEAD)
        grouped = sa.select(
            rows.c.slot, sa.func.count().filter(real), sa.func.count().filter(rows.c.drill), ahead, *counts
        ).group_by(rows.c.slot)
        found = self._connection.execute(grouped).all()
        sums = [sum(column) for column in zip(*(row[1:] for row in found), strict=True)] or [0] * (3 + len(LATE))
        return Arrivals(
            total=sums[0],
            drills=sums[1],
            ahead=sums[2],
            late=dict(zip(LATE, sums[3:], strict=True)),
            by_slot={int(row[0]): row[1] for row in found if row[1]},
        )

    def stations(self) -> tuple[int, int, list[tuple[str, str, str]]]:
        """How many there are, how many were heard, and some that were not: number, name, district."""
        both = [
            sa.select(t.c.station_id).where(self._within(t.c.received_at), ~t.c.drill) for t in (checkins, reports)
        ]
        heard = sa.union(*both).subquery()
        known = stations.c.station_id
        joined = stations.outerjoin(heard, heard.c.station_id == known)
        here = self._in_areas(stations.c.district)
        counted = sa.select(sa.func.count(), sa.func.count(heard.c.station_id)).select_from(joined).where(here)
        total, there = self._connection.execute(counted).one()
        missing = sa.select(known, stations.c.name, stations.c.district).select_from(joined)
        missing = missing.where(heard.c.station_id.is_(None), here).order_by(known).limit(_UNHEARD)
        return total, there, [(r.station_id, r.name, r.district) for r in self._connection.execute(missing)]

    def points(self) -> list[tuple[float, float]]:
        """Where stations are (latitude, longitude), one a cell of a grid."""
        lat, lon = stations.c.lat, stations.c.lon
        here = self._in_areas(stations.c.district)
        bounds = sa.select(sa.func.min(lat), sa.func.max(lat), sa.func.min(lon), sa.func.max(lon)).where(here)
        south, north, west, east = self._connection.execute(bounds).one()
        if south is None:
            return []
        step = max(north - south, east - west, 1e-6) / _GRID
        cell = (
            sa.cast((lat - south) / step, sa.Integer).label("y"),
            sa.cast((lon - west) / step, sa.Integer).label("x"),
        )
        cells = sa.select(*cell, lat, lon).where(here).subquery()
        one = sa.select(sa.func.min(cells.c.lat), sa.func.min(cells.c.lon)).group_by(cells.c.y, cells.c.x)
        return [(row[0], row[1]) for row in self._connection.execute(one)]

    def repeated(self, audience: Audience) -> int:
        """Reports that came again as another one of the same, of incidents that the audience may know of."""
        c, count = incident_events.c, sa.func.count().label("times")
        again = sa.select(c.incident_id, count).where(c.change == Change.REPORT_REPEATED, self._within(c.at))
        times = again.group_by(c.incident_id).subquery()
        wanted = sa.select(times.c.times, *_WHOSE).join(times, times.c.incident_id == incidents.c.incident_id)
        found = self._connection.execute(wanted.where(self._in_areas(incidents.c.district))).mappings()
        return sum(row["times"] for row in found if redaction.may_see(audience, dict(row)))

    def skewed(self, seen: Mapping[str, Seen]) -> int:
        """Incidents whose times are of a clock that is wrong."""
        wanted = sa.select(incidents.c.incident_id).where(incidents.c.clock_skewed, self._of_incidents)
        return sum(incident_id in seen for incident_id in self._connection.scalars(wanted))

    def rejected(self, audience: Audience) -> dict[str, int] | None:
        """What was set aside, by reason, most first; None for a reader of some areas or of one unit: nobody knows
        whose it was."""
        if self._areas or audience.agency is not None:
            return None
        count = sa.func.count()
        wanted = sa.select(rejected.c.reason, count).where(self._within(rejected.c.at))
        wanted = wanted.group_by(rejected.c.reason).order_by(count.desc(), rejected.c.reason)
        return {row[0]: row[1] for row in self._connection.execute(wanted)}

    def versions(self, table: sa.Table, column: sa.ColumnElement[str]) -> list[str]:
        """The versions that the period's incidents were decided with."""
        wanted = sa.select(column).where(self._within(table.c.opened_at)).distinct().order_by(column)
        return list(self._connection.scalars(wanted))

    # -- incidents ------------------------------------------------------------------------------------------------

    def incidents(self, audience: Audience) -> tuple[dict[str, Seen], frozenset[str]]:
        """Those the audience may know of, by id in order of time; and the ids of those that are counted only."""
        c, facts = incidents.c, incidents.c.body["facts"]
        wanted = (
            sa.select(
                *(c.incident_id, c.district, c.station_id, c.kind, c.family, c.lead_agency, c.state, c.severity),
                *(c.report_count, c.station_count, c.drill, c.opened_at),
                facts["injured"].as_integer().label("injured"),
                facts["dead"].as_integer().label("dead"),
                *_WHOSE[2:],
                *(stations.c.name, stations.c.lat, stations.c.lon),
            )
            .select_from(incidents.outerjoin(stations, stations.c.station_id == c.station_id))
            .where(self._of_incidents)
            .order_by(c.opened_at, c.incident_id)
        )
        called, taken, resolved = self._called(), self._changed(Change.ACKNOWLEDGED), self._changed(Change.RESOLVED)
        seen: dict[str, Seen] = {}
        withheld: set[str] = set()
        for found in self._connection.execute(wanted).mappings():
            row: Mapping[str, Any] = dict(found)
            if not redaction.may_see(audience, row):
                continue
            key = row["incident_id"]
            if not redaction.may_tell(audience, row):
                withheld.add(key)
            seen[key] = Seen(
                incident_id=key,
                place=row["name"],
                lead=row["lead_agency"],
                reports=row["report_count"],
                stations=row["station_count"],
                injured=row["injured"] or 0,
                dead=row["dead"] or 0,
                called_at=called.get(key),
                taken_at=taken.get(key),
                resolved_at=resolved.get(key) if row["state"] == "resolved" else None,
                **{
                    name: row[name]
                    for name in (
                        *("district", "station_id", "lat", "lon", "kind", "family", "state", "severity", "drill"),
                        "opened_at",
                    )
                },
            )
        return seen, frozenset(withheld)

    def _changed(self, change: Change) -> dict[str, datetime]:
        """When it first happened to each incident; for its resolution, when it last did."""
        c = incident_events.c
        at = sa.func.max(c.at) if change is Change.RESOLVED else sa.func.min(c.at)
        wanted = sa.select(c.incident_id, at).join(incidents, incidents.c.incident_id == c.incident_id)
        wanted = wanted.where(c.change == change, self._of_incidents).group_by(c.incident_id)
        return {row[0]: row[1] for row in self._connection.execute(wanted)}

    def _called(self) -> dict[str, datetime]:
        c = pages.c
        wanted = sa.select(c.incident_id, sa.func.min(c.sent_at))
        wanted = wanted.join(incidents, incidents.c.incident_id == c.incident_id)
        wanted = wanted.where(c.purpose != Purpose.RETRACTION, c.sent_at.is_not(None), self._of_incidents)
        return {row[0]: row[1] for row in self._connection.execute(wanted.group_by(c.incident_id))}

    def graves(self, audience: Audience, seen: Mapping[str, Seen], withheld: frozenset[str]) -> list[Grave]:
        """The grave ones to be told by themselves, in order of time: the gravest where there are too many."""
        of = [s for s in seen.values() if s.severity <= 2 and not s.drill and s.incident_id not in withheld]
        chosen = sorted(of, key=lambda s: (s.severity, s.opened_at))[:MOST_TOLD]
        ids = [s.incident_id for s in chosen]
        wanted = sa.select(incidents.c.incident_id, incidents.c.body).where(incidents.c.incident_id.in_(ids))
        bodies = {row.incident_id: row.body for row in self._connection.execute(wanted)}
        told = ((s, redaction.incident(audience, bodies[s.incident_id])) for s in chosen if s.incident_id in bodies)
        graves = [Grave(s, shown) for s, shown in told if shown is not None]
        return sorted(graves, key=lambda grave: grave.seen.opened_at)

    # -- calls ----------------------------------------------------------------------------------------------------

    def calls(self, seen: Mapping[str, Seen]) -> list[Call]:
        """Every call of the period that asks for an answer, drills left out."""
        c = pages.c
        wanted = sa.select(c.incident_id, c.agency, c.severity, c.due_at, c.sent_at).where(
            self._within(c.due_at), ~c.drill, c.purpose.not_in([Purpose.RETRACTION, Purpose.DRILL_CALL])
        )
        return [
            Call(row.agency, row.severity, None if row.sent_at is None else _seconds(row.due_at, row.sent_at))
            for row in self._connection.execute(wanted)
            if row.incident_id in seen
        ]

    def climbs(self, seen: Mapping[str, Seen], top: int) -> list[Climbed]:
        """Incidents that were called about at the top level, or past it, each with how it came there."""
        c = escalation_steps.c
        reached = (
            sa.select(c.incident_id)
            .join(incidents, incidents.c.incident_id == c.incident_id)
            .where(self._of_incidents, ~incidents.c.drill, c.level >= top, c.reason.in_(PAGED))
            .distinct()
        )
        steps = sa.select(c.incident_id, c.at, c.reason, c.level).where(c.incident_id.in_(reached))
        steps = steps.where(c.reason.in_(PAGED), c.level > 0).order_by(c.incident_id, c.at, c.level)
        found: dict[str, dict[int, tuple[int, str, datetime]]] = defaultdict(dict)
        exhausted: set[str] = set()
        for row in self._connection.execute(steps):
            if row.incident_id not in seen:
                continue
            found[row.incident_id].setdefault(row.level, (row.level, row.reason, row.at))
            if row.reason == EscalationReason.LEVELS_EXHAUSTED:
                exhausted.add(row.incident_id)
        climbed = [
            Climbed(seen[key], sorted(levels.values(), key=lambda step: step[2]), key in exhausted, seen[key].state)
            for key, levels in found.items()
        ]
        return sorted(climbed, key=lambda one: (one.seen.severity, one.seen.opened_at))

    # -- silence --------------------------------------------------------------------------------------------------

    def quiet(self, seen: Mapping[str, Seen]) -> list[Quiet]:
        """Stretches for which one station was silent by itself.

        What is silent with most of its district is one incident of the district: those of its stations are dismissed
        as soon as it opens, and whoever comes back later comes back there.
        """
        c = incident_events.c
        wanted = sa.select(c.incident_id, c.change, c.at).join(incidents, incidents.c.incident_id == c.incident_id)
        changes = [Change.STATION_SILENT, Change.STATION_BACK, Change.DISMISSED]
        wanted = wanted.where(c.change.in_(changes), self._of_incidents, ~incidents.c.drill)
        found: list[Quiet] = []
        began: dict[str, tuple[str, Quiet]] = {}
        for row in self._connection.execute(wanted.order_by(c.at, c.seq)):
            of = seen.get(row.incident_id)
            if of is None or of.station_id is None:
                continue
            incident_id, stretch = began.get(of.station_id, (row.incident_id, None))
            if row.change == Change.STATION_SILENT:
                if stretch is None:
                    silent = Quiet(of.station_id, of.place, of.district, row.at, None)
                    began[of.station_id] = (row.incident_id, silent)
            elif stretch is not None and (row.change == Change.STATION_BACK or row.incident_id == incident_id):
                found.append(replace(stretch, until=row.at))
                del began[of.station_id]
        return [*found, *(stretch for _, stretch in began.values())]


def _seconds(earlier: datetime, later: datetime) -> float:
    return max(0.0, (later - earlier).total_seconds())
