"""However reports and snapshots come, in whatever order and however often, the tables end the same."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from siaga.contracts.incident import Change
from siaga.contracts.topics import CHECKINS, INCIDENTS, REPORTS
from sinks.tables import metadata
from tests.support import builders
from tests.support.stored import AT, Fed, happened, snapshot

_NAMES = uuid.UUID("6f2f5c0e-55b8-4e3c-8f0b-1d8a3f2b9c11")


def _id(name: str) -> uuid.UUID:
    return uuid.uuid5(_NAMES, name)


def _report(number: int) -> tuple[str, bytes]:
    item = builders.report(report_id=_id(f"report-{number}"), at=AT + timedelta(seconds=number))
    return REPORTS, builders.accepted(item).to_json()


def _checkin(number: int) -> tuple[str, bytes]:
    item = builders.checkin(report_id=_id(f"checkin-{number}"), at=AT, turnout=number)
    return CHECKINS, builders.accepted_checkin(item).to_json()


def _snapshot(number: int, version: int) -> tuple[str, bytes]:
    told = snapshot(
        _id(f"incident-{number}"),
        version=version,
        severity=1 + version % 5,
        updated_at=AT + timedelta(minutes=version),
        # A report that two incidents claim among them: the same one has to win.
        reports=[_id(f"report-{version}"), _id(f"report-{number + version}")],
        report_moves=(0, number * version % 3),
        history=[happened(Change.REPORT_JOINED, AT + timedelta(minutes=version))],
    )
    return INCIDENTS, told.to_json()


EVERYTHING = [
    *(_report(number) for number in range(5)),
    *(_checkin(number) for number in range(3)),
    *(_snapshot(number, version) for number in range(2) for version in (1, 2, 3)),
]


def _tables(deliveries: list[list[tuple[str, bytes]]]) -> dict[str, Any]:
    """The tables after batches of messages, without what only tells in which order things came."""
    fed = Fed("sqlite://")
    for batch in deliveries:
        fed.write(*(fed.record(topic, value) for topic, value in batch))
    told = {}
    for table in metadata.sorted_tables:
        if table.name not in ("offsets", "feed", "clusters"):
            rows = fed.rows(f'SELECT * FROM "{table.name}" ORDER BY 1')  # noqa: S608
            told[table.name] = [{name: v for name, v in row.items() if name != "seq"} for row in rows]
    fed.engine.dispose()
    return told


ONCE = _tables([EVERYTHING])


@st.composite
def deliveries(draw: st.DrawFn) -> list[list[tuple[str, bytes]]]:
    """Everything at least once, in any order, some of it again, cut into batches anywhere."""
    again = draw(st.lists(st.sampled_from(EVERYTHING), max_size=8))
    order = draw(st.permutations([*EVERYTHING, *again]))
    cuts = sorted(draw(st.lists(st.integers(0, len(order)), max_size=4)))
    return [list(order[start:end]) for start, end in zip([0, *cuts], [*cuts, len(order)], strict=True)]


@settings(max_examples=40, deadline=None)
@given(deliveries())
def test_any_order_and_any_repetition_end_in_the_same_tables(batches: list[list[tuple[str, bytes]]]) -> None:
    assert _tables(batches) == ONCE
