"""Fixtures for the tests of the command centre: one around a database with two districts, of each kind."""

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
