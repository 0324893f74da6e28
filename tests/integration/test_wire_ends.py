"""Where a partition ends, whoever is asked."""

from __future__ import annotations

from kafka import KafkaProducer

from siaga.contracts.topics import REPORTS
from siaga.settings import Settings
from siaga.wire.ends import log_ends
from siaga.wire.topics_admin import ensure_topics
from tests.support.brokers import Broker


def test_the_end_lies_behind_the_last_record_of_the_last_batch(broker: Broker) -> None:
    settings = Settings(kafka=broker.address)
    ensure_topics(settings)
    producer = KafkaProducer(bootstrap_servers=broker.address, acks="all", linger_ms=100)
    sent = [producer.send(REPORTS, b"{}", partition=2) for _ in range(5)]
    producer.close()

    ends = log_ends(settings, [(REPORTS, 1), (REPORTS, 2)], "uji")

    assert ends == {(REPORTS, 1): 0, (REPORTS, 2): 5}
    assert sent[-1].get().offset == 4
