"""Who users are at an OpenID Connect provider."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from siaga.store.tables import UtcTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "identities",
        sa.Column("issuer", sa.String(255), primary_key=True),
        sa.Column("subject", sa.String(255), primary_key=True),
        sa.Column("user_name", sa.String(80), nullable=False, unique=True),
        sa.Column("created_at", UtcTime, nullable=False),
    )


def downgrade() -> None:
    """Drop it; those users are nobody's any more, and come back as new ones when their rows are removed."""
    op.drop_table("identities")
