"""A whole run of the supervisor, around small programs that show metrics as Siaga's processes do."""

from __future__ import annotations

import io
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from threading import Thread

import pytest

from siaga.supervisor.child import Child, State
from siaga.supervisor.embedded import EmbeddedBroker
from siaga.supervisor.run import Run, RunError, Supervisor, WrongSettingError
from siaga.supervisor.scrape import Scraper
from siaga.supervisor.screen import screen_on
from tests.support.processes import free_ports
from tests.support.wait import until

#: A process that shows metrics on its port until it is asked to end.
SERVES = (
    "import sys, prometheus_client as p, threading; p.start_http_server(int(sys.argv[1]), '127.0.0.1');"
    "threading.Event().wait()"
)


class Arranged:
    """A supervisor with processes named as Siaga's, and what it was asked to do."""

    def __init__(self, directory: Path, *, programs: dict[str, str] | None = None, embedded: bool = True) -> None:
        port = free_ports(3)
        names = {"sinks": port, "streams": port + 1, "gateway": port + 2}
        self.out = io.StringIO()
        self.fills = 0
        self.fail_fills: list[Exception] = []
        self.was_ready = 0
        self.broker = EmbeddedBroker(directory / "broker.log") if embedded else None
        chosen = programs or {}
        self.children = {
            name: Child(
                name,
                [sys.executable, "-c", chosen.get(name, SERVES), str(number)],
                log=directory / f"{name}.log",
                environment={},
            )
            for name, number in names.items()
        }
        run = Run(
            processes=list(self.children.values()),
            forgetful=frozenset({"sinks", "streams"}),
            fill=self._fill,
            ready=self._ready,
            broker=self.broker,
        )
        scraper = Scraper({name: f"http://127.0.0.1:{number}/metrics" for name, number in names.items()})
        self.supervisor = Supervisor(run, scraper, screen_on(self.out, "Siaga"))

    def _fill(self) -> str:
        self.fills += 1
        if self.fail_fills:
            raise self.fail_fills.pop()
        return f"filled {self.fills}"

    def _ready(self) -> Sequence[Child]:
        self.was_ready += 1
        return []

    @property
    def said(self) -> str:
        return self.out.getvalue()

    def during(self, scene: object) -> None:
        """Run it in this (the main) thread while ``scene()`` plays in another, then stop it."""
        failed: list[BaseException] = []

        def play() -> None:
            try:
                assert callable(scene)
                scene()
            except BaseException as error:  # handed to the test's own thread
                failed.append(error)
            finally:
                self.supervisor.stop()

        thread = Thread(target=play, daemon=True)
        thread.start()
        self.supervisor.run()
        thread.join(10)
        if failed:
            raise failed[0]

    def until_ready(self) -> None:
        until(lambda: all(c.state is State.READY for c in self.children.values()), timeout=20, what=lambda: self.said)


@pytest.fixture
def arranged(tmp_path: Path) -> Iterator[Arranged]:
    made = Arranged(tmp_path)
    yield made
    assert all(child.pid is None for child in made.children.values())
    assert made.broker is None or not made.broker.running


def test_processes_start_on_a_filled_broker_and_end_in_reverse_order(arranged: Arranged) -> None:
    arranged.during(arranged.until_ready)

    assert (arranged.fills, arranged.was_ready) == (1, 1)
    stops = [line for line in arranged.said.splitlines() if line.startswith("stopping")]
    assert stops == ["stopping gateway", "stopping streams", "stopping sinks"]


def test_a_killed_process_is_started_again_alone(arranged: Arranged) -> None:
    def scene() -> None:
        arranged.until_ready()
        pids = {name: child.pid for name, child in arranged.children.items()}
        killed = pids["sinks"]
        assert killed is not None
        os.kill(killed, signal.SIGKILL)
        until(lambda: arranged.children["sinks"].pid not in (killed, None), timeout=20, what="another process")
        assert arranged.children["streams"].pid == pids["streams"]
        assert arranged.children["gateway"].pid == pids["gateway"]

    arranged.during(scene)

    assert "sinks was ended by SIGKILL" in arranged.said
    assert arranged.was_ready == 1


def test_a_signal_for_more_logs_reaches_the_processes_and_ends_nothing(tmp_path: Path) -> None:
    hears = "import signal; signal.signal(signal.SIGUSR1, lambda *_: print('heard', flush=True));"
    names = ("sinks", "streams", "gateway")
    made = Arranged(tmp_path, programs=dict.fromkeys(names, hears + SERVES), embedded=False)

    def scene() -> None:
        made.until_ready()
        os.kill(os.getpid(), signal.SIGUSR1)
        heard = [tmp_path / f"{name}.log" for name in names]
        until(lambda: all("heard" in log.read_text() for log in heard), timeout=20, what="the signal")

    made.during(scene)

    assert [made.children[name].restarts for name in names] == [0, 0, 0]


def test_a_lost_broker_is_filled_again_and_only_who_held_positions_in_it_starts_anew(arranged: Arranged) -> None:
    def scene() -> None:
        arranged.until_ready()
        pids = {name: child.pid for name, child in arranged.children.items()}
        assert arranged.broker is not None
        arranged.broker.kill()
        until(lambda: arranged.fills == 2 and "filled 2" in arranged.said, timeout=20, what="a second filling")
        arranged.until_ready()
        assert arranged.broker.running
        assert arranged.children["gateway"].pid == pids["gateway"]
        assert arranged.children["sinks"].pid not in (pids["sinks"], None)
        assert arranged.children["streams"].pid not in (pids["streams"], None)

    arranged.during(scene)


def test_a_filling_that_fails_after_a_loss_is_tried_again(arranged: Arranged) -> None:
    def scene() -> None:
        arranged.until_ready()
        arranged.fail_fills = [RuntimeError("no such luck")]
        assert arranged.broker is not None
        arranged.broker.kill()
        until(lambda: arranged.fills == 3, timeout=20, what="a third filling")
        arranged.until_ready()

    arranged.during(scene)

    assert "no such luck" in arranged.said


def test_a_run_whose_broker_cannot_be_prepared_ends_and_says_why(tmp_path: Path) -> None:
    arranged = Arranged(tmp_path, embedded=False)
    arranged.fail_fills = [RuntimeError("siaga.reports has 3 partitions, 4 are wanted")]

    with pytest.raises(RunError, match="3 partitions"):
        arranged.supervisor.run()

    assert all(child.pid is None for child in arranged.children.values())


def test_a_process_that_calls_a_setting_wrong_ends_the_run_with_its_words(tmp_path: Path) -> None:
    wrong = "import sys; print('siaga: partitions: 0 is not at least 1', file=sys.stderr); sys.exit(2)"
    arranged = Arranged(tmp_path, programs={"streams": wrong})

    with pytest.raises(WrongSettingError, match="streams ended with 2: siaga: partitions: 0 is not") as ended:
        arranged.supervisor.run()

    assert ended.value.exit_code == 2
    assert all(child.pid is None for child in arranged.children.values())


def test_a_process_that_will_not_end_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("siaga.supervisor.run._STOP_SECONDS", 0.5)
    deaf = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {SERVES}"
    arranged = Arranged(tmp_path, programs={"gateway": deaf})

    arranged.during(arranged.until_ready)

    assert "gateway did not end within 0.5 s and was killed" in arranged.said
    assert arranged.children["gateway"].pid is None


def test_a_terminal_gets_the_live_status(tmp_path: Path) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    arranged = Arranged(tmp_path, embedded=False)
    out = Terminal()
    arranged.supervisor._screen = screen_on(out, "Siaga http://127.0.0.1:8081")

    arranged.during(arranged.until_ready)

    shown = out.getvalue()
    assert "Siaga http://127.0.0.1:8081" in shown
    assert "SEV1 0" in shown
    assert "filled 1" in shown
