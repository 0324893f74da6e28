"""A small day, counted by hand, for tests of the report after the day."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from siaga.afterday.material import Arrivals, Material, Period, Seen, Trail
from siaga.contracts.report import AcceptedReport
from siaga.store import tables
from siaga.store.paging import escalation_steps
from tests.support import builders, filled
from tests.support.filled import Filled

#: Seven in the morning in Jakarta.
START: Final = datetime(2026, 2, 23, 0, 0, tzinfo=UTC)
DAY: Final = Period(START, START + timedelta(days=1))


def at(hours: float = 0, *, seconds: float = 0) -> datetime:
    """So long after the day began."""
    return START + timedelta(hours=hours, seconds=seconds)


def seen(severity: int = 3, **more: Any) -> Seen:
    """An incident; ``more`` are its other fields."""
    whole: dict[str, Any] = {
        "incident_id": str(uuid.uuid4()),
        "district": builders.DISTRICT,
        "station_id": builders.STATION,
        "place": "TPS 001",
        "lat": -7.02,
        "lon": 109.51,
        "kind": "violence.brawl",
        "family": "violence",
        "lead": "polsek",
        "state": "resolved",
        "severity": severity,
        "reports": 1,
        "stations": 1,
        "drill": False,
        "injured": 0,
        "dead": 0,
        "opened_at": at(1),
    }
    return Seen(**{**whole, **more})


def material(**more: Any) -> Material:
    """A day on which nothing happened; ``more`` is what did."""
    whole: dict[str, Any] = {
        "period": DAY,
        "election": "Pilkades uji",
        "timezone": "Asia/Jakarta",
        "speed": 1.0,
        "top_level": 4,
        "slot": 3600,
        "districts": {builders.DISTRICT: "Kajen", builders.OTHER_DISTRICT: "Karanganyar"},
        "kinds": {"violence.brawl": ("perkelahian", "brawl")},
        "agencies": ("polsek", "polres"),
        "stations": 6,
        "heard": 6,
        "unheard": (),
        "points": (),
        "checkins": Arrivals(),
        "reports": Arrivals(),
        "incidents": (),
        "graves": (),
        "counted_only": frozenset(),
        "calls": (),
        "climbs": (),
        "quiet": (),
        "repeated": 0,
        "skewed_incidents": 0,
        "rejected": {},
        "trail": Trail(3, "ab" * 32, 0),
        "rulesets": ("uji-1",),
        "policies": ("uji-1",),
        "database": "SQLite",
    }
    return Material(**{**whole, **more})


def fill(rows: Filled) -> dict[str, str]:
    """Put the day into a database; the ids of its incidents by what became of them."""
    rows.put_registry(
        builders.calendar(), builders.district(builders.DISTRICT), builders.district(builders.OTHER_DISTRICT)
    )
    clash = filled.incident(
        "violence.mass_clash", severity=1, state="resolved", opened=at(1), facts={"injured": 3, "dead": 1}
    )
    open_ = filled.incident("violence.brawl", severity=2, opened=at(2), station=builders.OTHER_STATION)
    quiet = filled.incident("facility.network", severity=4, state="resolved", opened=at(3))
    drill = filled.incident("violence.brawl", severity=1, opened=at(4), drill=True)
    before = filled.incident("violence.brawl", severity=1, opened=at(-1))
    rows.put(clash, open_, quiet, drill, before)
    ids = {"clash": clash, "open": open_, "quiet": quiet, "drill": drill}

    rows.put_history(clash["incident_id"], "acknowledged", at=at(1, seconds=90))
    rows.put_history(clash["incident_id"], "resolved", at=at(1, seconds=600))
    rows.put_history(quiet["incident_id"], "station_silent", at=at(3))
    rows.put_history(quiet["incident_id"], "station_back", at=at(3.5))
    rows.put_history(quiet["incident_id"], "station_silent", at=at(3.6))
    rows.put_history(quiet["incident_id"], "dismissed", detail="part of the outage of the district", at=at(3.7))
    rows.put_page(clash, agency="polsek-kajen", due_at=at(1), sent_at=at(1, seconds=2))
    rows.put_page(clash, agency="polres", due_at=at(1, seconds=60), sent_at=at(1, seconds=64), level=4)
    rows.put_page(open_, agency="polsek-karanganyar", due_at=at(2), sent_at=None, status="failed")
    with rows.engine.begin() as connection:
        # Every page of the support is called because the incident opened; this one because nobody had answered.
        wanted = sa.update(escalation_steps).where(escalation_steps.c.level == 4)
        connection.execute(wanted.values(reason="deadline_passed"))
        connection.execute(tables.checkins.insert(), [_checkin(n) for n in range(8)])
        connection.execute(tables.rejected.insert().values(_rejection()))
    for late in (0, 700, 4000, 30_000):
        item = builders.report(at=at(1), by=filled.REPORTER)
        received = at(1, seconds=late)
        body = builders.accepted(item, received=received).model_dump(mode="json")
        _put_report(rows, body, received)
    return {name: body["incident_id"] for name, body in ids.items()}


def _checkin(number: int) -> dict[str, Any]:
    """Seven of two stations, two of them late and one ahead of its time; the eighth is a drill."""
    late = {1: 601, 2: 3601, 3: -700}.get(number, 5)
    told = at(5 + number / 4)
    return {
        "report_id": str(uuid.uuid4()),
        "station_id": builders.STATION if number % 2 else builders.OTHER_STATION,
        "district": builders.DISTRICT if number % 2 else builders.OTHER_DISTRICT,
        "phase": "voting",
        "occurred_at": told,
        "received_at": told + timedelta(seconds=late),
        "device_id": filled.DEVICE,
        "reporter_id": filled.REPORTER,
        "reporter_role": "officer",
        "channel": "app",
        "drill": number == 7,
    }


def _rejection() -> dict[str, Any]:
    return {
        "rejection_id": str(uuid.uuid4()),
        "reason": "unknown_station",
        "message": "station_id: is unknown",
        "remedy": "correct it",
        "source": "streams.intake",
        "original": b"RAHASIA",
        "at": at(2),
    }


def _put_report(rows: Filled, body: dict[str, Any], received: datetime) -> None:
    accepted = AcceptedReport.model_validate(body)
    rows.seq += 1
    row = {
        "report_id": str(accepted.report_id),
        "station_id": accepted.station_id,
        "district": accepted.station_id[:8],
        "kind": accepted.kind,
        "occurred_at": accepted.occurred_at,
        "received_at": received,
        "device_id": accepted.device_id,
        "reporter_role": accepted.reporter.role,
        "channel": accepted.channel,
        "withdraws": accepted.withdraws,
        "drill": accepted.drill,
        "body": body,
        "seq": rows.seq,
    }
    with rows.engine.begin() as connection:
        connection.execute(tables.reports.insert().values(row))
