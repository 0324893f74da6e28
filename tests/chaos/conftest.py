"""Stacks of one kind of parts only, where a fault does not depend on the other kind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.support.brokers import ApacheKafka, Broker
from tests.support.databases import Database, PostgresDatabase
from tests.support.stack import Stack

MakeStack = Callable[..., Stack]


@pytest.fixture
def make_real(kafka: ApacheKafka, postgres: PostgresDatabase, tmp_path: Path) -> Iterator[MakeStack]:
    """Makes a stack (not started) on Apache Kafka and PostgreSQL."""
    yield from _maker(kafka, postgres, tmp_path)


@pytest.fixture
def make_embedded(embedded: Broker, sqlite: Database, tmp_path: Path) -> Iterator[MakeStack]:
    """Makes a stack (not started) on the embedded broker and SQLite."""
    yield from _maker(embedded, sqlite, tmp_path)


def _maker(broker: Broker, database: Database, directory: Path) -> Iterator[MakeStack]:
    with ExitStack() as made:

        def make(**options: Any) -> Stack:
            return made.enter_context(Stack(broker, database, directory, **options))

        yield make
