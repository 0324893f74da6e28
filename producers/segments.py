"""Append-only files that survive being cut off at any byte: how spool, journal and snapshot lie on disk.

A directory holds segments named by a rising number. A segment is a magic word and records; a record is its length and
a CRC-32 of length and payload (both big-endian, 4 bytes), then the payload. What was synced is whole; whatever a
crash left behind it is recognised and cut.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final
from zlib import crc32

MAGIC: Final = b"SIAGA-1\n"
_HEAD: Final = struct.Struct(">II")
_SUFFIX: Final = ".seg"
#: A record that claims to be longer is damaged.
_MAX_RECORD: Final = 64 * 1024 * 1024


def frame(payload: bytes) -> bytes:
    """A payload as it stands in a segment. An empty one has no place there: a hole in a file would look like it."""
    if not payload or len(payload) > _MAX_RECORD:
        raise ValueError(f"payload: {len(payload)} bytes do not fit a record; send 1 to {_MAX_RECORD}")
    return _HEAD.pack(len(payload), _crc(payload)) + payload


def _crc(payload: bytes) -> int:
    # With the length, so that a stretch of zeros is no valid record.
    return crc32(payload, crc32(len(payload).to_bytes(4, "big")))


def records_of(data: bytes, start: int = len(MAGIC)) -> Iterator[tuple[bytes, int]]:
    """The whole records of a segment's bytes from offset ``start``: each payload and the offset behind it.

    Ends at the first byte that is not part of a whole record; nothing behind it can be trusted.
    """
    if data[: len(MAGIC)] != MAGIC:
        return
    at, end = start, len(data)
    while at + _HEAD.size <= end:
        length, crc = _HEAD.unpack_from(data, at)
        behind = at + _HEAD.size + length
        if not 0 < length <= _MAX_RECORD or behind > end:
            return
        payload = data[at + _HEAD.size : behind]
        if _crc(payload) != crc:
            return
        yield payload, behind
        at = behind


def sound_length(data: bytes) -> int:
    """How many bytes of a segment are whole records; 0 when it has not even its magic word."""
    sound = len(MAGIC) if data[: len(MAGIC)] == MAGIC else 0
    for _, sound in records_of(data):  # noqa: B007  (the last one counts)
        pass
    return sound


def segments_in(directory: Path) -> list[Path]:
    """The segments of a directory, oldest first."""
    return sorted(path for path in directory.glob(f"*{_SUFFIX}") if path.stem.isdigit())


def segment_path(directory: Path, number: int) -> Path:
    """Where the segment of this number lies."""
    return directory / f"{number:020d}{_SUFFIX}"


class SegmentWriter:
    """Appends groups of records to one segment. After an error nothing of the failed group is left behind."""

    def __init__(self, path: Path) -> None:
        """Open ``path`` or make it, readable by its owner only, and cut what a crash left behind the last record."""
        self.path = path
        existed = path.exists()
        self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            self.size = self._begin(path.read_bytes())
        except BaseException:
            os.close(self._file)
            raise
        if not existed:
            sync_directory(path.parent)

    def _begin(self, data: bytes) -> int:
        sound = sound_length(data)
        if not sound:
            self._cut(0)
            self._write(MAGIC, 0)
            return len(MAGIC)
        if sound < len(data):
            self._cut(sound)
        return sound

    def append(self, framed: bytes, *, sync: bool = True) -> None:
        """Write framed records and, unless told otherwise, wait until the disk has them.

        Raises:
            OSError: it could not be done; the segment ends where it did before.
        """
        try:
            self._write(framed, self.size)
            if sync:
                os.fdatasync(self._file)
        except OSError:
            self._cut(self.size)
            raise
        self.size += len(framed)

    def sync(self) -> None:
        """Wait until the disk has everything."""
        os.fdatasync(self._file)

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)

    def _write(self, data: bytes, at: int) -> None:
        view = memoryview(data)
        while view:
            written = os.pwrite(self._file, view, at)
            view, at = view[written:], at + written

    def _cut(self, size: int) -> None:
        os.ftruncate(self._file, size)


def framed(payloads: Iterable[bytes]) -> bytes:
    """Several payloads as one stretch of a segment."""
    return b"".join(map(frame, payloads))


def sync_directory(directory: Path) -> None:
    """Make the disk remember which files there are."""
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
