"""A district and its stations, kept small: a country has 7,277 districts and 823,236 stations.

Input: a district's registry entry. Output: its stations by number. State: none that changes.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from sys import intern
from typing import Final

from siaga.contracts.registry import DistrictStations
from siaga.types import Vulnerability

_CLASSES: Final = tuple(map(str, Vulnerability))
_CLASS_NUMBER: Final = {name: number for number, name in enumerate(_CLASSES)}


@dataclass(frozen=True, slots=True)
class Station:
    """One polling station (WGS 84 degrees). ``vulnerability`` is CONFIDENTIAL and hidden in the ``repr``."""

    station_id: str
    name: str
    village: str
    lat: float
    lon: float
    vulnerability: str = field(repr=False)


class District:
    """A district (kecamatan). Never changes; a new version is a new object.

    Columns instead of objects: about 200 bytes a station, its texts included.
    """

    __slots__ = ("_index", "_lat", "_lon", "_names", "_villages", "_vulnerability", "code", "name", "neighbours")

    def __init__(self, entry: DistrictStations) -> None:
        self.code = entry.district
        self.name = entry.name
        #: Codes of the districts that have a station within the spread distance of one of ours.
        self.neighbours: tuple[str, ...] = tuple(map(intern, entry.neighbours))
        stations = entry.stations
        self._index = {station.station_id: number for number, station in enumerate(stations)}
        self._names = tuple(station.name for station in stations)
        # Stations of one village share its name.
        villages: dict[str, str] = {}
        self._villages = tuple(villages.setdefault(station.village, station.village) for station in stations)
        self._lat = array("d", (station.lat for station in stations))
        self._lon = array("d", (station.lon for station in stations))
        self._vulnerability = bytes(_CLASS_NUMBER[station.vulnerability.value] for station in stations)

    @property
    def station_ids(self) -> Sequence[str]:
        """The numbers of its stations, in the order of the entry."""
        return tuple(self._index)

    def __len__(self) -> int:
        return len(self._index)

    def __contains__(self, station_id: object) -> bool:
        return station_id in self._index

    def station(self, station_id: str) -> Station | None:
        """The station of this number, or None."""
        number = self._index.get(station_id)
        if number is None:
            return None
        return Station(
            station_id,
            self._names[number],
            self._villages[number],
            self._lat[number],
            self._lon[number],
            _CLASSES[self._vulnerability[number]],
        )

    def place(self, station_id: str) -> tuple[float, float] | None:
        """Where the station of this number stands (latitude and longitude, WGS 84 degrees), or None."""
        number = self._index.get(station_id)
        return None if number is None else (self._lat[number], self._lon[number])

    def __repr__(self) -> str:
        return f"<District {self.code} of {len(self)} stations>"
