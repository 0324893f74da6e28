"""How Alembic runs the revisions: on the connection it is given, in the transaction begun there."""

from __future__ import annotations

from alembic import context

from siaga.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    # SQLite can do it too, and a schema is never left half-way.
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
