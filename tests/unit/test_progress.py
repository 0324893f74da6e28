"""When whoever reads from Kafka is held to be standing still."""

from __future__ import annotations

from siaga.wire.progress import Progress

A, B = ("siaga.reports", 0), ("siaga.checkins", 0)


def test_records_that_wait_while_nothing_moves_are_a_standstill() -> None:
    progress = Progress[tuple[str, int]]()
    progress.observe({A: 10}, {A: 4}, now=0.0)

    assert progress.observe({A: 12}, {A: 4}, now=5.0) == 0.0
    assert progress.observe({A: 12}, {A: 4}, now=65.0) == 60.0


def test_nothing_waiting_is_no_standstill_however_long_it_lasts() -> None:
    progress = Progress[tuple[str, int]]()

    for now in (0.0, 100.0, 10_000.0):
        assert progress.observe({A: 7, B: 0}, {A: 7}, now) == 0.0


def test_a_partition_that_stands_still_is_seen_while_another_moves() -> None:
    progress = Progress[tuple[str, int]]()
    for second in range(31):
        waited = progress.observe({A: 50, B: 500}, {A: 3, B: second}, float(second))

    assert waited == 29.0


def test_a_partition_that_moves_however_slowly_makes_progress() -> None:
    progress = Progress[tuple[str, int]]()
    for second in range(100):
        assert progress.observe({A: 500}, {A: second // 10}, float(second)) <= 9.0


def test_a_group_that_never_committed_anything_stands_still_too() -> None:
    progress = Progress[tuple[str, int]]()
    for now in (0.0, 1.0):
        progress.observe({A: 3}, {}, now)

    assert progress.observe({A: 3}, {}, now=31.0) == 30.0


def test_progress_after_a_standstill_begins_anew() -> None:
    progress = Progress[tuple[str, int]]()
    for now in (0.0, 30.0):
        progress.observe({A: 9}, {A: 1}, now)

    assert progress.observe({A: 9}, {A: 2}, now=31.0) == 0.0
    assert progress.observe({A: 9}, {A: 2}, now=40.0) == 0.0
    assert progress.observe({A: 9}, {A: 2}, now=45.0) == 5.0
