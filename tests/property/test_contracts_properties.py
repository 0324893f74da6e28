"""Whatever bytes come: decoding never raises, loses nothing, and what it takes is written as it was read."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from siaga.contracts.checkin import CheckIn
from siaga.contracts.command import Command
from siaga.contracts.decode import Decoded, decode
from siaga.contracts.report import Report
from siaga.contracts.topics import partition_of
from tests.support import builders

MODELS = (Report, CheckIn, Command)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
GOOD = builders.report(report_id="01938d0e-0000-7000-8000-000000000001", facts={"injured": 1})


def is_answered(decoded: Decoded[Any], items: int) -> bool:
    told = all(
        refused.problems and all(p.message and p.remedy for p in refused.problems) for refused in decoded.refused
    )
    return told and len(decoded.items) + len(decoded.refused) == items


@given(st.binary(max_size=300), st.sampled_from(MODELS))
def test_any_bytes_are_answered(value: bytes, model: type[Any]) -> None:
    decoded = decode(model, value)
    assert all(refused.problems for refused in decoded.refused)


@given(st.lists(JSON, max_size=5), st.sampled_from(MODELS))
def test_every_item_of_an_array_is_taken_or_refused_with_a_remedy(items: list[Any], model: type[Any]) -> None:
    assert is_answered(decode(model, json.dumps(items).encode()), len(items))


@given(st.sampled_from(sorted(GOOD)), JSON)
def test_a_report_with_one_field_spoilt_is_answered(field: str, value: Any) -> None:
    decoded = decode(Report, json.dumps({**GOOD, field: value}).encode())

    assert is_answered(decoded, 1)
    for item in decoded.items:
        assert decode(Report, item.to_json()).items == [item]


@given(st.from_regex(r"\A[0-9]{2}\.[0-9]{2}\.[0-9]{2}\Z"), st.integers(1, 4096))
def test_every_district_has_a_partition(code: str, partitions: int) -> None:
    assert 0 <= partition_of(code, partitions) < partitions
