"""What whoever gave a command reads where a file, Kafka or the database failed in its midst: a line, as the doctor
says it, and no traceback.

In: the error that ended the command. Out: the line; None for what is a fault of ours, of which every detail counts.
"""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from siaga.settings import SettingsError

if TYPE_CHECKING:
    from siaga.checks import Finding

_AGAIN = "see what 'siaga doctor' says, and do it again"


def told(error: Exception) -> str | None:
    """The line for ``error``. Values that were on their way are never in it."""
    try:
        if isinstance(error, OSError):
            return _about_file(error)
        # Asked by name: most commands have loaded neither of the two.
        match _maker(error):
            case "kafka":
                return _about_kafka(error)
            case "sqlalchemy" | "psycopg" | "sqlite3":
                return _about_database(error)
    except SettingsError as wrong:
        return str(wrong)
    return None


def _maker(error: Exception) -> str:
    """The package that an error, or what it derives from, comes from."""
    kinds = (kind.__module__.partition(".")[0] for kind in type(error).__mro__)
    return next((maker for maker in kinds if maker in ("kafka", "sqlalchemy", "psycopg", "sqlite3")), "")


def _about_file(error: OSError) -> str:
    said = error.strerror or type(error).__name__
    if error.filename is None:
        return f"system: {said}; {_AGAIN}"
    return f"file: {error.filename} cannot be used ({said}); correct the name, or the permissions"


def _about_kafka(error: Exception) -> str:
    from kafka.errors import AuthorizationError

    from siaga.cli.running import settings_of_running
    from siaga.wire.check import check_kafka
    from siaga.wire.client import not_allowed

    settings = settings_of_running()
    if isinstance(error, AuthorizationError):
        then = "set SIAGA_KAFKA_USER to siaga-admin, with its password, or give the rights with 'siaga acl apply'"
        return not_allowed(settings, "do this on Kafka", then)
    general = f"kafka: {settings.kafka} does not do what is asked ({type(error).__name__}); {_AGAIN}"
    return _unless_right(check_kafka(settings)) or general


def _about_database(error: Exception) -> str | None:
    import sqlalchemy as sa

    from siaga.cli.running import settings_of_running
    from sinks.check import check_database

    cause = error.orig if isinstance(error, sa.exc.DBAPIError) else error
    if isinstance(error, sa.exc.SQLAlchemyError) and not isinstance(error, sa.exc.DBAPIError | sa.exc.TimeoutError):
        return None
    if getattr(cause, "sqlstate", None) == "42501":
        return (
            "database: this role may not do this; set SIAGA_DATABASE to the URL of one that may "
            "(docs/how-to/secure-the-lines.md), or give the rights with 'siaga db roles --apply'"
        )
    found = _unless_right(check_database(settings_of_running()))
    if found is None and isinstance(cause, sqlite3.OperationalError):
        return f"database: the file does not take it ({cause}); make room, end its user, or correct its permissions"
    if found is None and isinstance(error, sa.exc.OperationalError | sa.exc.TimeoutError):
        return f"database: did not do what was asked ({type(cause).__name__}); {_AGAIN}"
    return found


def _unless_right(finding: Finding) -> str | None:
    from siaga.checks import State

    return finding.text if finding.state in (State.AWAY, State.WRONG) else None
