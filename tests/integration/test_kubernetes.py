"""The pods of Kubernetes' files, each started by its own words: command, settings, secrets, user and disks as they
are written, on Apache Kafka and PostgreSQL with their lines shut. The operators' part is done as they would do it.
"""

from __future__ import annotations

import shutil
import stat
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import pytest

from siaga.wire.acls import builtin_rights
from tests.support.brokers import ROOT
from tests.support.containers import Container, Engine, Mount, missing_for_containers
from tests.support.manifests import Cluster, missing_for_kubernetes, of_kind
from tests.support.require import require

pytestmark = [pytest.mark.kafka, pytest.mark.postgres]

BROKER, DATABASE = "siaga-kafka-bootstrap", "siaga-db-rw"
STAYS = ("siaga-gateway", "siaga-streams", "siaga-sinks", "siaga-console", "siaga-watchdog")
_BROKER: Final = """set -eu
secrets=/etc/kafka/secrets
/opt/kafka/bin/kafka-storage.sh format --cluster-id Sd9vYk1vTbGm0Xo3i2zqRw --config /etc/siaga/broker.properties \
  --add-scram "SCRAM-SHA-512=[name=siaga-broker,password=$(cat $secrets/broker-password)]" \
  --add-scram "SCRAM-SHA-512=[name=siaga-super,password=$(cat $secrets/super-password)]" >/dev/null
exec /opt/kafka/bin/kafka-server-start.sh /etc/siaga/broker.properties
"""


@dataclass
class Node:
    """A cluster of one node, with what the operators look after."""

    engine: Engine
    cluster: Cluster
    directory: Path

    @property
    def secrets(self) -> Path:
        return self.directory / "secrets"

    def place(self, name: str, user: int) -> Path:
        made = self.directory / name
        made.mkdir(exist_ok=True)
        shutil.chown(made, user, user)
        return made

    def start_kafka(self) -> None:
        """As Strimzi does: a broker by the same properties, and the users of the file with their rights."""
        given = self.place("broker", 1000)
        for name in ("broker.pem", "ca.pem", "passwords.properties", "broker-password"):
            shutil.copy(self.secrets / "kafka" / name, given / name)
        shutil.copy(self.secrets / "super" / "kafka", given / "super-password")
        for path in given.iterdir():
            shutil.chown(path, 1000, 1000)
        config = self.directory / "broker.properties"
        one = (ROOT / "deploy/kafka/one-broker.properties").read_text().replace("127.0.0.1", BROKER)
        config.write_text(one + (ROOT / "deploy/kafka/security.properties").read_text())
        broker = Container(
            name=BROKER,
            image="kafka",
            user=1000,
            argv=["sh", "-c", _BROKER],
            environment={"KAFKA_LOG4J_OPTS": "-Dlog4j2.configurationFile=/etc/siaga/log4j2.xml"},
            mounts=[
                Mount(given, "/etc/kafka/secrets", read_only=True),
                Mount(config, "/etc/siaga/broker.properties", read_only=True),
                Mount(ROOT / "deploy/kafka/log4j2.xml", "/etc/siaga/log4j2.xml", read_only=True),
                Mount(self.place("kafka-data", 1000), "/var/lib/siaga-kafka"),
            ],
            tmpfs=["/tmp"],  # noqa: S108 - its own
        )
        self.engine.start(broker)
        self.engine.wait_well(broker, ["bash", "-c", f"exec 3<>/dev/tcp/{BROKER}/9092"])
        # The operator of users has the rights of whoever may do everything.
        super_user = self.place("super", 10001)
        shutil.copytree(self.secrets / "super", super_user, dirs_exist_ok=True)
        shutil.copy(self.secrets / "ca.crt", super_user / "kafka-ca.crt")
        subprocess.run(["chown", "-R", "10001:10001", super_user], check=True)
        topics = self.cluster.container("siaga-topics")
        as_super = replace(
            topics,
            environment={**topics.environment, "SIAGA_KAFKA_USER": "siaga-super"},
            mounts=[Mount(super_user, "/etc/siaga/secrets", read_only=True)],
        )
        self.engine.run(replace(as_super, argv=["siaga", "acl", "passwords", "/etc/siaga/secrets/passwords"]))
        self.engine.run(replace(as_super, argv=["siaga", "acl", "apply"]))

    def start_database(self) -> None:
        """As CloudNativePG does: the statements of the file, and the roles' passwords from their Secrets."""
        given = self.place("postgres", 999)
        shutil.copytree(self.secrets / "postgres", given, dirs_exist_ok=True)
        subprocess.run(["chown", "-R", "999:999", given], check=True)
        rules = self.directory / "pg_hba.conf"
        cluster = of_kind("posko", "Cluster")["siaga-db"]["spec"]
        written = ["hostssl all postgres all scram-sha-256", *cluster["postgresql"]["pg_hba"]]
        rules.write_text("\n".join(["local all all scram-sha-256", *written, ""]))
        options = {
            "ssl": "on",
            "ssl_cert_file": "/etc/siaga/secrets/server.crt",
            "hba_file": "/etc/siaga/pg_hba.conf",
        }
        options["ssl_key_file"] = "/etc/siaga/secrets/server.key"
        server = Container(
            name=DATABASE,
            image="postgres",
            user=999,
            argv=[
                "/opt/shim/docker-entrypoint.sh",
                "postgres",
                *(word for key, value in options.items() for word in ("-c", f"{key}={value}")),
            ],
            environment={"POSTGRES_DB": "siaga", "POSTGRES_PASSWORD_FILE": "/etc/siaga/secrets/password"},
            mounts=[
                Mount(given, "/etc/siaga/secrets", read_only=True),
                Mount(rules, "/etc/siaga/pg_hba.conf", read_only=True),
                Mount(self.place("postgres-data", 999), "/var/lib/postgresql/data"),
            ],
            tmpfs=["/tmp", "/var/run/postgresql:mode=0775,uid=999,gid=999"],  # noqa: S108 - its own
        )
        self.engine.start(server)
        self.engine.wait_well(server, ["pg_isready", "--host", DATABASE, "--dbname", "siaga"])
        statements = list(cluster["bootstrap"]["initdb"]["postInitApplicationSQL"])
        for role in cluster["managed"]["roles"]:
            password = self.cluster.secrets[role["passwordSecret"]["name"], "password"].read_text().strip()
            statements.append(f"ALTER ROLE {role['name']} PASSWORD '{password}';")
        psql = ["psql", f"host={DATABASE} dbname=siaga user=postgres sslmode=require", "-v", "ON_ERROR_STOP=1"]
        administrator = (self.secrets / "postgres" / "password").read_text().strip()
        self.engine.run(
            replace(server, name="psql", argv=psql, environment={"PGPASSWORD": administrator}),
            stdin="\n".join(statements),
        )


def secrets_in(place: Path) -> dict[tuple[str, str], Path]:
    """The file behind each Secret and key that docs/how-to/kubernetes.md has somebody make, or an operator makes."""
    of_kafka = {
        (rights.user, "password"): place / rights.process / "kafka"
        for rights in builtin_rights()
        if rights.process != "watchdog"
    }
    roles = {"owner": "admin", "sinks": "sinks", "console": "console", "auditor": "auditor"}
    of_database = {(f"siaga-database-{role}", "password"): place / who / "database" for role, who in roles.items()}
    return {
        **of_kafka,
        **of_database,
        ("siaga-cluster-ca-cert", "ca.crt"): place / "ca.crt",
        ("siaga-db-ca", "ca.crt"): place / "ca.crt",
        ("siaga-web-tls", "tls.crt"): place / "gateway" / "tls.crt",
        ("siaga-web-tls", "tls.key"): place / "gateway" / "tls.key",
        ("siaga-link-key", "link.key"): place / "sinks" / "link.key",
        ("siaga-channels", "channels.toml"): place / "channels.toml",
        ("siaga-answers", "answers.toml"): place / "answers.toml",
        ("siaga-watchdog", "alarms"): place / "alarms",
    }


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    require(missing_for_containers())
    require(missing_for_kubernetes())
    directory = tmp_path_factory.mktemp("kubernetes")
    for place in (directory, *directory.parents[:2]):
        place.chmod(place.stat().st_mode | stat.S_IXOTH)
    secrets = directory / "secrets"
    make = [ROOT / "deploy/secrets.sh", secrets, BROKER, "siaga.example,lapor.siaga.example", DATABASE]
    subprocess.run(make, check=True, capture_output=True)
    (secrets / "channels.toml").write_text("# docs/how-to/reach-your-officers.md\n")
    (secrets / "answers.toml").write_text("# docs/how-to/reach-your-officers.md\n")
    (secrets / "alarms").write_text("# docs/how-to/watchdog.md\n")
    pods_of = [name for kind in ("Deployment", "StatefulSet") for name in of_kind("posko", kind)]
    names = [BROKER, DATABASE, *pods_of, "siaga-gateway-0.siaga-gateways", "siaga-streams-0.siaga-streams"]
    engine = Engine(directory / "engine", names)
    (directory / "disks").mkdir()
    found = Node(engine, Cluster("posko", secrets_in(secrets), directory / "disks"), directory)
    try:
        found.start_kafka()
        found.start_database()
        yield found
    finally:
        engine.close()


def test_every_pod_is_ready_and_lets_go_when_it_is_asked_to(node: Node) -> None:
    for name in ("siaga-topics", "siaga-schema"):
        node.engine.run(node.cluster.container(name))
    chosen = {name: node.cluster.container(name) for name in STAYS}
    for container in chosen.values():
        node.engine.start(container)
    for name, container in chosen.items():
        node.engine.wait_well(container, node.cluster.check_of(name))

    for name in STAYS:
        assert node.engine.running(name), node.engine.log(name)
    for name in STAYS:
        assert node.engine.stop(name) == 0, f"{name} had to be killed: {node.engine.log(name)}"
