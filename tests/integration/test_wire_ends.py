"""Where a partition ends, whoever is asked."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from siaga.contracts.topics import CHECKINS, REPORTS
from siaga.settings import Settings
from siaga.wire import ends
from siaga.wire.ends import log_ends, said_ends
from siaga.wire.topics_admin import ensure_topics
from tests.support.brokers import ApacheKafka, Broker


def test_the_end_lies_behind_the_last_record_of_the_last_batch(broker: Broker) -> None:
    settings = Settings(kafka=broker.address)
    ensure_topics(settings)
    producer = KafkaProducer(bootstrap_servers=broker.address, acks="all", linger_ms=100)
    sent = [producer.send(REPORTS, b"{}", partition=2) for _ in range(5)]
    producer.close()

    ends = log_ends(settings, [(REPORTS, 1), (REPORTS, 2)], "uji")

    assert ends == {(REPORTS, 1): 0, (REPORTS, 2): 5}
    assert sent[-1].get().offset == 4


def test_the_end_of_a_partition_is_told_by_a_client_that_knows_only_others_yet(broker: Broker) -> None:
    ensure_topics(Settings(kafka=broker.address))
    first, second = TopicPartition(REPORTS, 0), TopicPartition(CHECKINS, 0)
    consumer = KafkaConsumer(bootstrap_servers=broker.address, allow_auto_create_topics=False)
    try:
        assert said_ends(consumer, [first]) == {first: 0}

        assert said_ends(consumer, [first, second]) == {first: 0, second: 0}
    finally:
        consumer.close(autocommit=False)


def test_the_end_is_told_though_the_broker_answers_late(kafka: ApacheKafka, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(kafka=kafka.address)
    ensure_topics(settings)
    # A broker that starts takes longer than this.
    monkeypatch.setattr(ends, "_REQUEST_MS", 600)
    kafka.kill()
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(log_ends, settings, [(REPORTS, 1)], "uji")
        kafka.start()

        assert asked.result() == {(REPORTS, 1): 0}
