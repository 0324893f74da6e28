"""The supervisor's hold on processes: started again, never outliving it, and read without being waited for."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from siaga.supervisor.child import Child, State, siaga_argv
from siaga.supervisor.embedded import BrokerError, EmbeddedBroker
from siaga.supervisor.scrape import Scraper
from tests.support.served import Answering, Served
from tests.support.wait import until


def child(tmp_path: Path, *arguments: str, once: bool = False) -> Child:
    return Child("anak", siaga_argv(*arguments), log=tmp_path / "anak.log", environment={}, once=once)


def told_pid(tmp_path: Path) -> int | None:
    """What somebody finds who wants to signal the process."""
    file = tmp_path / "anak.pid"
    return int(file.read_text()) if file.exists() else None


def polled(process: Child, wanted: State) -> bool:
    process.poll()
    return process.state is wanted


def test_a_process_that_may_end_is_done_when_it_ends_well(tmp_path: Path) -> None:
    process = child(tmp_path, "--version", once=True)

    process.start()

    until(lambda: polled(process, State.DONE), what="the end", timeout=20)
    assert process.exit_code == 0
    assert process.last_words()


def test_a_process_that_ends_is_started_again_and_says_why_it_ended(tmp_path: Path) -> None:
    process = child(tmp_path, "no-such-command")

    process.start()

    first = told_pid(tmp_path)
    until(lambda: polled(process, State.WAITING), what="its end", timeout=20)
    assert process.why_ended().startswith("ended with 2")
    assert told_pid(tmp_path) is None
    until(lambda: polled(process, State.STARTING), what="a restart", timeout=20)
    assert process.restarts == 1
    assert told_pid(tmp_path) not in (None, first)
    process.kill()
    assert told_pid(tmp_path) is None


def test_the_log_of_the_run_before_is_kept(tmp_path: Path) -> None:
    (tmp_path / "anak.log").write_text("kemarin\n")
    process = child(tmp_path, "--version", once=True)

    process.start()
    until(lambda: polled(process, State.DONE), what="the end", timeout=20)

    assert (tmp_path / "anak.log.1").read_text() == "kemarin\n"
    assert "kemarin" not in (tmp_path / "anak.log").read_text()


@pytest.mark.usefixtures("linux")
def test_what_the_supervisor_started_does_not_outlive_it(tmp_path: Path) -> None:
    program = (
        "import sys, time, pathlib\n"
        "from siaga.supervisor.embedded import EmbeddedBroker\n"
        f"broker = EmbeddedBroker(pathlib.Path({str(tmp_path / 'broker.log')!r})); broker.start()\n"
        "print(broker.pid, flush=True); time.sleep(60)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    broker = int(parent.stdout.readline())
    assert psutil.pid_exists(broker)

    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()

    until(lambda: not psutil.pid_exists(broker), what="the broker's end")


def test_a_broker_comes_back_on_its_port_as_a_new_and_empty_one(tmp_path: Path) -> None:
    from kafka import KafkaAdminClient

    def cluster() -> str:
        admin = KafkaAdminClient(bootstrap_servers=broker.address)
        try:
            return str(admin.describe_cluster()["cluster_id"])
        finally:
            admin.close()

    broker = EmbeddedBroker(tmp_path / "broker.log")
    broker.start()
    try:
        address, first = broker.address, cluster()

        broker.kill()
        broker.start()

        assert broker.address == address
        assert cluster() != first
    finally:
        broker.stop()
    assert not broker.running


def test_a_broker_whose_port_was_taken_says_so(tmp_path: Path) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as server:
        broker = EmbeddedBroker(tmp_path / "broker.log", port=server.getsockname()[1])

        with pytest.raises(BrokerError, match=f"port {broker.port} for the embedded broker is taken"):
            broker.start()


class _Metrics(Answering):
    def do_GET(self) -> None:  # the name the standard library calls
        status = 200 if self.path == "/metrics" else 503
        self.answer(status, b'siaga_spool_items 3\nsiaga_incidents_open{severity="2"} 4\n')


def test_metrics_are_read_from_who_answers_and_missing_from_who_does_not() -> None:
    server = Served(_Metrics)
    urls = {"well": f"{server.url}/metrics", "unready": f"{server.url}/metrics", "away": "http://127.0.0.1:9/metrics"}
    scraper = Scraper(urls, {"unready": f"{server.url}/readyz"})

    scraper.start()

    found = until(scraper.readings, what="a reading")
    assert set(found) == {"well"}
    assert found["well"].total("siaga_spool_items") == 3
    assert found["well"].total("siaga_incidents_open", severity="2") == 4

    server.close()
    until(lambda: not scraper.readings(), what="the reading to be forgotten")
    scraper.stop()
