"""Apache Kafka with its lines shut: TLS, SCRAM, an authorizer; as ``deploy/kafka/security.properties`` has it."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any, Final

from siaga.settings import Settings
from siaga.wire.acls import PREFIX, apply_passwords, apply_rules, builtin_rights
from tests.support.brokers import ROOT, ApacheKafka
from tests.support.certificates import Authority, Pair

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
