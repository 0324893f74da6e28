"""``siaga demo`` as somebody sees it who has just cloned the repository."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
import sqlalchemy as sa

from tests.support import builders
from tests.support.processes import Process
from tests.support.wait import until

READY = 90.0


class Demo:
    """A demonstration with its own directory and free ports."""

    def __init__(self, directory: Path, *arguments: str, **environment: str) -> None:
        ports = ("GATEWAY", "GATEWAY_METRICS", "SINKS_METRICS", "STREAMS_METRICS", "INBOX", "WATCHDOG", "CONSOLE")
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
            lambda: self._read("SELECT min(station_id) FROM stations"), timeout=30, what="stations in the database"
        )
        return str(station)

    def until_triaged(self, report_id: str, timeout: float = 30.0) -> None:
        until(
            lambda: self._read("SELECT incident_id FROM reports WHERE report_id = :id", id=report_id),
            timeout=timeout,
            what=lambda: f"an incident of report {report_id}\n{self.process.tail()}",
        )

    def _read(self, statement: str, **parameters: Any) -> Any:
        try:
            return self.scalar(statement, **parameters)
        except sa.exc.OperationalError:  # the table is not there yet
            return None


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    """A demonstration of three villages in which nobody plays the officers."""
    made = Demo(tmp_path, "--no-simulation", "--villages", "3")
    made.process.start()
    try:
        made.wait_ready()
        yield made
    finally:
        made.process.stop(60)


def test_the_run_file_has_what_another_program_needs_and_is_private(demo: Demo) -> None:
    run = demo.run

    assert set(run) == {"gateway", "kafka", "database", "metrics", "device", "inbox", "console", "users"}
    assert set(run["device"]) == {"id", "token", "districts"}
    assert set(run["metrics"]) == {"gateway", "sinks", "streams", "watchdog", "inbox", "console"}
    assert stat.S_IMODE(demo.path.stat().st_mode) == 0o600
    for url in run["metrics"].values():
        assert "siaga_" in httpx.get(url).text


def test_a_posted_report_becomes_an_incident_in_the_database(demo: Demo) -> None:
    report = builders.report("violence.brawl", station=demo.a_station())

    answer = demo.post(report)

    assert answer.status_code == 202
    demo.until_triaged(report["report_id"])


def test_a_posted_report_is_on_the_command_centre_and_is_taken_there(demo: Demo) -> None:
    run = demo.run
    operator = {"Authorization": f"Bearer {run['users']['operator']['token']}"}
    assert demo.post(builders.report("violence.mass_clash", station=demo.a_station())).status_code == 202

    def listed(**state: str) -> list[dict[str, Any]]:
        found = httpx.get(f"{run['console']}/api/incidents", params=state, headers=operator).json()["incidents"]
        return [incident for incident in found if incident["kind"] == "violence.mass_clash"]

    incident = until(listed, timeout=30, what=lambda: f"the incident\n{demo.process.tail()}")[0]
    path = f"{run['console']}/api/incidents/{incident['incident_id']}/commands"
    assert httpx.post(path, json={"action": "acknowledge"}, headers=operator).status_code == 202

    taken = until(lambda: listed(state="acknowledged"), timeout=30, what=lambda: f"it taken\n{demo.process.tail()}")
    assert taken[0]["acknowledged_by"] == "operator"


def test_a_process_that_is_killed_comes_back_and_nothing_is_lost(demo: Demo) -> None:
    station = demo.a_station()
    first = builders.report(station=station)
    assert demo.post(first).status_code == 202
    killed = demo.part("siaga streams")

    killed.kill()
    second = builders.report(station=station)
    assert demo.post(second).status_code == 202

    demo.until_triaged(first["report_id"], timeout=60)
    demo.until_triaged(second["report_id"], timeout=60)
    assert demo.part("siaga streams").pid != killed.pid
    assert "streams was ended by SIGKILL" in demo.process.log


def test_an_embedded_broker_that_dies_takes_nothing_with_it(demo: Demo) -> None:
    station = demo.a_station()
    before = builders.report(station=station)
    assert demo.post(before).status_code == 202

    demo.part("--storage-engine=memory").kill()
    until(lambda: "the embedded broker ended" in demo.process.log, what="the loss to be noticed")
    during = builders.report(station=station)
    assert demo.post(during).status_code == 202

    demo.until_triaged(before["report_id"], timeout=90)
    demo.until_triaged(during["report_id"], timeout=90)
    assert demo.scalar("SELECT count(*) FROM reports WHERE device_id = 'demo-1'") == 2


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_demonstration_ends_in_order_and_leaves_no_process(tmp_path: Path, number: signal.Signals) -> None:
    demo = Demo(tmp_path, "--no-simulation", "--villages", "1")
    demo.process.start()
    demo.wait_ready()
    children = psutil.Process(demo.process.pid).children(recursive=True)
    assert len(children) >= 4

    code = demo.process.stop(60, number=number)

    assert code == 0
    assert not [child for child in children if child.is_running()]
    assert not demo.path.exists()
    assert "was killed" not in demo.process.log


def test_a_simulated_day_fills_the_database_by_itself(tmp_path: Path) -> None:
    demo = Demo(tmp_path, "--villages", "4", "--speed", "600")
    demo.process.start()
    try:
        demo.wait_ready()
        until(
            lambda: (demo._read("SELECT count(*) FROM checkins") or 0) > 50,
            timeout=60,
            what=lambda: f"check-ins\n{demo.process.tail()}",
        )
        until(
            lambda: demo._read("SELECT count(*) FROM incidents"),
            timeout=60,
            what=lambda: f"incidents\n{demo.process.tail()}",
        )
        assert demo.scalar("SELECT count(*) FROM rejected") == 0
        until(lambda: "canary 0." in demo.process.log or "canary 1." in demo.process.log, timeout=30, what="a canary")
    finally:
        demo.process.stop(60)


def test_a_taken_port_is_named_before_anything_is_touched(tmp_path: Path) -> None:
    kept = tmp_path / "var" / "demo" / "siaga.db"
    kept.parent.mkdir(parents=True)
    kept.write_text("kemarin")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        demo = Demo(tmp_path, SIAGA_GATEWAY_PORT=str(port))
        demo.process.start()
        until(lambda: not demo.process.running, what="the end", timeout=20)

    assert demo.process.returncode == 2
    assert f"port {port} for the gateway is taken" in demo.process.log
    assert kept.read_text() == "kemarin"
