"""The two brokers every test of the pipeline runs against: the embedded one and Apache Kafka."""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
import uuid
from pathlib import Path
from typing import Final, Protocol

from siaga.supervisor.embedded import EmbeddedBroker
from tests.support.processes import Process, free_port, free_ports, listens
from tests.support.wait import until

__all__ = [
    "ApacheKafka",
    "Broker",
    "EmbeddedBroker",
    "KafkaCluster",
    "embedded_broker",
    "kafka_jars",
    "missing_for_kafka",
]

ROOT = Path(__file__).resolve().parents[2]

#: The storage of the first Apache Kafka of this run as formatted: file name and content.
_formatted: dict[str, bytes] | None = None


def new_cluster_id() -> str:
    """A new id as Kafka makes them, not with a hyphen at its beginning, which its tool would take for an option."""
    return "S" + base64.urlsafe_b64encode(uuid.uuid4().bytes).decode()[1:].rstrip("=")


class Broker(Protocol):
    """What a test may do with a broker. A killed one comes back on the same port."""

    @property
    def address(self) -> str: ...
    @property
    def running(self) -> bool: ...
    def start(self) -> None: ...
    def kill(self) -> None: ...
    def stop(self) -> None: ...


def embedded_broker(directory: Path) -> EmbeddedBroker:
    """An embedded broker that logs into ``directory``; it is empty again after every start."""
    return EmbeddedBroker(directory / "broker.log")


def kafka_jars() -> Path:
    """Where Apache Kafka's jars lie: ``SIAGA_TEST_KAFKA_JARS``, else the repository's cache."""
    return Path(os.environ.get("SIAGA_TEST_KAFKA_JARS") or ROOT / ".cache" / "kafka")


def missing_for_kafka() -> str | None:
    """What this machine lacks to run Apache Kafka, ``None`` when nothing."""
    if shutil.which("java") is None:
        return "Apache Kafka needs java: install a Java runtime (17 or newer)"
    if not any(kafka_jars().glob("kafka_2.13-*.jar")):
        return "Apache Kafka's jars are missing: run 'make kafka' (needs Maven)"
    return None


class ApacheKafka:
    """One real node (KRaft, broker and controller in one) on loopback; data and port outlive a kill."""

    def __init__(
        self,
        directory: Path,
        *,
        properties: dict[str, str] | None = None,
        ports: tuple[int, int] | None = None,
        cluster_id: str | None = None,
    ) -> None:
        """``ports`` are those of the broker and of the controller; ``cluster_id`` is that of the nodes beside it."""
        self.directory = directory
        self.port, controller = ports or (free_port(), free_port())
        self._cluster_id = cluster_id or new_cluster_id()
        self._config = directory / "server.properties"
        directory.mkdir(parents=True, exist_ok=True)
        self._chosen = {
            "process.roles": "broker,controller",
            "node.id": "1",
            "controller.quorum.voters": f"1@127.0.0.1:{controller}",
            "listeners": f"PLAINTEXT://127.0.0.1:{self.port},CONTROLLER://127.0.0.1:{controller}",
            "advertised.listeners": f"PLAINTEXT://127.0.0.1:{self.port}",
            "controller.listener.names": "CONTROLLER",
            "inter.broker.listener.name": "PLAINTEXT",
            "log.dirs": str(directory / "data"),
            "auto.create.topics.enable": "false",
            "offsets.topic.replication.factor": "1",
            "offsets.topic.num.partitions": "4",
            "transaction.state.log.replication.factor": "1",
            "transaction.state.log.min.isr": "1",
            "transaction.state.log.num.partitions": "4",
            "share.coordinator.state.topic.replication.factor": "1",
            "share.coordinator.state.topic.min.isr": "1",
            "group.initial.rebalance.delay.ms": "0",
            # After a kill it may register again as soon as its old session is over: soon.
            "broker.session.timeout.ms": "2000",
            "broker.heartbeat.interval.ms": "500",
            "num.network.threads": "2",
            "num.io.threads": "4",
            **(properties or {}),
        }
        self._config.write_text("".join(f"{key}={value}\n" for key, value in self._chosen.items()))
        self._process = Process(
            "Apache Kafka", [*self._java(), "kafka.Kafka", str(self._config)], log=directory / "kafka.log"
        )

    @staticmethod
    def _java() -> list[str]:
        # A test's broker lives for seconds: start fast rather than run fast in the end.
        tuned = ["-Xms128m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto"]
        logging = f"-Dlog4j2.configurationFile={Path(__file__).parent / 'kafka' / 'log4j2.xml'}"
        return ["java", *tuned, logging, "-cp", f"{kafka_jars()}/*"]

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def running(self) -> bool:
        return self._process.running

    @property
    def log(self) -> str:
        return self._process.log

    def start(self) -> None:
        """Start it (formatted the first time, with a new cluster id) and wait until it answers."""
        if not self.running:
            self.launch()
            self.wait_answers()

    def launch(self) -> None:
        """Start it without waiting: of several nodes none answers until most of them run."""
        if not (self.directory / "data" / "meta.properties").exists():
            self._format()
        self._process.start()

    def wait_answers(self) -> None:
        """Wait until it answers."""
        self._process.wait_ready(lambda: listens(self.port) and self._answers(), timeout=60, what="answering")

    def empty(self) -> None:
        """Have it running without a topic and without a group, whatever somebody did to it before."""
        if self.running:
            self.resume()
        self.start()
        until(self._is_emptied, timeout=60, every=0.1, what="an empty Apache Kafka")

    def _is_emptied(self) -> bool:
        """Delete what there is; whether there was nothing. It may refuse for a moment when it has just come back."""
        from kafka import KafkaAdminClient
        from kafka.admin import MemberToRemove
        from kafka.errors import KafkaError

        try:
            admin = KafkaAdminClient(bootstrap_servers=self.address, request_timeout_ms=10_000)
        except KafkaError:
            return False
        try:
            if topics := [name for name in admin.list_topics() if not name.startswith("__")]:
                admin.delete_topics(topics)
            if groups := [group["group_id"] for group in admin.list_groups()]:
                for group_id, group in admin.describe_groups(groups).items():
                    # Of processes that were killed: their sessions would last for seconds.
                    if members := [MemberToRemove(member["member_id"]) for member in group["members"]]:
                        admin.remove_group_members(group_id, members)
                admin.delete_groups(groups)
            return not topics and not groups and bool(admin.describe_cluster()["brokers"])
        except KafkaError:
            return False
        finally:
            admin.close()

    def _format(self) -> None:
        """Make its storage, with a cluster id of its own."""
        global _formatted
        data = self.directory / "data"
        if _formatted is None:
            subprocess.run(
                [*self._java(), "kafka.tools.StorageTool", "format", "-t", self._cluster_id, "-c", str(self._config)],
                check=True,
                capture_output=True,
            )
            _formatted = {path.name: path.read_bytes() for path in data.iterdir()}
            return
        # Formatting takes a JVM and two seconds; only whose it is differs from one storage to the next.
        data.mkdir()
        for name, content in _formatted.items():
            (data / name).write_bytes(content)
        mine = {
            "cluster.id": self._cluster_id,
            "node.id": self._chosen["node.id"],
            "directory.id": new_cluster_id(),
        }
        lines = _formatted["meta.properties"].decode().splitlines()
        kept = [line for line in lines if line.partition("=")[0] not in mine]
        told = [f"{key}={value}" for key, value in mine.items()]
        (data / "meta.properties").write_text("\n".join([*kept, *told, ""]))

    def _answers(self) -> bool:
        from kafka import KafkaAdminClient
        from kafka.errors import KafkaError

        try:
            admin = KafkaAdminClient(bootstrap_servers=self.address, request_timeout_ms=5000)
        except KafkaError:
            return False
        try:
            return bool(admin.describe_cluster()["brokers"])
        except KafkaError:
            return False
        finally:
            admin.close()

    def pause(self) -> None:
        """Freeze it: it holds its connections and answers nothing."""
        self._process.pause()

    def resume(self) -> None:
        self._process.resume()

    def kill(self) -> None:
        self._process.kill()

    def stop(self) -> None:
        if self.running:
            self._process.stop(timeout=30)


class KafkaCluster:
    """Three real nodes, each broker and controller: every record on all of them, acknowledged when two have it."""

    def __init__(self, directory: Path) -> None:
        first = free_ports(6)
        ports = [(first + 2 * number, first + 2 * number + 1) for number in range(3)]
        voters = ",".join(f"{number}@127.0.0.1:{controller}" for number, (_, controller) in enumerate(ports, start=1))
        cluster = new_cluster_id()
        self.nodes = [
            ApacheKafka(
                directory / f"node-{number}",
                ports=ports[number - 1],
                cluster_id=cluster,
                properties={"node.id": str(number), "controller.quorum.voters": voters, **_OF_THREE},
            )
            for number in (1, 2, 3)
        ]

    @property
    def address(self) -> str:
        return ",".join(node.address for node in self.nodes)

    @property
    def running(self) -> bool:
        return all(node.running for node in self.nodes)

    def start(self) -> None:
        """Start what does not run, and wait until every node answers and has all that the others have."""
        for node in self.nodes:
            if not node.running:
                node.launch()
        for node in self.nodes:
            node.wait_answers()
        self.wait_in_sync()

    def wait_in_sync(self, timeout: float = 60.0) -> None:
        """Wait until every replica of every partition has what its leader has: then any node may go."""
        until(self._in_sync, timeout=timeout, every=0.2, what="every replica to be in sync")

    def _in_sync(self) -> bool:
        from kafka import KafkaAdminClient
        from kafka.errors import KafkaError

        try:
            admin = KafkaAdminClient(bootstrap_servers=self.address, request_timeout_ms=5000)
        except KafkaError:
            return False
        try:
            if len(admin.describe_cluster()["brokers"]) < len(self.nodes):
                return False
            partitions = [part for topic in admin.describe_topics() for part in topic["partitions"]]
            return all(len(part["isr_nodes"]) == len(part["replica_nodes"]) for part in partitions)
        except KafkaError:
            return False
        finally:
            admin.close()

    def kill(self) -> None:
        for node in self.nodes:
            node.kill()

    def stop(self) -> None:
        # All at once: the last of them would wait for the others to take over what it leads.
        self.kill()


#: What each of three nodes is told besides its place.
_OF_THREE: Final = {
    "default.replication.factor": "3",
    "min.insync.replicas": "2",
    "offsets.topic.replication.factor": "3",
    "transaction.state.log.replication.factor": "3",
    "transaction.state.log.min.isr": "2",
    "share.coordinator.state.topic.replication.factor": "3",
    "share.coordinator.state.topic.min.isr": "2",
    # A machine with two cores keeps three of them waiting now and then; that is no reason to be shut out.
    "broker.session.timeout.ms": "4000",
}
