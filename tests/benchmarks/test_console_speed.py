"""How fast the command centre is with ten thousand open incidents. Prints its figures; asserts only that all arrived.

On one process: a page of the API on either database, the first board of a page, fifty open streams at twenty changes
a second, and what somebody waits for in a browser. CPU is the process's, with its clients where they are in it.
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
from tests.browser.conftest import LivePage, chromium
from tests.support import builders, filled
from tests.support.centre import PASSWORD, Centre
from tests.support.databases import Database
from tests.support.filled import Filled

INCIDENTS = 10_000
STREAMS = 50
CHANGES = 20
SECONDS = 5


def fill(rows: Filled) -> Filled:
    """Ten thousand open incidents."""
    rows.put_registry(builders.calendar(), builders.district(builders.DISTRICT, stations=200))
    start = builders.now() - timedelta(hours=3)
    rows.put(*(filled.incident(severity=1 + n % 5, opened=start + timedelta(seconds=n)) for n in range(INCIDENTS)))
    return rows


@pytest.fixture
def rows(database: Database) -> Filled:
    """A database with them."""
    return fill(Filled(database.url))


@pytest.fixture
def centre(rows: Filled, database: Database, tmp_path: Path) -> Iterator[Centre]:
    """The command centre on them."""
    with Centre(Settings(database=database.url, data_dir=tmp_path, kafka="127.0.0.1:1")) as made:
        yield made


def timed(centre: Centre, path: str, times: int) -> list[float]:
    """Milliseconds of each of so many requests, sorted."""
    found = []
    for _ in range(times):
        began = time.perf_counter()
        assert centre.get(path, "operator").status_code == 200
        found.append((time.perf_counter() - began) * 1000)
    return sorted(found)


def test_pages_and_boards(centre: Centre, database: Database) -> None:
    name = type(database).__name__.removesuffix("Database")
    for path in ("/api/incidents?limit=100", "/api/incidents?severity=1&limit=100", "/api/board?limit=200"):
        began = time.process_time()
        times = timed(centre, path, 100)
        used = (time.process_time() - began) * 10
        print(f"\n{name} {path}: median {times[50]:.1f} ms, p99 {times[98]:.1f} ms; CPU {used:.1f} ms each")
        assert len(times) == 100


def test_the_first_view_in_a_browser(tmp_path: Path) -> None:
    live = LivePage(tmp_path)
    start = builders.now() - timedelta(hours=3)
    live.rows.put(
        *(filled.incident(severity=1 + n % 5, opened=start + timedelta(seconds=n)) for n in range(INCIDENTS))
    )
    live.start()
    try:
        with chromium() as browser:
            look(browser.new_context(viewport={"width": 1366, "height": 768}).new_page(), live.url)
    finally:
        live.process.kill()


def look(page: Any, url: str) -> None:
    """Sign in, and open the page three times more; milliseconds since each opening."""
    page.goto(url)
    page.fill("#name", "operator")
    page.fill("#password", PASSWORD)
    page.click("button")
    page.wait_for_selector("a.row")
    for _ in range(3):
        page.goto("about:blank")
        page.goto(url)
        page.wait_for_selector("a.row")
        first = page.evaluate("performance.now()")
        page.click("a.row")
        page.wait_for_selector(".incident .facts")
        opened = page.evaluate("performance.now()")
        page.wait_for_function(f"document.querySelector('.count')?.innerText.includes('{INCIDENTS}')")
        whole = page.evaluate("performance.now()")
        print(f"\nin a browser: queue {first:.0f} ms, an incident opened {opened:.0f} ms, all there {whole:.0f} ms")
        assert first <= opened <= whole


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
    used = time.process_time()
    began = time.perf_counter()
    for number in range(CHANGES * SECONDS):
        rows.put(changed(datetime.fromtimestamp(time.time()).astimezone()))
        pause = began + (number + 1) / CHANGES - time.perf_counter()
        done.wait(max(0.0, pause))
    done.wait(2.0)
    done.set()
    for thread in threads:
        thread.join(10)

    used = time.process_time() - used
    wanted = STREAMS * CHANGES * SECONDS
    delays.sort()
    print(
        f"\n{STREAMS} streams, {CHANGES} changes/s: {len(delays):,} of {wanted:,} told, "
        f"median {delays[len(delays) // 2]:.2f} s, p99 {delays[len(delays) * 99 // 100]:.2f} s; "
        f"CPU {used / (time.perf_counter() - began):.0%} of a core, with the clients"
    )
    assert len(delays) == wanted


def changed(at: datetime) -> dict[str, Any]:
    return filled.incident(severity=2, opened=at)
