"""``siaga demo`` as a test starts it: in a directory of its own, on free ports."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import httpx
import psutil
import sqlalchemy as sa

from tests.support.processes import Process
from tests.support.wait import until

READY = 90.0


class Demo:
    """A demonstration with its own directory and free ports."""

    def __init__(self, directory: Path, *arguments: str, **environment: str) -> None:
        metrics = ("GATEWAY_METRICS", "SINKS_METRICS", "STREAMS_METRICS", "CONSOLE_METRICS")
        ports = (*metrics, "GATEWAY", "INBOX", "WATCHDOG", "CONSOLE")
        env = {**os.environ, **{f"SIAGA_{name}_PORT": "0" for name in ports}, **environment}
        argv = [sys.executable, "-m", "siaga", "demo", *arguments]
        self.directory = directory / "var" / "demo"
        self.process = Process("demo", argv, log=directory / "demo.out", env=env, cwd=directory)

    @property
    def path(self) -> Path:
        return self.directory / "run.json"

    @property
    def run(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.path.read_text())
        return found

    def wait_ready(self) -> None:
        self.process.wait_ready(self.path.exists, timeout=READY, what="writing run.json")

    def part(self, words: str) -> psutil.Process:
        """The running process whose command line has ``words``."""
        for process in psutil.Process(self.process.pid).children(recursive=True):
            if words in " ".join(process.cmdline()):
                return process
        raise ProcessLookupError(words)

    def post(self, item: dict[str, Any]) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.run['device']['token']}"}
        return httpx.post(f"{self.run['gateway']}/v1/reports", json=item, headers=headers, timeout=20)

    def scalar(self, statement: str, **parameters: Any) -> Any:
        engine = sa.create_engine(self.run["database"], poolclass=sa.NullPool)
        with engine.connect() as connection:
            return connection.scalar(sa.text(statement), parameters)

    def a_station(self) -> str:
        """A station of the demonstration; known once the registry is stored."""
        station = until(
            lambda: self.read("SELECT min(station_id) FROM stations"), timeout=30, what="stations in the database"
        )
        return str(station)

    def until_triaged(self, report_id: str, timeout: float = 30.0) -> None:
        until(
            lambda: self.read("SELECT incident_id FROM reports WHERE report_id = :id", id=report_id),
            timeout=timeout,
            what=lambda: f"an incident of report {report_id}\n{self.process.tail()}",
        )

    def read(self, statement: str, **parameters: Any) -> Any:
        """The first value, None while there is no such table."""
        try:
            return self.scalar(statement, **parameters)
        except sa.exc.OperationalError:  # the table is not there yet
            return None
