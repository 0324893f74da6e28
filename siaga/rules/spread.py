"""Trouble that spreads: which incidents of one family are one cluster.

Source of the rule: the design's "From reports to incidents". Three or more stations of one district, or within 5 km
of each other across a border, in trouble within 30 minutes make a cluster; clusters that share an incident are one.
Every two members of such a group are of one district or near each other, so that each district sees of a group all
that it needs, whichever side of the border it looks from. Times are epoch seconds.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from heapq import heappop, heappush
from math import cos, degrees, radians
from operator import attrgetter
from typing import Final, NamedTuple
from uuid import UUID, uuid5

from siaga.election.geo import EARTH_RADIUS, distance_m
from siaga.rules.windows import Windows

#: The families that spread.
SPREADING: Final = frozenset({"violence", "order", "intimidation", "integrity", "information", "health"})

_NAMESPACE: Final = UUID("5a4e6a0c-0a3d-5c1c-9d8e-64c0a7f0b3d2")


class Trouble(NamedTuple):
    """One incident, as far as spread goes. ``cluster_id`` is the cluster it is in so far (WGS 84 degrees)."""

    incident_id: str
    district: str
    station_id: str
    lat: float
    lon: float
    first_at: float
    last_at: float
    cluster_id: str | None = None


def clusters(troubles: Iterable[Trouble], windows: Windows) -> dict[str, str]:
    """The cluster of every incident that is in one, by the incident's id. ``troubles`` are of one family.

    A cluster keeps its name while it grows and shrinks; a new one is named after its earliest member. Where two that
    have names become one, the smaller name stays: on both sides of a border alike.
    """
    groups = _Groups()
    by_district: dict[str, list[Trouble]] = {}
    for trouble in sorted(troubles, key=lambda t: (t.first_at, t.incident_id)):
        by_district.setdefault(trouble.district, []).append(trouble)
    window = windows.spread.total_seconds()
    for members in by_district.values():
        _within_district(members, window, windows.spread_stations, groups)
    if len(by_district) > 1:
        _across_borders([t for members in by_district.values() for t in members], windows, groups)
    return {
        trouble.incident_id: name for members in groups.all() for name in (_name(members),) for trouble in members
    }


def _name(members: Sequence[Trouble]) -> str:
    names = [trouble.cluster_id for trouble in members if trouble.cluster_id is not None]
    if names:
        return min(names)
    earliest = min(members, key=lambda t: (t.first_at, t.incident_id))
    return str(uuid5(_NAMESPACE, earliest.incident_id))


def _within_district(members: list[Trouble], window: float, stations: int, groups: _Groups) -> None:
    """Sweep over time. ``members`` are sorted by their beginning.

    What is active is a heap by its end, and counted by station: looking through all of it at every step would cost
    the square of what happens within a window.
    """
    active: list[tuple[float, int]] = []
    count: dict[str, int] = {}
    united = False
    for number, trouble in enumerate(members):
        while active and active[0][0] + window < trouble.first_at:
            station = members[heappop(active)[1]].station_id
            count[station] -= 1
            if not count[station]:
                del count[station]
        heappush(active, (trouble.last_at, number))
        count[trouble.station_id] = count.get(trouble.station_id, 0) + 1
        enough = len(count) >= stations
        if enough and united:
            # Those still active were united with each other at the step before.
            another = active[0][1] if active[0][1] != number else active[-1][1]
            groups.unite((members[another], trouble))
        elif enough:
            groups.unite(members[index] for _, index in active)
        united = enough


def _across_borders(troubles: list[Trouble], windows: Windows, groups: _Groups) -> None:
    """Pairs near each other across a border, and whoever makes them a group."""
    troubles.sort(key=attrgetter("lat"))
    latitudes = [trouble.lat for trouble in troubles]
    reach = degrees(windows.spread_metres / EARTH_RADIUS)
    reach_lon = _reach_of_longitude(max(abs(latitudes[0]), abs(latitudes[-1])), reach)
    roots = groups.roots(troubles)
    if len(set(roots)) == 1:
        return
    for index, one in enumerate(troubles):
        for place in range(index + 1, bisect_right(latitudes, one.lat + reach)):
            other = troubles[place]
            if roots[place] == roots[index] or one.district == other.district:
                continue
            if reach_lon < abs(one.lon - other.lon) < 360.0 - reach_lon or not _linked(one, other, windows):
                continue
            common = [t for t in troubles if _linked(one, t, windows) and _linked(other, t, windows)]
            rest = _mutual(common, windows.spread_stations - 2, windows)
            if rest is not None:
                groups.unite([one, other, *rest])
                roots = groups.roots(troubles)
                if len(set(roots)) == 1:
                    return


def _reach_of_longitude(latitude: float, reach: float) -> float:
    """Degrees of longitude beyond which nobody is within ``reach`` degrees up to this latitude, with some to spare.

    They are widest nearest to a pole; where they are very wide, nobody is told apart by them.
    """
    wide = 1.01 * reach / max(cos(radians(min(latitude + reach, 90.0))), 1e-9)
    return wide if wide < 10.0 else 360.0


def _mutual(candidates: list[Trouble], wanted: int, windows: Windows) -> list[Trouble] | None:
    """So many of the candidates that are all linked with each other, or None."""
    if wanted <= 0:
        return []
    for index, one in enumerate(candidates):
        rest = _mutual([t for t in candidates[index + 1 :] if _linked(one, t, windows)], wanted - 1, windows)
        if rest is not None:
            return [one, *rest]
    return None


def _linked(one: Trouble, other: Trouble, windows: Windows) -> bool:
    """Whether two troubles at two stations are near in time and place."""
    if one.station_id == other.station_id:
        return False
    window = windows.spread.total_seconds()
    if one.first_at - other.last_at > window or other.first_at - one.last_at > window:
        return False
    return (
        one.district == other.district or distance_m(one.lat, one.lon, other.lat, other.lon) <= windows.spread_metres
    )


class _Groups:
    """Troubles united step by step (union-find)."""

    def __init__(self) -> None:
        self._parent: dict[str, str] = {}
        self._troubles: dict[str, Trouble] = {}

    def unite(self, troubles: Iterable[Trouble]) -> None:
        """All of these are in one group."""
        root = None
        for trouble in troubles:
            self._troubles[trouble.incident_id] = trouble
            here = self._root(trouble.incident_id)
            if root is None:
                root = here
            else:
                self._parent[here] = root

    def roots(self, troubles: Iterable[Trouble]) -> list[str]:
        """What tells the groups apart: the same for two troubles just where they are in one group."""
        return [self._root(trouble.incident_id) for trouble in troubles]

    def all(self) -> list[list[Trouble]]:
        """The groups."""
        found: dict[str, list[Trouble]] = {}
        for incident_id, trouble in self._troubles.items():
            found.setdefault(self._root(incident_id), []).append(trouble)
        return list(found.values())

    def _root(self, node: str) -> str:
        parent = self._parent
        while (above := parent.setdefault(node, node)) != node:
            parent[node] = node = parent[above]
        return node
