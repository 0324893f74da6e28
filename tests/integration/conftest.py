"""Fixtures that several files here share: a command centre around a database with two districts, and providers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from siaga.settings import Settings
from siaga.types import Vulnerability
from tests.support import builders
from tests.support.databases import Database
from tests.support.filled import Filled
from tests.support.mailserver import MailServer
from tests.support.provider import Provider

if TYPE_CHECKING:
    from tests.support.centre import Centre


@pytest.fixture
def rows(database: Database) -> Filled:
    """A database with two districts."""
    made = Filled(database.url)
    made.put_registry(
        builders.calendar(),
        builders.district(builders.DISTRICT, vulnerability={builders.STATION: Vulnerability.SANGAT_RAWAN}),
        builders.district(builders.OTHER_DISTRICT),
    )
    return made


@pytest.fixture
def centre(rows: Filled, database: Database, tmp_path: Path) -> Iterator[Centre]:
    """A command centre on that database; no broker."""
    # Loaded here: most tests of this folder have none, and it is much to load.
    from tests.support.centre import Centre

    with Centre(Settings(database=database.url, data_dir=tmp_path, kafka="127.0.0.1:1")) as made:
        yield made


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Provider]:
    """A provider of channels over HTTP that misbehaves as it is told to, for all tests of a file."""
    with Provider(tmp_path_factory.mktemp("provider")) as running:
        yield running


@pytest.fixture(scope="module")
def mail() -> Iterator[MailServer]:
    """A mail server, likewise."""
    with MailServer() as running:
        yield running
