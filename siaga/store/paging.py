"""Tables of who is called: escalations as the streams have them, pages, and what the notifier does about each.

Two write ``pages``: the store adds one as it comes, and from then on only the notifier changes it, so that a page is
never sent because a record came twice. ``seq`` of a page says when it came; what became of it is in ``page_results``,
whose ``seq`` says when that was heard on Kafka.
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from siaga.store.columns import DISTRICT, ID, STATION, TOKEN, UtcTime, code, json_, metadata

#: Where each incident stands on its policy. An older (epoch, version) never replaces a newer one.
escalations: Final = sa.Table(
    "escalations",
    metadata,
    sa.Column("incident_id", ID, primary_key=True),
    sa.Column("epoch", sa.Integer, nullable=False),
    sa.Column("version", sa.BigInteger, nullable=False),
    sa.Column("generation", sa.BigInteger, nullable=False),
    sa.Column("district", DISTRICT, nullable=False),
    sa.Column("station_id", STATION),
    sa.Column("kind", sa.String(81), nullable=False),
    sa.Column("severity", sa.SmallInteger, nullable=False),
    sa.Column("lead_agency", TOKEN, nullable=False),
    sa.Column("state", sa.String(20), nullable=False),
    sa.Column("reason", sa.String(40), nullable=False),
    sa.Column("level", sa.BigInteger, nullable=False),
    sa.Column("round", sa.BigInteger, nullable=False),
    sa.Column("next_due_at", UtcTime),
    sa.Column("next_timer", sa.String(20)),
    sa.Column("digest_due_at", UtcTime, comment="When the digest is due that calls of it wait for"),
    sa.Column("acknowledged_by", TOKEN, comment="CONFIDENTIAL"),
    sa.Column("lease_until", UtcTime),
    sa.Column("handed_to", TOKEN),
    sa.Column("verify", sa.Boolean, nullable=False),
    sa.Column("cluster_id", ID),
    sa.Column("policy", TOKEN, nullable=False),
    sa.Column("roster", TOKEN, nullable=False),
    sa.Column("opened_at", UtcTime, nullable=False),
    sa.Column("updated_at", UtcTime, nullable=False),
    sa.Column("drill", sa.Boolean, nullable=False),
    sa.Column("body", json_(), nullable=False, comment="CONFIDENTIAL: names officers"),
    sa.Column("seq", sa.BigInteger, nullable=False),
    sa.Index(None, "next_due_at"),
    sa.Index(None, "digest_due_at"),
    sa.Index(None, "state", "severity"),
    sa.Index(None, "district"),
    sa.Index(None, "seq"),
)

#: What happened to each escalation and why, in order of ``at``; ``step_id`` hashes the other columns. CONFIDENTIAL.
escalation_steps: Final = sa.Table(
    "escalation_steps",
    metadata,
    sa.Column("step_id", code(64), primary_key=True),
    sa.Column("incident_id", ID, nullable=False),
    sa.Column("generation", sa.BigInteger, nullable=False),
    sa.Column("at", UtcTime, nullable=False),
    sa.Column("reason", sa.String(40), nullable=False),
    sa.Column("level", sa.BigInteger, nullable=False),
    sa.Column("round", sa.BigInteger, nullable=False),
    sa.Column("officer_id", TOKEN),
    sa.Column("channel", TOKEN),
    sa.Column("page_id", ID),
    sa.Column("desk", sa.String(170)),
    sa.Column("seq", sa.BigInteger, nullable=False),
    sa.Index(None, "incident_id", "at"),
    sa.Index(None, "seq"),
)

#: Pages, each once, and how far each has come. ``body`` is the whole page; no address stands here. CONFIDENTIAL.
pages: Final = sa.Table(
    "pages",
    metadata,
    sa.Column("page_id", ID, primary_key=True),
    sa.Column("incident_id", ID, nullable=False),
    sa.Column("generation", sa.BigInteger, nullable=False),
    sa.Column("level", sa.BigInteger, nullable=False),
    sa.Column("round", sa.BigInteger, nullable=False),
    sa.Column("district", DISTRICT, nullable=False),
    sa.Column("officer_id", TOKEN, nullable=False),
    sa.Column("agency", TOKEN, nullable=False),
    sa.Column("channel", TOKEN, nullable=False),
    sa.Column("channel_kind", sa.String(20), nullable=False),
    sa.Column("purpose", sa.String(20), nullable=False),
    sa.Column("severity", sa.SmallInteger, nullable=False),
    sa.Column("code", sa.String(10), nullable=False),
    sa.Column("due_at", UtcTime, nullable=False),
    sa.Column("answer_by", UtcTime),
    sa.Column("expires_at", UtcTime, nullable=False),
    sa.Column("drill", sa.Boolean, nullable=False),
    sa.Column("body", json_(), nullable=False),
    # --- the notifier's
    sa.Column("status", sa.String(20), nullable=False, comment="See sinks.notify.machine"),
    sa.Column("reason", sa.String(20), nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("available_at", UtcTime, comment="When to look at it next; NULL where there is nothing to do"),
    sa.Column("lease_until", UtcTime, comment="While it is sent: when nobody knows any more what became of it"),
    sa.Column("waits", sa.Boolean, nullable=False, comment="The streams were told that it waits for its turn"),
    sa.Column("doubtful", sa.Boolean, nullable=False, comment="Some try of it may have arrived unheard"),
    sa.Column("message_key", ID, comment="The message that it is sent in, by itself or bundled"),
    sa.Column("provider_id", sa.String(200)),
    sa.Column("begun_at", UtcTime, comment="When sending first began"),
    sa.Column("sent_at", UtcTime, comment="When a provider had taken it"),
    sa.Column("delivered_at", UtcTime),
    sa.Column("seq", sa.BigInteger, nullable=False),
    sa.Index(None, "status", "available_at"),
    sa.Index(None, "officer_id", "channel_kind", "status"),
    sa.Index(None, "incident_id"),
    sa.Index(None, "due_at"),
    sa.Index(None, "seq"),
)

#: What became of each try, told to Kafka from here: ``published_at`` is NULL until it was. ``epoch`` and ``seq`` are
#: 0 until it was heard there.
page_results: Final = sa.Table(
    "page_results",
    metadata,
    sa.Column("page_id", ID, primary_key=True),
    sa.Column("attempt", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("status", sa.String(20), primary_key=True),
    sa.Column("reason", sa.String(20), primary_key=True),
    sa.Column("incident_id", ID, nullable=False),
    sa.Column("generation", sa.BigInteger, nullable=False),
    sa.Column("district", DISTRICT, nullable=False),
    sa.Column("officer_id", TOKEN, nullable=False, comment="CONFIDENTIAL"),
    sa.Column("channel", TOKEN, nullable=False),
    sa.Column("provider_id", sa.String(200)),
    sa.Column("detail", sa.String(300), nullable=False),
    sa.Column("at", UtcTime, nullable=False),
    sa.Column("epoch", sa.Integer, nullable=False),
    sa.Column("published_at", UtcTime),
    sa.Column("seq", sa.BigInteger, nullable=False),
    sa.Index(None, "incident_id", "at"),
    sa.Index(None, "published_at", "at"),
    sa.Index(None, "seq"),
)

#: Pages that must not be sent any more, also where the page itself comes later.
page_cancellations: Final = sa.Table(
    "page_cancellations",
    metadata,
    sa.Column("page_id", ID, primary_key=True),
    sa.Column("at", UtcTime, nullable=False),
)

#: What each contact was sent of late, for their rate limits; tries that surely failed do not count.
page_messages: Final = sa.Table(
    "page_messages",
    metadata,
    sa.Column("message_key", ID, primary_key=True),
    sa.Column("attempt", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("officer_id", TOKEN, nullable=False, comment="CONFIDENTIAL"),
    sa.Column("channel_kind", sa.String(20), nullable=False),
    sa.Column("at", UtcTime, nullable=False),
    sa.Index(None, "officer_id", "channel_kind", "at"),
    sa.Index(None, "at"),
)
