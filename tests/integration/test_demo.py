"""``siaga demo`` as somebody sees it who has just cloned the repository."""

from __future__ import annotations

import json
import signal
import socket
import stat
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from tests.support import builders
from tests.support.demo import Demo
from tests.support.wait import until


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


def test_a_simulated_day_begins_when_everything_runs_and_fills_the_database_by_itself(tmp_path: Path) -> None:
    demo = Demo(tmp_path, "--villages", "4", "--speed", "600")
    demo.process.start()
    try:
        demo.wait_ready()
        until(
            lambda: (demo.read("SELECT count(*) FROM checkins") or 0) > 50,
            timeout=60,
            what=lambda: f"check-ins\n{demo.process.tail()}",
        )
        until(
            lambda: demo.read("SELECT count(*) FROM incidents"),
            timeout=60,
            what=lambda: f"incidents\n{demo.process.tail()}",
        )
        assert demo.scalar("SELECT count(*) FROM rejected") == 0
        calendar = json.loads(demo.scalar("SELECT value FROM registry WHERE key = 'calendar/election'"))
        (voting,) = [stage for stage in calendar["stages"] if stage["stage"] == "voting"]
        assert datetime.fromisoformat(voting["starts_at"]).timestamp() > demo.path.stat().st_mtime
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
