"""Connections to the database, the lock that lets one store write, and what an error means.

SQLite runs in WAL mode and begins its writing transactions at once, so that a second writer waits instead of failing
half-way; PostgreSQL's sessions run in UTC.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from pathlib import Path
from typing import Any, Final

import psycopg
import sqlalchemy as sa

from siaga.beginning import make_directory
from siaga.settings import Settings, SettingsError
from siaga.store.passwords import read_password_from

#: Names the locks among PostgreSQL's advisory locks, by who holds them.
_LOCKS: Final = {name: int.from_bytes(name.encode()[:8].rjust(8, b"\0")) for name in ("siaga", "notifier", "sweeper")}

#: A row that cannot be stored, whatever is tried: its values do not fit.
ROW_FAULTS: Final = (
    sa.exc.DataError,
    sa.exc.IntegrityError,
    psycopg.DataError,
    psycopg.IntegrityError,
    sqlite3.DataError,
    sqlite3.IntegrityError,
    OverflowError,
    ValueError,
)
#: The database is away, locked, full or not as it should be: the same again later.
DATABASE_FAULTS: Final = (sa.exc.SQLAlchemyError, psycopg.Error, sqlite3.Error, OSError)

#: What opens a transaction on SQLite, by whether the connection is to write.
_BEGIN: Final = {True: "BEGIN IMMEDIATE", False: "BEGIN"}


def make_engine(url: str, *, writes: bool = False, password_file: Path | None = None) -> sa.Engine:
    """An engine without a pool: each connection is its own, and closing it closes it.

    Args:
        url: SQLAlchemy's; ``postgresql://`` means psycopg.
        writes: begin SQLite's transactions as writing ones.
        password_file: holds PostgreSQL's password, where the URL does not.

    Raises:
        SettingsError: the URL cannot be read or names a database that Siaga does not speak.
    """
    try:
        parsed = sa.make_url(url)
    except sa.exc.ArgumentError:
        raise SettingsError(
            "database: is no URL; set SIAGA_DATABASE to sqlite:///path or postgresql://user@host/name"
        ) from None
    backend = parsed.get_backend_name()
    if backend == "postgresql":
        engine = _postgres(parsed.set(drivername="postgresql+psycopg"))
        read_password_from(engine, password_file)
        return engine
    if backend == "sqlite":
        return _sqlite(parsed, writes=writes)
    raise SettingsError(f"database: {backend} is not spoken; set SIAGA_DATABASE to sqlite:///… or postgresql://…")


def engine_of(settings: Settings, *, writes: bool = False) -> sa.Engine:
    """:func:`make_engine` for the database of the settings."""
    return make_engine(settings.database_url, writes=writes, password_file=settings.database_password_file)


def _postgres(url: sa.URL) -> sa.Engine:
    arguments = {
        "connect_timeout": 5,
        "application_name": "siaga",
        "options": "-c TimeZone=UTC",
        # A server that vanished without a word is noticed within half a minute.
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 3,
    }
    return sa.create_engine(url, poolclass=sa.NullPool, connect_args={**arguments, **url.query})


def _sqlite(url: sa.URL, *, writes: bool) -> sa.Engine:
    if url.database not in (None, "", ":memory:"):
        make_directory(Path(str(url.database)).parent, "database")
        pool: dict[str, Any] = {"poolclass": sa.NullPool}
    else:
        pool = {"poolclass": sa.StaticPool}  # a database in memory lives as long as its one connection
    engine = sa.create_engine(url, connect_args={"timeout": 5, "check_same_thread": False}, **pool)

    @sa.event.listens_for(engine, "connect")
    def _connected(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # transactions begin where we say, not where the driver guesses
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        # A power cut may take the last transactions, never part of one; their offsets go with them.
        cursor.execute("PRAGMA synchronous=NORMAL")
        cursor.execute("PRAGMA cache_size=-65536")
        cursor.close()

    @sa.event.listens_for(engine, "begin")
    def _begun(connection: sa.Connection) -> None:
        connection.exec_driver_sql(_BEGIN[writes])

    return engine


class StoreLock:
    """Lets one store at a time write into a database; under another ``name``, one of something else.

    On PostgreSQL the lock belongs to the very connection that writes: who loses it cannot write either. On SQLite it
    is a file beside the database, held by the process.
    """

    def __init__(self, engine: sa.Engine, name: str = "siaga") -> None:
        self._number = _LOCKS[name]
        suffix = "store" if name == "siaga" else name
        self._postgres = engine.dialect.name == "postgresql"
        path = engine.url.database
        self._path = None if self._postgres or path in (None, "", ":memory:") else Path(f"{path}.{suffix}-lock")
        self._file: int | None = None

    def take(self, connection: sa.Connection) -> bool:
        """Whether it is ours now; answers at once."""
        if self._postgres:
            with connection.begin():
                return bool(connection.scalar(sa.select(sa.func.pg_try_advisory_lock(self._number))))
        if self._path is None or self._file is not None:
            return True
        file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            return False
        self._file = file
        return True

    def release(self) -> None:
        """Give it back; PostgreSQL's goes with its connection."""
        if self._file is not None:
            os.close(self._file)
            self._file = None
