"""What was accepted lately, on disk, for a broker that keeps everything in memory and may come back empty.

In: accepted entries, before they are sent. Out: :func:`republish`, which sends those of the last 48 hours again; for
that long everybody downstream knows an item by its id. State: segment files, bounded by age and by size.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from datetime import timedelta
from pathlib import Path
from threading import Lock
from typing import Final

from producers.entries import Entry, by_record, entry_of
from producers.publisher import Publisher, PublishError
from producers.segments import SegmentWriter, framed, records_of, segment_path, segments_in
from siaga.rules.windows import Windows
from siaga.settings import Settings

log = logging.getLogger(__name__)

_SEGMENT_BYTES: Final = 16 * 1024 * 1024
_KEPT: Final[timedelta] = Windows().dedupe
#: Entries read before they are sent, and records on their way, at once.
_GATHER: Final = 5_000
_IN_FLIGHT: Final = 200
_PATIENCE: Final = 60.0


def journal_directory(settings: Settings) -> Path:
    """Where a gateway with these settings keeps its journal."""
    return settings.data_dir / "journal"


class Journal:
    """Appends to the journal. Belongs to one gateway at a time, which holds the spool beside it; others only read."""

    def __init__(self, directory: Path, *, max_bytes: int, segment_bytes: int = _SEGMENT_BYTES) -> None:
        """``max_bytes`` is the most it may take on disk: past it, the oldest segment goes, be it old or not."""
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.directory = directory
        self._max_bytes = max_bytes
        self._segment_bytes = min(segment_bytes, max(1, max_bytes // 4))
        self._lock = Lock()
        self._writer: SegmentWriter | None = None
        found = segments_in(directory)
        self._next = int(found[-1].stem) + 1 if found else 1

    def append(self, entries: Sequence[Entry]) -> None:
        """Put accepted entries down; when this returns, the disk has them.

        Raises:
            OSError: the disk failed; nothing of the group was kept.
        """
        stretch = framed(entry.to_bytes() for entry in entries)
        with self._lock:
            writer = self._writer
            if writer is None or writer.size >= self._segment_bytes:
                writer = self._begin_segment(entries[0].at)
            try:
                writer.append(stretch)
            except OSError:
                # What a failed sync left of the file in memory cannot be trusted: go on in another one.
                self._close_writer()
                raise

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._close_writer()

    def _begin_segment(self, now: float) -> SegmentWriter:
        self._close_writer()
        self._prune(now)
        self._writer = SegmentWriter(segment_path(self.directory, self._next))
        self._next += 1
        return self._writer

    def _close_writer(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def _prune(self, now: float) -> None:
        """Delete whole segments: those whose last entry is too old, and the oldest while there is too much."""
        sizes = {path: path.stat() for path in segments_in(self.directory)}
        total = sum(stat.st_size for stat in sizes.values()) + self._segment_bytes
        for path, stat in sizes.items():
            old = stat.st_mtime < now - _KEPT.total_seconds()
            if not old and total <= self._max_bytes:
                break
            if not old:
                log.warning(
                    "journal: is full; %s goes although it is not old: raise SIAGA_SPOOL_MAX_BYTES", path.name
                )
            path.unlink(missing_ok=True)
            total -= stat.st_size


def entries_since(directory: Path, since: float) -> Iterator[Entry]:
    """The entries accepted at ``since`` (epoch seconds) or later, in the order they were accepted.

    Only reads: a gateway may be appending at the same time, and what it appends while this reads may be seen or not.
    """
    for path in segments_in(directory):
        try:
            data = path.read_bytes()
        except FileNotFoundError:  # pruned just now: too old
            continue
        for payload, _ in records_of(data):
            entry = entry_of(payload)
            if entry.at >= since:
                yield entry


def republish(settings: Settings) -> int:
    """Send everything of the last 48 hours again, to a broker that came back empty; how many items that were.

    Whoever has an item already knows it by its id. Only reads the journal: the gateway may be running.

    Raises:
        PublishError: Kafka did not take everything; call it again.
        siaga.settings.SettingsError: no broker is set.
    """
    directory = journal_directory(settings)
    if not segments_in(directory):
        return 0
    publisher = Publisher(settings, "siaga-journal")
    sent = 0
    on_their_way: deque[Future[None]] = deque()
    try:
        for entries in _chunks(entries_since(directory, time.time() - _KEPT.total_seconds())):
            for kind, district, items in by_record(entries):
                on_their_way.append(publisher.publish(kind.topic, district, items, kind.value, timeout=_PATIENCE))
                while len(on_their_way) > _IN_FLIGHT:
                    on_their_way.popleft().result(_PATIENCE)
            sent += len(entries)
        while on_their_way:
            on_their_way.popleft().result(_PATIENCE)
    except TimeoutError as error:
        raise PublishError(f"the journal was not taken within {_PATIENCE:g} s") from error
    finally:
        publisher.close(0.0)
    return sent


def _chunks(entries: Iterator[Entry]) -> Iterator[list[Entry]]:
    gathered: list[Entry] = []
    for entry in entries:
        gathered.append(entry)
        if len(gathered) >= _GATHER:
            yield gathered
            gathered = []
    if gathered:
        yield gathered
