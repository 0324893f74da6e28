"""Which topic, and which of its leaders, a position belongs to: topics are made anew, and logs are cut off.

Positions of before have neither; the store gives them the topics that it sees first.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def code(length: int) -> sa.types.TypeEngine[str]:
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


def upgrade() -> None:
    op.add_column(
        "offsets",
        sa.Column(
            "topic_id",
            code(36),
            nullable=True,
            comment="Of the topic that was read; another of its name is read from its beginning",
        ),
    )
    op.add_column(
        "offsets",
        sa.Column(
            "leader_epoch",
            sa.Integer(),
            nullable=True,
            comment="Of the last record: tells whether the log was cut off before it",
        ),
    )


def downgrade() -> None:
    op.drop_column("offsets", "leader_epoch")
    op.drop_column("offsets", "topic_id")
