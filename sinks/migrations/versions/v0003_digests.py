"""When the digest of a storm is due, so that the sweeper can tell of it too."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True).with_variant(sa.String(32), "sqlite")


def upgrade() -> None:
    op.add_column(
        "escalations",
        sa.Column("digest_due_at", TIME, nullable=True, comment="When the digest is due that calls of it wait for"),
    )
    op.create_index("ix_escalations_digest_due_at", "escalations", ["digest_due_at"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_escalations_digest_due_at", table_name="escalations")
    op.drop_column("escalations", "digest_due_at")
