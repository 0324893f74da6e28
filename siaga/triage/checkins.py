"""A check-in shows that a station can be reached. The bulk of the traffic, so that it costs next to nothing.

Input: one accepted check-in whose district is the state's. State: when each station was last heard. Output: the state
changed, or a refusal. The same check-in twice, or one that comes late, changes nothing: the gateway's time decides.
"""

from __future__ import annotations

from siaga.contracts.checkin import AcceptedCheckIn, Phase
from siaga.election.registry import Registry
from siaga.triage.silence import back
from siaga.triage.state import DistrictState, Refusal, unknown_station

_CLOSED = Phase.CLOSED


def take_checkin(state: DistrictState, checkin: AcceptedCheckIn, registry: Registry) -> Refusal | None:
    """Take a check-in in; answers why it cannot be used, or None. A drill's says nothing about the station."""
    station_id = checkin.station_id
    district = registry.district(state.code)
    if district is None or station_id not in district:
        return unknown_station(station_id)
    if checkin.drill:
        return None
    received = checkin.received_at.timestamp()
    seen = state.seen.get(station_id)
    if seen is None or received > seen:
        state.seen[station_id] = received
        state.seen_changed = True
    elif received < seen or checkin.phase is not _CLOSED:
        return None
    if checkin.phase is _CLOSED:
        state.closed[station_id] = received
        state.watch_changed = True
    elif station_id in state.closed:
        del state.closed[station_id]
        state.watch_changed, state.silence_look_at = True, 0.0
    if station_id in state.silent and received > state.since.get(station_id, 0.0):
        back(state, station_id, received, registry)
    return None
