"""Brings the accounts' tables up to date. In: an engine. Out: the newest schema. Safe at every start."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import sqlalchemy as sa
from alembic import command
from alembic.config import Config

#: Not ``alembic_version``, which is the store's: the two schemas move on their own.
VERSION_TABLE: Final = "accounts_version"
#: Two processes that start at once upgrade one after the other (PostgreSQL advisory lock; any number of ours).
_LOCK: Final = 0x51A6A_ACC


def upgrade(engine: sa.Engine) -> None:
    """Make or change the tables.

    Args:
        engine: one that takes SQLite's write lock as it begins (:attr:`console.database.Database.write`).

    Raises:
        sqlalchemy.exc.OperationalError: the database cannot be reached.
    """
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(sa.text("SELECT pg_advisory_xact_lock(:number)"), {"number": _LOCK})
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
