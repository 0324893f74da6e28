"""The disk queue and the journal, as the gateway sees them."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from producers.entries import Entry, ItemKind
from producers.journal import Journal, entries_since
from producers.segments import segments_in
from producers.spool import Spool, SpoolFull
from siaga.settings import SettingsError
from tests.support import builders


def entry(number: int, *, at: float = 1e9, district: str = builders.DISTRICT) -> Entry:
    return Entry(ItemKind.REPORT, district, at, f'{{"report_id":"{number}"}}'.encode())


def fill(spool: Spool) -> int:
    """Append until there is no room; how many there was room for."""
    for number in range(1_000):
        try:
            spool.append([entry(number)])
        except SpoolFull:
            return number
    raise AssertionError("it never became full")


def everything(spool: Spool) -> list[Entry]:
    return spool.peek(10_000, 10_000_000)[0]


def test_a_second_gateway_cannot_take_the_same_directory(tmp_path: Path) -> None:
    spool = Spool(tmp_path, max_bytes=10_000)

    with pytest.raises(SettingsError, match="another gateway holds"):
        Spool(tmp_path, max_bytes=10_000)

    spool.close()
    Spool(tmp_path, max_bytes=10_000).close()


def test_a_full_queue_keeps_what_it_has_and_takes_more_once_some_is_drained(tmp_path: Path) -> None:
    spool = Spool(tmp_path, max_bytes=2_000)
    kept = fill(spool)
    assert spool.disk_bytes <= 2_000
    assert len(everything(spool)) == kept

    found, cursor = spool.peek(kept - 1, 10_000)
    spool.advance(cursor)
    spool.append([entry(kept)])

    assert everything(spool) == [entry(kept - 1), entry(kept)]
    assert len(found) == kept - 1


def test_an_empty_queue_takes_no_room_on_disk(tmp_path: Path) -> None:
    spool = Spool(tmp_path, max_bytes=100_000)
    spool.append([entry(1), entry(2)])

    spool.advance(spool.peek(10, 10_000)[1])

    assert (spool.items, spool.disk_bytes, segments_in(tmp_path)) == (0, 0, [])


def test_what_comes_after_a_drained_queue_and_a_restart_is_not_taken_for_drained(tmp_path: Path) -> None:
    first = Spool(tmp_path, max_bytes=100_000, segment_bytes=100)
    for number in range(6):
        first.append([entry(number)])
    first.advance(first.peek(5, 10_000)[1])  # writes a position in a late segment
    first.advance(first.peek(5, 10_000)[1])  # deletes every segment
    first.close()

    second = Spool(tmp_path, max_bytes=100_000)
    second.append([entry(7)])
    second.close()

    third = Spool(tmp_path, max_bytes=100_000)
    assert everything(third) == [entry(7)]


def test_damage_in_the_middle_is_set_aside_for_a_person_and_the_rest_goes_on(tmp_path: Path) -> None:
    spool = Spool(tmp_path, max_bytes=100_000, segment_bytes=100)
    for number in range(6):
        spool.append([entry(number)])
    spool.close()
    damaged = segments_in(tmp_path)[0]
    data = bytearray(damaged.read_bytes())
    data[-1] ^= 1
    damaged.write_bytes(data)

    again = everything(Spool(tmp_path, max_bytes=100_000))

    lost = [number for number in range(6) if entry(number) not in again]
    assert len(lost) == 1
    assert entry(lost[0]).item[:-1] in next(tmp_path.glob("*.damaged")).read_bytes()


def test_a_failing_disk_keeps_nothing_of_the_group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spool = Spool(tmp_path, max_bytes=100_000)
    spool.append([entry(1)])

    def fails(file: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fdatasync", fails)
    with pytest.raises(OSError, match="No space"):
        spool.append([entry(2)])
    monkeypatch.undo()
    spool.append([entry(3)])

    assert everything(spool) == [entry(1), entry(3)]
    spool.close()
    assert everything(Spool(tmp_path, max_bytes=100_000)) == [entry(1), entry(3)]


def test_only_the_owner_reads_what_is_queued(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool", max_bytes=100_000)
    spool.append([entry(1)])

    modes = {
        path.name: path.stat().st_mode & 0o077 for path in (tmp_path / "spool", *segments_in(tmp_path / "spool"))
    }
    assert set(modes.values()) == {0}


def test_the_journal_gives_what_is_young_enough_while_it_is_written_to(tmp_path: Path) -> None:
    journal = Journal(tmp_path, max_bytes=1_000_000)
    journal.append([entry(1, at=100.0), entry(2, at=200.0)])
    reading = entries_since(tmp_path, 150.0)
    journal.append([entry(3, at=300.0)])

    assert [found.at for found in reading] == [200.0, 300.0]


def test_the_journal_lets_go_of_what_is_older_than_48_hours(tmp_path: Path) -> None:
    now = time.time()
    journal = Journal(tmp_path, max_bytes=1_000_000, segment_bytes=40)
    journal.append([entry(1, at=now)])
    old = segments_in(tmp_path)[0]
    os.utime(old, (now - 49 * 3600, now - 49 * 3600))

    journal.append([entry(2, at=now)])

    assert [found.item for found in entries_since(tmp_path, 0)] == [entry(2).item]


def test_the_journal_stays_within_its_size_by_letting_the_oldest_go(tmp_path: Path) -> None:
    now = time.time()
    journal = Journal(tmp_path, max_bytes=1_000)
    for number in range(100):
        journal.append([entry(number, at=now)])

    kept = [found.item for found in entries_since(tmp_path, 0)]
    assert sum(path.stat().st_size for path in segments_in(tmp_path)) <= 1_000
    assert kept == [entry(number).item for number in range(100 - len(kept), 100)]
    assert kept


def test_a_disk_that_is_nearly_full_takes_nothing_more_and_keeps_what_it_has(tmp_path: Path) -> None:
    spool = Spool(tmp_path, max_bytes=1_000_000)
    spool.append([entry(1)])
    spool.close()

    full = Spool(tmp_path, max_bytes=1_000_000, least_free=10**18)

    assert full.short_of_space
    with pytest.raises(SpoolFull):
        full.append([entry(2)])
    assert full.items == 1
    full.close()
