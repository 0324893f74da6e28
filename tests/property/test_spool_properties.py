"""The disk queue and its format, cut and damaged at any byte."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from producers.entries import Entry, ItemKind, entry_of
from producers.segments import MAGIC, SegmentWriter, framed, records_of, segments_in, sound_length
from producers.spool import Spool

payloads = st.lists(st.binary(min_size=1, max_size=60), max_size=12)
entries = st.builds(
    Entry,
    kind=st.sampled_from(ItemKind),
    district=st.sampled_from(["33.26.08", "33.26.09"]),
    at=st.floats(min_value=0, max_value=4e9),
    item=st.binary(min_size=1, max_size=80),
)


def read(data: bytes) -> list[bytes]:
    return [payload for payload, _ in records_of(data)]


@given(payloads, st.data())
def test_a_segment_cut_anywhere_gives_the_records_that_are_whole_and_nothing_else(
    kept: list[bytes], data: st.DataObject
) -> None:
    whole = MAGIC + framed(kept)
    cut = data.draw(st.integers(0, len(whole)))

    found = read(whole[:cut])

    ends = [len(MAGIC) + len(framed(kept[: n + 1])) for n in range(len(kept))]
    assert found == kept[: sum(end <= cut for end in ends)]
    assert sound_length(whole[:cut]) <= cut


@given(payloads.filter(bool), st.data())
def test_one_changed_byte_never_makes_up_a_record_or_changes_one(kept: list[bytes], data: st.DataObject) -> None:
    whole = bytearray(MAGIC + framed(kept))
    place = data.draw(st.integers(0, len(whole) - 1))
    whole[place] ^= data.draw(st.integers(1, 255))

    found = read(bytes(whole))

    assert found == kept[: len(found)]
    assert len(found) < len(kept)


@given(payloads, st.integers(0, 40), st.binary(max_size=40))
def test_what_a_crash_left_behind_the_last_record_is_no_record(kept: list[bytes], zeros: int, noise: bytes) -> None:
    whole = MAGIC + framed(kept)

    found = read(whole + bytes(zeros) + noise)

    assert found[: len(kept)] == kept
    # Noise is a record only if its checksum is right: one in four thousand million.
    assert len(found) == len(kept) or zeros == 0


@given(entries)
def test_an_entry_is_read_as_it_was_written(entry: Entry) -> None:
    assert entry_of(entry.to_bytes()) == entry


@settings(max_examples=40)
@given(payloads.filter(bool), st.data(), payloads)
def test_writing_goes_on_behind_the_last_whole_record(
    kept: list[bytes], data: st.DataObject, more: list[bytes]
) -> None:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "1.seg"
        whole = MAGIC + framed(kept)
        path.write_bytes(whole[: data.draw(st.integers(0, len(whole)))])
        before = read(path.read_bytes())

        writer = SegmentWriter(path)
        writer.append(framed(more))
        writer.close()

        assert read(path.read_bytes()) == before + more


class SpoolMachine(RuleBasedStateMachine):
    """A queue that is filled, drained, killed and damaged at its end, beside a list that says what must be in it."""

    def __init__(self) -> None:
        super().__init__()
        self.directory = Path(tempfile.mkdtemp())
        self.spool: Spool | None = None
        self.waiting: list[Entry] = []
        #: Drained, but a kill may have forgotten that: they may come again.
        self.drained: list[Entry] = []

    @initialize()
    def open(self) -> None:
        self.spool = Spool(self.directory, max_bytes=1_000_000, segment_bytes=300)

    def _spool(self) -> Spool:
        assert self.spool is not None
        return self.spool

    @rule(group=st.lists(entries, min_size=1, max_size=6))
    def append(self, group: list[Entry]) -> None:
        self._spool().append(group)
        self.waiting += group

    @rule(most=st.integers(1, 8), most_bytes=st.integers(1, 400))
    def drain(self, most: int, most_bytes: int) -> None:
        found, cursor = self._spool().peek(most, most_bytes)
        assert found == self.waiting[: len(found)]
        assert bool(found) == bool(self.waiting)
        self._spool().advance(cursor)
        self.drained += found
        del self.waiting[: len(found)]

    @rule(torn=st.binary(max_size=30), lose_position=st.booleans())
    def kill(self, torn: bytes, lose_position: bool) -> None:
        self._spool().close()
        segments = segments_in(self.directory)
        if segments:
            with segments[-1].open("ab") as file:
                file.write(torn)
        if lose_position:
            (self.directory / "position.json").write_bytes(b"")
        self.open()
        found, _ = self._spool().peek(10_000, 10_000_000)
        if lose_position:
            again = len(found) - len(self.waiting)
            assert again >= 0
            assert found[:again] == self.drained[len(self.drained) - again :]
            assert found[again:] == self.waiting
            self.waiting = found
        else:
            assert found == self.waiting

    @invariant()
    def counts(self) -> None:
        if self.spool is not None:
            assert self.spool.items == len(self.waiting)
            assert self.spool.disk_bytes == sum(path.stat().st_size for path in segments_in(self.directory))

    def teardown(self) -> None:
        if self.spool is not None:
            self.spool.close()
        shutil.rmtree(self.directory)


TestSpoolAgainstAList: Any = SpoolMachine.TestCase
TestSpoolAgainstAList.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
