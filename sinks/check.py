"""What is wrong with the line to the database: address, certificate, sign-in, schema.

In: the settings, and which process asks. Out: one finding: the first step that does not go, or that all do. State:
none.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import sqlalchemy as sa

from siaga.checks import Finding, State
from siaga.settings import Settings, SettingsError
from siaga.store.tables import metadata
from sinks.database import engine_of
from sinks.migrate import newest, revision_of

_SUBJECT: Final = "database"
#: What the driver says of an address, and what that is to somebody who reads it.
_WHY: Final = {
    "resolve": "is no name that is known",
    "refused": "refuses the connection",
    "timeout": "does not answer in time",
    "closed the connection": "closes the connection at once, as what is no PostgreSQL may do",
}
#: What the driver says of an answer that PostgreSQL does not give, with TLS and without.
_NOT_POSTGRES: Final = ("invalid response to SSL negotiation", "expected authentication request")
#: What PostgreSQL says while it will soon be there.
_SOON: Final = ("starting up", "shutting down", "recovery", "too many", "remaining connection slots")


def check_database(settings: Settings, process: str | None = None) -> Finding:
    """Whether ``process`` can work with the database: sinks bring an old schema up to date where their role may."""
    try:
        if _is_unmade_file(settings.database_url):
            # Looking would make it.
            return Finding(_SUBJECT, State.WARNING, "database: its file is not there yet; 'siaga sinks' makes it")
        engine = engine_of(settings)
        with engine.connect() as connection, connection.begin():
            return _schema(connection, process)
    except SettingsError as error:
        return Finding(_SUBJECT, State.WRONG, str(error))
    except (sa.exc.OperationalError, OSError) as error:
        return _about_file(error) if _is_file(settings.database_url) else _about(settings, error)
    except sa.exc.ProgrammingError:
        return Finding(
            _SUBJECT,
            State.WRONG,
            "database: this role may not read the schema's revision; give the rights with 'siaga db roles --apply'",
        )
    except sa.exc.DatabaseError:
        return Finding(_SUBJECT, State.WRONG, "database: the file is no SQLite database; correct SIAGA_DATABASE")


def _is_unmade_file(url: str) -> bool:
    return _is_file(url) and not Path(str(sa.make_url(url).database)).exists()


def _is_file(url: str) -> bool:
    try:
        parsed = sa.make_url(url)
    except sa.exc.ArgumentError:
        return False  # said by whoever opens it
    return parsed.get_backend_name() == "sqlite" and parsed.database not in (None, "", ":memory:")


def _schema(connection: sa.Connection, process: str | None) -> Finding:
    revision, wanted = revision_of(connection), newest()
    if revision == wanted:
        return Finding(_SUBJECT, State.RIGHT, f"answers with schema {revision}")
    if revision is None and (foreign := _of_something_else(connection)):
        return Finding(
            _SUBJECT,
            State.WRONG,
            f"database: it has tables of something else ({', '.join(foreign)}); name an empty one in SIAGA_DATABASE",
        )
    has = f"its schema is revision {revision} of {wanted}" if revision else "it holds nothing of Siaga yet"
    if process == "sinks" and _may_create(connection):
        return Finding(_SUBJECT, State.WARNING, f"database: {has}; 'siaga sinks' changes it now")
    if process == "console":
        # It waits for the store, and shows what there is.
        return Finding(_SUBJECT, State.AWAY, f"database: {has}; run 'siaga db upgrade', or start 'siaga sinks'")
    return Finding(_SUBJECT, State.WRONG, f"database: {has}; run 'siaga db upgrade' as the owner of its tables")


def _of_something_else(connection: sa.Connection) -> list[str]:
    """Tables that are named as ours and are not: the first few."""
    inspector = sa.inspect(connection)
    there = set(inspector.get_table_names())
    if "alembic_version" in there:
        # Made before all else: somebody is making ours just now (SQLite shows tables one by one).
        return []
    # The command centre may have come first, and made its own.
    accounts = set() if "accounts_version" in there else there & {"users", "sessions", "tokens"}
    others = {
        name
        for name in there & set(metadata.tables)
        if not set(metadata.tables[name].columns.keys()) <= {found["name"] for found in inspector.get_columns(name)}
    }
    return sorted(accounts | others)[:3]


def _may_create(connection: sa.Connection) -> bool:
    if connection.dialect.name != "postgresql":
        return True
    return bool(connection.scalar(sa.text("SELECT has_schema_privilege('public', 'CREATE')")))


def _about_file(error: Exception) -> Finding:
    said = str(getattr(error, "orig", None) or error)
    if "unable to open" in said or "readonly" in said or isinstance(error, OSError):
        text = f"database: the file cannot be opened ({said}); correct SIAGA_DATABASE, or its and its folder's rights"
        return Finding(_SUBJECT, State.WRONG, text)
    return Finding(
        _SUBJECT, State.AWAY, f"database: the file cannot be used now ({said}); make room, or end its user"
    )


def _about(settings: Settings, error: Exception) -> Finding:
    """What the driver says, without the parts of it that name hosts and people twice."""
    said = str(getattr(error, "orig", None) or error)
    parsed = sa.make_url(settings.database_url)
    where = f"{parsed.host}:{parsed.port or 5432}"
    if any(part in said for part in _NOT_POSTGRES):
        text = f"database: what answers at {where} is no PostgreSQL; correct the host or port in SIAGA_DATABASE"
        return Finding(_SUBJECT, State.WRONG, text)
    if "certificate" in said or "SSL" in said:
        text = (
            f"database: the server's certificate or its TLS is not what the URL asks for ({_reason(said)}); correct "
            "sslmode and sslrootcert in SIAGA_DATABASE, or renew the server's certificate"
        )
        return Finding(_SUBJECT, State.WRONG, text)
    if "password" in said:
        setting = "database_password_file" if settings.database_password_file else "database"
        text = (
            f"{setting}: PostgreSQL does not let the role in with this password; correct SIAGA_{setting.upper()}, or "
            "give the role the password with ALTER ROLE"
        )
        return Finding(_SUBJECT, State.WRONG, text)
    if "FATAL" in said and not any(word in said for word in _SOON):
        text = (
            f"database: PostgreSQL refuses us ({_reason(said)}); correct SIAGA_DATABASE, or the server's pg_hba.conf"
        )
        return Finding(_SUBJECT, State.WRONG, text)
    why = next((words for part, words in _WHY.items() if part in said), "does not answer")
    return Finding(_SUBJECT, State.AWAY, f"database: {where} {why}; start it, or correct SIAGA_DATABASE")


def _reason(said: str) -> str:
    """The last clause of the first line that names a reason."""
    line = next(
        (line for line in said.splitlines() if "FATAL" in line or "SSL" in line or "certificate" in line), said
    )
    return line.rpartition("failed: ")[2].rpartition("FATAL:")[2].strip()[:160]
