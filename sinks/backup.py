"""The whole database in one file, taken while Siaga runs, and an empty database filled from it.

Input: the database. Output: a ZIP file: ``manifest.json``, and SQLite's file as its online backup makes it, or a
``<table>.copy`` for each of PostgreSQL's tables, all of one snapshot. Back again into a database that holds nothing;
what was put in is counted and the audit trail verified before anybody else sees it. State: none.

In the file is what the tables hold, the registry, the accounts and all that is confidential among it. Not in it is
what lies elsewhere: Kafka, the gateway's spool, the key of links, and the files that settings name.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any, Final

import sqlalchemy as sa

from siaga import __version__
from siaga.settings import Settings, SettingsError
from siaga.store.tables import clusters
from sinks.audit_log import Head, read_head, verify
from sinks.database import StoreLock, engine_of, make_engine
from sinks.migrate import revision_of, upgrade_within

#: Of the file's form.
_FORM: Final = 1
_MANIFEST: Final = "manifest.json"
_SQLITE: Final = "siaga.db"
#: Where each schema's revision stands: not copied, for the restored schema says it itself.
_REVISIONS: Final[tuple[str, ...]] = ("alembic_version", "accounts_version")
_CHUNK: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup says of itself."""

    form: int
    siaga: str
    made_at: str
    backend: str
    #: Revision by the table that says it; empty where there is no such schema.
    revisions: dict[str, str]
    rows: dict[str, int]
    audit_seq: int
    audit_hash: str


class BackupError(SettingsError):
    """The file cannot be made or used; the message says why and what to do."""


# -- making one ---------------------------------------------------------------------------------------------------


def backup(settings: Settings, target: Path, now: datetime, *, within: bool = False) -> tuple[Path, Manifest]:
    """Write the file; where ``target`` is a directory, into it, named after ``now``.

    Args:
        within: ``target`` is meant as a directory, and is made where it is missing.

    Raises:
        BackupError: there is nothing to back up, or the file is there already or cannot be written.
        SettingsError: the database does not answer.
    """
    path = target / f"siaga-{now:%Y%m%dT%H%M%SZ}.zip" if within or target.is_dir() else target
    if path.exists():
        raise BackupError(f"file: {path} is there already; name another")
    engine = engine_of(settings)
    file = engine.url.database
    if engine.dialect.name == "sqlite" and not Path(str(file)).exists():
        raise SettingsError(f"database: there is no {file}; correct SIAGA_DATABASE")
    part = path.with_name(path.name + ".part")
    try:
        if within:
            target.mkdir(parents=True, exist_ok=True, mode=0o700)
        # What an earlier try left behind is nobody's.
        part.unlink(missing_ok=True)
        with os.fdopen(os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "w+b") as out:
            with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as packed:
                make = _from_sqlite if engine.dialect.name == "sqlite" else _from_postgres
                manifest = make(engine, packed, now, path)
                packed.writestr(_MANIFEST, json.dumps(asdict(manifest), indent=1))
            out.flush()
            os.fsync(out.fileno())
        part.rename(path)
    except sa.exc.OperationalError:
        raise SettingsError("database: does not answer; start it, or correct SIAGA_DATABASE") from None
    except sa.exc.ProgrammingError:
        raise SettingsError(
            "database: this role may not read everything; set SIAGA_DATABASE to the owner's URL (siaga_owner)"
        ) from None
    except OSError as error:
        raise BackupError(f"file: {path} cannot be written ({error.strerror}); name another place") from None
    finally:
        with suppress(OSError):  # where its directory is none
            part.unlink(missing_ok=True)
    return path, manifest


def _from_sqlite(engine: sa.Engine, packed: zipfile.ZipFile, now: datetime, beside: Path) -> Manifest:
    copy = beside.with_name(beside.name + ".db")
    try:
        with closing(sqlite3.connect(str(engine.url.database))) as live, closing(sqlite3.connect(copy)) as kept:
            # All at once: in steps it would begin anew whenever somebody writes. Writers do not wait for it.
            live.backup(kept)
            kept.execute("PRAGMA journal_mode=DELETE")
        with make_engine(f"sqlite:///{copy}").connect() as connection, connection.begin():
            manifest = _told(connection, now)
        # Looking into it began a log of its own.
        with closing(sqlite3.connect(copy)) as kept:
            kept.execute("PRAGMA journal_mode=DELETE")
        packed.write(copy, _SQLITE)
    finally:
        for name in ("", "-wal", "-shm"):
            Path(f"{copy}{name}").unlink(missing_ok=True)
    return manifest


def _from_postgres(engine: sa.Engine, packed: zipfile.ZipFile, now: datetime, _beside: Path) -> Manifest:
    whole = engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    with whole.connect() as connection, connection.begin():
        manifest = _told(connection, now)
        for table in manifest.rows:
            command = f"COPY {_columns(connection, table)} TO STDOUT"
            with (
                packed.open(f"{table}.copy", "w", force_zip64=True) as out,
                _cursor(connection) as cursor,
                cursor.copy(command) as rows,
            ):
                for piece in rows:
                    out.write(piece)
    return manifest


def _told(connection: sa.Connection, now: datetime) -> Manifest:
    """What the database holds, as one transaction sees it."""
    names = sorted(sa.inspect(connection).get_table_names())
    revisions = {
        name: str(_one(connection, f"SELECT version_num FROM {name}"))  # noqa: S608
        for name in _REVISIONS
        if name in names
    }
    if _REVISIONS[0] not in revisions:
        raise BackupError("database: holds nothing of Siaga; correct SIAGA_DATABASE")
    head = read_head(connection)
    return Manifest(
        form=_FORM,
        siaga=__version__,
        made_at=now.isoformat(),
        backend=connection.dialect.name,
        revisions=revisions,
        rows=_count(connection, (name for name in names if name not in _REVISIONS)),
        audit_seq=head.seq,
        audit_hash=head.hash,
    )


# -- using one ----------------------------------------------------------------------------------------------------


def restore(settings: Settings, path: Path, make_schemas: Callable[[Mapping[str, str]], None]) -> Manifest:
    """Fill the empty database of the settings, and count and verify what is in it then.

    Nothing is called about again before the store has read what Kafka knows of the pages.

    Args:
        make_schemas: makes the tables of both schemas, at these revisions, where there are none yet.

    Raises:
        BackupError: the file cannot be used, the database holds something, or what was put in is not what the file
            says; the database is as empty as before then.
        SettingsError: the database does not answer, or another Siaga writes into it.
    """
    engine = engine_of(settings, writes=True)
    with _opened(path) as packed:
        manifest = _manifest(packed, path)
        if manifest.backend != engine.dialect.name:
            raise BackupError(
                f"file: {path} is of {manifest.backend}, and the database is {engine.dialect.name}; "
                "restore it into one of its own kind"
            )
        try:
            if engine.dialect.name == "sqlite":
                _into_sqlite(engine, packed, manifest)
            else:
                _into_postgres(engine, packed, manifest, make_schemas)
        except sa.exc.OperationalError:
            raise SettingsError("database: does not answer; start it, or correct SIAGA_DATABASE") from None
        except zipfile.BadZipFile:
            raise BackupError(f"file: {path} is damaged; use another backup") from None
    return manifest


def _into_sqlite(engine: sa.Engine, packed: zipfile.ZipFile, manifest: Manifest) -> None:
    target = Path(str(engine.url.database))
    if target.exists():
        raise BackupError(f"database: {target} is there already; move it away, or name another in SIAGA_DATABASE")
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(target.name + ".part")
    try:
        part.unlink(missing_ok=True)
        with packed.open(_SQLITE) as whole, part.open("xb") as out:
            shutil.copyfileobj(whole, out, _CHUNK)
        with make_engine(f"sqlite:///{part}", writes=True).connect() as connection, connection.begin():
            if _one(connection, "PRAGMA integrity_check") != "ok":
                raise BackupError("file: the database in it is damaged; use another backup")
            revision_of(connection)
            _settle(connection, manifest)
        part.rename(target)
    except sqlite3.DatabaseError:
        raise BackupError("file: the database in it is damaged; use another backup") from None
    finally:
        for name in ("", "-wal", "-shm"):
            Path(f"{part}{name}").unlink(missing_ok=True)


def _into_postgres(
    engine: sa.Engine,
    packed: zipfile.ZipFile,
    manifest: Manifest,
    make_schemas: Callable[[Mapping[str, str]], None],
) -> None:
    with engine.connect() as lock:
        held = StoreLock(engine)
        if not held.take(lock):
            raise SettingsError("database: a store writes into it; stop 'siaga sinks' first")
        if is_filled(lock):
            raise BackupError("database: is not empty; make a new one, and name it in SIAGA_DATABASE")
        make_schemas(manifest.revisions)
        with engine.begin() as connection:
            for table in manifest.rows:
                command = f"COPY {_columns(connection, table)} FROM STDIN"
                with (
                    packed.open(f"{table}.copy") as whole,
                    _cursor(connection) as cursor,
                    cursor.copy(command) as rows,
                ):
                    for piece in _pieces(whole):
                        rows.write(piece)
                _count_on(connection, table)
            _settle(connection, manifest)


def _settle(connection: sa.Connection, manifest: Manifest) -> None:
    """Have nobody called twice, and see that everything is there. A schema of before is this Siaga's afterwards."""
    upgrade_within(connection)
    connection.execute(sa.update(clusters).values(caught_up_at=None))
    found = _count(connection, manifest.rows)
    wrong = [
        f"{table} has {found[table]} rows, not {rows}"
        for table, rows in manifest.rows.items()
        if found[table] != rows
    ]
    verdict = verify(connection)
    wrong += [f"the audit trail breaks at row {one.seq}: {one.why}" for one in verdict.breaks]
    if verdict.head != Head(manifest.audit_seq, manifest.audit_hash):
        wrong.append(f"the audit trail ends at row {verdict.head.seq}, not as the backup says")
    if wrong:
        raise BackupError(f"file: is not what it says: {'; '.join(wrong)}; use another backup")


def is_filled(connection: sa.Connection) -> bool:
    """Whether any table of ours holds a row."""
    with connection.begin():
        names = [name for name in sa.inspect(connection).get_table_names() if name not in _REVISIONS]
        return any(_count(connection, names).values())


# -- the file -----------------------------------------------------------------------------------------------------


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with _file(path) as packed:
            yield packed
    except zipfile.BadZipFile:
        raise BackupError(f"file: {path} is no backup, or is damaged; use another") from None


def _file(path: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except FileNotFoundError:
        raise BackupError(f"file: there is no {path}; name a file that 'siaga backup' made") from None
    except OSError as error:
        raise BackupError(f"file: {path} cannot be read ({error.strerror}); name another, or correct it") from None


def _manifest(packed: zipfile.ZipFile, path: Path) -> Manifest:
    try:
        told = json.loads(packed.read(_MANIFEST))
        if told["form"] > _FORM:
            raise BackupError(f"file: {path} was made by Siaga {told['siaga']}; use that one, or a newer one")
        return Manifest(**told)
    except (KeyError, TypeError, ValueError) as error:
        if isinstance(error, BackupError):
            raise
        raise BackupError(f"file: {path} is no backup of Siaga's; use another") from None


def _pieces(whole: IO[bytes]) -> Iterator[bytes]:
    while piece := whole.read(_CHUNK):
        yield piece


# -- the database -------------------------------------------------------------------------------------------------


@contextmanager
def _cursor(connection: sa.Connection) -> Iterator[Any]:
    """The driver's own, in the connection's transaction."""
    cursor = connection.connection.cursor()
    try:
        yield cursor
    finally:
        cursor.close()


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _columns(connection: sa.Connection, table: str) -> str:
    """The table with its columns by name: a migrated one may have them in another order than one made anew."""
    names = sorted(column["name"] for column in sa.inspect(connection).get_columns(table))
    return f"{_quoted(table)} ({', '.join(map(_quoted, names))})"


def _one(connection: sa.Connection, statement: str) -> Any:
    return connection.exec_driver_sql(statement).scalar_one()


def _count(connection: sa.Connection, names: Any) -> dict[str, int]:
    return {name: int(_one(connection, f"SELECT count(*) FROM {_quoted(name)}")) for name in names}  # noqa: S608


def _count_on(connection: sa.Connection, table: str) -> None:
    """Have the columns that count by themselves go on after what was put in."""
    for column in sa.inspect(connection).get_columns(table):
        if "nextval" in str(column["default"] or ""):
            name = _quoted(column["name"])
            connection.exec_driver_sql(
                f"SELECT setval(pg_get_serial_sequence('{table}', '{column['name']}'), "  # noqa: S608
                f"coalesce(max({name}), 1), max({name}) IS NOT NULL) FROM {_quoted(table)}"
            )
