"""When the store is held to read nothing any more, and begins to read anew."""

from __future__ import annotations

from sinks.onlooker import Standstill

PLACE, OTHER = ("siaga.reports", 0), ("siaga.reports", 1)


def first_seen(standstill: Standstill, reached: int = 4, until: int = 4000, asks: bool = True) -> int | None:
    """The second in which a store that has read up to ``reached`` of 9 records is first seen to stand still."""
    for second in range(until):
        if standstill.is_seen({PLACE: 9}, {PLACE: reached}, second if asks else 0, float(second)):
            return second
    return None


def test_a_store_that_asks_in_vain_while_records_wait_stands_still() -> None:
    assert first_seen(Standstill()) == 11


def test_one_that_has_read_everything_does_not() -> None:
    assert first_seen(Standstill(), reached=9) is None


def test_one_that_asks_for_nothing_is_busy_or_waits_for_its_database() -> None:
    assert first_seen(Standstill(), asks=False) is None


def test_a_partition_that_is_not_read_is_seen_beside_one_that_is() -> None:
    standstill = Standstill()
    seen = [
        standstill.is_seen({PLACE: 9, OTHER: 900}, {PLACE: 4, OTHER: second}, second, float(second))
        for second in range(20)
    ]

    assert seen.index(True) == 11


def test_what_reading_anew_does_not_mend_is_called_a_standstill_ever_more_seldom() -> None:
    standstill = Standstill()

    assert [first_seen(standstill) for _ in range(8)] == [11, 21, 41, 81, 161, 321, 601, 601]


def test_once_everything_is_read_the_next_standstill_is_seen_as_soon_as_the_first() -> None:
    standstill = Standstill()
    assert [first_seen(standstill) for _ in range(3)] == [11, 21, 41]

    first_seen(standstill, reached=9, until=2)

    assert first_seen(standstill) == 11
