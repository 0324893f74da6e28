"""Prometheus and Alertmanager around a running stack, with the files that are delivered, on ports of the test's own.

What is changed of the files: where things are, and how long things take, so that a test waits for seconds.
"""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any, Final

import httpx
import yaml

from tests.support.processes import Process, free_ports
from tests.support.served import Answering, Served
from tests.support.stack import Stack
from tests.support.wait import until

ROOT: Final = Path(__file__).parents[2]
PROMETHEUS: Final = ROOT / "deploy" / "prometheus"
ALERTMANAGER: Final = ROOT / "deploy" / "alertmanager" / "alertmanager.yml"
_PATIENCE: Final = 30.0


def missing_for_watching() -> str | None:
    """What this machine lacks, ``None`` when nothing."""
    programs = ("prometheus", "prometheus-alertmanager")
    lacking = [name for name in programs if shutil.which(name) is None]
    return f"{' and '.join(lacking)}: not installed; install the packages of these names" if lacking else None


class Hook:
    """A webhook: keeps what Alertmanager sends, by the path it was sent to."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []
        hook = self

        class Handler(Answering):
            def do_POST(self) -> None:
                hook.calls.append((self.path, json.loads(self.body())))
                self.answer(200)

        self._served = Served(Handler)
        self.url = self._served.url

    def alerts(self, path: str, name: str, status: str) -> list[dict[str, Any]]:
        """The alerts of that name that came to ``path`` with that status."""
        return [
            alert
            for where, body in list(self.calls)
            for alert in body["alerts"]
            if where == path and alert["labels"]["alertname"] == name and alert["status"] == status
        ]

    def close(self) -> None:
        self._served.close()


class Watching:
    """Prometheus scrapes ``stack`` every second; Alertmanager sends to :attr:`hook`."""

    def __init__(self, stack: Stack, directory: Path, targets: dict[str, int]) -> None:
        """``targets`` are the ports of the processes' metrics, by the label ``process``."""
        self.stack = stack
        self.hook = Hook()
        self._targets = len(targets)
        self._http = httpx.Client(timeout=30)
        port = free_ports(2)
        self.url = f"http://127.0.0.1:{port}"
        self._write_rules(directory, targets, port + 1)
        listens = f"--web.listen-address=127.0.0.1:{port}"
        self.prometheus = Process(
            "prometheus",
            [
                "prometheus",
                f"--config.file={directory}/prometheus.yml",
                f"--storage.tsdb.path={directory}/tsdb",
                listens,
                # What fires before it knows of Alertmanager, in its first five seconds, is told this much later.
                "--rules.alert.resend-delay=5s",
            ],
            log=directory / "prometheus.log",
            cwd=directory,
        )
        self.alertmanager = Process(
            "alertmanager",
            [
                "prometheus-alertmanager",
                f"--config.file={directory}/alertmanager.yml",
                f"--storage.path={directory}/notified",
                f"--web.listen-address=127.0.0.1:{port + 1}",
                "--cluster.listen-address=",
            ],
            log=directory / "alertmanager.log",
            cwd=directory,
        )

    def _write_rules(self, directory: Path, targets: dict[str, int], alertmanager: int) -> None:
        (directory / "targets").mkdir(parents=True)
        entries = [
            {"targets": [f"127.0.0.1:{port}"], "labels": {"process": process}} for process, port in targets.items()
        ]
        (directory / "targets" / "siaga.yml").write_text(yaml.safe_dump(entries))
        config = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text(encoding="utf-8"))
        config["global"] = {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"}
        config["alerting"]["alertmanagers"][0]["static_configs"][0]["targets"] = [f"127.0.0.1:{alertmanager}"]
        (directory / "prometheus.yml").write_text(yaml.safe_dump(config))
        shutil.copy(PROMETHEUS / "recording.yml", directory)
        rules = (PROMETHEUS / "alerts.yml").read_text(encoding="utf-8")
        rules = re.sub(r"^(\s+for:) .*$", r"\1 1s", rules, flags=re.MULTILINE)
        rules = rules.replace("max by (stage) (siaga_store_canary_age_seconds) > 30", "siaga:canary_age:seconds > 5")
        (directory / "alerts.yml").write_text(rules, encoding="utf-8")
        told = ALERTMANAGER.read_text(encoding="utf-8")
        told = told.replace("smtp.example:587", "127.0.0.1:9")
        told = re.sub(r"url: https://[\w.]+", f"url: {self.hook.url}", told)
        told = re.sub(r"^(\s+group_(wait|interval):) .*$", r"\1 1s", told, flags=re.MULTILINE)
        (directory / "alertmanager.yml").write_text(told, encoding="utf-8")

    def start(self) -> None:
        """Start both and wait until every process of Siaga was scraped."""
        for process in (self.alertmanager, self.prometheus):
            process.start()
        until(
            self._are_up,
            timeout=_PATIENCE,
            what=lambda: f"every target up\n{self.prometheus.tail()}\n{self.ask('up')}",
            every=0.2,
        )

    def _are_up(self) -> bool:
        try:
            if self._http.get(f"{self.url}/-/ready").status_code != 200:
                return False
            found = self.ask("up")
        except httpx.HTTPError:
            return False
        return len(found) == self._targets and all(value == 1 for _, value in found)

    def ask(self, query: str) -> list[tuple[dict[str, str], float]]:
        """What an instant query gives: labels and value of each sample.

        Raises:
            AssertionError: Prometheus does not understand it.
        """
        answer = self._http.get(f"{self.url}/api/v1/query", params={"query": query}).json()
        assert answer["status"] == "success", f"{query}: {answer}"
        return [(sample["metric"], float(sample["value"][1])) for sample in answer["data"]["result"]]

    def firing(self) -> set[str]:
        """The names of the alerts that fire."""
        return {labels["alertname"] for labels, _ in self.ask('ALERTS{alertstate="firing"}')}

    def close(self) -> None:
        """End both."""
        for process in (self.prometheus, self.alertmanager):
            process.kill()
        self.hook.close()
        self._http.close()
