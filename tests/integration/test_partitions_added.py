"""Partitions that were added to topics in use: what is remembered of a district stays where it was."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from kafka import KafkaProducer

from siaga.checks import State
from siaga.contracts.topics import STATE_CHANGELOG, partition_of
from siaga.settings import SettingsError
from siaga.wire.check import check_kafka
from siaga.wire.topics_admin import ensure_topics
from tests.support.brokers import Broker
from tests.support.databases import SqliteDatabase
from tests.support.stack import STREAMS, Stack
from tests.support.wait import until

#: How many there were, and how many there are after ``kafka-topics.sh --alter``.
_BEFORE, _NOW = 4, 8
#: More rows than anybody looks at who makes no use of them.
_MANY = 600


@pytest.fixture
def altered(embedded: Broker, sqlite: SqliteDatabase, tmp_path: Path) -> Iterator[Stack]:
    """Topics of eight partitions, and nothing running."""
    with Stack(embedded, sqlite, tmp_path, partitions=_NOW) as stack:
        stack.prepare()
        yield stack


def remember(stack: Stack, *districts: str) -> None:
    """Rows of these districts, from the time when there were four partitions."""
    producer = KafkaProducer(bootstrap_servers=stack.broker.address, acks="all")
    for district in districts:
        key, partition = f"{district}/i/1".encode(), partition_of(district, _BEFORE)
        producer.send(STATE_CHANGELOG, b"{}", key, partition=partition)
    producer.close()


def that_moves(*, moves: bool) -> str:
    """A district of what was the first partition, that has another one now, or the same."""
    codes = (f"33.26.{number:02d}" for number in range(1, 99))
    return next(code for code in codes if not partition_of(code, _BEFORE) and bool(partition_of(code, _NOW)) is moves)


def test_topics_and_doctor_refuse_districts_that_are_remembered_elsewhere(altered: Stack) -> None:
    remember(altered, that_moves(moves=False))
    assert ensure_topics(altered.settings).created == ()

    remember(altered, that_moves(moves=True))

    with pytest.raises(SettingsError, match=r"^partitions: .*SIAGA_PARTITIONS=8 .*make the topics anew"):
        ensure_topics(altered.settings)
    found = check_kafka(altered.settings)
    assert (found.state, "SIAGA_PARTITIONS=8" in found.text) == (State.WRONG, True)


def test_a_worker_ends_with_one_line_over_a_district_that_is_remembered_elsewhere(altered: Stack) -> None:
    remember(altered, *[that_moves(moves=False)] * _MANY, that_moves(moves=True))
    assert check_kafka(altered.settings, STREAMS).state is State.RIGHT

    worker = altered.launch(STREAMS)

    until(lambda: worker.returncode is not None, what="the worker to end")
    assert worker.returncode == 2
    assert worker.log.count("partitions: siaga-streams-state-changelog remembers districts in other partitions") == 1
    assert "Traceback" not in worker.log
