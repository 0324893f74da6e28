"""Every table of the database, and the types that are the same on SQLite and PostgreSQL.

Ids are text in the canonical form of a UUID. Times are UTC: ``timestamptz`` on PostgreSQL; on SQLite text such as
``2022-02-23 02:14:05.000000+00:00``, of one width, so that it sorts as time does. ``seq`` rises with every change the
store commits, over all tables that have one: :data:`feed` holds the highest, so that a reader asks cheaply whether
anything is new and then for what has a greater ``seq`` than it knows. Only one store writes, so that what is
committed later never has a smaller one.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

metadata: Final = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    }
)


def utc_text(at: datetime) -> str:
    """An aware time as SQLite keeps it."""
    return at.astimezone(UTC).isoformat(" ", "microseconds")


class UtcTime(sa.TypeDecorator[datetime]):
    """A time with an offset, kept in UTC and read back in UTC."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
        if dialect.name == "sqlite":
            return dialect.type_descriptor(sa.String(32))
        return dialect.type_descriptor(sa.DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> Any:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without an offset cannot be stored; give it one")
        return utc_text(value) if dialect.name == "sqlite" else value.astimezone(UTC)

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> datetime | None:
        if value is None:
            return None
        at = datetime.fromisoformat(value) if isinstance(value, str) else value
        return at.astimezone(UTC)


def _code(length: int) -> sa.types.TypeEngine[str]:
    """Text of ASCII codes, compared byte by byte whatever the database's language is: much faster to index."""
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


def _json() -> sa.types.TypeEngine[Any]:
    return sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


_ID: Final = _code(36)
_DISTRICT: Final = _code(8)
_STATION: Final = _code(20)
_TOKEN: Final = sa.String(80)

#: Accepted reports, each once. ``body`` is the whole accepted report; CONFIDENTIAL, as is all of this table.
reports: Final = sa.Table(
    "reports",
    metadata,
    sa.Column("report_id", _ID, primary_key=True),
    sa.Column("station_id", _STATION, nullable=False),
    sa.Column("district", _DISTRICT, nullable=False),
    sa.Column("kind", sa.String(81), nullable=False),
    sa.Column("occurred_at", UtcTime, nullable=False),
    sa.Column("sent_at", UtcTime),
    sa.Column("received_at", UtcTime, nullable=False),
    sa.Column("device_id", _TOKEN, nullable=False),
    sa.Column("reporter_role", sa.String(20), nullable=False),
    sa.Column("channel", sa.String(20), nullable=False),
    sa.Column("corrects", _ID),
    sa.Column("withdraws", sa.Boolean, nullable=False),
    sa.Column("drill", sa.Boolean, nullable=False),
    sa.Column("body", _json(), nullable=False),
    sa.Column("incident_id", _ID, comment="NULL until it is triaged"),
    sa.Column("seq", sa.BigInteger, nullable=False),
    sa.Index(None, "incident_id"),
    sa.Index(None, "station_id", "received_at"),
    sa.Index(None, "district", "received_at"),
    sa.Index(None, "received_at"),
    sa.Index(None, "seq"),
)

#: Check-ins, each once. No body and one index: they are the bulk of the traffic, and their columns are all there is.
checkins: Final = sa.Table(
    "checkins",
    metadata,
    sa.Column("report_id", _ID, primary_key=True),
    sa.Column("station_id", _STATION, nullable=False),
    sa.Column("district", _DISTRICT, nullable=False),
    sa.Column("phase", sa.String(20), nullable=False),
    sa.Column("occurred_at", UtcTime, nullable=False),
    sa.Column("sent_at", UtcTime),
    sa.Column("received_at", UtcTime, nullable=False),
    sa.Column("device_id", _TOKEN, nullable=False),
    sa.Column("reporter_id", _TOKEN, nullable=False, comment="CONFIDENTIAL"),
    sa.Column("reporter_role", sa.String(20), nullable=False),
    sa.Column("turnout", sa.Integer),
    sa.Column("queue", sa.Integer),
    sa.Column("personnel", sa.Integer),
    sa.Column("lat", sa.Double),
    sa.Column("lon", sa.Double),
    sa.Column("accuracy_m", sa.Double),
    sa.Column("channel", sa.String(20), nullable=False),
    sa.Column("drill", sa.Boolean, nullable=False),
    sa.Index(None, "received_at"),
)

#: What could not be used, with the very bytes that came. ``replayed_at`` is when it was last sent again.
rejected: Final = sa.Table(
    "rejected",
    metadata,
    sa.Column("rejection_id", _ID, primary_key=True),
    sa.Column("reason", sa.String(40), nullable=False),
    sa.Column("field", sa.String(200)),
    sa.Column("message", sa.String(1000), nullable=False),
    sa.Column("remedy", sa.String(1000), nullable=False),
    sa.Column("source", sa.String(100), nullable=False),
    sa.Column("topic", sa.Text),
    sa.Column("partition", sa.BigInteger),
    sa.Column("kafka_offset", sa.BigInteger),
    sa.Column("item_index", sa.BigInteger),
    sa.Column("key", sa.Text),
    sa.Column("original", sa.LargeBinary, nullable=False),
    sa.Column("at", UtcTime, nullable=False),
    sa.Column("replayed_at", UtcTime),
    sa.Index(None, "reason", "at"),
    sa.Index(None, "at"),
)

#: Incidents as they stand. ``body`` is the whole snapshot; an older (epoch, version) never replaces a newer one.
incidents: Final = sa.Table(
    "incidents",
    metadata,
    sa.Column("incident_id", _ID, primary_key=True),
    sa.Column("epoch", sa.Integer, nullable=False),
    sa.Column("version", sa.BigInteger, nullable=False),
    sa.Column("generation", sa.BigInteger, nullable=False),
    sa.Column("district", _DISTRICT, nullable=False),
    sa.Column("station_id", _STATION),
    sa.Column("station_count", sa.BigInteger, nullable=False),
    sa.Column("kind", sa.String(81), nullable=False),
    sa.Column("family", sa.String(40), nullable=False),
    sa.Column("lead_agency", _TOKEN, nullable=False),
    sa.Column("state", sa.String(20), nullable=False),
    sa.Column("severity", sa.SmallInteger, nullable=False),
    sa.Column("computed_severity", sa.SmallInteger, nullable=False),
    sa.Column("certainty", sa.String(20), nullable=False),
    sa.Column("urgency", sa.String(20), nullable=False),
    sa.Column("reasons", _json(), nullable=False, comment="Those with confidential = true are CONFIDENTIAL"),
    sa.Column("needs_verification", sa.Boolean, nullable=False),
    sa.Column("verified_by", _TOKEN),
    sa.Column("refuted_by", _TOKEN),
    sa.Column("assigned_to", _TOKEN),
    sa.Column("acknowledged_by", _TOKEN),
    sa.Column("outcome", sa.String(500)),
    sa.Column("report_count", sa.BigInteger, nullable=False),
    sa.Column("reporter_count", sa.BigInteger, nullable=False),
    sa.Column("cluster_id", _ID),
    sa.Column("clock_skewed", sa.Boolean, nullable=False),
    sa.Column("first_occurred_at", UtcTime, nullable=False),
    sa.Column("last_occurred_at", UtcTime, nullable=False),
    sa.Column("first_received_at", UtcTime, nullable=False),
    sa.Column("opened_at", UtcTime, nullable=False),
    sa.Column("updated_at", UtcTime, nullable=False),
    sa.Column("ruleset", _TOKEN, nullable=False),
    sa.Column("drill", sa.Boolean, nullable=False),
    sa.Column("body", _json(), nullable=False),
    sa.Column("seq", sa.BigInteger, nullable=False),
    sa.Index(None, "state", "severity", "updated_at"),
    sa.Index(None, "severity", "updated_at"),
    sa.Index(None, "district", "updated_at"),
    sa.Index(None, "station_id"),
    sa.Index(None, "cluster_id"),
    sa.Index(None, "updated_at"),
    sa.Index(None, "seq"),
)

#: What happened to each incident, in order of ``at``; ``event_id`` hashes the other columns.
incident_events: Final = sa.Table(
    "incident_events",
    metadata,
    sa.Column("event_id", _code(64), primary_key=True),
    sa.Column("incident_id", _ID, nullable=False),
    sa.Column("change", sa.String(40), nullable=False),
    sa.Column("at", UtcTime, nullable=False),
    sa.Column("actor", _TOKEN, comment="Officer, for what people do. CONFIDENTIAL"),
    sa.Column("detail", sa.String(500), nullable=False),
    sa.Column("seq", sa.BigInteger, nullable=False),
    sa.Index(None, "incident_id", "at"),
    sa.Index(None, "seq"),
)

#: Which incident each report is part of, also where the snapshot that says so came before the report.
incident_reports: Final = sa.Table(
    "incident_reports",
    metadata,
    sa.Column("report_id", _ID, primary_key=True),
    sa.Column("incident_id", _ID, nullable=False),
    sa.Column("epoch", sa.Integer, nullable=False),
    sa.Index(None, "incident_id"),
)

#: What people decided, each once. ``body`` is the whole command.
commands: Final = sa.Table(
    "commands",
    metadata,
    sa.Column("command_id", _ID, primary_key=True),
    sa.Column("incident_id", _ID, nullable=False),
    sa.Column("district", _DISTRICT, nullable=False),
    sa.Column("action", sa.String(40), nullable=False),
    sa.Column("actor", _TOKEN, nullable=False, comment="CONFIDENTIAL"),
    sa.Column("at", UtcTime, nullable=False),
    sa.Column("reason", sa.String(500), nullable=False),
    sa.Column("body", _json(), nullable=False),
    sa.Column("seq", sa.BigInteger, nullable=False),
    sa.Index(None, "incident_id", "at"),
    sa.Index(None, "seq"),
)

districts: Final = sa.Table(
    "districts",
    metadata,
    sa.Column("district", _DISTRICT, primary_key=True),
    sa.Column("name", sa.String(120), nullable=False),
    sa.Column("neighbours", _json(), nullable=False),
    sa.Column("station_count", sa.Integer, nullable=False),
    sa.Column("seq", sa.BigInteger, nullable=False),
)

stations: Final = sa.Table(
    "stations",
    metadata,
    sa.Column("station_id", _STATION, primary_key=True),
    sa.Column("name", sa.String(120), nullable=False),
    sa.Column("district", _DISTRICT, nullable=False),
    sa.Column("village", sa.String(120), nullable=False),
    sa.Column("lat", sa.Double, nullable=False),
    sa.Column("lon", sa.Double, nullable=False),
    sa.Column("vulnerability", sa.String(20), nullable=False, comment="CONFIDENTIAL"),
    sa.Column("voters", sa.BigInteger),
    sa.Column("seq", sa.BigInteger, nullable=False),
    sa.Index(None, "district"),
)

#: Every entry of the registry as it travelled, so that an empty broker can be filled. NULL where it was deleted.
registry: Final = sa.Table(
    "registry",
    metadata,
    sa.Column("key", sa.String(200), primary_key=True),
    sa.Column("value", sa.LargeBinary, comment="CONFIDENTIAL: holds vulnerabilities and hashes of secrets"),
    sa.Column("epoch", sa.Integer, nullable=False),
    sa.Column("kafka_offset", sa.BigInteger, nullable=False),
    sa.Column("at", UtcTime, nullable=False),
)

#: How far each partition is stored, committed together with its rows.
offsets: Final = sa.Table(
    "offsets",
    metadata,
    sa.Column("cluster_id", sa.String(80), primary_key=True),
    sa.Column("group_id", sa.String(80), primary_key=True),
    sa.Column("topic", sa.String(249), primary_key=True),
    sa.Column("partition", sa.Integer, primary_key=True),
    sa.Column("next_offset", sa.BigInteger, nullable=False),
)

#: Kafka clusters in the order in which they were first seen. On a new one every version starts over.
clusters: Final = sa.Table(
    "clusters",
    metadata,
    sa.Column("cluster_id", sa.String(80), primary_key=True),
    sa.Column("epoch", sa.Integer, nullable=False, unique=True),
    sa.Column("first_seen_at", UtcTime, nullable=False),
)

#: One row: the highest ``seq`` given so far.
feed: Final = sa.Table(
    "feed",
    metadata,
    sa.Column("id", sa.SmallInteger, primary_key=True, autoincrement=False),
    sa.Column("seq", sa.BigInteger, nullable=False),
)

#: Who changed what and when; append-only, each row sealed with the one before.
audit_log: Final = sa.Table(
    "audit_log",
    metadata,
    sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("at", UtcTime, nullable=False),
    sa.Column("actor", sa.String(200), nullable=False, comment="CONFIDENTIAL"),
    sa.Column("action", sa.String(60), nullable=False),
    sa.Column("object", sa.String(200), nullable=False),
    sa.Column("detail", sa.String(200), nullable=False),
    sa.Column("previous", _code(64), nullable=False),
    sa.Column("hash", _code(64), nullable=False),
    sa.Index(None, "object"),
    sa.Index(None, "at"),
)

#: One row: where the audit trail ends, so that rows missing at its end are noticed.
audit_head: Final = sa.Table(
    "audit_head",
    metadata,
    sa.Column("id", sa.SmallInteger, primary_key=True, autoincrement=False),
    sa.Column("seq", sa.BigInteger, nullable=False),
    sa.Column("hash", _code(64), nullable=False),
)
