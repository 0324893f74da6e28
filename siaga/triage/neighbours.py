"""Trouble in a neighbouring district is remembered, so that a spread across the border is seen on this side.

Input: one :class:`~siaga.contracts.neighbour.NeighbourTrouble` told to the state's district. State: ``foreign``.
"""

from __future__ import annotations

from dataclasses import replace

from siaga.contracts.neighbour import NeighbourTrouble
from siaga.contracts.rejection import RejectReason
from siaga.election.registry import Registry
from siaga.rules.spread import SPREADING
from siaga.triage.state import DistrictState, Foreign, Refusal


def take_trouble(state: DistrictState, trouble: NeighbourTrouble, registry: Registry) -> Refusal | None:
    """Take in what a neighbour tells; answers why it cannot be used, or None. What is older than known is ignored."""
    if trouble.from_district == state.code:
        return Refusal(
            RejectReason.WRONG_DISTRICT,
            "from_district",
            f"district {state.code} cannot be its own neighbour",
            "tell it to the districts named as neighbours in the registry",
        )
    incident_id = str(trouble.incident_id)
    known = state.foreign.get(incident_id)
    if trouble.family not in SPREADING or (known is not None and known.version >= trouble.version):
        return None
    told = Foreign(
        incident_id=incident_id,
        version=trouble.version,
        station_id=trouble.station_id,
        family=trouble.family,
        lat=trouble.lat,
        lon=trouble.lon,
        first_at=trouble.first_occurred_at.timestamp(),
        last_at=trouble.last_occurred_at.timestamp(),
        cluster_id=None if trouble.cluster_id is None else str(trouble.cluster_id),
        drill=trouble.drill,
        over=trouble.over,
    )
    if known is not None and replace(known, version=told.version) == told:
        return None
    state.foreign[incident_id] = told
    state.new_foreign[incident_id] = None
    state.spreading.add((trouble.family, trouble.drill))
    return None
