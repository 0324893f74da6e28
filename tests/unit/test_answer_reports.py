"""Reports in a line, as they are typed on a telephone without anything else."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from siaga.answers.data import answers_data
from siaga.answers.reports import Compact, Missing, is_report, read_report
from siaga.contracts.report import Channel, Role, Weapons
from siaga.rules.taxonomy import builtin_taxonomy

KINDS = builtin_taxonomy()
STATION = "33.26.08.2001-003"


def read(text: str) -> Compact:
    said = read_report(text, KINDS)
    assert isinstance(said, Compact)
    return said


@pytest.mark.parametrize("place", [STATION, "3326082001-3", "33.26.08.2001 TPS 3", "33 26 08 2001/03"])
def test_a_station_is_written_in_many_ways(place: str) -> None:
    assert read(f"LAPOR {place} perkelahian").station_id == STATION


@pytest.mark.parametrize(
    ("text", "injured", "dead", "crowd"),
    [
        ("luka 2", 2, None, None),
        ("luka 2 meninggal 1", 2, 1, None),
        ("2 luka 1 tewas", 2, 1, None),
        ("2 orang luka", 2, None, None),
        ("massa 200 orang, luka 3 orang", 3, None, 200),
        ("sekitar 200 massa luka 3", 3, None, 200),
        ("50 orang", None, None, 50),
        ("ramai", None, None, None),
    ],
)
def test_what_was_counted_is_counted_and_nothing_else(
    text: str, injured: int | None, dead: int | None, crowd: int | None
) -> None:
    said = read(f"LAPOR {STATION} perkelahian {text}")

    assert (said.injured, said.dead, said.crowd) == (injured, dead, crowd)


@pytest.mark.parametrize("kind", KINDS.kinds.values(), ids=lambda kind: kind.code)
def test_every_kind_is_known_by_its_name_in_both_languages(kind: object) -> None:
    for name in (kind.id, kind.en):  # type: ignore[attr-defined]  # a kind, for its id in the test's name
        assert read(f"lapor {STATION} {name}").kind is kind


def test_the_first_word_of_a_kind_is_enough_where_no_other_begins_so() -> None:
    assert read(f"lapor bentrokan di {STATION} massa 300 senpi").kind.code == "violence.mass_clash"
    assert read(f"lapor bentrokan di {STATION} massa 300 senpi").weapons is Weapons.FIREARM


def test_what_is_missing_is_named() -> None:
    assert read_report("LAPOR perkelahian", KINDS) is Missing.STATION
    assert read_report(f"LAPOR {STATION} ada apa ini", KINDS) is Missing.KIND
    assert read_report(f"LAPOR {STATION} perkelahian banjir", KINDS) is Missing.KIND


def test_a_message_is_a_report_only_where_it_begins_as_one() -> None:
    assert [is_report(text) for text in ("Lapor! x", "REPORT x", "OK K7Q2M", "", "saya lapor")] == [
        *(True, True, False, False, False)
    ]


def test_the_report_is_the_officers_and_the_same_however_often_it_is_brought() -> None:
    at = datetime(2022, 2, 23, 2, tzinfo=UTC)
    said = read(f"LAPOR {STATION} perkelahian latihan")
    first, again = said.report("anggota-7", "desa|1", at), said.report("anggota-7", "desa|1", at)

    assert first == again
    assert (first.reporter.id, first.reporter.role, first.channel) == ("anggota-7", Role.OFFICER, Channel.SMS)
    assert first.drill
    assert said.report("anggota-7", "desa|2", at).report_id != first.report_id


@given(st.text(max_size=200))
def test_no_text_breaks_the_reading(text: str) -> None:
    said = read_report(f"LAPOR {STATION} perkelahian {text}", KINDS)

    if isinstance(said, Compact):
        said.report("anggota-7", "x", datetime(2022, 2, 23, tzinfo=UTC))


def test_the_example_that_officers_are_shown_is_a_report() -> None:
    said = read(answers_data()["reports"]["example"])

    assert (said.kind.code, said.injured) == ("violence.brawl", 2)
