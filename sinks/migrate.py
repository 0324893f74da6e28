"""Brings the database's schema to the one this Siaga needs, one revision after the other.

The revisions are in ``sinks/migrations/versions``. A database with a revision that is not among them belongs to a
newer Siaga and is left alone.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from siaga.settings import SettingsError
from sinks.database import StoreLock

_DIRECTORY: Final = Path(__file__).parent / "migrations"
#: Names the migrations' lock among PostgreSQL's advisory locks: the bytes of "siagadb".
_LOCK: Final = int.from_bytes(b"siagadb")


class SchemaError(SettingsError):
    """The database cannot be used with this Siaga; the message says why and what to do."""


def newest() -> str:
    """The newest revision this Siaga knows."""
    return str(ScriptDirectory(str(_DIRECTORY)).get_current_head())


def revisions() -> tuple[str, ...]:
    """Every revision there is, the oldest first."""
    return tuple(script.revision for script in ScriptDirectory(str(_DIRECTORY)).walk_revisions())[::-1]


def revision_of(connection: sa.Connection) -> str | None:
    """The database's revision; None while it has no tables of ours.

    Raises:
        SchemaError: it is one that a newer Siaga made.
    """
    revision = MigrationContext.configure(connection).get_current_revision()
    if revision is not None and revision not in revisions():
        raise SchemaError(
            f"database: its schema is revision {revision}, and this Siaga knows only up to {newest()}; "
            "upgrade Siaga, or name another database in SIAGA_DATABASE"
        )
    return revision


def connect_alone(engine: sa.Engine, lock: StoreLock) -> sa.Connection | None:
    """A connection that has ``lock``, to a database that is up to date; None while either is not so.

    Raises:
        SchemaError: the schema is newer than this Siaga.
        sqlalchemy.exc.DBAPIError: the database cannot be used.
    """
    connection = engine.connect()
    try:
        with connection.begin():
            ready = revision_of(connection) == newest()
        if ready and lock.take(connection):
            return connection
    except BaseException:
        connection.close()
        raise
    connection.close()
    return None


def upgrade(engine: sa.Engine, revision: str = "head") -> str | None:
    """Bring the schema up to ``revision``, and answer the one it had; nothing is done where it is there already.

    Two at once wait for each other.

    Raises:
        SchemaError: the schema is newer than this Siaga.
    """
    with engine.connect() as connection:
        with connection.begin():
            before = revision_of(connection)
        if before == newest():
            return before
        with connection.begin():
            if connection.dialect.name == "postgresql":
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
            before = revision_of(connection)
            command.upgrade(_config(connection), revision)
    return before


def upgrade_within(connection: sa.Connection) -> None:
    """Bring the schema up to the newest revision, in the transaction that ``connection`` is in."""
    command.upgrade(_config(connection), "head")


def downgrade(engine: sa.Engine, revision: str) -> None:
    """Take the schema back to ``revision``; ``base`` drops every table with all that is in it."""
    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
        command.downgrade(_config(connection), revision)


def _config(connection: sa.Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_DIRECTORY).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
