"""What the store counts for those who watch: silence that Siaga noticed by itself, and clocks that run ahead."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.support import builders
from tests.support.stored import Fed, snapshot


@pytest.fixture
def fed(tmp_path: Path) -> Iterator[Fed]:
    made = Fed(f"sqlite:///{tmp_path / 'siaga.db'}")
    yield made
    made.close()


def silence(**changed: Any) -> Any:
    return snapshot(**{"kind": "facility.network", "family": "facility", "reporter_count": 0, **changed})


def test_silent_districts_and_stations_are_counted_apart_and_neither_what_people_report_nor_what_is_over(
    fed: Fed,
) -> None:
    fed.incidents(
        silence(station_id=None),
        silence(),
        silence(station_id=builders.SECOND_STATION, state="acknowledged"),
        silence(state="resolved"),
        silence(reporter_count=2),
        silence(drill=True),
        snapshot(reporter_count=0),
    )
    assert fed.writer.silent() == (1, 2)


def test_a_clock_that_is_a_little_fast_is_none_that_runs_ahead(fed: Fed) -> None:
    now = builders.now()
    ahead = (timedelta(hours=3), timedelta(minutes=11), timedelta(minutes=9), -timedelta(hours=2))
    items = [builders.accepted(builders.report(at=now + by), received=now) for by in ahead]
    assert fed.reports(*items).clocks_ahead == 2
    assert fed.reports(*items).clocks_ahead == 0  # a repeated report is no other one
