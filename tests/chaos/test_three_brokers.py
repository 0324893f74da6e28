"""Three brokers under load: one is killed and comes back, then each is restarted; nothing is lost or doubled."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from siaga.contracts.topics import TOPICS
from siaga.wire.topics_admin import ensure_topics
from tests.chaos.test_pipeline_faults import assert_all_arrived
from tests.support.brokers import KafkaCluster, missing_for_kafka
from tests.support.databases import PostgresDatabase
from tests.support.require import require
from tests.support.stack import GATEWAY, Stack
from tests.support.steady import SteadyDevice
from tests.support.wait import until
from tests.support.watch import Watch, on_watch

pytestmark = [pytest.mark.chaos, pytest.mark.kafka, pytest.mark.postgres]
#: Items accepted before, during and after a broker is away.
SOME = 40


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[KafkaCluster]:
    """Three Apache Kafkas, running."""
    require(missing_for_kafka())
    made = KafkaCluster(tmp_path / "kafka")
    try:
        made.start()
        yield made
    finally:
        made.kill()


def replicas_of_topics(cluster: KafkaCluster) -> set[tuple[int, str]]:
    """How many replicas our topics have, and how many must have a record."""
    from kafka import KafkaAdminClient
    from kafka.admin import ConfigResource, ConfigResourceType

    names = [topic.name for topic in TOPICS]
    admin = KafkaAdminClient(bootstrap_servers=cluster.address)
    try:
        configs = admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name) for name in names])["topic"]
        return {
            (len(part["replica_nodes"]), configs[topic["name"]]["min.insync.replicas"]["value"])
            for topic in admin.describe_topics(names)
            for part in topic["partitions"]
        }
    finally:
        admin.close()


def until_settled(watch: Watch, device: SteadyDevice) -> None:
    """Wait until what waited on the gateway's disk is on Kafka, and more comes through at once."""
    until(
        lambda: watch.stack.metrics(GATEWAY).get("siaga_spool_items") == 0,
        timeout=60,
        what=lambda: f"an empty spool{watch.stack.tails()}",
    )
    device.until_answered(SOME)


def test_a_broker_killed_and_each_restarted_in_mid_load_lose_no_report_and_no_page(
    cluster: KafkaCluster, postgres: PostgresDatabase, tmp_path: Path
) -> None:
    def make(**settings: Any) -> Stack:
        return Stack(cluster, postgres, tmp_path, replication=3, **settings)

    with on_watch(make, tmp_path) as watch, watch.stack as stack:
        assert replicas_of_topics(cluster) == {(3, "2")}
        assert len(ensure_topics(stack.settings).present) == len(TOPICS)
        with SteadyDevice(stack, per_second=25.0) as device:
            device.until_answered(SOME)
            cluster.nodes[0].kill()
            device.until_answered(SOME)
            cluster.start()
            until_settled(watch, device)
            for node in cluster.nodes:
                node.stop()
                device.until_answered(SOME)
                cluster.start()
                until_settled(watch, device)

        told = f"{device.answered} accepted, {device.spooled} of them spooled"
        print(f"{told}; the longest that the device waited for an answer was {device.longest:.2f} s")
        assert_all_arrived(stack, device)
        watch.settle()
        assert [one for one in watch.account("PostgreSQL", "three brokers") if not one.is_sound] == []
        assert watch.unheard() == set()
