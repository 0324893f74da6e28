"""What the gateway knows of the election: devices, stations and kinds; also after a start while Kafka is away.

In: the records of ``siaga.registry``, from the tail's thread. Out: the :class:`~siaga.election.registry.Registry`
that requests are checked with. State: the registry in memory, and a copy of its records on disk, rebuilt at each
start and appended to as it changes; without what is confidential (a device's secret is only a hash to begin with).
"""

from __future__ import annotations

import logging
from pathlib import Path
from threading import Lock
from typing import Final

from producers.segments import SegmentWriter, frame, records_of
from siaga.contracts.registry import DistrictStations, Entity, parse_entry
from siaga.election.registry import Registry

log = logging.getLogger(__name__)

NAME: Final = "gateway-registry"
_KEPT: Final = (Entity.STATIONS, Entity.TAXONOMY, Entity.DEVICE)


class Known:
    """The registry as the gateway needs it. ``take`` is called by the tail's thread; anybody may ask."""

    def __init__(self, directory: Path) -> None:
        self.registry = Registry(keep=_KEPT)
        self._path = directory / NAME
        self._made = directory / f".{NAME}.new"
        self._lock = Lock()
        self._ready = self._restore()
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._made.unlink(missing_ok=True)
        self._copy: SegmentWriter | None = SegmentWriter(self._made)
        self._complete = False
        #: Hashes of the values copied: a broker that is filled again tells everything again.
        self._hashes: dict[str, int] = {}

    @property
    def ready(self) -> bool:
        """Whether it is known who may report what: from Kafka, or from the copy of an earlier run."""
        return self._ready

    def take(self, key: str, value: bytes | None) -> None:
        """Take in a record.

        Raises:
            ValueError: it cannot be used; what was there stays.
        """
        self.registry.apply(key, value)
        told = hash(value)
        if key.partition("/")[0] in _KEPT and self._hashes.get(key) != told:
            with self._lock:
                self._write(_copied(key, value))
            self._hashes[key] = told

    def caught_up(self) -> None:
        """Say that everything there was has been taken: the copy of it replaces the one of the run before."""
        with self._lock:
            self._ready = True
            if self._copy is not None and not self._complete:
                try:
                    self._copy.sync()
                    self._made.replace(self._path)
                    self._complete = True
                except OSError as error:
                    self._give_up(error)

    def close(self) -> None:
        """Close the copy."""
        with self._lock:
            if self._copy is not None:
                self._copy.close()
                self._copy = None

    def _write(self, payload: bytes) -> None:
        if self._copy is None:
            return
        try:
            # Rebuilding is synced once, at its end; a change afterwards by itself.
            self._copy.append(frame(payload), sync=self._complete)
        except OSError as error:
            self._give_up(error)

    def _give_up(self, error: OSError) -> None:
        log.error("gateway: the copy of the registry cannot be written (%s); a restart needs Kafka", error.strerror)
        if self._copy is not None:
            self._copy.close()
            self._copy = None

    def _restore(self) -> bool:
        """Take what an earlier run left; whether it was anything."""
        try:
            data = self._path.read_bytes()
        except OSError:
            return False
        count = 0
        for payload, _ in records_of(data):
            key, _, value = payload.partition(b"\0")
            try:
                self.registry.apply(key.decode(), value or None)
                count += 1
            except ValueError as error:
                log.warning("gateway: an entry of the registry's copy is passed over: %s", error)
        return count > 0


def _copied(key: str, value: bytes | None) -> bytes:
    """A record as the copy keeps it: a station's vulnerability is confidential and the gateway has no use for it."""
    if value is not None:
        entry = parse_entry(key, value)
        if isinstance(entry, DistrictStations):
            value = entry.model_dump_json(exclude={"stations": {"__all__": {"vulnerability", "voters"}}}).encode()
    return key.encode() + b"\0" + (value or b"")
