"""Brings the accounts' tables up to date. In: an engine. Out: the newest schema. Safe at every start."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

_DIRECTORY: Final = Path(__file__).parent / "migrations"
#: Not ``alembic_version``, which is the store's: the two schemas move on their own.
VERSION_TABLE: Final = "accounts_version"
#: Two processes that start at once upgrade one after the other (PostgreSQL advisory lock; any number of ours).
_LOCK: Final = 0x51A6A_ACC


def upgrade(engine: sa.Engine, revision: str = "head") -> None:
    """Make or change the tables.

    Args:
        engine: one that takes SQLite's write lock as it begins (:attr:`console.database.Database.write`).
        revision: how far.

    Raises:
        sqlalchemy.exc.OperationalError: the database cannot be reached.
    """
    with _moving(engine) as config:
        command.upgrade(config, revision)


def downgrade(engine: sa.Engine, revision: str) -> None:
    """Take the tables back to ``revision``; ``base`` drops every one with all that is in it."""
    with _moving(engine) as config:
        command.downgrade(config, revision)


def revisions() -> tuple[str, ...]:
    """Every revision there is, the oldest first."""
    return tuple(script.revision for script in ScriptDirectory(str(_DIRECTORY)).walk_revisions())[::-1]


def revision_of(connection: sa.Connection) -> str | None:
    """The revision of a database's accounts; None where it has none."""
    context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
    return context.get_current_revision()


@contextmanager
def _moving(engine: sa.Engine) -> Iterator[Config]:
    config = Config()
    config.set_main_option("script_location", str(_DIRECTORY).replace("%", "%%"))
    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(sa.text("SELECT pg_advisory_xact_lock(:number)"), {"number": _LOCK})
        config.attributes["connection"] = connection
        yield config
