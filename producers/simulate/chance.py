"""Seeded chance: the same seed and the same name give the same numbers on every machine."""

from __future__ import annotations

from datetime import datetime
from random import Random
from typing import Final
from uuid import UUID


def chance(seed: int, *names: object) -> Random:
    """A generator of its own for one purpose, so that a change in one part of the day does not move another."""
    return Random("|".join([str(seed), *(str(name) for name in names)]))  # noqa: S311 - a play, not a secret


#: Bits of a report's id that are left to chance.
ID_BITS: Final = 74


def report_id(bits: int, at: datetime) -> UUID:
    """A UUIDv7 (RFC 9562, 5.7) as a phone makes it: the phone's time in front, ``ID_BITS`` of chance behind."""
    millis = max(0, int(at.timestamp() * 1000)) & (2**48 - 1)
    high = millis << 16 | 0x7000 | bits >> 62
    low = 0b10 << 62 | bits & (2**62 - 1)
    return UUID(int=high << 64 | low)
