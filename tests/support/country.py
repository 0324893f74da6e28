"""A whole country for benchmarks: as many districts and polling stations as Indonesia has, with made-up places.

Every code fits Kemendagri's pattern; names and positions are synthetic. The country is a grid of districts, each
about 8 km wide with its stations strewn evenly over it, so that neighbours are as close as they are on Java.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Final

from siaga.contracts.registry import DistrictStations, StationEntry
from siaga.types import Vulnerability

#: Kecamatan and polling stations of the country (2024).
DISTRICTS: Final = 7_277
STATIONS: Final = 823_236

_DEGREES: Final = 0.075
_ACROSS: Final = 480
_VILLAGE: Final = 16


def district_codes(districts: int = DISTRICTS) -> list[str]:
    """The districts' codes, 20 districts a regency and 38 regencies a province."""
    return [
        f"{11 + number // (38 * 20):02d}.{1 + number // 20 % 38:02d}.{1 + number % 20:02d}"
        for number in range(districts)
    ]


def synthetic_country(
    *, districts: int = DISTRICTS, stations: int = STATIONS, seed: int = 1
) -> Iterator[DistrictStations]:
    """The districts with their stations, one at a time, in the order of their codes.

    Args:
        districts: how many; each has neighbours to its four sides.
        stations: how many in all, shared out as evenly as it goes.
        seed: decides positions and classes.
    """
    codes = district_codes(districts)
    rng = Random(seed)
    for number, code in enumerate(codes):
        row, column = divmod(number, _ACROSS)
        lat, lon = 5.0 - row * _DEGREES, 95.0 + column * _DEGREES
        count = stations // districts + (number < stations % districts)
        yield DistrictStations(
            schema_version=1,
            district=code,
            name=f"Kecamatan {code}",
            neighbours=tuple(codes[near] for near in _beside(number, districts)),
            stations=tuple(_station(code, index, lat, lon, rng) for index in range(count)),
        )


def _station(district: str, index: int, lat: float, lon: float, rng: Random) -> StationEntry:
    village, place = divmod(index, _VILLAGE)
    classes = (Vulnerability.AMAN, Vulnerability.KURANG_RAWAN, Vulnerability.RAWAN, Vulnerability.SANGAT_RAWAN)
    return StationEntry(
        station_id=f"{district}.{2001 + village}-{place + 1:03d}",
        name=f"TPS {place + 1:03d}",
        village=f"Desa {2001 + village}",
        lat=round(lat - rng.random() * _DEGREES, 6),
        lon=round(lon + rng.random() * _DEGREES, 6),
        vulnerability=rng.choices(classes, (60, 25, 11, 4))[0],
        voters=rng.randint(150, 300),
    )


def _beside(number: int, districts: int) -> Iterator[int]:
    column = number % _ACROSS
    if column > 0:
        yield number - 1
    if column < _ACROSS - 1 and number + 1 < districts:
        yield number + 1
    if number >= _ACROSS:
        yield number - _ACROSS
    if number + _ACROSS < districts:
        yield number + _ACROSS
