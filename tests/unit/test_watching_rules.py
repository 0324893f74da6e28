"""The rules that watch Siaga: they hold, each is tried, each has a runbook, and each reaches who it should."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from siaga.cli.pages.metrics import metrics_page
from siaga.settings import Settings
from tests.support.require import require

ROOT = Path(__file__).parents[2]
PROMETHEUS = ROOT / "deploy" / "prometheus"
ALERTMANAGER = ROOT / "deploy" / "alertmanager" / "alertmanager.yml"
RUNBOOKS = ROOT / "docs" / "runbooks"
RULES: list[dict[str, Any]] = [
    rule
    for name in ("recording.yml", "alerts.yml")
    for group in yaml.safe_load((PROMETHEUS / name).read_text(encoding="utf-8"))["groups"]
    for rule in group["rules"]
]
ALERTS = [rule for rule in RULES if "alert" in rule]
_METRIC = re.compile(r"\bsiaga_[a-z0-9_]+")


def run(*argv: str | Path) -> str:
    """What a program of Prometheus says; fails with it where the program does."""
    require(None if shutil.which(str(argv[0])) else f"{argv[0]} is not installed: install prometheus")
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def page_writer() -> ModuleType:
    spec = importlib.util.spec_from_file_location("alerts_reference", PROMETHEUS / "reference.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_configuration_and_every_rule_are_sound() -> None:
    assert "is valid" in run("promtool", "check", "config", PROMETHEUS / "prometheus.yml")


@pytest.mark.parametrize("name", ["alerts.yml", "objectives.yml"])
def test_every_alert_fires_for_its_cause_and_for_nothing_else(name: str) -> None:
    assert "SUCCESS" in run("promtool", "test", "rules", PROMETHEUS / "tests" / name)


def test_no_alert_is_left_untried() -> None:
    tried: set[str] = set()
    for path in (PROMETHEUS / "tests").glob("*.yml"):
        for case in yaml.safe_load(path.read_text(encoding="utf-8"))["tests"]:
            asked = [check for check in case.get("promql_expr_test", []) if check["exp_samples"]]
            tried |= {re.search(r'alertname="(\w+)"', check["expr"])[1] for check in asked}  # type: ignore[index]
    assert {rule["alert"] for rule in ALERTS} - tried == set()


def test_the_processes_of_one_machine_are_asked_on_the_ports_that_they_have_by_default() -> None:
    settings = Settings()
    entries = yaml.safe_load((PROMETHEUS / "targets" / "siaga.yml").read_text(encoding="utf-8"))

    assert {entry["labels"]["process"]: entry["targets"] for entry in entries} == {
        "gateway": [f"127.0.0.1:{settings.gateway_metrics_port}"],
        "streams": [f"127.0.0.1:{settings.streams_metrics_port}"],
        "sinks": [f"127.0.0.1:{settings.sinks_metrics_port}"],
        "console": [f"127.0.0.1:{settings.console_metrics_port}"],
        "watchdog": [f"127.0.0.1:{settings.watchdog_port}"],
    }


def test_every_metric_that_a_rule_asks_for_is_shown_by_a_process() -> None:
    # Histograms are asked for by their parts.
    known = set(_METRIC.findall(metrics_page()))
    asked = {name for rule in RULES for name in _METRIC.findall(rule["expr"])}
    assert {
        name for name in asked if re.sub(r"_(bucket|count|sum)$", "", name) not in known | {name} & known
    } == set()


def test_every_alert_says_what_is_wrong_in_both_languages_and_how_grave_it_is() -> None:
    for rule in ALERTS:
        assert {"summary", "ringkasan", "runbook"} == set(rule["annotations"]), rule["alert"]
        assert rule["labels"]["severity"] in ("sev1", "sev2", "sev3", "none"), rule["alert"]


def test_every_alert_has_its_runbook_and_every_runbook_its_alert() -> None:
    named: dict[str, set[str]] = {}
    for rule in ALERTS:
        named.setdefault(rule["annotations"]["runbook"], set()).add(rule["alert"])
    assert {str(path.relative_to(ROOT)) for path in RUNBOOKS.glob("*.md")} == set(named)
    for name, alerts in named.items():
        text = (ROOT / name).read_text(encoding="utf-8")
        assert set(re.findall(r"`(Siaga\w+)`", text.partition("## ")[0])) == alerts, name
        assert re.findall(r"^## (.+)$", text, re.MULTILINE) == [
            "What it means",
            "What officers notice",
            "The first three commands",
            "What to do",
            "How to know that it is over",
        ], name
        commands = re.search(r"```bash\n(.*?)```", text, re.DOTALL)
        assert commands is not None, name
        assert len(commands[1].splitlines()) == 3, name


def test_the_page_of_alerts_is_in_step() -> None:
    writer = page_writer()
    assert writer.PAGE.read_text(encoding="utf-8") == writer.alerts_page()


@pytest.mark.parametrize(
    ("labels", "receiver"),
    [
        (["alertname=SiagaEscalationExhausted", "severity=sev1"], "posko-at-once"),
        (["alertname=SiagaTriageLag", "severity=sev2"], "posko"),
        (["alertname=SiagaClockSkew", "severity=sev3"], "engineers"),
        (["alertname=SiagaWatchdog", "severity=none"], "dead-man"),
        (["alertname=OfSomebodyElse"], "posko"),
    ],
)
def test_an_alert_reaches_whom_it_should(labels: list[str], receiver: str) -> None:
    said = run("amtool", "config", "routes", "test", f"--config.file={ALERTMANAGER}", *labels)
    assert said.strip() == receiver


def test_alertmanagers_configuration_is_sound() -> None:
    assert "SUCCESS" in run("amtool", "check-config", ALERTMANAGER)
