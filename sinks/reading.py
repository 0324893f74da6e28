"""A connection for somebody who asks: the database as it is, or one clear line why it cannot be asked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from siaga.settings import Settings, SettingsError
from sinks.database import engine_of
from sinks.migrate import SchemaError, newest, revision_of


@contextmanager
def reading(settings: Settings, *, writes: bool = False) -> Iterator[sa.Connection]:
    """A connection to a database whose schema is this Siaga's; committed at the end where it ``writes``.

    Raises:
        SettingsError: there is no such database, it does not answer, or its schema is another.
    """
    engine = engine_of(settings, writes=writes)
    path = engine.url.database
    if engine.dialect.name == "sqlite" and path not in (None, "", ":memory:") and not Path(str(path)).exists():
        raise SettingsError(f"database: there is no {path}; start Siaga with 'siaga up', or correct SIAGA_DATABASE")
    try:
        connection = engine.connect()
    except sa.exc.OperationalError:
        raise SettingsError("database: does not answer; start it, or correct SIAGA_DATABASE") from None
    with connection, connection.begin():
        revision = revision_of(connection)
        if revision is None:
            raise SchemaError("database: holds nothing of Siaga yet; run 'siaga db upgrade' or start 'siaga sinks'")
        if revision != newest():
            raise SchemaError(f"database: its schema is revision {revision} of {newest()}; run 'siaga db upgrade'")
        yield connection
