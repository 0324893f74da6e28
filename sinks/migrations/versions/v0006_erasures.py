"""Rows of the audit trail that personal data may be erased from: sealed with a salt, and marked once it was done.

Rows of before have no salt and are verified as they were sealed. After a downgrade an older Siaga cannot verify the
rows that were sealed with one.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def code(length: int) -> sa.types.TypeEngine[str]:
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


def upgrade() -> None:
    op.add_column(
        "audit_log",
        sa.Column("salt", code(32), nullable=True, comment="Random, part of what is sealed; gone once it was erased"),
    )
    op.add_column(
        "audit_log",
        sa.Column("erased_by", sa.BigInteger(), nullable=True, comment="Row of the erasure that changed this one"),
    )


def downgrade() -> None:
    op.drop_column("audit_log", "erased_by")
    op.drop_column("audit_log", "salt")
