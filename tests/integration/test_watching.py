"""Prometheus watches a running Siaga: the dashboards have something to show, and a standstill calls somebody."""

from __future__ import annotations

import json
import math
import signal
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.support import builders
from tests.support.brokers import embedded_broker
from tests.support.databases import SqliteDatabase
from tests.support.duty import Manned
from tests.support.processes import free_port, listens
from tests.support.require import require
from tests.support.stack import CONSOLE, GATEWAY, INBOX, SINKS, STREAMS, Stack
from tests.support.wait import until
from tests.support.watching import ROOT, Watching, missing_for_watching

DASHBOARDS = ROOT / "deploy" / "grafana" / "dashboards"
WATCHDOG = "watchdog"
#: What Grafana puts in for its variables.
VARIABLES = {"$__rate_interval": "1m", "$channel": ".*"}


@pytest.fixture(scope="module")
def manned(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Manned, Watching]]:
    """Siaga with officers on duty, and Prometheus and Alertmanager beside it."""
    require(missing_for_watching())
    directory = tmp_path_factory.mktemp("watched")
    broker = embedded_broker(directory)
    port = free_port()
    stack = Stack(broker, SqliteDatabase(directory), directory, watchdog_port=port)
    watching: Watching | None = None
    try:
        world = Manned(lambda: stack)
        stack.launch(WATCHDOG)
        until(lambda: listens(port), timeout=30, what=stack.processes[WATCHDOG].tail)
        targets = {name: stack.metrics_port(name) for name in (GATEWAY, SINKS, STREAMS, CONSOLE)}
        watching = Watching(stack, directory / "watching", {**targets, WATCHDOG: port})
        watching.start()
        yield world, watching
    finally:
        if watching is not None:
            watching.close()
        stack.close()
        broker.kill()


def queries() -> Iterator[tuple[str, str]]:
    """Every query of every panel, with where it stands."""
    for path in sorted(DASHBOARDS.glob("*.json")):
        for panel in json.loads(path.read_text(encoding="utf-8"))["panels"]:
            for target in panel["targets"]:
                query: str = target["expr"]
                for name, value in VARIABLES.items():
                    query = query.replace(name, value)
                yield f"{path.stem}: {panel['title']}", query


def test_the_metrics_of_what_strangers_reach_are_on_ports_that_they_need_not_reach(
    manned: tuple[Manned, Watching],
) -> None:
    stack = manned[0].stack
    settings = stack.settings
    for name, port in ((GATEWAY, settings.gateway_port), (CONSOLE, settings.console_port)):
        assert httpx.get(f"http://127.0.0.1:{port}/metrics").status_code == 404
        assert any(f"siaga_{name}_" in sample for sample in stack.metrics(name))


def test_every_panel_of_every_dashboard_shows_what_happened(manned: tuple[Manned, Watching]) -> None:
    world, watching = manned
    incident = world.report()
    for item in (
        builders.checkin(),
        builders.report("no.such_kind"),
        builders.checkin(station=builders.OTHER_STATION),
    ):
        world.stack.post(item)
    # Nobody answers the first level in time, so that a deadline passes; then somebody does.
    until(lambda: world.pages(2), timeout=60, what=lambda: f"a second level{world.stack.tails()}", every=0.1)
    world.command("acknowledge", incident)

    def empty() -> list[str]:
        return [
            f"{where}: {query}"
            for where, query in queries()
            if not any(math.isfinite(value) for _, value in watching.ask(query))
        ]

    assert len(list(queries())) > 60
    until(lambda: not empty(), timeout=40, what=lambda: "data in\n" + "\n".join(empty()), every=1.0)


def test_somebody_is_called_when_the_streams_stand_still_and_told_when_it_is_over(
    manned: tuple[Manned, Watching],
) -> None:
    world, watching = manned
    hook = watching.hook
    until(
        lambda: hook.alerts("/siaga", "SiagaWatchdog", "firing"),
        timeout=30,
        what=lambda: (
            f"the heartbeat; {watching.firing()} fire\n{watching.prometheus.tail()}\n{watching.alertmanager.tail()}"
        ),
    )
    until(
        lambda: "SiagaCanaryLate" not in watching.firing(), timeout=60, what="canaries that come through", every=0.5
    )

    world.stack.pause(STREAMS)
    called: list[dict[str, Any]] = until(
        lambda: hook.alerts("/hooks/siaga", "SiagaCanaryLate", "firing"),
        timeout=60,
        what=lambda: f"an alarm about the canary; {watching.firing()} fire\n{watching.alertmanager.tail()}",
        every=0.2,
    )
    assert called[0]["labels"]["stage"] == "triaged"
    assert called[0]["labels"]["severity"] == "sev1"
    assert "Laporan uji tidak sampai" in called[0]["annotations"]["ringkasan"]
    assert (ROOT / called[0]["annotations"]["runbook"]).is_file()

    world.stack.resume(STREAMS)
    until(
        lambda: hook.alerts("/hooks/siaga", "SiagaCanaryLate", "resolved"),
        timeout=90,
        what=lambda: f"the end of it; {watching.firing()} fire{world.stack.tails()}",
        every=0.2,
    )


def test_every_process_tells_everything_after_a_signal_and_goes_on(manned: tuple[Manned, Watching]) -> None:
    world, _ = manned
    names = (GATEWAY, SINKS, STREAMS, CONSOLE, INBOX, WATCHDOG)
    for number, level in ((signal.SIGUSR1, "DEBUG"), (signal.SIGUSR2, "INFO")):
        for name in names:
            world.stack.processes[name].send(number)
        for name in names:
            until(
                lambda name=name, level=level: f"the level of the log is {level} now" in world.stack.log(name),
                timeout=30,
                what=lambda name=name: f"a changed level of {name}\n{world.stack.processes[name].tail()}",
            )
    for name in names:
        assert world.stack.is_running(name)
        lines = [json.loads(line) for line in world.stack.log(name).splitlines() if line.startswith("{")]
        assert {line["process"] for line in lines} == {name}
