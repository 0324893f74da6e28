"""Every table of the database, and the types that are the same on SQLite and PostgreSQL.

Ids are text in the canonical form of a UUID. Times are UTC: ``timestamptz`` on PostgreSQL; on SQLite text such as
``2022-02-23 02:14:05.000000+00:00``, of one width, so that it sorts as time does. ``seq`` rises with every change the
store commits, over all tables that have one: :data:`feed` holds the highest, so that a reader asks cheaply whether
anything is new and then for what has a greater ``seq`` than it knows. Only one store writes, so that what is
committed later never has a smaller one.
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from siaga.store.columns import DISTRICT, ID, STATION, TOKEN, UtcTime, code, json_, metadata, utc_text
from siaga.store.paging import (
    escalation_steps,
    escalations,
    page_cancellations,
    page_messages,
    page_results,
    pages,
)

__all__ = [
    "UtcTime",
    "audit_head",
    "audit_log",
    "checkins",
    "clusters",
    "commands",
    "districts",
    "escalation_steps",
    "escalations",
    "feed",
    "incident_events",
    "incident_reports",
    "incidents",
    "metadata",
    "offsets",
    "page_cancellations",
    "page_messages",
    "page_results",
    "pages",
    "registry",
    "rejected",
    "reports",
    "stations",
    "utc_text",
]

#: Accepted reports, each once. ``body`` is the whole accepted report; CONFIDENTIAL, as is all of this table.
reports: Final = sa.Table(
    "reports",
    metadata,
    sa.Column("report_id", ID, primary_key=True),
    sa.Column("station_id", STATION, nullable=False),
    sa.Column("district", DISTRICT, nullable=False),
    sa.Column("kind", sa.String(81), nullable=False),
    sa.Column("occurred_at", UtcTime, nullable=False),
    sa.Column("sent_at", UtcTime),
    sa.Column("received_at", UtcTime, nullable=False),
    sa.Column("device_id", TOKEN, nullable=False),
    sa.Column("reporter_role", sa.String(20), nullable=False),
    sa.Column("channel", sa.String(20), nullable=False),
    sa.Column("corrects", ID),
    sa.Column("withdraws", sa.Boolean, nullable=False),
    sa.Column("drill", sa.Boolean, nullable=False),
    sa.Column("body", json_(), nullable=False),
    sa.Column("incident_id", ID, comment="NULL until it is triaged"),
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
    sa.Column("report_id", ID, primary_key=True),
    sa.Column("station_id", STATION, nullable=False),
    sa.Column("district", DISTRICT, nullable=False),
    sa.Column("phase", sa.String(20), nullable=False),
    sa.Column("occurred_at", UtcTime, nullable=False),
    sa.Column("sent_at", UtcTime),
    sa.Column("received_at", UtcTime, nullable=False),
    sa.Column("device_id", TOKEN, nullable=False),
    sa.Column("reporter_id", TOKEN, nullable=False, comment="CONFIDENTIAL"),
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
    sa.Column("rejection_id", ID, primary_key=True),
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
    sa.Column("incident_id", ID, primary_key=True),
    sa.Column("epoch", sa.Integer, nullable=False),
    sa.Column("version", sa.BigInteger, nullable=False),
    sa.Column("generation", sa.BigInteger, nullable=False),
    sa.Column("district", DISTRICT, nullable=False),
    sa.Column("station_id", STATION),
    sa.Column("station_count", sa.BigInteger, nullable=False),
    sa.Column("kind", sa.String(81), nullable=False),
    sa.Column("family", sa.String(40), nullable=False),
    sa.Column("lead_agency", TOKEN, nullable=False),
    sa.Column("state", sa.String(20), nullable=False),
    sa.Column("severity", sa.SmallInteger, nullable=False),
    sa.Column("computed_severity", sa.SmallInteger, nullable=False),
    sa.Column("certainty", sa.String(20), nullable=False),
    sa.Column("urgency", sa.String(20), nullable=False),
    sa.Column("reasons", json_(), nullable=False, comment="Those with confidential = true are CONFIDENTIAL"),
    sa.Column("needs_verification", sa.Boolean, nullable=False),
    sa.Column("verified_by", TOKEN),
    sa.Column("refuted_by", TOKEN),
    sa.Column("assigned_to", TOKEN),
    sa.Column("acknowledged_by", TOKEN),
    sa.Column("outcome", sa.String(500)),
    sa.Column("report_count", sa.BigInteger, nullable=False),
    sa.Column("reporter_count", sa.BigInteger, nullable=False),
    sa.Column("cluster_id", ID),
    sa.Column("clock_skewed", sa.Boolean, nullable=False),
    sa.Column("first_occurred_at", UtcTime, nullable=False),
    sa.Column("last_occurred_at", UtcTime, nullable=False),
    sa.Column("first_received_at", UtcTime, nullable=False),
    sa.Column("opened_at", UtcTime, nullable=False),
    sa.Column("updated_at", UtcTime, nullable=False),
    sa.Column("ruleset", TOKEN, nullable=False),
    sa.Column("drill", sa.Boolean, nullable=False),
    sa.Column("body", json_(), nullable=False),
    sa.Column("seq", sa.BigInteger, nullable=False),
    sa.Index(None, "state", "severity", "updated_at"),
    sa.Index(None, "severity", "updated_at"),
    sa.Index(None, "district", "updated_at"),
    sa.Index(None, "station_id"),
    sa.Index(None, "cluster_id"),
    sa.Index(None, "opened_at"),
    sa.Index(None, "updated_at"),
    sa.Index(None, "seq"),
)

#: What happened to each incident, in order of ``at``; ``event_id`` hashes the other columns.
incident_events: Final = sa.Table(
    "incident_events",
    metadata,
    sa.Column("event_id", code(64), primary_key=True),
    sa.Column("incident_id", ID, nullable=False),
    sa.Column("change", sa.String(40), nullable=False),
    sa.Column("at", UtcTime, nullable=False),
    sa.Column("actor", TOKEN, comment="Officer, for what people do. CONFIDENTIAL"),
    sa.Column("detail", sa.String(500), nullable=False),
    sa.Column("seq", sa.BigInteger, nullable=False),
    sa.Index(None, "incident_id", "at"),
    sa.Index(None, "seq"),
)

#: Which incident each report is part of, also where the snapshot that says so came before the report. The claim of
#: the incident that it moved to most often, by merges and splits, is the newest.
incident_reports: Final = sa.Table(
    "incident_reports",
    metadata,
    sa.Column("report_id", ID, primary_key=True),
    sa.Column("incident_id", ID, nullable=False),
    sa.Column("epoch", sa.Integer, nullable=False),
    sa.Column("moves", sa.Integer, nullable=False, server_default="0"),
    sa.Index(None, "incident_id"),
)

#: What people decided, each once. ``body`` is the whole command.
commands: Final = sa.Table(
    "commands",
    metadata,
    sa.Column("command_id", ID, primary_key=True),
    sa.Column("incident_id", ID, nullable=False),
    sa.Column("district", DISTRICT, nullable=False),
    sa.Column("action", sa.String(40), nullable=False),
    sa.Column("actor", TOKEN, nullable=False, comment="CONFIDENTIAL"),
    sa.Column("at", UtcTime, nullable=False),
    sa.Column("reason", sa.String(500), nullable=False),
    sa.Column("body", json_(), nullable=False),
    sa.Column("seq", sa.BigInteger, nullable=False),
    sa.Index(None, "incident_id", "at"),
    sa.Index(None, "seq"),
)

#: Districts of the registry, with the codes of those whose stations lie within 5 km of theirs.
districts: Final = sa.Table(
    "districts",
    metadata,
    sa.Column("district", DISTRICT, primary_key=True),
    sa.Column("name", sa.String(120), nullable=False),
    sa.Column("neighbours", json_(), nullable=False),
    sa.Column("station_count", sa.Integer, nullable=False),
    sa.Column("seq", sa.BigInteger, nullable=False),
)

#: Polling stations of the registry.
stations: Final = sa.Table(
    "stations",
    metadata,
    sa.Column("station_id", STATION, primary_key=True),
    sa.Column("name", sa.String(120), nullable=False),
    sa.Column("district", DISTRICT, nullable=False),
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
    sa.Column("topic_id", ID, comment="Of the topic that was read; another of its name is read from its beginning"),
    sa.Column("leader_epoch", sa.Integer, comment="Of the last record: tells whether the log was cut off before it"),
)

#: Kafka clusters in the order in which they were first seen, or had topics made anew or logs cut off: then every
#: version starts over.
clusters: Final = sa.Table(
    "clusters",
    metadata,
    sa.Column("cluster_id", sa.String(80), primary_key=True),
    sa.Column("epoch", sa.Integer, nullable=False, unique=True),
    sa.Column("first_seen_at", UtcTime, nullable=False),
    sa.Column("caught_up_at", UtcTime, comment="When all that it knew of pages had been stored"),
)

#: One row: the highest ``seq`` given so far.
feed: Final = sa.Table(
    "feed",
    metadata,
    sa.Column("id", sa.SmallInteger, primary_key=True, autoincrement=False),
    sa.Column("seq", sa.BigInteger, nullable=False),
)

#: Who changed what and when; append-only but for erasures, each row sealed with the one before.
audit_log: Final = sa.Table(
    "audit_log",
    metadata,
    sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("at", UtcTime, nullable=False),
    sa.Column("actor", sa.String(200), nullable=False, comment="CONFIDENTIAL"),
    sa.Column("action", sa.String(60), nullable=False),
    sa.Column("object", sa.String(200), nullable=False),
    sa.Column("detail", sa.String(200), nullable=False),
    sa.Column("previous", code(64), nullable=False),
    sa.Column("hash", code(64), nullable=False),
    sa.Column("salt", code(32), comment="Random, part of what is sealed; gone once it was erased"),
    sa.Column("erased_by", sa.BigInteger, comment="Row of the erasure that changed this one"),
    sa.Index(None, "object"),
    sa.Index(None, "at"),
)

#: One row: where the audit trail ends, so that rows missing at its end are noticed.
audit_head: Final = sa.Table(
    "audit_head",
    metadata,
    sa.Column("id", sa.SmallInteger, primary_key=True, autoincrement=False),
    sa.Column("seq", sa.BigInteger, nullable=False),
    sa.Column("hash", code(64), nullable=False),
)
