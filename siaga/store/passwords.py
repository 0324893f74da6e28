"""The database's password out of a file, read anew at every connection: it may change while a process runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import sqlalchemy as sa

from siaga.secret_files import read_secret


def read_password_from(engine: sa.Engine, path: Path | None) -> None:
    """Have each new connection of ``engine`` sign in with what ``path`` holds then; nothing where it is None.

    A file that cannot be read is a :class:`siaga.settings.SettingsError` of whoever connects.
    """
    if path is None or engine.dialect.name != "postgresql":
        return

    @sa.event.listens_for(engine, "do_connect")
    def _connecting(_dialect: Any, _record: Any, _arguments: Any, named: dict[str, Any]) -> None:
        named["password"] = read_secret(path, "database_password_file")
