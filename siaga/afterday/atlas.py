"""The map as inline SVG: outlines, stations as faint points, incidents by severity. Pure.

In: areas, positions (WGS 84, degrees). Out: markup. Degrees of longitude are shortened by the cosine of the middle
latitude, which over one regency or one country near the equator is as good as any projection.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from markupsafe import Markup, escape

Ring = tuple[tuple[float, float], ...]
_PAD: Final = 8.0
_RADII: Final = {1: 6.5, 2: 5.5, 3: 4.5, 4: 3.2, 5: 2.8}


@dataclass(frozen=True, slots=True)
class Area:
    """One area: its code, its name and its rings (longitude, latitude)."""

    code: str
    name: str
    rings: tuple[Ring, ...]


@dataclass(frozen=True, slots=True)
class Spot:
    """One incident on the map."""

    lat: float
    lon: float
    severity: int
    label: str


def areas_of(geojson: str) -> tuple[Area, ...]:
    """The areas of a GeoJSON feature collection; what is no polygon is passed over.

    Raises:
        ValueError: it is no GeoJSON.
    """
    read = json.loads(geojson)
    if not isinstance(read, dict) or not isinstance(read.get("features"), list):
        raise ValueError("outlines: is no GeoJSON feature collection; correct the file of SIAGA_OUTLINES")
    found = (_area(feature) for feature in read["features"] if isinstance(feature, dict))
    return tuple(area for area in found if area.rings)


def _area(feature: dict[str, Any]) -> Area:
    named, shape = feature.get("properties") or {}, feature.get("geometry") or {}
    inside = shape.get("coordinates")
    polygons = {"Polygon": [inside], "MultiPolygon": inside}.get(str(shape.get("type")))
    rings = tuple(
        tuple((float(point[0]), float(point[1])) for point in ring)
        for polygon in polygons or ()
        for ring in polygon or ()
        if len(ring) > 2
    )
    return Area(str(named.get("code", "")), str(named.get("name", "")), rings)


@dataclass(frozen=True, slots=True)
class _Frame:
    west: float
    north: float
    across: float
    scale: float
    width: float
    height: float

    def place(self, lon: float, lat: float) -> tuple[float, float]:
        return _PAD + (lon - self.west) * self.across * self.scale, _PAD + (self.north - lat) * self.scale


def _frame(points: Sequence[tuple[float, float]], width: float, most: float) -> _Frame:
    lons, lats = [p[0] for p in points], [p[1] for p in points]
    west, east, south, north = min(lons), max(lons), min(lats), max(lats)
    across = max(math.cos(math.radians((south + north) / 2)), 0.05)
    wide, high = max((east - west) * across, 1e-4), max(north - south, 1e-4)
    scale = min((width - 2 * _PAD) / wide, (most - 2 * _PAD) / high)
    return _Frame(west, north, across, scale, wide * scale + 2 * _PAD, high * scale + 2 * _PAD)


def draw(
    areas: Sequence[Area],
    stations: Sequence[tuple[float, float]],
    spots: Sequence[Spot],
    label: str,
    *,
    width: float = 480.0,
    most: float = 520.0,
) -> Markup:
    """The map; nothing where there is neither an area nor a position."""
    within = [point for area in areas for ring in area.rings for point in ring]
    within = within or [(lon, lat) for lat, lon in (*stations, *((s.lat, s.lon) for s in spots))]
    if not within:
        return Markup("")
    frame = _frame(within, width, most)
    parts: list[Markup] = [_outline(area, frame) for area in areas]
    dots = " ".join(f"M{x:.1f} {y:.1f}h0" for x, y in _distinct(stations, frame))
    parts.append(Markup('<path class="stations" d="{}"/>').format(dots))
    parts += [_name(area, frame) for area in areas if len(areas) <= 40]
    # The gravest last: they lie on top.
    for spot in sorted(spots, key=lambda s: -s.severity):
        x, y = frame.place(spot.lon, spot.lat)
        parts.append(
            Markup('<circle class="spot s{}" cx="{:.1f}" cy="{:.1f}" r="{}"><title>{}</title></circle>').format(
                spot.severity, x, y, _RADII[spot.severity], spot.label
            )
        )
    head = Markup('<svg class="map" viewBox="0 0 {:.0f} {:.0f}" role="img" aria-label="{}">').format(
        frame.width, frame.height, escape(label)
    )
    return head + Markup("").join(parts) + Markup("</svg>")


def _outline(area: Area, frame: _Frame) -> Markup:
    return Markup('<path class="area" d="{}"/>').format("".join(_ring(ring, frame) for ring in area.rings))


def _ring(ring: Ring, frame: _Frame) -> str:
    """A ring without the points that would be drawn upon each other."""
    kept: list[str] = []
    for lon, lat in ring:
        x, y = frame.place(lon, lat)
        point = f"{x:.1f} {y:.1f}"
        if not kept or kept[-1] != point:
            kept.append(point)
    return f"M{'L'.join(kept)}Z"


def _name(area: Area, frame: _Frame) -> Markup:
    largest = max(area.rings, key=lambda ring: abs(_signed_area(ring)))
    lon, lat = _middle(largest)
    x, y = frame.place(lon, lat)
    return Markup('<text class="place mid" x="{:.1f}" y="{:.1f}">{}</text>').format(x, y, area.name)


def _signed_area(ring: Ring) -> float:
    return sum(x1 * y2 - x2 * y1 for (x1, y1), (x2, y2) in _sides(ring)) / 2


def _middle(ring: Ring) -> tuple[float, float]:
    """The centroid; where the ring has no area, its first point."""
    size = _signed_area(ring)
    if abs(size) < 1e-12:
        return ring[0]
    x0, y0 = ring[0]
    shifted = tuple((x - x0, y - y0) for x, y in ring)
    terms = [(x1 + x2, y1 + y2, x1 * y2 - x2 * y1) for (x1, y1), (x2, y2) in _sides(shifted)]
    return x0 + sum(x * w for x, _, w in terms) / (6 * size), y0 + sum(y * w for _, y, w in terms) / (6 * size)


def _sides(ring: Ring) -> Iterator[tuple[tuple[float, float], tuple[float, float]]]:
    return zip(ring, (*ring[1:], ring[0]), strict=True)


def _distinct(stations: Iterable[tuple[float, float]], frame: _Frame) -> list[tuple[float, float]]:
    found = (frame.place(lon, lat) for lat, lon in stations)
    return sorted({(round(x, 1), round(y, 1)) for x, y in found})
