"""Siaga in containers, by the words of deploy/compose: every service is started just as the file has it, on three
brokers of Apache Kafka and on PostgreSQL, with the secrets that first-run.sh made and as the user that they are for.
"""

from __future__ import annotations

import json
import re
import shutil
import stat
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import yaml

from siaga.wire.acls import builtin_rights
from tests.support.brokers import ROOT
from tests.support.builders import OTHER_STATION as STATION
from tests.support.builders import report
from tests.support.compose import Project, image_of, in_order, services, volumes_of
from tests.support.containers import Engine, missing_for_containers
from tests.support.require import require
from tests.support.wait import until
from tests.support.watching import missing_for_watching

pytestmark = [pytest.mark.kafka, pytest.mark.postgres]

OURS = ("siaga", "kafka", "postgres")
STAYS = ("gateway", "streams-0", "streams-1", "sinks", "console", "watchdog")


@dataclass
class Installation:
    """The files in a place of their own, and what runs by them."""

    project: Project
    engine: Engine

    def logs(self) -> str:
        return "\n".join(f"{name}: {self.engine.log(name)[-1000:]}" for name in STAYS)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    require(missing_for_containers())
    directory = tmp_path_factory.mktemp("compose")
    shutil.copytree(ROOT / "deploy", directory / "deploy", ignore=shutil.ignore_patterns(".mypy_cache"))
    # As a checkout under a strict umask is: containers read their files all the same.
    subprocess.run(["chmod", "-R", "go-rwx", directory / "deploy"], check=True)
    project = Project(directory / "deploy" / "compose", directory / "volumes")
    shutil.copytree(ROOT / "docs" / "examples" / "registry", project.place / "election")
    (directory / "volumes").mkdir()
    for place in (directory, *directory.parents[:2]):
        place.chmod(place.stat().st_mode | stat.S_IXOTH)
    subprocess.run([project.place / "first-run.sh", "posko.example", "127.0.0.1"], check=True, capture_output=True)
    engine = Engine(directory / "engine", services())
    try:
        yield Installation(project, engine)
    finally:
        engine.close()


@pytest.fixture(scope="module")
def up(installed: Installation) -> Installation:
    """Everything that is Siaga's, started in the order of the file; each waited for as the file says."""
    project, engine = installed.project, installed.engine
    # Of three brokers none is well before two of them run.
    for name in ("kafka-1", "kafka-2", "kafka-3", "postgres"):
        engine.start(project.container(name))
    for name in in_order():
        service = services()[name]
        if image_of(service) not in OURS:
            continue
        if "healthcheck" in service and name in STAYS:
            engine.start(project.container(name))
        elif "healthcheck" in service:
            engine.wait_well(project.container(name), project.check_of(name))
        else:
            until_done(installed, name)
    return installed


def until_done(installed: Installation, name: str) -> None:
    """Run what ends; it is tried again where it fails, as often as the file says."""
    tries = int(services()[name]["restart"].removeprefix("on-failure:"))
    for left in reversed(range(tries)):
        try:
            installed.engine.run(installed.project.container(name))
            return
        except AssertionError:
            if not left:
                raise


def test_an_accepted_report_becomes_an_incident_in_containers(up: Installation) -> None:
    project, engine = up.project, up.engine
    for name in STAYS:
        engine.wait_well(project.container(name), project.check_of(name))
    engine.run(project.container("admin", ["registry", "load", "/election"]))
    added = engine.run(project.container("admin", ["device", "add", "hp-uji", "--district", STATION[:8]]))
    token = next(word for word in added.split() if word.startswith("hp-uji."))
    sent = json.dumps(report("violence.mass_clash", station=STATION, facts={"injured": 3}))
    authority = str(project.place / "secrets" / "ca.crt")
    to_gateway = ["curl", "-sS", "--cacert", authority, "https://posko.example:8081/v1/reports", "-d", "@-"]
    by_name = ["--resolve", "posko.example:8081:127.0.0.1"]
    headers = ["-H", f"Authorization: Bearer {token}", "-H", "Content-Type: application/json"]

    def accepted() -> bool:
        answer = json.loads(engine.run_in_network([*to_gateway, *by_name, *headers], stdin=sent))
        return bool(answer.get("status") == "accepted")

    until(accepted, timeout=120, every=0.5, what=lambda: f"the report to be accepted: {up.logs()}")

    def shown() -> bool:
        listed = json.loads(engine.run(project.container("auditor", ["incidents", "--json"])))
        return any(each["severity"] == 1 and each["station_id"] == STATION for each in listed)

    until(shown, timeout=120, every=0.5, what=lambda: f"the incident: {up.logs()}")
    for name in STAYS:
        assert engine.running(name), engine.log(name)
    for name in STAYS:
        assert engine.stop(name) == 0, f"{name} had to be killed: {engine.log(name)}"


def test_each_secret_is_readable_by_the_container_it_is_for_and_by_nobody_else(installed: Installation) -> None:
    secrets = installed.project.place / "secrets"

    assert stat.S_IMODE(secrets.stat().st_mode) == 0o700
    for name, service in services().items():
        for mount in installed.project.container(name).mounts if image_of(service) in OURS else ():
            if secrets in mount.source.parents:
                for path in (mount.source, *mount.source.rglob("*")):
                    status = path.stat()
                    assert (status.st_uid, status.st_mode & 0o077) == (int(service["user"].split(":")[0]), 0), path


def test_a_container_gets_the_secrets_that_it_names_and_no_other(installed: Installation) -> None:
    secrets = installed.project.place / "secrets"
    named: dict[str, set[str]] = {}
    for service in (each for each in services().values() if image_of(each) in OURS):
        words = yaml.safe_dump(service)
        for script in ("broker.sh", "roles.sh"):
            words += (installed.project.place / script).read_text() if script in words else ""
        # What Kafka's properties say besides.
        words += (ROOT / "deploy/kafka/security.properties").read_text() if image_of(service) == "kafka" else ""
        for source, target, _ in volumes_of(service):
            if source.startswith("./secrets/"):
                found = re.findall(rf"(?:{target}|\$secrets)/(?:\$\{{pair%:\*\}}|([\w./-]+\w))", words)
                named.setdefault(source.removeprefix("./secrets/"), set()).update(found)
    named["roles"] |= {"admin", "sinks", "console", "auditor"}
    named["super"] |= {f"passwords/{rights.process}" for rights in builtin_rights() if rights.process != "watchdog"}

    for directory, words in named.items():
        given = {str(path.relative_to(secrets / directory)) for path in (secrets / directory).rglob("*")}
        # The authority's certificate is no secret.
        assert given - {"ca.crt"} == words - {"", "ca.crt"} | ({"passwords"} if directory == "super" else set()), (
            directory
        )


def test_prometheus_and_alertmanager_take_their_files_as_they_are_mounted(installed: Installation) -> None:
    require(missing_for_watching())
    place = installed.project.volumes
    for name in ("prometheus", "alertmanager"):
        for mount in installed.project.container(name).mounts:
            target = place / f"as-{name}" / mount.target.lstrip("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            (shutil.copytree if mount.source.is_dir() else shutil.copy)(mount.source, target)
    written = place / "as-prometheus/etc/prometheus/prometheus.yml"

    subprocess.run(["promtool", "check", "config", written], check=True, capture_output=True)
    alerts = place / "as-alertmanager/etc/alertmanager/alertmanager.yml"
    subprocess.run(["amtool", "check-config", alerts], check=True, capture_output=True)
    password = re.findall(r"smtp_auth_password_file: (\S+)", alerts.read_text())[0]
    assert (place / "as-alertmanager" / password.lstrip("/")).is_file()


def test_first_run_never_makes_a_second_set_of_secrets(installed: Installation) -> None:
    place = installed.project.place
    before = {path: path.read_bytes() for path in (place / "secrets").rglob("*") if path.is_file()}

    again = subprocess.run([place / "first-run.sh", "other.example"], check=False, capture_output=True, text=True)

    assert again.returncode == 1
    assert "nothing was touched" in again.stderr
    assert {path: path.read_bytes() for path in (place / "secrets").rglob("*") if path.is_file()} == before
