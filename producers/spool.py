"""The gateway's disk queue: what was accepted while Kafka was away, in order, until Kafka has acknowledged it.

In: entries. Out: the same entries, in order, at least once. State: segment files and a position in a directory of
its own, which one process holds at a time.

An entry is safe when :meth:`Spool.append` returns, and gone only after :meth:`Spool.advance`. A crash between the two
leaves it to be sent again; the receivers know it by its id.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Final

from producers.entries import Entry, entry_of
from producers.segments import (
    MAGIC,
    SegmentWriter,
    framed,
    records_of,
    segment_path,
    segments_in,
    sound_length,
    sync_directory,
)
from siaga.beginning import make_directory, unusable
from siaga.settings import SettingsError

log = logging.getLogger(__name__)

_SEGMENT_BYTES: Final = 16 * 1024 * 1024
_POSITION: Final = "position.json"
_DAMAGED: Final = ".damaged"


class SpoolFull(Exception):
    """The disk queue has no room for what should go into it."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place in the queue: a segment's number, an offset in it, and the entries between the head and it."""

    segment: int
    offset: int
    entries: int = 0


class Spool:
    """A queue on disk. Every method may be called from any thread; one at a time does its work."""

    def __init__(
        self, directory: Path, *, max_bytes: int, segment_bytes: int = _SEGMENT_BYTES, least_free: int = 0
    ) -> None:
        """Open the queue in ``directory`` (made if missing), repairing what a crash left.

        Args:
            directory: belongs to this queue alone.
            max_bytes: most that its segments may take on disk.
            segment_bytes: size from which a new segment is begun.
            least_free: bytes of the disk that stay free, whoever fills the rest.

        Raises:
            SettingsError: another process holds the directory, or it cannot be used.
        """
        self.directory = directory
        self.max_bytes = max_bytes
        self._least_free = least_free
        self._segment_bytes = min(segment_bytes, max(1, max_bytes // 4))
        self._lock = Lock()
        self._held = _hold(directory)
        self._writer: SegmentWriter | None = None
        #: Size of each segment on disk, oldest first.
        self._sizes: dict[int, int] = {}
        self._head = Cursor(0, len(MAGIC))
        self._items = 0
        self._next = 1
        self._load()

    # -- what there is --------------------------------------------------------------------------------------------

    @property
    def items(self) -> int:
        """Entries that wait."""
        return self._items

    @property
    def disk_bytes(self) -> int:
        """What the segments take on disk."""
        return sum(self._sizes.values())

    @property
    def short_of_space(self) -> bool:
        """Whether the disk has less free than it should."""
        return free_bytes(self.directory) < self._least_free

    # -- in and out -----------------------------------------------------------------------------------------------

    def append(self, entries: Sequence[Entry]) -> None:
        """Put a group of entries at the end; when this returns, the disk has all of them.

        Raises:
            SpoolFull: there is no room for the group; nothing of it was kept.
            OSError: the disk failed; nothing of the group was kept.
        """
        stretch = framed(entry.to_bytes() for entry in entries)
        with self._lock:
            fresh = self._writer is None or self._writer.size >= self._segment_bytes
            if self.disk_bytes + len(stretch) + (len(MAGIC) if fresh else 0) > self.max_bytes:
                raise SpoolFull
            if free_bytes(self.directory) - len(stretch) < self._least_free:
                raise SpoolFull
            writer = self._begin_segment() if fresh or self._writer is None else self._writer
            try:
                writer.append(stretch)
            except OSError:
                # What a failed sync left of the file in memory cannot be trusted: go on in another one.
                self._close_writer()
                raise
            self._sizes[self._number(writer.path)] = writer.size
            self._items += len(entries)

    def peek(self, most: int, most_bytes: int) -> tuple[list[Entry], Cursor]:
        """The next entries, at most so many and about so many bytes, and the place behind them.

        They stay in the queue; none are given only when it is empty.
        """
        with self._lock:
            found: list[Entry] = []
            size, cursor = 0, self._head
            for number in [n for n in self._sizes if n >= self._head.segment]:
                start = self._head.offset if number == self._head.segment else len(MAGIC)
                cursor = Cursor(number, start, len(found))
                # Not what lies behind its size: that belongs to a group that failed.
                data = segment_path(self.directory, number).read_bytes()[: self._sizes[number]]
                for payload, behind in records_of(data, start):
                    if len(found) >= most or (found and size + len(payload) > most_bytes):
                        return found, cursor
                    found.append(entry_of(payload))
                    size += len(payload)
                    cursor = Cursor(number, behind, len(found))
            return found, cursor

    def advance(self, cursor: Cursor) -> None:
        """Let go of everything before ``cursor``, which :meth:`peek` gave: Kafka has acknowledged it."""
        with self._lock:
            self._items -= cursor.entries
            self._head = Cursor(cursor.segment, cursor.offset)
            if not self._items:
                self._close_writer()
                self._drop_before(self._next)
                return
            self._drop_before(cursor.segment)
            _write_position(self.directory, self._head)

    def close(self) -> None:
        """Let go of the directory."""
        with self._lock:
            self._close_writer()
            os.close(self._held)

    # -- segments -------------------------------------------------------------------------------------------------

    def _load(self) -> None:
        position = _read_position(self.directory)
        if position is not None:
            # Never a number again that the position would call drained.
            self._next = position.segment + 1
        for path in segments_in(self.directory):
            number, data = self._number(path), path.read_bytes()
            self._next = max(self._next, number + 1)
            entries = list(records_of(data))
            if position is not None and number < position.segment:
                path.unlink()
                continue
            self._repair(path, data)
            if position is not None and number == position.segment:
                offsets = [len(MAGIC), *(behind for _, behind in entries)]
                if position.offset in offsets:
                    self._head = position
                    entries = entries[offsets.index(position.offset) :]
            if not entries:
                path.unlink(missing_ok=True)
                continue
            self._sizes[number] = path.stat().st_size
            self._items += len(entries)
        if self._sizes and self._head.segment not in self._sizes:
            self._head = Cursor(next(iter(self._sizes)), len(MAGIC))
        if self._items:
            log.warning("spool: %d items wait to be sent to Kafka", self._items)

    def _repair(self, path: Path, data: bytes) -> None:
        """Cut what is not whole. A cut-off end was answered to nobody; damage in the middle is kept for a person."""
        sound = sound_length(data)
        if sound == len(data):
            return
        log.error("spool: %s is whole for %d of %d bytes; the rest is set aside", path.name, sound, len(data))
        aside = path.with_suffix(_DAMAGED)
        aside.touch(mode=0o600)
        aside.write_bytes(data[sound:])
        os.truncate(path, sound)

    def _begin_segment(self) -> SegmentWriter:
        self._close_writer()
        number = self._next
        self._writer = SegmentWriter(segment_path(self.directory, number))
        self._next = number + 1
        if not self._sizes:
            self._head = Cursor(number, len(MAGIC))
        self._sizes[number] = self._writer.size
        return self._writer

    def _close_writer(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def _drop_before(self, segment: int) -> None:
        for number in [n for n in self._sizes if n < segment]:
            segment_path(self.directory, number).unlink(missing_ok=True)
            del self._sizes[number]

    @staticmethod
    def _number(path: Path) -> int:
        return int(path.stem)


def free_bytes(directory: Path) -> int:
    """What the disk of ``directory`` has free for us."""
    found = os.statvfs(directory)
    return found.f_bavail * found.f_frsize


def _hold(directory: Path) -> int:
    make_directory(directory)
    try:
        held = os.open(directory / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise unusable(directory, error) from None
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(held)
        raise SettingsError(
            f"data_dir: another gateway holds {directory}; end it, or set SIAGA_DATA_DIR to another directory"
        ) from None
    sync_directory(directory)
    return held


def _write_position(directory: Path, head: Cursor) -> None:
    """Not synced: a position that is lost or old only has entries sent again."""
    made = directory / f".{_POSITION}"
    made.write_text(json.dumps({"segment": head.segment, "offset": head.offset}))
    made.replace(directory / _POSITION)


def _read_position(directory: Path) -> Cursor | None:
    try:
        read = json.loads((directory / _POSITION).read_bytes())
        return Cursor(int(read["segment"]), int(read["offset"]))
    except (OSError, ValueError, TypeError, KeyError):
        return None
