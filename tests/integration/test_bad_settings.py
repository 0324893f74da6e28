"""What is set wrongly is one clear line that names the setting and the remedy, before anything is accepted."""

from __future__ import annotations

import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from siaga.cli.doctor import see_that_it_can_begin
from siaga.settings import Settings, SettingsError
from siaga.wire.topics_admin import ensure_topics
from tests.support.brokers import missing_for_kafka
from tests.support.certificates import Authority, Pair
from tests.support.databases import PostgresCluster, missing_for_postgres
from tests.support.processes import Process, free_port, free_ports, listens
from tests.support.require import require
from tests.support.secured import SUPER, SecuredDatabase, SecuredKafka

pytestmark = [pytest.mark.kafka, pytest.mark.postgres]


@dataclass(frozen=True, slots=True)
class World:
    """Servers that are right, and settings of the sinks and the gateway that fit them."""

    kafka: SecuredKafka
    database: SecuredDatabase
    authority: Authority
    directory: Path

    def of(self, process: str, **changed: Any) -> dict[str, Any]:
        """The settings of a process; ``changed`` are those that are wrong."""
        ports = free_ports(3)
        return {
            **self.kafka.fields(process),
            **(self.database.fields(f"siaga_{process}") if process in ("sinks", "console") else {}),
            "data_dir": self.directory / "var",
            "gateway_port": ports,
            "gateway_metrics_port": ports + 1,
            "sinks_metrics_port": ports + 2,
            "console_metrics_port": 0,
            "streams_metrics_port": 0,
            **changed,
        }


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    require(missing_for_kafka())
    require(missing_for_postgres())
    directory = tmp_path_factory.mktemp("world")
    authority = Authority(directory / "authority")
    kafka, cluster = SecuredKafka(directory / "kafka", authority), PostgresCluster(authority)
    try:
        kafka.open_for_siaga()
        ensure_topics(kafka.settings("admin"))
        cluster.start()
        database = SecuredDatabase(cluster, authority, directory / "passwords")
        yield World(kafka, database, authority, directory)
    finally:
        kafka.kill()
        cluster.remove()


def environment(settings: dict[str, Any], **more: str) -> dict[str, str]:
    given = {f"SIAGA_{name.upper()}": str(value) for name, value in settings.items() if value is not None}
    return {"PATH": "/usr/bin:/bin", **given, **more}


def ended(directory: Path, process: str, settings: dict[str, Any], **more: str) -> str:
    """What a process says that does not begin; it is one line, and the process ends with 2."""
    done = subprocess.run(
        [sys.executable, "-m", "siaga", process],
        env=environment(settings, **more),
        cwd=directory,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    lines = [line for line in done.stderr.splitlines() if line.startswith("siaga: ")]
    assert done.returncode == 2, done.stdout + done.stderr
    assert done.stderr.splitlines() == lines[:1], done.stderr
    return lines[0]


def refused(settings: dict[str, Any], process: str) -> str:
    """Why a process does not begin with these settings: what it says, without starting it."""
    with pytest.raises(SettingsError) as caught:
        see_that_it_can_begin(Settings(**settings), process)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@contextmanager
def showing(pair: Pair) -> Iterator[str]:
    """The address of a server that shows a certificate and says no more."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.certificate, pair.key)
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    line, _ = server.accept()
                    with line, suppress(OSError), context.wrap_socket(line, server_side=True):
                        pass

        threading.Thread(target=serve, daemon=True).start()
        yield f"127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)


def file_with(directory: Path, name: str, text: str) -> Path:
    path = directory / name
    path.touch(mode=0o600)
    path.write_text(text)
    return path


def test_a_wrong_line_to_kafka_is_named_before_anything_is_accepted(world: World, tmp_path: Path) -> None:
    other, expired = Authority(tmp_path / "other", "Lain"), world.authority.issue("siaga-client", days=-1)
    client = world.kafka.client
    tried: list[tuple[dict[str, Any], tuple[str, ...]]] = [
        ({"kafka_password_file": file_with(tmp_path, "salah", "salah\n")}, ("kafka_password_file", "siaga-gateway")),
        ({"kafka_password_file": None}, ("kafka_password: ", "SIAGA_KAFKA_PASSWORD_FILE")),
        ({"kafka_password_file": tmp_path / "tiada"}, ("kafka_password_file", "cannot be read")),
        ({"kafka_ca_file": other.file}, ("kafka_ca_file", "not trusted", "SIAGA_KAFKA_CA_FILE")),
        (
            {"kafka_cert_file": expired.certificate, "kafka_key_file": expired.key},
            ("kafka_cert_file", "expired at", "renewed"),
        ),
        ({"kafka_cert_file": client.certificate, "kafka_key_file": expired.key}, ("kafka_cert_file", "another cert")),
        ({"kafka_cert_file": None, "kafka_key_file": None}, ("kafka_cert_file", "does not take our certificate")),
        ({"kafka_user": "siaga-watchdog"}, ("kafka_password_file", "siaga-watchdog")),
        ({"partitions": 6}, ("partitions: siaga.reports has 4", "SIAGA_PARTITIONS=4")),
        ({"kafka_sasl_mechanism": "SCRAM-SHA-256"}, ("kafka_sasl_mechanism", "SCRAM-SHA-256")),
    ]
    for changed, words in tried:
        said = refused(world.of("gateway", **changed), "gateway")
        assert all(word in said for word in words), said
    # The same as a process says it, and how it ends.
    wrong = world.of("gateway", **tried[0][0])
    assert ended(tmp_path, "gateway", wrong) == f"siaga: {refused(wrong, 'gateway')}"


def test_a_user_without_its_rights_is_told_what_it_may_not_use(world: World, tmp_path: Path) -> None:
    wrong = world.of("gateway", kafka_user="siaga-console", kafka_password_file=world.kafka.passwords / "console")

    said = refused(wrong, "gateway")

    assert "kafka_user: siaga-console may not use" in said
    assert "siaga acl apply" in said


@pytest.mark.parametrize(
    ("days", "address", "words"),
    [(-1.0, "127.0.0.1", ("kafka_ca_file", "has expired")), (30.0, "192.0.2.1", ("kafka: ", "another name"))],
)
def test_a_broker_whose_certificate_does_not_hold_is_told_from_one_that_is_away(
    world: World, days: float, address: str, words: tuple[str, ...]
) -> None:
    with showing(world.authority.issue("siaga-kafka", days=days, address=address)) as kafka:
        said = refused(world.of("streams", kafka=kafka), "streams")

    assert all(word in said for word in words), said


def test_a_wrong_line_to_postgresql_is_named_before_anything_is_stored(world: World, tmp_path: Path) -> None:
    url = world.database.url_of("siaga_sinks")
    other = Authority(tmp_path / "other", "Lain")
    salah = file_with(tmp_path, "salah", "salah\n")
    tried: list[tuple[dict[str, Any], tuple[str, ...]]] = [
        ({"database_password_file": salah}, ("database_password_file", "password", "SIAGA_DATABASE_PASSWORD_FILE")),
        ({"database": url.replace(str(world.authority.file), str(other.file))}, ("database: ", "certificate")),
        ({"database": url.replace("verify-full", "disable")}, ("database: ", "pg_hba")),
        ({"database": url.replace(world.database.name, "tiada")}, ("database: ", "tiada")),
        # The tables are not made yet, and this role may not make them.
        ({}, ("database: it holds nothing of Siaga yet", "siaga db upgrade")),
    ]
    for changed, words in tried:
        said = refused(world.of("sinks", **changed), "sinks")
        assert all(word in said for word in words), said
        assert "sandi" not in said


def test_a_broker_that_is_away_is_waited_for_and_said_so_once(world: World, tmp_path: Path) -> None:
    settings = world.of("gateway", kafka=f"127.0.0.1:{free_port()}")
    url = f"http://127.0.0.1:{settings['gateway_port']}/healthz"
    gateway = Process(
        "gateway", [sys.executable, "-m", "siaga", "gateway"], log=tmp_path / "log", env=environment(settings)
    )
    with gateway:
        port = settings["gateway_port"]
        gateway.wait_ready(lambda: listens(port) and httpx.get(url).status_code == 200, timeout=30, what="answering")
        assert "kafka: cannot be reached" in gateway.log
        assert gateway.stop() == 0


def test_settings_that_cannot_be_right_end_a_process_at_once(world: World, tmp_path: Path) -> None:
    fine = world.of("gateway")
    expired = world.authority.issue("siaga-web", days=-1)
    tried: list[tuple[dict[str, Any], tuple[str, ...]]] = [
        ({"gateway_host": "0.0.0.0"}, ("gateway_host", "SIAGA_GATEWAY_CERT_FILE", "SIAGA_PLAIN_HTTP")),  # noqa: S104
        ({"trusted_proxies": "0.0.0.0/0"}, ("trusted_proxies", "everybody")),
        ({"trusted_proxies": "proxy.example"}, ("trusted_proxies", "no address")),
        (
            {"gateway_cert_file": expired.certificate, "gateway_key_file": expired.key},
            ("gateway_cert_file", "expired"),
        ),
        ({"gateway_cert_file": tmp_path / "tiada"}, ("gateway_cert_file", "can be read")),
        ({"disk_least_free": 10**18}, ("disk_least_free", "make room")),
    ]
    for changed, words in tried:
        said = refused({**fine, **changed}, "gateway")
        assert all(word in said for word in words), said
    assert "SIAGA_GATEWAY_PORT?" in ended(tmp_path, "gateway", fine, SIAGA_GATEWAY_POORT="8081")


def test_the_doctor_says_a_line_for_everything_and_fails_where_something_is_not_right(
    world: World, tmp_path: Path
) -> None:
    def doctor(settings: dict[str, Any]) -> tuple[int, str]:
        done = subprocess.run(
            [sys.executable, "-m", "siaga", "doctor", "gateway"],
            env=environment(settings),
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        return done.returncode, done.stdout

    right, said = doctor(world.of("gateway"))
    wrong, told = doctor(world.of("gateway", kafka=f"127.0.0.1:{free_port()}"))

    assert right == 0, said
    assert "right    kafka: " in said
    assert wrong == 1
    assert "away     kafka: cannot be reached" in told
    assert SUPER not in said + told
