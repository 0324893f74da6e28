"""Trends, duty and what the public may know."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from statistics import median
from typing import Annotated, Any

from fastapi import APIRouter, Query

from console.access import Commanding, CoreOf, SignedIn
from console.api.models import ServiceState
from console.api.overviews import DutyOut, PostureOut, Summary, TrendsOut
from console.duty import desks_of
from console.openapi import refusals
from console.posture import posture_of
from console.problems import Problem
from console.queries import acknowledged_at, incident_facts, totals
from console.trends import over_time
from siaga import redaction
from siaga.contracts.incident import IncidentState

router = APIRouter()

Hours = Annotated[float, Query(gt=0, le=24 * 14, description="How far back, in hours")]


@router.get(
    "/api/trends",
    tags=["views"],
    response_model=TrendsOut,
    response_description="The sums",
    responses=refusals(401, 422, 503),
)
def get_trends(caller: SignedIn, core: CoreOf, hours: Hours = 24) -> dict[str, Any]:
    """Incidents by time, family and district, and how fast they were taken. Drills are counted apart."""
    now = core.now()
    since = now - timedelta(hours=hours)
    with core.database.read.connect() as connection:
        rows = [
            row
            for row in incident_facts(connection, since)
            if _is_one(row) and redaction.may_see(caller.audience, row)
        ]
        taken, counted = acknowledged_at(connection, since), totals(connection, since)
    real = [row for row in rows if not row["drill"]]
    step, by_time = over_time([(row["opened_at"].timestamp(), row["family"]) for row in real], now.timestamp())
    return {
        "since": since.isoformat(),
        "incidents": len(real),
        "drills": len(rows) - len(real),
        "totals": counted,
        "step": step,
        "by_time": by_time,
        "by_district": _by_district(real, core.feed.board.districts),
        "response": _response(real, taken),
    }


def _is_one(row: Mapping[str, Any]) -> bool:
    """Whether an incident counts: one that was merged is counted where its reports are."""
    return bool(row["state"] != IncidentState.MERGED)


def _by_district(rows: Sequence[Mapping[str, Any]], names: Mapping[str, str]) -> list[dict[str, Any]]:
    found: dict[str, Counter[int]] = {}
    for row in rows:
        found.setdefault(row["district"], Counter())[row["severity"]] += 1
    listed = [
        {"district": code, "name": names.get(code, code), "severities": {str(s): n for s, n in sorted(c.items())}}
        for code, c in found.items()
    ]
    return sorted(listed, key=lambda entry: (-sum(entry["severities"].values()), entry["district"]))


def _response(rows: Sequence[Mapping[str, Any]], taken: Mapping[str, datetime]) -> list[dict[str, Any]]:
    times: dict[tuple[str, int], list[float]] = {}
    for row in rows:
        at = taken.get(str(row["incident_id"]))
        if at is not None:
            waited = max(0.0, (at - row["opened_at"]).total_seconds())
            times.setdefault((row["lead_agency"], row["severity"]), []).append(waited)
    return [
        {"agency": agency, "severity": severity, "taken": len(waits), "median": median(waits), "longest": max(waits)}
        for (agency, severity), waits in sorted(times.items(), key=lambda item: (item[0][1], item[0][0]))
    ]


@router.get(
    "/api/duty",
    tags=["views"],
    response_model=DutyOut,
    response_description="The desks",
    responses=refusals(401, 503),
)
def get_duty(caller: SignedIn, core: CoreOf) -> dict[str, Any]:
    """Who is on call at each desk of the rosters. When it is handed over, and which desks nobody sits at."""
    return {"desks": desks_of(core.feed.board.knowledge.rosters, caller.audience, core.now())}


@router.get(
    "/api/posture",
    tags=["views"],
    response_model=PostureOut,
    response_description="A row a district, and their sum",
    responses=refusals(401, 403, 503),
)
def get_posture(caller: Commanding, core: CoreOf) -> dict[str, Any]:
    """Officers and Linmas by the plan, said to be there, and needed by open incidents, by district. It tells the
    classes of stations."""
    found = posture_of(core.feed.board, caller.audience, core.now().timestamp())
    if found is None:
        raise Problem(403, "role: this needs commander or admin; ask an admin to give you the role")
    return found


@router.get("/public/summary.json", tags=["public"], response_description="The sums")
def get_summary(core: CoreOf) -> Summary:
    """What anybody may know. Sums only."""
    return summary_of(core)


def summary_of(core: CoreOf) -> Summary:
    """The sums the public may know."""
    board, now = core.feed.board, core.now()
    severities, families, districts, closed = Counter[int](), Counter[str](), Counter[str](), 0
    for row in board.rows():
        if row["drill"] or not _is_one(row):
            continue
        if not IncidentState(row["state"]).is_open:
            closed += 1
            continue
        severities[row["severity"]] += 1
        families[row["family"]] += 1
        districts[board.districts.get(row["district"], row["district"])] += 1
    pulse = board.pulse(redaction.PUBLIC, now.timestamp())
    return Summary(
        election=board.knowledge.election,
        at=now.replace(microsecond=0),
        stations=pulse["stations"],
        stations_reporting=pulse["reporting"],
        incidents_open={f"SEV{level}": severities[level] for level in range(1, 6)},
        incidents_closed=closed,
        by_family=dict(sorted(families.items())),
        by_district=dict(sorted(districts.items())),
    )


@router.get("/healthz", tags=["service"], response_model=ServiceState, response_description="It lives")
def get_health() -> dict[str, str]:
    """Whether the process lives."""
    return {"status": "ok"}


@router.get(
    "/readyz",
    tags=["service"],
    response_model=ServiceState,
    response_description="It has been",
    responses=refusals(503, _503="The database could not be read lately"),
)
def get_ready(core: CoreOf) -> dict[str, str]:
    """Whether the board has been read from the database, and lately."""
    age = core.now().timestamp() - core.feed.board.vitals.read_at
    if not core.feed.ready or age > 10:
        raise Problem(503, "database: could not be read lately; start the sinks, or correct SIAGA_DATABASE")
    return {"status": "ready"}
