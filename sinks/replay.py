"""Sends what was set aside again, to the topic it came from, after whatever was wrong has been put right.

Input: rows of ``rejected``. Output: their original bytes through Kafka, with the header ``siaga-replayed``. State:
``replayed_at``. An item that is refused again is set aside again, as another row.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from siaga.contracts.topics import TOPICS, partition_of
from siaga.settings import Settings
from siaga.types import STATION_PATTERN, district_of
from sinks.producing import Outgoing, produce
from sinks.queries import list_rejected
from sinks.reading import reading
from sinks.tables import rejected

SOURCE = "replay"


@dataclass(frozen=True, slots=True)
class Replayed:
    """What was done: items sent, rows that had the same bytes as another, ids that could not be sent or found."""

    sent: int
    same: int
    unsendable: tuple[str, ...]
    unknown: tuple[str, ...]


def replay(settings: Settings, *, ids: Collection[str] = (), reason: str | None = None) -> Replayed:
    """Send the rows named by their ids, or those of a reason that were not sent again yet.

    Raises:
        SettingsError: the database or Kafka cannot be reached. Nothing is marked then; sending twice is harmless.
    """
    with reading(settings) as connection:
        rows = list_rejected(connection, ids=ids, reason=reason, limit=None)
    if not ids:
        rows = [row for row in rows if row["replayed_at"] is None]
    records: dict[tuple[str, bytes], Outgoing] = {}
    unsendable, done = [], []
    # The oldest first: the order in which they came.
    for row in reversed(rows):
        record = _record(row, settings.partitions)
        if record is None:
            unsendable.append(row["rejection_id"])
            continue
        done.append(row["rejection_id"])
        # Streams and store refuse the same item each: it goes once.
        records.setdefault((record.topic, record.value), record)
    sent = produce(settings, records.values(), source=SOURCE) if records else 0
    if done:
        with reading(settings, writes=True) as connection:
            marked = sa.update(rejected).values(replayed_at=datetime.now(UTC))
            for start in range(0, len(done), 500):
                connection.execute(marked.where(rejected.c.rejection_id.in_(done[start : start + 500])))
    unknown = set(ids) - {row["rejection_id"] for row in rows}
    return Replayed(sent, len(done) - sent, tuple(unsendable), tuple(sorted(unknown)))


def _record(row: dict[str, Any], partitions: int) -> Outgoing | None:
    """The record to be sent; None where it is not known where it belongs."""
    if row["topic"] not in {topic.name for topic in TOPICS}:
        return None
    district = _district(row["original"])
    if district is None and row["partition"] is None:
        return None
    partition = row["partition"] if district is None else partition_of(district, partitions)
    key = district or row["key"]
    return Outgoing(
        row["topic"],
        partition,
        key.encode() if key else None,
        row["original"],
        event_id=row["rejection_id"],
        kind=row["topic"].rpartition(".")[2],
        replayed=True,
    )


def _district(original: bytes) -> str | None:
    """The district an item belongs to, where that can be read."""
    try:
        item = json.loads(original)
    except ValueError:
        return None
    if not isinstance(item, dict):
        return None
    district, station = item.get("district"), item.get("station_id")
    if isinstance(district, str):
        return district[:8]
    if isinstance(station, str) and re.match(STATION_PATTERN, station):
        return district_of(station)
    return None
