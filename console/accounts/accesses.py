"""Writes down that an auditor looked up who reported, before they are shown it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from console.accounts.tables import accesses


def log_access(engine: sa.Engine, *, user: str, incident_id: str, reason: str, at: datetime) -> None:
    """Note one look. When this raises, nothing may be shown."""
    with engine.begin() as connection:
        row = {"user_name": user, "incident_id": incident_id, "reason": reason, "at": at}
        connection.execute(accesses.insert().values(row))


def latest_accesses(engine: sa.Engine, limit: int, before: int | None = None) -> Sequence[dict[str, Any]]:
    """The latest looks, newest first; ``before`` is the ``access_id`` of the last one seen."""
    wanted = sa.select(accesses).order_by(accesses.c.access_id.desc()).limit(limit)
    if before is not None:
        wanted = wanted.where(accesses.c.access_id < before)
    with engine.connect() as connection:
        return [dict(row) for row in connection.execute(wanted).mappings()]
