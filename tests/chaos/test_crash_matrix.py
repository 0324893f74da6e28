"""A small crash matrix with every test run: the notifier dies at each point; nothing is lost or repeated unseen."""

from __future__ import annotations

from pathlib import Path

import pytest

from sinks.notify.crash import Point
from tests.support.brokers import Broker
from tests.support.crash_matrix import run, trial
from tests.support.databases import Database

pytestmark = pytest.mark.chaos


@pytest.mark.parametrize("point", list(Point))
def test_a_notifier_that_dies_loses_no_page_and_repeats_none_unseen(
    embedded: Broker, sqlite: Database, tmp_path: Path, point: Point
) -> None:
    with trial(embedded, sqlite, tmp_path) as running:
        run(running, point.value, pages=12)
        counted = list(running.count("SQLite", point.value))

    assert sum(one.due for one in counted) == 12
    assert [one for one in counted if not one.is_sound] == []
