"""What the tests' own parts promise to the other tests, on both kinds of broker and database."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import NewTopic

from tests.support.brokers import ApacheKafka, Broker
from tests.support.databases import Database, PostgresDatabase
from tests.support.wait import NeverHappened, until

TOPIC = "uji"


def produce_one(broker: Broker) -> None:
    admin = KafkaAdminClient(bootstrap_servers=broker.address)
    admin.create_topics([NewTopic(TOPIC, 1, 1)])
    admin.close()
    producer = KafkaProducer(bootstrap_servers=broker.address, acks="all")
    producer.send(TOPIC, b"isi", partition=0).get(20)
    producer.close()


def consume_one(broker: Broker) -> bytes:
    consumer = KafkaConsumer(bootstrap_servers=broker.address, auto_offset_reset="earliest")
    consumer.assign([TopicPartition(TOPIC, 0)])
    try:
        records = until(lambda: consumer.poll(timeout_ms=500), timeout=20, what="a record")
        return bytes(next(iter(records.values()))[0].value)
    finally:
        consumer.close()


def test_a_record_goes_through_either_broker(broker: Broker) -> None:
    produce_one(broker)

    assert consume_one(broker) == b"isi"


@pytest.mark.kafka
def test_a_killed_kafka_comes_back_at_its_address_with_its_records(kafka: ApacheKafka) -> None:
    produce_one(kafka)
    address = kafka.address

    kafka.kill()
    kafka.start()

    assert kafka.address == address
    assert consume_one(kafka) == b"isi"


def test_each_test_has_an_empty_database(database: Database) -> None:
    engine = sa.create_engine(database.url)

    assert sa.inspect(engine).get_table_names() == []
    engine.dispose()


@pytest.mark.postgres
def test_a_killed_postgresql_comes_back_with_what_was_committed(postgres: PostgresDatabase) -> None:
    engine = sa.create_engine(postgres.url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE uji AS SELECT 7 AS isi"))

    postgres.kill()
    postgres.start()

    with engine.begin() as connection:
        assert connection.scalar(sa.text("SELECT isi FROM uji")) == 7


def test_waiting_in_vain_says_for_what_and_what_was_seen() -> None:
    with pytest.raises(NeverHappened, match=r"waited 0\.1 s for the rain; last seen: 0"):
        until(lambda: 0, timeout=0.1, what="the rain")
