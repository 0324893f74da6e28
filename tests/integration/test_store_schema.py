"""The database's schema: made, kept in step with the tables, taken back, and left alone where it is newer."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from siaga.settings import Settings
from sinks.database import make_engine
from sinks.migrate import SchemaError, downgrade, newest, revision_of, upgrade
from sinks.reading import reading
from sinks.tables import metadata
from tests.support.databases import Database


def test_the_migrations_make_exactly_the_tables_there_are_and_can_be_taken_back(database: Database) -> None:
    engine = make_engine(database.url, writes=True)

    assert upgrade(engine) is None
    assert upgrade(engine) == newest()

    with engine.begin() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    downgrade(engine, "base")
    with engine.begin() as connection:
        assert sa.inspect(connection).get_table_names() == ["alembic_version"]
        assert revision_of(connection) is None
    upgrade(engine)
    with engine.begin() as connection:
        assert set(metadata.tables) < set(sa.inspect(connection).get_table_names())


def test_a_newer_schema_is_left_alone(database: Database) -> None:
    engine = make_engine(database.url, writes=True)
    upgrade(engine)
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))

    with pytest.raises(SchemaError, match=r"9999.*upgrade Siaga"):
        upgrade(engine)


def test_an_empty_database_is_said_to_be_empty(database: Database) -> None:
    make_engine(database.url).connect().close()

    with pytest.raises(SchemaError, match="siaga db upgrade"), reading(Settings(database=database.url)):
        pass
