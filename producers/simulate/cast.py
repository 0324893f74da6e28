"""Who stands where: the script's names become stations of the round that is played, however small it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from zlib import crc32

from producers.simulate.chance import chance
from producers.simulate.places import POINTS
from producers.simulate.script import Outage, Scene
from siaga.contracts.registry import DistrictStations, StationEntry
from siaga.election.geo import distance_m
from siaga.types import district_of, village_of


@dataclass(frozen=True, slots=True)
class Place:
    """A station as the script's texts speak of it."""

    station: StationEntry
    kecamatan: str

    @property
    def tps(self) -> str:
        """Such as ``TPS 003``."""
        return f"TPS {self.station.station_id[-3:]}"

    @property
    def desa(self) -> str:
        """The village's name."""
        return self.station.village

    @property
    def unit(self) -> str:
        """The district's Polsek, as an agency's code."""
        return "polsek-" + "".join(c if c.isalnum() and c.isascii() else "-" for c in self.kecamatan.lower())


class Casting:
    """Hands out stations; no station plays in two scenes as long as there are others left.

    Raises:
        ValueError: there is no station at all.
    """

    def __init__(self, districts: Sequence[DistrictStations], seed: int) -> None:
        self._districts = {d.district: d for d in districts if d.stations}
        if not self._districts:
            raise ValueError("stations: there are none to play with; choose at least one village")
        self._seed = seed
        self._taken: set[str] = set()

    def cast(self, scene: Scene) -> dict[str, Place]:
        """The scene's stations by name.

        Raises:
            ValueError: a member is named after one that is not cast before it.
        """
        cast: dict[str, Place] = {}
        for name, wish in scene.cast.items():
            relation, _, other = wish.partition(" ")
            if relation in ("near", "across") and other not in cast:
                raise ValueError(f"scene {scene.name}: {name} is {wish!r}, but {other!r} is not cast before it")
            if relation in ("near", "across"):
                cast[name] = self._beside(cast[other], across=relation == "across")
            else:
                cast[name] = self._somewhere(wish, scene.name)
        return cast

    def silenced(self, outage: Outage) -> list[str]:
        """Ids of the stations an outage silences."""
        if outage.whole:
            return [station.station_id for station in self.district(outage.district).stations]
        return [self._somewhere(outage.district, outage.name).station.station_id]

    def district(self, code: str) -> DistrictStations:
        """The district of that code, or the nearest that votes in this round."""
        if code in self._districts:
            return self._districts[code]
        point = POINTS.get(code)
        if point is None:
            return list(self._districts.values())[crc32(code.encode()) % len(self._districts)]
        return min(
            self._districts.values(),
            key=lambda d: distance_m(*point, d.stations[0].lat, d.stations[0].lon),
        )

    def _somewhere(self, code: str, purpose: str) -> Place:
        district = self.district(code)
        free = [s for s in district.stations if s.station_id not in self._taken] or list(district.stations)
        return self._take(chance(self._seed, "cast", purpose, code).choice(free), district)

    def _beside(self, place: Place, *, across: bool) -> Place:
        """The nearest free station of another district, or of another village of the same one; else any nearest."""
        here = place.station
        home = district_of(here.station_id)
        if across:
            near = [s for code, d in self._districts.items() if code != home for s in d.stations]
        else:
            village = village_of(here.station_id)
            near = [s for s in self._districts[home].stations if village_of(s.station_id) != village]
        everywhere = [s for d in self._districts.values() for s in d.stations]
        for among in (near, self._districts[home].stations, everywhere):
            free = [s for s in among if s.station_id not in self._taken]
            if free:
                chosen = min(free, key=lambda s: (distance_m(here.lat, here.lon, s.lat, s.lon), s.station_id))
                return self._take(chosen, self._districts[district_of(chosen.station_id)])
        return place

    def _take(self, station: StationEntry, district: DistrictStations) -> Place:
        self._taken.add(station.station_id)
        return Place(station, district.name)
