"""Fixtures for the tests of the pipeline.

``broker``, ``database`` and ``stack`` run a test twice: ``embedded`` (embedded broker and SQLite, which need nothing)
and ``real`` (Apache Kafka and PostgreSQL). A machine that lacks a part skips the real run and says what is missing;
with ``SIAGA_TEST_REQUIRE_ALL=1`` it fails instead.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests.support.brokers import ApacheKafka, Broker, embedded_broker, missing_for_kafka
from tests.support.databases import (
    Database,
    PostgresCluster,
    PostgresDatabase,
    SqliteDatabase,
    missing_for_postgres,
)
from tests.support.require import require
from tests.support.stack import Stack

# How long an example takes is the machine's doing, and no property of the code.
settings.register_profile("siaga", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("siaga")

EMBEDDED = "embedded"
REAL = "real"

#: Parameters of fixtures and tests that run against each kind of part.
BOTH_BROKERS = [EMBEDDED, pytest.param(REAL, marks=pytest.mark.kafka)]
BOTH_DATABASES = [EMBEDDED, pytest.param(REAL, marks=pytest.mark.postgres)]
BOTH = [EMBEDDED, pytest.param(REAL, marks=[pytest.mark.kafka, pytest.mark.postgres])]


@pytest.fixture(autouse=True)
def _own_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test sees the settings of the person who runs it."""
    for name in [name for name in os.environ if name.startswith("SIAGA_") and not name.startswith("SIAGA_TEST_")]:
        monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def _own_umask() -> Iterator[None]:
    """A command that a test calls makes the whole process keep its files to itself."""
    before = os.umask(0o022)
    os.umask(before)
    yield
    os.umask(before)


@pytest.fixture
def linux() -> None:
    """Only Linux tells a child that its parent is gone."""
    require(None if sys.platform.startswith("linux") else "needs Linux")


@pytest.fixture(scope="session")
def kafka_node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApacheKafka]:
    """One Apache Kafka for all tests: its start takes seconds, emptying it a tenth of one."""
    require(missing_for_kafka())
    broker = ApacheKafka(tmp_path_factory.mktemp("kafka"))
    try:
        yield broker
    finally:
        broker.kill()


@pytest.fixture
def kafka(kafka_node: ApacheKafka) -> ApacheKafka:
    """An Apache Kafka that runs and holds nothing, whatever an earlier test did to it."""
    kafka_node.empty()
    return kafka_node


@pytest.fixture
def embedded(tmp_path: Path) -> Iterator[Broker]:
    """A fresh embedded broker, running."""
    broker = embedded_broker(tmp_path)
    try:
        broker.start()
        yield broker
    finally:
        broker.kill()


@pytest.fixture(scope="session")
def postgres_cluster() -> Iterator[PostgresCluster]:
    """One PostgreSQL server for all tests; each has its own database on it."""
    require(missing_for_postgres())
    cluster = PostgresCluster()
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.remove()


@pytest.fixture
def postgres(postgres_cluster: PostgresCluster) -> Iterator[PostgresDatabase]:
    """An empty PostgreSQL database. The server is running, whatever an earlier test did to it."""
    database = postgres_cluster.create()
    yield database
    database.drop()


@pytest.fixture
def sqlite(tmp_path: Path) -> SqliteDatabase:
    """A SQLite file that does not exist yet."""
    return SqliteDatabase(tmp_path)


@pytest.fixture(params=BOTH)
def parts(request: pytest.FixtureRequest) -> str:
    """Which parts the test runs against: ``embedded`` or ``real``."""
    return str(request.param)


@pytest.fixture(params=BOTH_BROKERS)
def broker(request: pytest.FixtureRequest) -> Broker:
    """A running broker of each kind, for tests that need no database."""
    chosen: Broker = request.getfixturevalue("embedded" if request.param == EMBEDDED else "kafka")
    return chosen


@pytest.fixture(params=BOTH_DATABASES)
def database(request: pytest.FixtureRequest) -> Database:
    """An empty database of each kind, for tests that need no broker."""
    chosen: Database = request.getfixturevalue("sqlite" if request.param == EMBEDDED else "postgres")
    return chosen


@pytest.fixture
def make_stack(parts: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[..., Stack]]:
    """Makes a stack (not started) of either kind of parts; its arguments are :class:`Stack`'s keyword arguments."""
    broker = request.getfixturevalue("embedded" if parts == EMBEDDED else "kafka")
    database = request.getfixturevalue("sqlite" if parts == EMBEDDED else "postgres")
    made: list[Stack] = []

    def make(**options: Any) -> Stack:
        stack = Stack(broker, database, tmp_path, **options)
        made.append(stack)
        return stack

    yield make
    for stack in made:
        stack.close()


@pytest.fixture
def stack(make_stack: Callable[..., Stack]) -> Stack:
    """All of Siaga, running, against either kind of parts."""
    return make_stack().start()
