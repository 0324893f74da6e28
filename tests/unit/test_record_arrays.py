"""How messages are cut into the arrays that records carry."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from siaga.contracts.arrays import record_values
from siaga.contracts.topics import MAX_ARRAY, MAX_RECORD_BYTES


def items_of(value: bytes) -> list[object]:
    parsed = json.loads(value)
    return parsed if isinstance(parsed, list) else [parsed]


@given(st.lists(st.integers(0, 3_000), max_size=700))
def test_every_item_travels_once_in_order_within_the_limits(sizes: list[int]) -> None:
    items = [json.dumps({"n": number, "pad": "x" * size}).encode() for number, size in enumerate(sizes)]

    values = list(record_values(items))

    told = [item for value in values for item in items_of(value)]
    assert [item["n"] for item in told if isinstance(item, dict)] == list(range(len(items)))
    assert all(len(value) <= MAX_RECORD_BYTES and len(items_of(value)) <= MAX_ARRAY for value in values)


def test_one_item_travels_as_an_object() -> None:
    assert list(record_values([b'{"a":1}'])) == [b'{"a":1}']


def test_the_501st_item_begins_another_record() -> None:
    values = list(record_values([b"{}"] * (MAX_ARRAY + 1)))

    assert [len(items_of(value)) for value in values] == [MAX_ARRAY, 1]


def test_an_item_that_is_too_large_by_itself_travels_alone() -> None:
    large = json.dumps({"pad": "x" * MAX_RECORD_BYTES}).encode()

    assert [len(value) for value in record_values([b"{}", large, b"{}"])] == [2, len(large), 2]
