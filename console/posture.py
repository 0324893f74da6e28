"""The force posture: who should stand at the stations by the plan, who is said to, and what incidents draw away.

In: how many stations of each class a district has, what stations last said of their personnel, the open incidents
that who looks may see, and the plan. Out: a row a district and their sum. Pure. It tells the classes of stations:
CONFIDENTIAL, and for commanders only.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Final

from console.board import Board
from siaga import redaction
from siaga.contracts.incident import IncidentState
from siaga.election.posture import Posture
from siaga.redaction import Audience

#: What a station said of its personnel counts for so long (seconds).
_FRESH: Final = 2 * 3600.0
_SUMMED: Final = ("stations", "officers", "linmas", "incidents", "demand", "shortfall")
_SAID: Final = ("stations", "personnel", "planned")


def posture_of(board: Board, audience: Audience, now: float) -> dict[str, Any] | None:
    """The posture of every district that concerns ``audience``; ``None`` where they may not know of it."""
    plan = board.knowledge.posture
    incidents = [row for row in board.rows() if _counts(audience, row)]
    rows = [
        {
            "district": code,
            "name": board.districts.get(code, code),
            **_district(plan, Counter(classes.values()), [i for i in incidents if i["district"] == code]),
            "reported": _reported(plan, classes, board.vitals.personnel, now),
        }
        for code, classes in sorted(board.classes.items())
    ]
    seen = [found for row in rows if (found := redaction.posture(audience, row)) is not None]
    if not audience.sees_vulnerability:
        return None
    return {"version": plan.version, "at": now, "districts": seen, "total": _total(seen)}


def _counts(audience: Audience, row: Mapping[str, Any]) -> bool:
    return not row["drill"] and IncidentState(row["state"]).is_open and redaction.may_see(audience, row)


def _district(plan: Posture, stations: Mapping[str, int], incidents: list[dict[str, Any]]) -> dict[str, Any]:
    officers = plan.officers(stations)
    demand = sum(plan.demand(row["kind"], row["severity"]) for row in incidents)
    return {
        "stations": sum(stations.values()),
        "classes": {name: stations[name] for name in plan.patterns if name in stations},
        "officers": officers,
        "linmas": plan.linmas(stations),
        "incidents": len(incidents),
        "demand": demand,
        "shortfall": max(0, demand - officers),
    }


def _reported(
    plan: Posture, classes: Mapping[str, str], said: Mapping[str, tuple[float, int]], now: float
) -> dict[str, int]:
    """What the stations said that said something lately, against what the plan has for those very stations."""
    heard = {s: said[s][1] for s in classes if s in said and now - said[s][0] <= _FRESH}
    stations = Counter(classes[station_id] for station_id in heard)
    planned = plan.officers(stations) + plan.linmas(stations)
    return {"stations": len(heard), "personnel": sum(heard.values()), "planned": planned}


def _total(rows: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    found = list(rows)
    total: dict[str, Any] = {name: sum(row[name] for row in found) for name in _SUMMED}
    total["reported"] = {name: sum(row["reported"][name] for row in found) for name in _SAID}
    return total
