"""How far each partition is stored, and whether it still is the log of which that was said.

Input: what the database remembers, and what Kafka says which topics there are. Output: where to read on. State: the
tables ``offsets`` and ``clusters``. What is read twice is stored once, so that a beginning is always a safe place.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from siaga.contracts.topics import STORE_GROUP
from sinks import tables
from sinks.batch import Place
from sinks.bulk import put


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a cluster's partitions are read on; those that are not named, from their beginning.

    ``leader_epochs`` are those of the records before, ``topic_ids`` those of the topics, where they are known;
    ``made_anew`` are topics that were read under these names and are gone.
    """

    epoch: int
    positions: dict[Place, int]
    leader_epochs: dict[Place, int]
    topic_ids: dict[str, str]
    made_anew: tuple[str, ...]


def take_up(connection: sa.Connection, cluster_id: str, topic_ids: Mapping[str, str], now: datetime) -> Standing:
    """Where the database stands with a cluster that has these topics.

    A topic with another id than the one that was read is another log: its positions go, and as its versions and
    offsets start over, the cluster counts as one never seen before. Positions without an id get the one there is.
    """
    table = tables.offsets
    mine = sa.and_(table.c.cluster_id == cluster_id, table.c.group_id == STORE_GROUP)
    read = sa.select(table.c.topic, table.c.topic_id).where(mine).distinct()
    known = {(row.topic, row.topic_id) for row in connection.execute(read)}
    anew = sorted({topic for topic, one in known if one is not None and topic_ids.get(topic, one) != one})
    connection.execute(sa.delete(table).where(mine, table.c.topic.in_(anew)))
    for topic in {topic for topic, one in known if one is None} & topic_ids.keys() - set(anew):
        named = sa.update(table).values(topic_id=topic_ids[topic])
        connection.execute(named.where(mine, table.c.topic == topic, table.c.topic_id.is_(None)))
    epoch = begin_anew(connection, cluster_id, now) if anew else _epoch_of(connection, cluster_id, now)
    rows = list(connection.execute(sa.select(table).where(mine)))
    return Standing(
        epoch=epoch,
        positions={(row.topic, row.partition): row.next_offset for row in rows},
        leader_epochs={(row.topic, row.partition): row.leader_epoch for row in rows if row.leader_epoch is not None},
        topic_ids={topic: one for topic, one in known if one is not None} | dict(topic_ids),
        made_anew=tuple(anew),
    )


def put_positions(
    connection: sa.Connection,
    cluster_id: str,
    topic_ids: Mapping[str, str],
    positions: Mapping[Place, int],
    leader_epochs: Mapping[Place, int | None],
) -> None:
    """Write down how far these partitions are stored."""
    rows = [
        (cluster_id, STORE_GROUP, *place, at, topic_ids.get(place[0]), leader_epochs.get(place))
        for place, at in positions.items()
    ]
    put(connection, tables.offsets, rows, newer=())


def begin_anew(connection: sa.Connection, cluster_id: str, now: datetime) -> int:
    """Have a cluster count as one that was never seen before: what it tells from now on is the newest."""
    table = tables.clusters
    epoch = _next_epoch(connection)
    anew = sa.update(table).values(epoch=epoch, first_seen_at=now, caught_up_at=None)
    connection.execute(anew.where(table.c.cluster_id == cluster_id))
    return epoch


def _epoch_of(connection: sa.Connection, cluster_id: str, now: datetime) -> int:
    """The number of a cluster; one never seen before gets the next."""
    table = tables.clusters
    known = connection.scalar(sa.select(table.c.epoch).where(table.c.cluster_id == cluster_id))
    if known is not None:
        return int(known)
    epoch = _next_epoch(connection)
    connection.execute(sa.insert(table).values(cluster_id=cluster_id, epoch=epoch, first_seen_at=now))
    return epoch


def _next_epoch(connection: sa.Connection) -> int:
    return (connection.scalar(sa.select(sa.func.max(tables.clusters.c.epoch))) or 0) + 1
