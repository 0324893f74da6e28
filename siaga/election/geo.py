"""Distances on the Earth, and which districts have stations within reach of each other.

Input: positions in WGS 84 degrees. Output: metres, and codes of districts. State: none.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Final

from siaga.contracts.registry import DistrictStations

#: Mean radius of the Earth in metres (IUGG): a sphere is within 0.6 % of the ellipsoid, less than positions are off.
EARTH_RADIUS: Final = 6_371_008.8

_Point = tuple[float, float, float]
_Cell = tuple[int, int, int]


def distance_m(lat1: float, lon1: float, lat2: float, lon2: float) -> float:
    """Metres between two points (WGS 84 degrees) along the great circle, by the haversine formula."""
    phi1, phi2 = math.radians(lat1), math.radians(lat2)
    across, along = math.sin((phi2 - phi1) / 2), math.sin(math.radians(lon2 - lon1) / 2)
    chord = across * across + math.cos(phi1) * math.cos(phi2) * along * along
    return 2 * EARTH_RADIUS * math.asin(min(1.0, math.sqrt(chord)))


def neighbours(districts: Sequence[DistrictStations], metres: float) -> dict[str, tuple[str, ...]]:
    """For each district, the others that have a station within ``metres`` of one of its stations, by code.

    Stations are sorted into cubes as wide as the reach, so that only those in touching cubes are compared: the cost
    grows with the number of stations, not with its square. As points in space, not degrees, they need no special
    case at the date line or far from the equator.
    """
    # The straight line through the Earth that belongs to an arc of this length; comparing its square is exact.
    reach = 2 * EARTH_RADIUS * math.sin(min(metres / (2 * EARTH_RADIUS), math.pi / 2))
    cells = _cells(districts, reach)
    near: dict[str, set[str]] = {d.district: set() for d in districts}
    for cell, here in cells.items():
        for beside in _touching(cell):
            there = cells.get(beside)
            if there is not None:
                _meet(here, there, reach * reach, near)
    return {code: tuple(sorted(others)) for code, others in near.items()}


def _cells(districts: Iterable[DistrictStations], width: float) -> dict[_Cell, dict[str, list[_Point]]]:
    cells: dict[_Cell, dict[str, list[_Point]]] = {}
    for district in districts:
        for station in district.stations:
            phi, turn = math.radians(station.lat), math.radians(station.lon)
            level = EARTH_RADIUS * math.cos(phi)
            x, y, z = level * math.cos(turn), level * math.sin(turn), EARTH_RADIUS * math.sin(phi)
            cell = (math.floor(x / width), math.floor(y / width), math.floor(z / width))
            cells.setdefault(cell, {}).setdefault(district.district, []).append((x, y, z))
    return cells


def _touching(cell: _Cell) -> list[_Cell]:
    """The cell itself and the half of those around it that comes after it, so that each pair is met once."""
    x, y, z = cell
    around = [(x + i, y + j, z + k) for i in (-1, 0, 1) for j in (-1, 0, 1) for k in (-1, 0, 1)]
    return [other for other in around if other >= cell]


def _meet(
    here: dict[str, list[_Point]], there: dict[str, list[_Point]], reach_squared: float, near: dict[str, set[str]]
) -> None:
    for code, points in here.items():
        known = near[code]
        for other, others in there.items():
            if other == code or other in known:
                continue
            if _within(points, others, reach_squared):
                known.add(other)
                near[other].add(code)


def _within(points: list[_Point], others: list[_Point], reach_squared: float) -> bool:
    for x, y, z in points:
        for a, b, c in others:
            if (x - a) * (x - a) + (y - b) * (y - b) + (z - c) * (z - c) <= reach_squared:
                return True
    return False
