"""Messages cut into the arrays that records carry: of one district, in order, within the limits of a record."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from siaga.contracts.decode import encode_array
from siaga.contracts.topics import MAX_ARRAY, MAX_RECORD_BYTES


def record_values(items: Iterable[bytes]) -> Iterator[bytes]:
    """The values of the records that carry ``items``: an object alone, several as arrays, none too long or too large.

    An item that is too large by itself travels alone; the broker decides about it.
    """
    gathered: list[bytes] = []
    size = 2
    for item in items:
        if gathered and (len(gathered) >= MAX_ARRAY or size + len(item) + 1 > MAX_RECORD_BYTES):
            yield _value(gathered)
            gathered, size = [], 2
        gathered.append(item)
        size += len(item) + 1
    if gathered:
        yield _value(gathered)


def _value(items: list[bytes]) -> bytes:
    return items[0] if len(items) == 1 else encode_array(items)
