"""Runs the migrations of the accounts; the connection is handed in by :func:`console.accounts.schema.upgrade`."""

from __future__ import annotations

from alembic import context

from console.accounts.schema import VERSION_TABLE
from console.accounts.tables import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    version_table=VERSION_TABLE,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
