"""The simulated regency: who votes where."""

from __future__ import annotations

import math
from collections import Counter

import pytest

from producers.simulate.places import POINTS, STATION_METRES, STATIONS, VILLAGE_METRES, play_districts
from siaga.types import Vulnerability


def test_the_whole_regency_has_its_19_districts_and_285_villages() -> None:
    districts = play_districts(None, 1)

    assert list(POINTS) == [d.district for d in districts]
    assert len({s.station_id[:13] for d in districts for s in d.stations}) == 285
    assert {d.district: d.name for d in districts}["33.26.08"] == "Kajen"


def test_every_village_has_three_to_six_stations_numbered_from_one() -> None:
    stations = [s.station_id for d in play_districts(None, 1) for s in d.stations]
    numbers: dict[str, list[int]] = {}
    for station in stations:
        numbers.setdefault(station[:13], []).append(int(station[-3:]))

    assert {len(n) for n in numbers.values()} == set(range(STATIONS[0], STATIONS[1] + 1))
    assert all(n == list(range(1, len(n) + 1)) for n in numbers.values())


@pytest.mark.parametrize("villages", [1, 3, 19, 33, 284])
def test_a_smaller_round_has_just_so_many_villages_and_the_same_stations_in_them(villages: int) -> None:
    whole = {s.station_id: s for d in play_districts(None, 7) for s in d.stations}
    stations = [s for d in play_districts(villages, 7) for s in d.stations]

    assert len({s.station_id[:13] for s in stations}) == villages
    assert all(whole[s.station_id] == s for s in stations)


def test_a_round_of_33_reaches_every_district() -> None:
    assert len(play_districts(33, 1)) == len(POINTS)


@pytest.mark.parametrize("villages", [0, -1, 286])
def test_a_number_of_villages_that_cannot_be_says_what_can(villages: int) -> None:
    with pytest.raises(ValueError, match="choose 1 to 285"):
        play_districts(villages, 1)


def test_the_seed_decides_positions_and_nothing_else_does() -> None:
    assert play_districts(33, 5) == play_districts(33, 5)
    assert play_districts(None, 5)[0].stations[0].lat != play_districts(None, 6)[0].stations[0].lat


def test_stations_lie_within_reach_of_their_districts_point() -> None:
    for district in play_districts(None, 2):
        lat, lon = POINTS[district.district]
        for s in district.stations:
            north, east = (s.lat - lat) * 111_195, (s.lon - lon) * 111_195 * math.cos(math.radians(lat))
            assert math.hypot(north, east) <= VILLAGE_METRES + STATION_METRES + 5


def test_about_as_many_villages_are_trouble_prone_as_in_2019() -> None:
    classes = {s.station_id[:13]: s.vulnerability for d in play_districts(None, 1) for s in d.stations}
    share = Counter(classes.values())

    prone = share[Vulnerability.RAWAN] + share[Vulnerability.SANGAT_RAWAN]
    assert 0.08 < prone / len(classes) < 0.23
    assert set(share) == set(Vulnerability)
