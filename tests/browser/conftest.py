"""A real Chromium, and the command centre in a process of its own around a filled database.

Without Chromium or the npm package axe-core (``make axe``) a test is skipped; it fails with SIAGA_TEST_REQUIRE_ALL=1.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from console.core import make_core
from console.service import prepare
from siaga.settings import Settings
from tests.support import builders
from tests.support.centre import ROLES, add_user
from tests.support.filled import Filled
from tests.support.processes import Process, free_ports
from tests.support.require import require

ROOT: Final = Path(__file__).parents[2]
AXE: Final = ROOT / ".cache" / "axe" / "axe.min.js"
_NAMES: Final = ("chromium", "chromium-browser", "google-chrome")


class LivePage:
    """The command centre as a process, which a test may kill and start again."""

    def __init__(self, directory: Path) -> None:
        ports = free_ports(2)
        chosen = {
            "data_dir": directory,
            "console_port": ports,
            "console_metrics_port": 0,
            "sinks_metrics_port": ports + 1,
            "kafka": "127.0.0.1:1",
        }
        self.settings = Settings.model_validate(chosen)
        self.url = f"http://127.0.0.1:{ports}"
        self.rows = Filled(self.settings.database_url)
        self.rows.put_registry(
            builders.calendar(), builders.district(builders.DISTRICT), builders.district(builders.OTHER_DISTRICT)
        )
        core = make_core(self.settings)
        prepare(core)
        for role in ROLES:
            add_user(core, role.value, role)
        core.database.close()
        env = {key: value for key, value in os.environ.items() if not key.startswith("SIAGA_")}
        env |= {f"SIAGA_{name.upper()}": str(value) for name, value in chosen.items()}
        argv = [sys.executable, "-m", "siaga", "console"]
        self.process = Process("console", argv, log=directory / "console.log", env=env, cwd=directory)

    def start(self) -> None:
        self.process.start()
        self.process.wait_ready(self._answers, timeout=30, what="being ready")

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/readyz", timeout=2).status_code == 200
        except httpx.HTTPError:
            return False


@pytest.fixture
def live(tmp_path: Path) -> Iterator[LivePage]:
    """The command centre, running, with a user of each role and two districts."""
    made = LivePage(tmp_path)
    made.start()
    yield made
    made.process.kill()


@contextmanager
def chromium() -> Iterator[Any]:
    """A Chromium, until the block ends."""
    found = next((path for name in _NAMES if (path := shutil.which(name))), None)
    require(None if found else "needs Chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(
            executable_path=found, args=["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"]
        )
        yield launched
        launched.close()


@pytest.fixture
def browser() -> Iterator[Any]:
    """A Chromium."""
    with chromium() as launched:
        yield launched


@pytest.fixture
def axe() -> str:
    """The script of axe-core."""
    require(None if AXE.is_file() else "needs axe-core: make axe")
    return AXE.read_text("utf-8")
