"""Partitions with no record at their end: Kafka keeps them only so long, or marks of transactions stand there."""

from __future__ import annotations

import pytest
from kafka import KafkaAdminClient, KafkaProducer, TopicPartition
from kafka.admin import OffsetSpec

from siaga.contracts.topics import CHECKINS, PAGES
from siaga.settings import Settings
from siaga.wire.topics_admin import ensure_topics
from sinks.consumer import Consumer
from sinks.database import make_engine
from sinks.migrate import upgrade
from sinks.rebuild import rebuild
from sinks.reconcile import reconcile
from tests.support import builders
from tests.support.brokers import ApacheKafka
from tests.support.databases import SqliteDatabase
from tests.support.wait import until


@pytest.mark.kafka
def test_what_kafka_has_forgotten_keeps_neither_audit_nor_rebuild_waiting(
    kafka: ApacheKafka, sqlite: SqliteDatabase
) -> None:
    settings = Settings(kafka=kafka.address, database=sqlite.url)
    ensure_topics(settings)
    upgrade(make_engine(sqlite.url, writes=True))
    checkin = builders.accepted_checkin(builders.checkin()).to_json()
    producer = KafkaProducer(bootstrap_servers=kafka.address, transactional_id="uji")
    producer.init_transactions()
    producer.begin_transaction()
    for topic, partition in ((CHECKINS, 0), (CHECKINS, 1), (PAGES, 0)):
        producer.send(topic, checkin if topic == CHECKINS else b"{}", partition=partition)
    producer.commit_transaction()
    producer.close()
    admin = KafkaAdminClient(bootstrap_servers=kafka.address)
    forgotten = [TopicPartition(CHECKINS, 0), TopicPartition(PAGES, 0)]
    # The marks at the ends are written a moment after the transaction is over.
    latest = dict.fromkeys(forgotten, OffsetSpec.LATEST)
    until(lambda: {end.offset for end in admin.list_partition_offsets(latest).values()} == {2}, what="the marks")
    admin.delete_records(dict.fromkeys(forgotten, 2))
    admin.close()

    assert rebuild(settings) == 1
    accounts = {account.topic: account for account in reconcile(settings, wait=0.0)}

    assert (accounts[CHECKINS].records, accounts[CHECKINS].stored, accounts[CHECKINS].missing) == (1, 1, [])
    consumer = Consumer(settings, (CHECKINS, PAGES), client_id="uji")
    consumer.start({})
    assert sum(len(records) for records in consumer.records_until_now()) == 1
    assert consumer.lag() == {CHECKINS: 0, PAGES: 0}
    assert not consumer.is_behind((PAGES,))
    consumer.close()
