"""The first schema."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True).with_variant(sa.String(32), "sqlite")
JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")

#: The audit trail is only ever added to, be it by mistake or by hand.
SQLITE_GUARD = """
CREATE TRIGGER audit_log_no_{event} BEFORE {event} ON audit_log
BEGIN SELECT RAISE(ABORT, 'audit_log is append-only'); END
"""
POSTGRES_FUNCTION = """
CREATE FUNCTION audit_log_append_only() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'audit_log is append-only'; END $$
"""
POSTGRES_GUARD = """
CREATE TRIGGER audit_log_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log
FOR EACH STATEMENT EXECUTE FUNCTION audit_log_append_only()
"""


def code(length: int) -> sa.types.TypeEngine[str]:
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "audit_head",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("hash", code(64), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_head"),
    )
    op.create_table(
        "audit_log",
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("actor", sa.String(length=200), nullable=False, comment="CONFIDENTIAL"),
        sa.Column("action", sa.String(length=60), nullable=False),
        sa.Column("object", sa.String(length=200), nullable=False),
        sa.Column("detail", sa.String(length=200), nullable=False),
        sa.Column("previous", code(64), nullable=False),
        sa.Column("hash", code(64), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_audit_log"),
    )
    op.create_index("ix_audit_log_at", "audit_log", ["at"], unique=False)
    op.create_index("ix_audit_log_object", "audit_log", ["object"], unique=False)
    op.create_table(
        "checkins",
        sa.Column("report_id", code(36), nullable=False),
        sa.Column("station_id", code(20), nullable=False),
        sa.Column("district", code(8), nullable=False),
        sa.Column("phase", sa.String(length=20), nullable=False),
        sa.Column("occurred_at", TIME, nullable=False),
        sa.Column("sent_at", TIME, nullable=True),
        sa.Column("received_at", TIME, nullable=False),
        sa.Column("device_id", sa.String(length=80), nullable=False),
        sa.Column("reporter_id", sa.String(length=80), nullable=False, comment="CONFIDENTIAL"),
        sa.Column("reporter_role", sa.String(length=20), nullable=False),
        sa.Column("turnout", sa.Integer(), nullable=True),
        sa.Column("queue", sa.Integer(), nullable=True),
        sa.Column("personnel", sa.Integer(), nullable=True),
        sa.Column("lat", sa.Double(), nullable=True),
        sa.Column("lon", sa.Double(), nullable=True),
        sa.Column("accuracy_m", sa.Double(), nullable=True),
        sa.Column("channel", sa.String(length=20), nullable=False),
        sa.Column("drill", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("report_id", name="pk_checkins"),
    )
    op.create_index("ix_checkins_received_at", "checkins", ["received_at"], unique=False)
    op.create_table(
        "clusters",
        sa.Column("cluster_id", sa.String(length=80), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("first_seen_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("cluster_id", name="pk_clusters"),
        sa.UniqueConstraint("epoch", name="uq_clusters_epoch"),
    )
    op.create_table(
        "commands",
        sa.Column("command_id", code(36), nullable=False),
        sa.Column("incident_id", code(36), nullable=False),
        sa.Column("district", code(8), nullable=False),
        sa.Column("action", sa.String(length=40), nullable=False),
        sa.Column("actor", sa.String(length=80), nullable=False, comment="CONFIDENTIAL"),
        sa.Column("at", TIME, nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("body", JSON, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("command_id", name="pk_commands"),
    )
    op.create_index("ix_commands_incident_id_at", "commands", ["incident_id", "at"], unique=False)
    op.create_index("ix_commands_seq", "commands", ["seq"], unique=False)
    op.create_table(
        "districts",
        sa.Column("district", code(8), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("neighbours", JSON, nullable=False),
        sa.Column("station_count", sa.Integer(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("district", name="pk_districts"),
    )
    op.create_table(
        "feed",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_feed"),
    )
    op.create_table(
        "incident_events",
        sa.Column("event_id", code(64), nullable=False),
        sa.Column("incident_id", code(36), nullable=False),
        sa.Column("change", sa.String(length=40), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("actor", sa.String(length=80), nullable=True, comment="Officer, for what people do. CONFIDENTIAL"),
        sa.Column("detail", sa.String(length=500), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("event_id", name="pk_incident_events"),
    )
    op.create_index("ix_incident_events_incident_id_at", "incident_events", ["incident_id", "at"], unique=False)
    op.create_index("ix_incident_events_seq", "incident_events", ["seq"], unique=False)
    op.create_table(
        "incident_reports",
        sa.Column("report_id", code(36), nullable=False),
        sa.Column("incident_id", code(36), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("report_id", name="pk_incident_reports"),
    )
    op.create_index("ix_incident_reports_incident_id", "incident_reports", ["incident_id"], unique=False)
    op.create_table(
        "incidents",
        sa.Column("incident_id", code(36), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("generation", sa.BigInteger(), nullable=False),
        sa.Column("district", code(8), nullable=False),
        sa.Column("station_id", code(20), nullable=True),
        sa.Column("station_count", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=81), nullable=False),
        sa.Column("family", sa.String(length=40), nullable=False),
        sa.Column("lead_agency", sa.String(length=80), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("severity", sa.SmallInteger(), nullable=False),
        sa.Column("computed_severity", sa.SmallInteger(), nullable=False),
        sa.Column("certainty", sa.String(length=20), nullable=False),
        sa.Column("urgency", sa.String(length=20), nullable=False),
        sa.Column("reasons", JSON, nullable=False, comment="Those with confidential = true are CONFIDENTIAL"),
        sa.Column("needs_verification", sa.Boolean(), nullable=False),
        sa.Column("verified_by", sa.String(length=80), nullable=True),
        sa.Column("refuted_by", sa.String(length=80), nullable=True),
        sa.Column("assigned_to", sa.String(length=80), nullable=True),
        sa.Column("acknowledged_by", sa.String(length=80), nullable=True),
        sa.Column("outcome", sa.String(length=500), nullable=True),
        sa.Column("report_count", sa.BigInteger(), nullable=False),
        sa.Column("reporter_count", sa.BigInteger(), nullable=False),
        sa.Column("cluster_id", code(36), nullable=True),
        sa.Column("clock_skewed", sa.Boolean(), nullable=False),
        sa.Column("first_occurred_at", TIME, nullable=False),
        sa.Column("last_occurred_at", TIME, nullable=False),
        sa.Column("first_received_at", TIME, nullable=False),
        sa.Column("opened_at", TIME, nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.Column("ruleset", sa.String(length=80), nullable=False),
        sa.Column("drill", sa.Boolean(), nullable=False),
        sa.Column("body", JSON, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("incident_id", name="pk_incidents"),
    )
    op.create_index("ix_incidents_cluster_id", "incidents", ["cluster_id"], unique=False)
    op.create_index("ix_incidents_district_updated_at", "incidents", ["district", "updated_at"], unique=False)
    op.create_index("ix_incidents_seq", "incidents", ["seq"], unique=False)
    op.create_index("ix_incidents_severity_updated_at", "incidents", ["severity", "updated_at"], unique=False)
    op.create_index(
        "ix_incidents_state_severity_updated_at", "incidents", ["state", "severity", "updated_at"], unique=False
    )
    op.create_index("ix_incidents_station_id", "incidents", ["station_id"], unique=False)
    op.create_index("ix_incidents_updated_at", "incidents", ["updated_at"], unique=False)
    op.create_table(
        "offsets",
        sa.Column("cluster_id", sa.String(length=80), nullable=False),
        sa.Column("group_id", sa.String(length=80), nullable=False),
        sa.Column("topic", sa.String(length=249), nullable=False),
        sa.Column("partition", sa.Integer(), nullable=False),
        sa.Column("next_offset", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("cluster_id", "group_id", "topic", "partition", name="pk_offsets"),
    )
    op.create_table(
        "registry",
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column(
            "value",
            sa.LargeBinary(),
            nullable=True,
            comment="CONFIDENTIAL: holds vulnerabilities and hashes of secrets",
        ),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("kafka_offset", sa.BigInteger(), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_registry"),
    )
    op.create_table(
        "rejected",
        sa.Column("rejection_id", code(36), nullable=False),
        sa.Column("reason", sa.String(length=40), nullable=False),
        sa.Column("field", sa.String(length=200), nullable=True),
        sa.Column("message", sa.String(length=1000), nullable=False),
        sa.Column("remedy", sa.String(length=1000), nullable=False),
        sa.Column("source", sa.String(length=100), nullable=False),
        sa.Column("topic", sa.Text(), nullable=True),
        sa.Column("partition", sa.BigInteger(), nullable=True),
        sa.Column("kafka_offset", sa.BigInteger(), nullable=True),
        sa.Column("item_index", sa.BigInteger(), nullable=True),
        sa.Column("key", sa.Text(), nullable=True),
        sa.Column("original", sa.LargeBinary(), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("replayed_at", TIME, nullable=True),
        sa.PrimaryKeyConstraint("rejection_id", name="pk_rejected"),
    )
    op.create_index("ix_rejected_at", "rejected", ["at"], unique=False)
    op.create_index("ix_rejected_reason_at", "rejected", ["reason", "at"], unique=False)
    op.create_table(
        "reports",
        sa.Column("report_id", code(36), nullable=False),
        sa.Column("station_id", code(20), nullable=False),
        sa.Column("district", code(8), nullable=False),
        sa.Column("kind", sa.String(length=81), nullable=False),
        sa.Column("occurred_at", TIME, nullable=False),
        sa.Column("sent_at", TIME, nullable=True),
        sa.Column("received_at", TIME, nullable=False),
        sa.Column("device_id", sa.String(length=80), nullable=False),
        sa.Column("reporter_role", sa.String(length=20), nullable=False),
        sa.Column("channel", sa.String(length=20), nullable=False),
        sa.Column("corrects", code(36), nullable=True),
        sa.Column("withdraws", sa.Boolean(), nullable=False),
        sa.Column("drill", sa.Boolean(), nullable=False),
        sa.Column("body", JSON, nullable=False),
        sa.Column("incident_id", code(36), nullable=True, comment="NULL until it is triaged"),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("report_id", name="pk_reports"),
    )
    op.create_index("ix_reports_district_received_at", "reports", ["district", "received_at"], unique=False)
    op.create_index("ix_reports_incident_id", "reports", ["incident_id"], unique=False)
    op.create_index("ix_reports_received_at", "reports", ["received_at"], unique=False)
    op.create_index("ix_reports_seq", "reports", ["seq"], unique=False)
    op.create_index("ix_reports_station_id_received_at", "reports", ["station_id", "received_at"], unique=False)
    op.create_table(
        "stations",
        sa.Column("station_id", code(20), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("district", code(8), nullable=False),
        sa.Column("village", sa.String(length=120), nullable=False),
        sa.Column("lat", sa.Double(), nullable=False),
        sa.Column("lon", sa.Double(), nullable=False),
        sa.Column("vulnerability", sa.String(length=20), nullable=False, comment="CONFIDENTIAL"),
        sa.Column("voters", sa.BigInteger(), nullable=True),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("station_id", name="pk_stations"),
    )
    op.create_index("ix_stations_district", "stations", ["district"], unique=False)

    if op.get_bind().dialect.name == "postgresql":
        op.execute(POSTGRES_FUNCTION)
        op.execute(POSTGRES_GUARD)
    else:
        for event in ("UPDATE", "DELETE"):
            op.execute(SQLITE_GUARD.format(event=event))


def downgrade() -> None:
    op.drop_table("stations")
    op.drop_table("reports")
    op.drop_table("rejected")
    op.drop_table("registry")
    op.drop_table("offsets")
    op.drop_table("incidents")
    op.drop_table("incident_reports")
    op.drop_table("incident_events")
    op.drop_table("feed")
    op.drop_table("districts")
    op.drop_table("commands")
    op.drop_table("clusters")
    op.drop_table("checkins")
    op.drop_table("audit_log")
    op.drop_table("audit_head")

    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION audit_log_append_only()")
