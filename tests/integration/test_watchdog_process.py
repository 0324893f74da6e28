"""``siaga watchdog`` as a process of its own: no Kafka, no database, only metrics over HTTP and a way to call."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.processes import Process, free_ports
from tests.support.served import Answering, Served
from tests.support.wait import until

CHECKS = """
[[check]]
id = "away"
part = "*"
for_seconds = 0.3
clear_seconds = 0.3
text = { id = "tidak menjawab", en = "does not answer" }

[[check]]
id = "canary"
part = "sinks"
metric = "siaga_store_canary_age_seconds"
above = 30
required = true
for_seconds = 0.3
clear_seconds = 0.3
text = { id = "laporan uji terlambat", en = "the canary is late" }
"""


class World:
    """A sinks process that shows what it is told to, somebody who is called, and an external monitor."""

    def __init__(self) -> None:
        self.canary: float | None = 1.0
        self.takes_calls = True
        self.calls: list[tuple[str | None, dict[str, Any]]] = []
        self.beats = 0
        world = self

        class Handler(Answering):
            def do_GET(self) -> None:
                if self.path == "/beat":
                    world.beats += 1
                    self.answer(200, b"OK")
                elif world.canary is None:
                    self.answer(500, b"")
                else:
                    self.answer(200, f"siaga_store_canary_age_seconds {world.canary}\n".encode())

            def do_POST(self) -> None:
                body = json.loads(self.body())
                if world.takes_calls:
                    world.calls.append((self.headers["Idempotency-Key"], body))
                self.answer(200 if world.takes_calls else 503, b"{}")

        self._served = Served(Handler)
        self.url = self._served.url

    def close(self) -> None:
        self._served.close()

    def told(self) -> list[tuple[str, str]]:
        return [(body["check"], body["state"]) for _, body in self.calls]


@pytest.fixture
def world() -> Iterator[World]:
    made = World()
    yield made
    made.close()


@pytest.fixture
def watchdog(world: World, tmp_path: Path) -> Iterator[Process]:
    (tmp_path / "checks.toml").write_text(CHECKS, encoding="utf-8")
    (tmp_path / "alarms").write_text(f"# posko\n{world.url}/call\n", encoding="utf-8")
    settings = {
        "WATCHDOG_EVERY": "0.1",
        "WATCHDOG_ALARMS_FILE": str(tmp_path / "alarms"),
        "WATCHDOG_HEARTBEAT": f"{world.url}/beat",
        "WATCHDOG_PORT": str(free_ports(1)),
    }
    argv = [sys.executable, "-m", "siaga", "watchdog", f"--target=sinks={world.url}/metrics", "--checks=checks.toml"]
    env = {**os.environ, **{f"SIAGA_{name}": value for name, value in settings.items()}}
    with Process("watchdog", argv, log=tmp_path / "watchdog.log", env=env, cwd=tmp_path) as process:
        yield process


def test_somebody_is_called_when_something_stands_still_and_the_sign_of_life_stops_with_it(
    world: World, watchdog: Process
) -> None:
    until(lambda: world.beats > 2, timeout=30, what=lambda: f"a sign of life\n{watchdog.tail()}")

    world.canary = 45.0
    until(lambda: world.told() == [("canary", "raised")], what=lambda: f"an alarm\n{watchdog.tail()}")
    beats = world.beats
    world.canary = None  # now it does not answer at all
    until(lambda: ("away", "raised") in world.told(), what=lambda: f"another alarm\n{watchdog.tail()}")
    assert world.beats == beats
    assert world.calls[0][1]["text"] == (
        "SIAGA GANGGUAN / TROUBLE: sinks\nlaporan uji terlambat (45)\nthe canary is late (45)"
    )

    # Nobody takes the next call: it is kept, and told when somebody does.
    world.takes_calls, world.canary = False, 1.0
    until(lambda: "did not take an alarm" in watchdog.log, what="a call that is refused")
    world.takes_calls = True
    until(lambda: ("away", "cleared") in world.told(), what=lambda: f"the end of it\n{watchdog.tail()}")
    until(lambda: world.beats > beats, what="a sign of life again")
    keys = [key for key, _ in world.calls]
    assert len(set(keys)) == len(keys)
    assert world.url not in watchdog.log
