"""The tables of the accounts: a schema and migrations of their own, for the store knows nothing of people."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from siaga.store.tables import UtcTime

METADATA: Final = sa.MetaData(
    naming_convention={"ix": "ix_%(table_name)s_%(column_0_N_name)s", "pk": "pk_%(table_name)s"}
)

#: One row a person or program; the password as argon2 has it.
users: Final = sa.Table(
    "users",
    METADATA,
    sa.Column("name", sa.String(80), primary_key=True),
    sa.Column("role", sa.String(20), nullable=False),
    sa.Column("agency", sa.String(60)),
    sa.Column("districts", sa.JSON, nullable=False),
    sa.Column("password_hash", sa.String(200)),
    sa.Column("active", sa.Boolean, nullable=False),
    # Nothing reads these two any more; a command centre of the version before may run beside this one.
    sa.Column("failures", sa.Integer, nullable=False),
    sa.Column("locked_until", UtcTime),
    sa.Column("created_at", UtcTime, nullable=False),
)

#: One row a signed-in browser; only a hash of what its cookie holds.
sessions: Final = sa.Table(
    "sessions",
    METADATA,
    sa.Column("token_sha256", sa.String(64), primary_key=True),
    sa.Column("user_name", sa.String(80), nullable=False, index=True),
    sa.Column("csrf", sa.String(64), nullable=False),
    sa.Column("created_at", UtcTime, nullable=False),
    sa.Column("seen_at", UtcTime, nullable=False),
    sa.Column("expires_at", UtcTime, nullable=False),
)

#: One row a user who signs in with an OpenID Connect provider: who they are there, for good.
identities: Final = sa.Table(
    "identities",
    METADATA,
    sa.Column("issuer", sa.String(255), primary_key=True),
    sa.Column("subject", sa.String(255), primary_key=True),
    sa.Column("user_name", sa.String(80), nullable=False, unique=True),
    sa.Column("created_at", UtcTime, nullable=False),
)

#: One row a program's token; only a hash of its secret.
tokens: Final = sa.Table(
    "tokens",
    METADATA,
    sa.Column("token_id", sa.String(32), primary_key=True),
    sa.Column("user_name", sa.String(80), nullable=False, index=True),
    sa.Column("secret_sha256", sa.String(64), nullable=False),
    sa.Column("created_at", UtcTime, nullable=False),
    sa.Column("expires_at", UtcTime),
)

#: One row each time an auditor looked up who reported, with the reason they gave.
accesses: Final = sa.Table(
    "accesses",
    METADATA,
    sa.Column("access_id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("at", UtcTime, nullable=False),
    sa.Column("user_name", sa.String(80), nullable=False),
    sa.Column("incident_id", sa.String(36), nullable=False),
    sa.Column("reason", sa.String(500), nullable=False),
)
