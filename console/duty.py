"""The duty board: who is on call at each desk, when it is handed over, and where nobody sits.

In: the rosters, who looks, the time. Out: a list of desks. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from siaga.contracts.roster import RosterEntry
from siaga.escalation.policy import Desk
from siaga.escalation.roster import Roster
from siaga.redaction import Audience


def desks_of(rosters: Mapping[str, RosterEntry], audience: Audience, now: datetime) -> list[dict[str, Any]]:
    """Every desk that a shift names, those that nobody sits at first.

    Officers' names are for those who work here; channels and addresses are for nobody.
    """
    found = []
    for area, entry in sorted(rosters.items()):
        roster, at = Roster(entry), now.timestamp()
        for unit, role in roster.desks:
            agency = roster.agency(unit)
            district = agency.districts[0] if agency is not None and agency.districts else area
            seats = [seat for seat in roster.on_duty(Desk(unit, role), district, at) if seat.agency.agency == unit]
            starts = [s.starts_at for s in entry.shifts if (s.agency, s.role) == (unit, role) and s.starts_at > now]
            ends = [
                s.ends_at
                for s in entry.shifts
                if (s.agency, s.role) == (unit, role) and s.starts_at <= now < s.ends_at
            ]
            found.append(
                {
                    "area": area,
                    "agency": unit,
                    "name": agency.name if agency is not None else unit,
                    "role": role,
                    "officers": [
                        {
                            "officer_id": seat.officer.officer_id,
                            "name": seat.officer.name,
                            "stands_in": seat.stands_in,
                        }
                        for seat in seats
                    ]
                    if audience.sees_officers
                    else [],
                    "manned": len(seats),
                    "until": max(ends).isoformat() if ends else None,
                    "next": min(starts).isoformat() if starts else None,
                    "gap": not seats or (bool(ends) and not any(start <= max(ends) for start in starts)),
                }
            )
    return sorted(found, key=lambda desk: (desk["manned"] > 0, not desk["gap"], desk["area"], desk["agency"]))
