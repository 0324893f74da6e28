"""How fast the command centre is with ten thousand open incidents. Prints its figures; asserts only that all arrived.

On one process: a page of the API, the first board of a page, and fifty open streams at twenty changes a second.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from siaga.settings import Settings
from tests.support import builders, filled
from tests.support.centre import Centre
from tests.support.databases import SqliteDatabase
from tests.support.filled import Filled

INCIDENTS = 10_000
STREAMS = 50
CHANGES = 20
SECONDS = 5


@pytest.fixture
def rows(tmp_path: Path) -> Filled:
    """Ten thousand open incidents."""
    made = Filled(SqliteDatabase(tmp_path).url)
    made.put_registry(builders.calendar(), builders.district(builders.DISTRICT, stations=200))
    start = builders.now() - timedelta(hours=3)
    made.put(*(filled.incident(severity=1 + n % 5, opened=start + timedelta(seconds=n)) for n in range(INCIDENTS)))
    return made


@pytest.fixture
def centre(rows: Filled, tmp_path: Path) -> Iterator[Centre]:
    """The command centre on them."""
    with Centre(Settings(data_dir=tmp_path, kafka="127.0.0.1:1")) as made:
        yield made


def timed(centre: Centre, path: str, times: int) -> list[float]:
    """Milliseconds of each of so many requests, sorted."""
    found = []
    for _ in range(times):
        began = time.perf_counter()
        assert centre.get(path, "operator").status_code == 200
        found.append((time.perf_counter() - began) * 1000)
    return sorted(found)


def test_pages_and_first_views(centre: Centre) -> None:
    for path in ("/api/incidents?limit=100", "/api/incidents?severity=1&limit=100", "/api/board?limit=200"):
        times = timed(centre, path, 100)
        print(f"\n{path}: median {times[50]:.1f} ms, p99 {times[98]:.1f} ms")
        assert len(times) == 100


def test_fifty_open_streams(rows: Filled, centre: Centre) -> None:
    delays: list[float] = []
    done = threading.Event()
    ready = threading.Barrier(STREAMS + 1)

    def listen() -> None:
        with centre.events("operator") as events:
            next(events)
            ready.wait(30)
            for name, data, _ in events:
                if name == "incident":
                    delays.append(time.time() - data["updated"])
                if done.is_set():
                    return

    threads = [threading.Thread(target=listen, daemon=True) for _ in range(STREAMS)]
    for thread in threads:
        thread.start()
    ready.wait(30)
    began = time.perf_counter()
    for number in range(CHANGES * SECONDS):
        rows.put(changed(datetime.fromtimestamp(time.time()).astimezone()))
        pause = began + (number + 1) / CHANGES - time.perf_counter()
        done.wait(max(0.0, pause))
    done.wait(2.0)
    done.set()
    for thread in threads:
        thread.join(10)

    wanted = STREAMS * CHANGES * SECONDS
    delays.sort()
    print(
        f"\n{STREAMS} streams, {CHANGES} changes/s: {len(delays):,} of {wanted:,} told, "
        f"median {delays[len(delays) // 2]:.2f} s, p99 {delays[len(delays) * 99 // 100]:.2f} s"
    )
    assert len(delays) == wanted


def changed(at: datetime) -> dict[str, Any]:
    return filled.incident(severity=2, opened=at)
