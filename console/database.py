"""Connections to the database. The console reads what the store wrote, and writes its accounts only."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa

from siaga.settings import SettingsError
from siaga.store.passwords import read_password_from

_WRITES: Final = "siaga_writes"


class Database:
    """One database, seen through two engines on one pool.

    ``read`` never waits for a writer (SQLite in WAL mode, PostgreSQL always); ``write`` takes SQLite's write lock as
    it begins, so that two writers wait for each other instead of failing half-way.
    """

    def __init__(self, url: str, password_file: Path | None = None) -> None:
        """``password_file`` holds PostgreSQL's password, where the URL does not.

        Raises :class:`SettingsError` where the URL cannot be read or is of another kind of database.
        """
        self.read = _engine(url)
        read_password_from(self.read, password_file)
        self.write = self.read.execution_options(**{_WRITES: True})

    def close(self) -> None:
        """Close every connection."""
        self.read.dispose()


def _engine(url: str) -> sa.Engine:
    try:
        parsed = sa.make_url(url)
    except sa.exc.ArgumentError:
        raise SettingsError(
            "database: is no URL; set SIAGA_DATABASE to sqlite:///path or postgresql://user@host/name"
        ) from None
    pool: dict[str, Any] = {"pool_size": 10, "max_overflow": 10, "pool_timeout": 5}
    match parsed.get_backend_name():
        case "postgresql":
            arguments = {"connect_timeout": 5, "application_name": "siaga-console", "options": "-c TimeZone=UTC"}
            return sa.create_engine(
                parsed.set(drivername="postgresql+psycopg"), pool_pre_ping=True, connect_args=arguments, **pool
            )
        case "sqlite":
            arguments = {"timeout": 5, "check_same_thread": False}
            engine = sa.create_engine(parsed, poolclass=sa.QueuePool, connect_args=arguments, **pool)
            sa.event.listen(engine, "connect", _sqlite_connected)
            sa.event.listen(engine, "begin", _sqlite_begun)
            return engine
        case other:
            raise SettingsError(
                f"database: {other} is not spoken; set SIAGA_DATABASE to sqlite:///… or postgresql://…"
            )


def _sqlite_connected(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # transactions begin where we say, not where the driver guesses
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")


def _sqlite_begun(connection: sa.Connection) -> None:
    writes = connection.get_execution_options().get(_WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
