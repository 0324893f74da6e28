"""Places in Kafka that no longer mean what they meant: topics made anew, logs that lost their end or beginning."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa
from kafka import KafkaAdminClient, TopicPartition

from siaga.contracts.incident import Change
from siaga.contracts.topics import CHECKINS, INCIDENTS, REPORTS, TOPICS, partition_of
from siaga.wire.registry_tail import publish_entries
from siaga.wire.topics_admin import ensure_topics
from streams.stall import STALLED
from tests.support import builders
from tests.support.brokers import ApacheKafka
from tests.support.databases import SqliteDatabase
from tests.support.stack import SINKS, STREAMS, Stack
from tests.support.stored import happened, snapshot
from tests.support.wait import until

_PARTITION = partition_of(builders.DISTRICT, 4)


@pytest.fixture
def storing(kafka: ApacheKafka, sqlite: SqliteDatabase, tmp_path: Path) -> Iterator[Stack]:
    """Only the sinks are running: on Apache Kafka, which alone keeps its cluster id without its topics."""
    with Stack(kafka, sqlite, tmp_path) as stack:
        yield stack.start(SINKS)


def make_anew(stack: Stack) -> None:
    """Delete every topic of ours, and make them again."""
    with closing(KafkaAdminClient(bootstrap_servers=stack.broker.address)) as admin:
        admin.delete_topics([topic.name for topic in TOPICS])
        until(lambda: not {topic.name for topic in TOPICS} & set(admin.list_topics()), what="the topics to be gone")
    ensure_topics(stack.settings)


def reports(count: int) -> list[bytes]:
    return [builders.accepted(builders.report()).to_json() for _ in range(count)]


def told(incident: uuid.UUID, version: int) -> bytes:
    return snapshot(incident, version=version, history=[happened(Change.OPENED)]).to_json()


@pytest.mark.kafka
def test_what_comes_on_topics_made_anew_is_stored_from_the_first_record_on(storing: Stack) -> None:
    incident = uuid.uuid4()
    storing.produce(REPORTS, builders.DISTRICT, *reports(10))
    storing.produce(INCIDENTS, builders.DISTRICT, told(incident, 7))
    storing.until_count("reports", 10)
    storing.until_count("incidents", 1)
    storing.stop(SINKS)

    make_anew(storing)
    publish_entries(storing.settings, storing.registry)
    storing.produce(REPORTS, builders.DISTRICT, *reports(16))
    storing.produce(INCIDENTS, builders.DISTRICT, told(incident, 2))
    storing.restart(SINKS)

    storing.until_count("reports", 26)
    storing.until_count("incidents", 1, "version = 2")
    storing.until_count("registry", len(storing.registry), "epoch = 2")
    assert storing.metrics(SINKS)['siaga_store_logs_anew_total{reason="made_anew"}'] == 3
    assert f"{REPORTS} was deleted and made anew" in storing.log(SINKS)

    make_anew(storing)  # while it runs
    storing.produce(REPORTS, builders.DISTRICT, *reports(20))

    storing.until_count("reports", 46)
    assert storing.count("rejected") == 0


@pytest.mark.kafka
def test_a_worker_triages_what_comes_on_topics_made_anew_from_the_first_record_on(
    kafka: ApacheKafka, sqlite: SqliteDatabase, tmp_path: Path
) -> None:
    with Stack(kafka, sqlite, tmp_path) as stack:
        stack.start(SINKS, STREAMS)
        stack.produce(REPORTS, builders.DISTRICT, *reports(5))
        stack.until_count("reports", 5, "incident_id IS NOT NULL")

        make_anew(stack)
        publish_entries(stack.settings, stack.registry)
        stack.produce(REPORTS, builders.DISTRICT, *reports(12))

        until(lambda: not stack.is_running(STREAMS), timeout=60, what=lambda: f"its end{stack.tails()}")
        assert stack.processes[STREAMS].returncode == STALLED
        assert "made anew" in stack.log(STREAMS)
        stack.restart(STREAMS)
        stack.until_count("reports", 17, "incident_id IS NOT NULL")


@pytest.mark.kafka
def test_a_log_that_lost_its_end_or_beginning_is_read_on_and_told(storing: Stack, kafka: ApacheKafka) -> None:
    checkins = [builders.accepted_checkin(builders.checkin()).to_json() for _ in range(6)]
    storing.produce(REPORTS, builders.DISTRICT, *reports(5))
    storing.produce(CHECKINS, builders.DISTRICT, checkins[0])
    storing.produce(INCIDENTS, builders.DISTRICT, told(uuid.uuid4(), 1))
    storing.until_count("reports", 5)
    storing.until_count("checkins", 1)
    storing.until_count("incidents", 1)
    storing.stop(SINKS)
    with sa.create_engine(storing.database.url).begin() as connection:
        # A database of before, which knows neither topics nor leaders, and more than there is.
        connection.execute(
            sa.text("UPDATE offsets SET next_offset = 99, topic_id = NULL, leader_epoch = NULL WHERE topic = :topic"),
            {"topic": INCIDENTS},
        )
    kafka.kill()
    lost = kafka.directory / "data" / f"{REPORTS}-{_PARTITION}"
    named = (lost / "partition.metadata").read_bytes()
    shutil.rmtree(lost)
    lost.mkdir()
    (lost / "partition.metadata").write_bytes(named)
    kafka.start()
    storing.produce(CHECKINS, builders.DISTRICT, *checkins[1:])
    with closing(KafkaAdminClient(bootstrap_servers=kafka.address)) as admin:
        admin.delete_records({TopicPartition(CHECKINS, _PARTITION): 4})
    # More than there were: the old place is one in the new log, too.
    storing.produce(REPORTS, builders.DISTRICT, *reports(12))

    storing.restart(SINKS)

    storing.until_count("reports", 17)
    storing.until_count("checkins", 3)
    storing.until_count("offsets", 1, f"topic = '{INCIDENTS}' AND next_offset = 1 AND topic_id IS NOT NULL")
    seen = storing.metrics(SINKS)
    assert seen["siaga_store_expired_records_total"] == 3
    assert seen['siaga_store_logs_anew_total{reason="cut_off"}'] == 2
    assert seen['siaga_store_logs_anew_total{reason="made_anew"}'] == 0
    assert "kafka removed 3 records that were not stored" in storing.log(SINKS)
    assert f"{REPORTS}-{_PARTITION} was stored up to 5, and kafka has lost its end" in storing.log(SINKS)
