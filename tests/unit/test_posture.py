"""The force posture: a plan that is data, and what it comes to."""

from __future__ import annotations

import pytest

from console.board import Board, Place
from console.posture import posture_of
from siaga.election.posture import builtin_posture, parse_posture
from siaga.redaction import Audience, UserRole
from siaga.rules.errors import RulesError
from tests.support import builders, filled

NOW = builders.now().timestamp()
COMMANDER = Audience(UserRole.COMMANDER)
HERE, THERE = builders.DISTRICT, builders.OTHER_DISTRICT


@pytest.fixture
def board() -> Board:
    """Eight safe stations and two very vulnerable ones here, one safe station there."""
    board = Board()
    classes = {f"{HERE}.2001-{n:03d}": "aman" if n <= 8 else "sangat_rawan" for n in range(1, 11)}
    board.classes = {HERE: classes, THERE: {builders.OTHER_STATION: "aman"}}
    places = [Place(s, s, "Desa", s[:8], -7.0, 109.6) for c in board.classes.values() for s in c]
    board.load_places({HERE: "Kajen", THERE: "Karanganyar"}, places)
    return board


def test_a_districts_plan_is_the_sum_of_its_classes_and_what_incidents_need_beyond_it_is_short(board: Board) -> None:
    board.put(filled.incident("violence.brawl", severity=2), 1)
    board.put(filled.incident("violence.brawl", severity=1, drill=True), 2)
    board.put(filled.incident("violence.brawl", severity=1, state="resolved"), 3)

    found = posture_of(board, COMMANDER, NOW)

    assert found is not None
    there, here = found["districts"]
    assert (here["name"], here["officers"], here["linmas"]) == ("Kajen", 2 + 6, 4 + 8)
    assert (here["incidents"], here["demand"], here["shortfall"]) == (1, 10, 2)
    # A quarter of a team is a whole officer.
    assert (there["officers"], there["linmas"], there["shortfall"]) == (1, 1, 0)
    assert (found["total"]["officers"], found["total"]["shortfall"]) == (9, 2)


def test_what_stations_said_lately_is_held_against_the_plan_for_those_stations(board: Board) -> None:
    board.vitals.heard(f"{HERE}.2001-009", NOW - 60, 9)
    board.vitals.heard(f"{HERE}.2001-009", NOW - 30, 5)
    board.vitals.heard(f"{HERE}.2001-009", NOW - 10, None)
    board.vitals.heard(f"{HERE}.2001-001", NOW - 9000, 3)

    found = posture_of(board, COMMANDER, NOW)

    assert found is not None
    # One very vulnerable station: half of six officers and of eight Linmas.
    assert found["total"]["reported"] == {"stations": 1, "personnel": 5, "planned": 7}


@pytest.mark.parametrize("role", [r for r in UserRole if r not in (UserRole.COMMANDER, UserRole.ADMIN)])
def test_nobody_but_commanders_and_admins_is_told(board: Board, role: UserRole) -> None:
    assert posture_of(board, Audience(role, reason="pemeriksaan"), NOW) is None


def test_a_commander_of_one_district_is_told_of_that_one(board: Board) -> None:
    found = posture_of(board, Audience(UserRole.COMMANDER, "polsek-kajen", (HERE,)), NOW)

    assert found is not None
    assert [row["district"] for row in found["districts"]] == [HERE]


def test_every_wrong_number_of_a_plan_is_named_with_its_remedy() -> None:
    wrong = """
version = "uji-1"
[pattern]
aman = { officers = 2, stations = 0, linmas = 4 }
kurang_rawan = { officers = -1, stations = 4, linmas = 6, tni = 2 }
rawan = 3
merah = { officers = 1, stations = 1, linmas = 1 }
[demand]
SEV9 = 1
[demand.kinds]
kerusuhan = "banyak"
"""
    with pytest.raises(RulesError) as refused:
        parse_posture(wrong)

    fields = {problem.field for problem in refused.value.problems}
    assert fields == {
        *("pattern.merah", "pattern.aman.stations", "pattern.kurang_rawan.officers", "pattern.kurang_rawan.tni"),
        *("pattern.rawan", "pattern.sangat_rawan", "demand.SEV9", "demand.kinds.kerusuhan"),
    }
    assert all(problem.remedy for problem in refused.value.problems)


def test_the_built_in_plan_needs_most_where_crowds_clash() -> None:
    plan = builtin_posture()

    assert plan.demand("violence.mass_clash", 3) > plan.demand("violence.brawl", 2) > plan.demand("order.crowd", 4)
