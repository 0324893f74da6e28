"""Escalations, pages and what became of them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True).with_variant(sa.String(32), "sqlite")
JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def code(length: int) -> sa.types.TypeEngine[str]:
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "escalation_steps",
        sa.Column("step_id", code(64), nullable=False),
        sa.Column("incident_id", code(36), nullable=False),
        sa.Column("generation", sa.BigInteger(), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("reason", sa.String(length=40), nullable=False),
        sa.Column("level", sa.BigInteger(), nullable=False),
        sa.Column("round", sa.BigInteger(), nullable=False),
        sa.Column("officer_id", sa.String(length=80), nullable=True),
        sa.Column("channel", sa.String(length=80), nullable=True),
        sa.Column("page_id", code(36), nullable=True),
        sa.Column("desk", sa.String(length=170), nullable=True),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("step_id", name="pk_escalation_steps"),
    )
    op.create_index("ix_escalation_steps_incident_id_at", "escalation_steps", ["incident_id", "at"], unique=False)
    op.create_index("ix_escalation_steps_seq", "escalation_steps", ["seq"], unique=False)
    op.create_table(
        "escalations",
        sa.Column("incident_id", code(36), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("generation", sa.BigInteger(), nullable=False),
        sa.Column("district", code(8), nullable=False),
        sa.Column("station_id", code(20), nullable=True),
        sa.Column("kind", sa.String(length=81), nullable=False),
        sa.Column("severity", sa.SmallInteger(), nullable=False),
        sa.Column("lead_agency", sa.String(length=80), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.String(length=40), nullable=False),
        sa.Column("level", sa.BigInteger(), nullable=False),
        sa.Column("round", sa.BigInteger(), nullable=False),
        sa.Column("next_due_at", TIME, nullable=True),
        sa.Column("next_timer", sa.String(length=20), nullable=True),
        sa.Column("acknowledged_by", sa.String(length=80), nullable=True, comment="CONFIDENTIAL"),
        sa.Column("lease_until", TIME, nullable=True),
        sa.Column("handed_to", sa.String(length=80), nullable=True),
        sa.Column("verify", sa.Boolean(), nullable=False),
        sa.Column("cluster_id", code(36), nullable=True),
        sa.Column("policy", sa.String(length=80), nullable=False),
        sa.Column("roster", sa.String(length=80), nullable=False),
        sa.Column("opened_at", TIME, nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.Column("drill", sa.Boolean(), nullable=False),
        sa.Column("body", JSON, nullable=False, comment="CONFIDENTIAL: names officers"),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("incident_id", name="pk_escalations"),
    )
    op.create_index("ix_escalations_district", "escalations", ["district"], unique=False)
    op.create_index("ix_escalations_next_due_at", "escalations", ["next_due_at"], unique=False)
    op.create_index("ix_escalations_seq", "escalations", ["seq"], unique=False)
    op.create_index("ix_escalations_state_severity", "escalations", ["state", "severity"], unique=False)
    op.create_table(
        "page_cancellations",
        sa.Column("page_id", code(36), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("page_id", name="pk_page_cancellations"),
    )
    op.create_table(
        "page_messages",
        sa.Column("message_key", code(36), nullable=False),
        sa.Column("attempt", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("officer_id", sa.String(length=80), nullable=False, comment="CONFIDENTIAL"),
        sa.Column("channel_kind", sa.String(length=20), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("message_key", "attempt", name="pk_page_messages"),
    )
    op.create_index("ix_page_messages_at", "page_messages", ["at"], unique=False)
    op.create_index(
        "ix_page_messages_officer_id_channel_kind_at",
        "page_messages",
        ["officer_id", "channel_kind", "at"],
        unique=False,
    )
    op.create_table(
        "page_results",
        sa.Column("page_id", code(36), nullable=False),
        sa.Column("attempt", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.String(length=20), nullable=False),
        sa.Column("incident_id", code(36), nullable=False),
        sa.Column("generation", sa.BigInteger(), nullable=False),
        sa.Column("district", code(8), nullable=False),
        sa.Column("officer_id", sa.String(length=80), nullable=False, comment="CONFIDENTIAL"),
        sa.Column("channel", sa.String(length=80), nullable=False),
        sa.Column("provider_id", sa.String(length=200), nullable=True),
        sa.Column("detail", sa.String(length=300), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("published_at", TIME, nullable=True),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("page_id", "attempt", "status", "reason", name="pk_page_results"),
    )
    op.create_index("ix_page_results_incident_id_at", "page_results", ["incident_id", "at"], unique=False)
    op.create_index("ix_page_results_published_at_at", "page_results", ["published_at", "at"], unique=False)
    op.create_index("ix_page_results_seq", "page_results", ["seq"], unique=False)
    op.create_table(
        "pages",
        sa.Column("page_id", code(36), nullable=False),
        sa.Column("incident_id", code(36), nullable=False),
        sa.Column("generation", sa.BigInteger(), nullable=False),
        sa.Column("level", sa.BigInteger(), nullable=False),
        sa.Column("round", sa.BigInteger(), nullable=False),
        sa.Column("district", code(8), nullable=False),
        sa.Column("officer_id", sa.String(length=80), nullable=False),
        sa.Column("agency", sa.String(length=80), nullable=False),
        sa.Column("channel", sa.String(length=80), nullable=False),
        sa.Column("channel_kind", sa.String(length=20), nullable=False),
        sa.Column("purpose", sa.String(length=20), nullable=False),
        sa.Column("severity", sa.SmallInteger(), nullable=False),
        sa.Column("code", sa.String(length=10), nullable=False),
        sa.Column("due_at", TIME, nullable=False),
        sa.Column("answer_by", TIME, nullable=True),
        sa.Column("expires_at", TIME, nullable=False),
        sa.Column("drill", sa.Boolean(), nullable=False),
        sa.Column("body", JSON, nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False, comment="See sinks.notify.machine"),
        sa.Column("reason", sa.String(length=20), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column(
            "available_at", TIME, nullable=True, comment="When to look at it next; NULL where there is nothing to do"
        ),
        sa.Column(
            "lease_until",
            TIME,
            nullable=True,
            comment="While it is sent: when nobody knows any more what became of it",
        ),
        sa.Column("waits", sa.Boolean(), nullable=False, comment="The streams were told that it waits for its turn"),
        sa.Column("doubtful", sa.Boolean(), nullable=False, comment="Some try of it may have arrived unheard"),
        sa.Column(
            "message_key", code(36), nullable=True, comment="The message that it is sent in, by itself or bundled"
        ),
        sa.Column("provider_id", sa.String(length=200), nullable=True),
        sa.Column("begun_at", TIME, nullable=True, comment="When sending first began"),
        sa.Column("sent_at", TIME, nullable=True, comment="When a provider had taken it"),
        sa.Column("delivered_at", TIME, nullable=True),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("page_id", name="pk_pages"),
    )
    op.create_index("ix_pages_due_at", "pages", ["due_at"], unique=False)
    op.create_index("ix_pages_incident_id", "pages", ["incident_id"], unique=False)
    op.create_index(
        "ix_pages_officer_id_channel_kind_status", "pages", ["officer_id", "channel_kind", "status"], unique=False
    )
    op.create_index("ix_pages_seq", "pages", ["seq"], unique=False)
    op.create_index("ix_pages_status_available_at", "pages", ["status", "available_at"], unique=False)
    op.add_column(
        "clusters",
        sa.Column("caught_up_at", TIME, nullable=True, comment="When all that it knew of pages had been stored"),
    )


def downgrade() -> None:
    op.drop_column("clusters", "caught_up_at")
    op.drop_table("pages")
    op.drop_table("page_results")
    op.drop_table("page_messages")
    op.drop_table("page_cancellations")
    op.drop_table("escalations")
    op.drop_table("escalation_steps")
