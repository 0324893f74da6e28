"""Asks the database what happened between two times.

In: a connection (SQLite or PostgreSQL), a period and an audience. Out: a :class:`Material`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from siaga.afterday.asked import Asked
from siaga.afterday.material import Material, Period, Trail
from siaga.contracts.registry import Entity, parse_entry
from siaga.contracts.roster import PolicyEntry
from siaga.election.registry import Registry
from siaga.escalation.policy import builtin_policy, parse_policy
from siaga.redaction import Audience
from siaga.store.paging import escalations
from siaga.store.tables import (
    audit_head,
    checkins,
    incidents,
    registry,
    reports,
)


@dataclass(frozen=True, slots=True)
class _Election:
    name: str | None
    timezone: str
    speed: float
    kinds: Mapping[str, tuple[str, str]]
    agencies: Sequence[str]
    top_level: int


def read_material(
    connection: sa.Connection, period: Period, audience: Audience, *, broken: int | None = None
) -> Material:
    """What happened in ``period``, as ``audience`` may see it.

    Args:
        broken: at how many places the audit trail does not hold, where somebody went along it.
    """
    election = _election(connection)
    asked = Asked(connection, period, audience.districts)
    seen, withheld = asked.incidents(audience)
    slot = asked.slot([s.opened_at for s in seen.values()])
    offset = _offset(election.timezone, period.start)
    total, heard, unheard = asked.stations()
    head = connection.execute(sa.select(audit_head.c.seq, audit_head.c.hash)).one_or_none()
    return Material(
        period=period,
        election=election.name,
        timezone=election.timezone,
        speed=election.speed,
        top_level=election.top_level,
        slot=slot,
        districts=asked.names,
        kinds=election.kinds,
        agencies=election.agencies,
        stations=total,
        heard=heard,
        unheard=unheard,
        points=asked.points(),
        checkins=asked.arrivals(checkins, slot, offset),
        reports=asked.arrivals(reports, slot, offset),
        incidents=tuple(seen.values()),
        graves=asked.graves(audience, seen, withheld),
        counted_only=withheld,
        calls=asked.calls(seen),
        climbs=asked.climbs({k: s for k, s in seen.items() if k not in withheld}, election.top_level),
        quiet=asked.quiet(seen),
        repeated=asked.repeated(audience),
        skewed_incidents=asked.skewed(seen),
        rejected=asked.rejected(audience),
        trail=Trail(0, "0" * 64, broken) if head is None else Trail(head.seq, head.hash, broken),
        rulesets=asked.versions(incidents, incidents.c.ruleset),
        policies=asked.versions(escalations, escalations.c.policy),
        database={"sqlite": "SQLite", "postgresql": "PostgreSQL"}[connection.dialect.name],
    )


def _offset(timezone: str, at: datetime) -> int:
    found = at.astimezone(ZoneInfo(timezone)).utcoffset()
    return 0 if found is None else int(found.total_seconds())


def zone_of(connection: sa.Connection) -> str:
    """The election's time zone (an IANA name)."""
    return _election(connection).timezone


def _election(connection: sa.Connection) -> _Election:
    known, policy = Registry((Entity.CALENDAR, Entity.TAXONOMY)), builtin_policy()
    wanted = [registry.c.key.like(f"{entity}/%") for entity in (Entity.CALENDAR, Entity.TAXONOMY, Entity.POLICY)]
    for key, value in connection.execute(sa.select(registry.c.key, registry.c.value).where(sa.or_(*wanted))):
        if value is None:
            continue
        if not key.startswith(f"{Entity.POLICY}/"):
            known.apply(key, value)
            continue
        entry = parse_entry(key, value)
        policy = parse_policy(entry.toml) if isinstance(entry, PolicyEntry) else policy
    calendar, kinds = known.calendar, known.taxonomy.kinds
    codes = {code for kind in kinds.values() for code in (kind.lead, *kind.support)}
    return _Election(
        name=None if calendar is None else calendar.name,
        timezone="Asia/Jakarta" if calendar is None else calendar.timezone,
        speed=known.windows.speed,
        kinds={code: (kind.id, kind.en) for code, kind in kinds.items()},
        agencies=sorted(codes, key=len, reverse=True),
        top_level=len(policy.levels),
    )
