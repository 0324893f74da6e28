"""An accepted item as it lies on disk: what it is, where it belongs, when it was accepted, and its very bytes."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from siaga.contracts.topics import CHECKINS, REPORTS

_HEAD: Final = struct.Struct(">cd8s")


class ItemKind(StrEnum):
    """What a device may send."""

    REPORT = "report"
    CHECKIN = "checkin"

    @property
    def topic(self) -> str:
        """Where it goes."""
        return REPORTS if self is ItemKind.REPORT else CHECKINS


_LETTERS: Final = {ItemKind.REPORT: b"r", ItemKind.CHECKIN: b"c"}
_KINDS: Final = {letter: kind for kind, letter in _LETTERS.items()}


@dataclass(frozen=True, slots=True)
class Entry:
    """One accepted item. ``at`` is when it was accepted (epoch seconds), ``item`` its JSON as Kafka gets it."""

    kind: ItemKind
    district: str
    at: float
    item: bytes

    def to_bytes(self) -> bytes:
        """As it lies on disk."""
        return _HEAD.pack(_LETTERS[self.kind], self.at, self.district.encode()) + self.item


def entry_of(payload: bytes) -> Entry:
    """An entry read from disk.

    Raises:
        ValueError: it was written by another version, or by something else.
    """
    try:
        letter, at, district = _HEAD.unpack_from(payload)
        return Entry(_KINDS[letter], district.decode(), at, payload[_HEAD.size :])
    except (struct.error, KeyError, UnicodeDecodeError):
        raise ValueError("is no entry of this version") from None


def by_record(entries: Iterable[Entry]) -> Iterator[tuple[ItemKind, str, list[bytes]]]:
    """Entries gathered by kind and district, each in its order; the groups in the order of their first."""
    groups: dict[tuple[ItemKind, str], list[bytes]] = {}
    for entry in entries:
        groups.setdefault((entry.kind, entry.district), []).append(entry.item)
    for (kind, district), items in groups.items():
        yield kind, district, items
