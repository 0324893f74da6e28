"""A store whose client reads nothing any more, and does not say so."""

from __future__ import annotations

import logging
from contextlib import closing
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
import sqlalchemy as sa
from kafka import KafkaProducer

from siaga.contracts.topics import REPORTS, partition_of
from siaga.settings import Settings
from siaga.wire.client import connection
from siaga.wire.topics_admin import ensure_topics
from sinks.consumer import Consumer
from sinks.store import Store
from tests.support import builders
from tests.support.brokers import Broker
from tests.support.databases import SqliteDatabase
from tests.support.wait import until


def test_a_store_that_stands_still_reads_anew_and_says_so(
    embedded: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    begun: list[Consumer] = []

    class DeafAtFirst(Consumer):
        def start(self, *args: Any, **kwargs: Any) -> None:
            super().start(*args, **kwargs)
            begun.append(self)
            if len(begun) == 1:
                self._kafka.pause(*self._partitions)

    monkeypatch.setattr("sinks.store.Consumer", DeafAtFirst)
    settings = Settings(kafka=embedded.address, database=SqliteDatabase(tmp_path).url, data_dir=tmp_path)
    ensure_topics(settings)
    stop = Event()
    engine = sa.create_engine(settings.database)
    thread = Thread(target=Store(settings, stop, lambda: None).run, daemon=True)

    def count() -> int:
        with engine.connect() as line:
            return int(line.execute(sa.text("SELECT count(*) FROM reports")).scalar_one())

    with caplog.at_level(logging.WARNING, "sinks.store"):
        thread.start()
        try:
            until(lambda: begun, timeout=20, what="a store that reads")
            with closing(KafkaProducer(**connection(settings, "test"), acks="all")) as producer:
                partition = partition_of(builders.DISTRICT, settings.partitions)
                value = builders.accepted(builders.report()).to_json()
                producer.send(REPORTS, value, builders.DISTRICT.encode(), partition=partition).get(30)

            until(lambda: count() == 1, timeout=60, what="the report, stored")
        finally:
            stop.set()
            thread.join(20)
            engine.dispose()

    assert len(begun) == 2
    assert "records wait on kafka, and reading brought none of them" in caplog.text
