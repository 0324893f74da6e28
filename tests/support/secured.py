"""Apache Kafka and PostgreSQL with their lines shut, as ``deploy/kafka`` and ``deploy/postgres`` have it, and Siaga
between them, each process with its own user, role and certificates.
"""

from __future__ import annotations

import socket
import struct
import subprocess
import threading
from pathlib import Path
from typing import Any, Final

import httpx
import psycopg

from siaga.settings import Settings
from siaga.store.roles import OWNER, ROLES, database_rights, make_roles
from siaga.wire.acls import PREFIX, apply_passwords, apply_rules, builtin_rights
from tests.support import builders
from tests.support.brokers import ROOT, ApacheKafka
from tests.support.certificates import Authority, Pair
from tests.support.databases import PostgresCluster, PostgresDatabase
from tests.support.processes import Process
from tests.support.stack import CONSOLE, GATEWAY, SINKS, STREAMS, Stack

SUPER: Final = "siaga-super"
_SECRETS: Final = "/etc/kafka/secrets"


class SecuredKafka(ApacheKafka):
    """A broker that knows a user for each process. ``secrets`` holds certificates, and ``passwords/<process>``."""

    def __init__(self, directory: Path, authority: Authority, *, certificate: Pair | None = None) -> None:
        self.authority = authority
        self.secrets = directory / "secrets"
        self.passwords = self.secrets / "passwords"
        self.passwords.mkdir(parents=True, exist_ok=True)
        #: What our own clients show; this broker asks for it.
        self.client = authority.issue("siaga-client")
        chosen = certificate or authority.issue("siaga-kafka")
        super().__init__(directory, properties=self._security(chosen))
        # Behind what is inherited: a later line wins.
        text = self._config.read_text()
        at = f"127.0.0.1:{self.port}"
        text = text.replace(f"PLAINTEXT://{at}", f"SASL_SSL://{at}")
        self._config.write_text(text)

    def _security(self, certificate: Pair) -> dict[str, str]:
        """The operators' file, with the places of this test."""
        for name, content in (
            ("broker.pem", certificate.both.read_bytes()),
            ("ca.pem", self.authority.file.read_bytes()),
            ("passwords.properties", b"broker=antar-broker\n"),
            (SUPER, b"kata-sandi-super\n"),
        ):
            (self.secrets / name).write_bytes(content)
        lines = (ROOT / "deploy" / "kafka" / "security.properties").read_text().replace(_SECRETS, str(self.secrets))
        stated = (line.partition("=") for line in lines.splitlines() if line and not line.startswith("#"))
        return {key: value for key, _, value in stated} | {"listener.name.sasl_ssl.ssl.client.auth": "required"}

    def _format(self) -> None:
        users = (("siaga-broker", "antar-broker"), (SUPER, "kata-sandi-super"))
        added = [
            text
            for user, password in users
            for text in ("--add-scram", f"SCRAM-SHA-512=[name={user},password={password}]")
        ]
        subprocess.run(
            [
                *self._java(),
                *(
                    "kafka.tools.StorageTool",
                    "format",
                    "-t",
                    "Sd9vYk1vTbGm0Xo3i2zqRw",
                    "-c",
                    str(self._config),
                    *added,
                ),
            ],
            check=True,
            capture_output=True,
        )

    def _answers(self) -> bool:
        from kafka import KafkaAdminClient
        from kafka.errors import KafkaError

        from siaga.wire.client import connection

        try:
            admin = KafkaAdminClient(**connection(self.settings(SUPER), "test"), request_timeout_ms=5000)
        except (KafkaError, OSError):
            return False
        try:
            return bool(admin.describe_cluster()["brokers"])
        except KafkaError:
            return False
        finally:
            admin.close()

    def open_for_siaga(self) -> None:
        """Start it, and give every process its user, password and rights."""
        self.start()
        for rights in builtin_rights():
            (self.passwords / rights.process).write_text(f"sandi-{rights.process}-0001\n")
        apply_passwords(self.settings(SUPER), self.passwords, [rights.process for rights in builtin_rights()])
        apply_rules(self.settings(SUPER), builtin_rights())

    def fields(self, process: str) -> dict[str, Any]:
        """The settings with which ``process`` signs in; of a super user for ``SUPER``."""
        is_super = process == SUPER
        return {
            "kafka": self.address,
            "kafka_security": "SASL_SSL",
            "kafka_sasl_mechanism": "SCRAM-SHA-512",
            "kafka_user": process if is_super else PREFIX + process,
            "kafka_password_file": self.secrets / SUPER if is_super else self.passwords / process,
            "kafka_ca_file": self.authority.file,
            "kafka_cert_file": self.client.certificate,
            "kafka_key_file": self.client.key,
        }

    def settings(self, process: str, **more: Any) -> Settings:
        """Whole settings of them."""
        return Settings(**{**self.fields(process), **more})


class SecuredDatabase:
    """A database on a cluster that speaks TLS, with a role for each process and their passwords in files."""

    def __init__(self, cluster: PostgresCluster, authority: Authority, passwords: Path) -> None:
        self.cluster = cluster
        self._authority = authority
        self._passwords = passwords
        passwords.mkdir(parents=True, exist_ok=True)
        self._inner: PostgresDatabase = cluster.create()
        self.name = self._inner.name
        for statement in (*make_roles(), *database_rights(self.name)):
            self.execute(statement)
        for role in (OWNER, *ROLES.values()):
            self.give_password(role, f"sandi-{role}")

    def execute(self, statement: str) -> None:
        """Run a statement in this database as the administrator."""
        with psycopg.connect(
            host="127.0.0.1", port=self.cluster.port, user="siaga", dbname=self.name, autocommit=True
        ) as connection:
            connection.execute(statement.encode())

    def give_password(self, role: str, password: str) -> None:
        """Give a role a password, in the database and in its file."""
        self.execute(f"ALTER ROLE {role} PASSWORD '{password}'")
        (self._passwords / role).write_text(password + "\n")

    def url_of(self, role: str) -> str:
        """Its URL for a role, as an operator writes it: the server is checked, the password stands elsewhere."""
        checked = f"sslmode=verify-full&sslrootcert={self._authority.file}"
        return f"postgresql://{role}@127.0.0.1:{self.cluster.port}/{self.name}?{checked}"

    @property
    def url(self) -> str:
        """The administrator's, for a test that looks into it."""
        return self._inner.url

    def fields(self, role: str) -> dict[str, Any]:
        """The settings with which a process uses it as ``role``."""
        return {"database": self.url_of(role), "database_password_file": self._passwords / role}

    def drop(self) -> None:
        self._inner.drop()


class SecuredStack(Stack):
    """Siaga over closed lines: each process signs in as itself, gateway and command centre speak HTTPS."""

    broker: SecuredKafka
    database: SecuredDatabase

    def __init__(self, broker: SecuredKafka, database: SecuredDatabase, directory: Path, **settings: Any) -> None:
        self.web = broker.authority.issue("siaga-web")
        web = {
            f"{part}_{kind}_file": getattr(self.web, name) for part in ("gateway", "console") for kind, name in _PEM
        }
        key = directory / "link.key"
        key.write_text("kunci-uji-" * 4 + "\n")
        super().__init__(broker, database, directory, **{**web, "link_key_file": key, **settings})
        self._http.close()
        self._http = httpx.Client(timeout=30.0, verify=broker.authority.trusting())
        self._launching = ""

    @property
    def settings(self) -> Settings:
        """As whoever runs Siaga: to make topics and load the registry."""
        return Settings(**{**self._chosen, **self.broker.fields("admin"), **self.database.fields(OWNER)})

    @property
    def environment(self) -> dict[str, str]:
        """Of the process that is being launched; of whoever runs Siaga where none is."""
        part = self._launching.partition("-")[0]
        fields = self.broker.fields(part or "admin")
        if part in (SINKS, CONSOLE):
            fields |= self.database.fields(ROLES[part])
        elif part not in (GATEWAY, STREAMS):
            fields |= self.database.fields(OWNER)
        plain = {key: value for key, value in super().environment.items() if key != "SIAGA_DATABASE"}
        return {**plain, **{f"SIAGA_{name.upper()}": str(value) for name, value in fields.items()}}

    @property
    def gateway_url(self) -> str:
        return super().gateway_url.replace("http:", "https:")

    @property
    def console_url(self) -> str:
        return f"https://127.0.0.1:{self._chosen['console_port']}"

    def launch(self, name: str) -> Process:
        self._launching = name
        try:
            return super().launch(name)
        finally:
            self._launching = ""


_PEM: Final = (("cert", "certificate"), ("key", "key"))


class Load:
    """Somebody who reports all the time, and tries again what is not answered or answered 5xx."""

    def __init__(self, stack: SecuredStack) -> None:
        self._stack = stack
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.accepted: list[str] = []
        self.refused: list[int] = []

    def __enter__(self) -> Load:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(30)

    def _run(self) -> None:
        trusting = self._stack.broker.authority.trusting()
        headers = {"Authorization": f"Bearer {self._stack.token}"}
        while not self._stop.is_set():
            item = builders.report("order.convoy", station=builders.SECOND_STATION)
            for _ in range(20):
                # A connection each time: that is what sees a certificate.
                try:
                    with httpx.Client(verify=trusting, timeout=10.0) as phone:
                        status = phone.post(f"{self._stack.gateway_url}/v1/reports", json=item, headers=headers)
                except httpx.HTTPError:
                    continue
                if status.status_code == 202:
                    self.accepted.append(item["report_id"])
                    break
                if status.status_code < 500:
                    self.refused.append(status.status_code)
                    break
            self._stop.wait(0.02)


class Resetting:
    """Listens where a broker did, and resets every connection, as a machine does whose broker just died."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        #: Connections that were reset.
        self.count = 0

    def __enter__(self) -> Resetting:
        self._listener = socket.create_server(("127.0.0.1", self._port))
        self._listener.settimeout(0.1)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(10)
        self._listener.close()

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                line, _ = self._listener.accept()
            except TimeoutError:
                continue
            line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            line.close()
            self.count += 1


def serial_of(port: int, authority: Authority) -> str:
    """The number of the certificate that a server shows."""
    with (
        socket.create_connection(("127.0.0.1", port), timeout=5) as line,
        authority.trusting().wrap_socket(line, server_hostname="127.0.0.1") as shut,
    ):
        certificate = shut.getpeercert()
    assert certificate
    return str(certificate["serialNumber"])
