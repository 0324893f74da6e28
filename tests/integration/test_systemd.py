"""A posko on one machine without containers: installed by the script, started by its units' own words.

What systemd would do is done word by word, on real Apache Kafka and PostgreSQL, each process as its own user.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator

import pytest

from tests.support.brokers import ROOT
from tests.support.builders import OTHER_STATION as STATION
from tests.support.builders import report
from tests.support.machine import Machine, UnitFile, missing_for_a_machine
from tests.support.require import require
from tests.support.wait import until

pytestmark = [pytest.mark.kafka, pytest.mark.postgres]

SERVICES = (
    "siaga-gateway.service",
    "siaga-streams@0.service",
    "siaga-sinks.service",
    "siaga-console.service",
    "siaga-watchdog.service",
)
SECRETS = "/etc/siaga/secrets"


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    require(missing_for_a_machine())
    with Machine(tmp_path_factory.mktemp("machine")) as machine:
        install = ["bash", str(ROOT / "deploy/systemd/install.sh")]
        # As careful administrators have it: what the processes read is theirs all the same.
        machine.run([*install, "--fetch"], online=True, umask=0o077)
        machine.run([*install, "posko.example,127.0.0.1"], umask=0o077)
        yield machine


def test_an_installed_machine_takes_a_report_and_shows_its_incident(machine: Machine) -> None:
    for name in ("siaga-kafka.service", "siaga-rights.service", "siaga-schema.service", *SERVICES):
        machine.start(name)
    as_admin = ["siaga-as", "admin", "siaga"]
    loaded = machine.run([*as_admin, "registry", "load", str(ROOT / "docs/examples/registry")])
    assert "stations" in loaded
    added = machine.run([*as_admin, "device", "add", "hp-uji", "--district", STATION[:8]])
    token = next(word for word in added.split() if word.startswith("hp-uji."))
    sent = json.dumps(report("violence.mass_clash", station=STATION, facts={"injured": 3}))

    def accepted() -> bool:
        asked = ["curl", "-sS", "--cacert", "/etc/siaga/ca.crt", "https://127.0.0.1:8081/v1/reports", "-d", "@-"]
        headers = ["-H", f"Authorization: Bearer {token}", "-H", "Content-Type: application/json"]
        answer = json.loads(machine.run([*asked, *headers], input=sent))
        return bool(answer.get("status") == "accepted")

    until(accepted, timeout=180, every=0.5, what=lambda: f"the report to be accepted: {_logs(machine)}")

    def shown() -> list[dict[str, object]]:
        listed = json.loads(machine.run(["siaga-as", "auditor", "siaga", "incidents", "--json"]))
        return [each for each in listed if each["severity"] == 1 and each["station_id"] == STATION]

    until(shown, timeout=180, every=0.5, what=lambda: f"the incident: {_logs(machine)}")
    public = machine.run(
        ["curl", "-sS", "--cacert", "/etc/siaga/ca.crt", "https://127.0.0.1:8080/public/summary.json"]
    )
    assert json.loads(public)
    for name in SERVICES:
        assert machine.running(name), machine.log(name)
        machine.stop(name)


def _logs(machine: Machine) -> str:
    return "\n".join(f"{name}: {machine.log(name)[-1500:]}" for name in SERVICES)


def test_no_process_can_read_the_secrets_of_another(machine: Machine) -> None:
    for unit in (machine.unit(name) for name in SERVICES):
        user = unit.one("User")
        own = user.removeprefix("siaga-")
        others = {"admin", "console", "gateway", "kafka", "postgres", "sinks", "streams", "super"} - {own}
        for other in others:
            with pytest.raises(AssertionError, match="Permission denied"):
                machine.run(["runuser", "-u", user, "--", "ls", f"{SECRETS}/{other}"])
        for line in unit.environment.values():
            if line.startswith(SECRETS):
                machine.run(["runuser", "-u", user, "--", "test", "-r", line])
    with pytest.raises(AssertionError, match="Permission denied"):
        machine.run(["runuser", "-u", "siaga-admin", "--", "cat", f"{SECRETS}/ca.key"])


def test_installing_again_changes_no_secret_and_no_setting(machine: Machine) -> None:
    every_file = ["bash", "-c", f"sha256sum /etc/siaga/siaga.toml $(find {SECRETS} -type f | sort)"]
    before = machine.run(every_file)
    machine.run(["bash", str(ROOT / "deploy/secrets.sh"), SECRETS])
    machine.run(["systemd-tmpfiles", "--create", "siaga.conf"])

    assert machine.run(every_file) == before


def test_systemd_finds_nothing_wrong_in_the_units(machine: Machine) -> None:
    units = machine.run(["bash", "-c", "ls /etc/systemd/system/siaga*.service /etc/systemd/system/siaga.target"])
    found = machine.run(["bash", "-c", f"systemd-analyze verify {' '.join(units.split())} 2>&1 | grep siaga || true"])

    assert found == ""


def test_the_scripts_of_deployment_are_sound() -> None:
    scripts = [*ROOT.glob("deploy/**/*.sh"), *ROOT.glob("deploy/systemd/libexec/*")]
    assert len(scripts) >= 4
    for script in scripts:
        with script.open() as text:
            shell = "bash" if "bash" in text.readline() else "sh"
        subprocess.run([shell, "-n", str(script)], check=True)


def test_units_are_read_as_systemd_reads_them() -> None:
    unit = UnitFile.read("x@3.service", '[Service]\nUser=a\nUser=b\nEnvironment=A=1 "B=2 3"\n# no\nExecStart=/x %i\n')

    assert (unit.one("User"), unit.environment, unit.one("ExecStart")) == ("b", {"A": "1", "B": "2 3"}, "/x 3")
