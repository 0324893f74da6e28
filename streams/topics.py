"""Whether the worker's topics still are those it began with: they may be deleted and made anew under the same names.

In: what Kafka says of them, and what the group committed with their ids. Out: the end of the worker where it reads
topics that are gone; the partitions whose committed places belong to such. State: the ids that were seen first.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import closing
from typing import Any, Final

from kafka import KafkaAdminClient, TopicPartition

from siaga.contracts.topics import STATE_CHANGELOG, STREAM_INPUTS, STREAMS_GROUP
from siaga.settings import Settings
from siaga.wire.client import connection
from siaga.wire.topic_ids import topic_ids
from streams.stall import end_at_once

_OURS: Final = (*STREAM_INPUTS, STATE_CHANGELOG)
_REQUEST_MS: Final = 5_000


class Topics:
    """The topics of this worker's inputs and of its state."""

    def __init__(self, settings: Settings, worker: str) -> None:
        self._settings = settings
        self._client = f"{worker}-topics"
        self._cluster = ""
        self._ids: dict[str, str] = {}

    @property
    def ids(self) -> Mapping[str, str]:
        """Their ids, by name; committed with each place, so that whoever starts later knows whose place it is."""
        return self._ids

    def see(self, admin: Any) -> None:
        """Look at them, and end this worker where one is another now: what it remembers is of those before.

        An embedded broker that was started again is another cluster, of which a worker remembers what it can.
        """
        cluster, found = str(admin.describe_cluster()["cluster_id"]), topic_ids(admin, _OURS)
        if cluster != self._cluster:
            self._cluster, self._ids = cluster, {}
        anew = sorted(name for name, one in found.items() if self._ids.setdefault(name, one) != one)
        if anew:
            end_at_once(f"{', '.join(anew)} was deleted and made anew")

    def left_behind(self, assigned: Collection[tuple[str, int]]) -> list[tuple[str, int]]:
        """The partitions whose committed places are of topics that are gone; of places without an id nobody knows.

        Kafka forgets the places of a topic that is deleted, but not what a worker commits that has not noticed.

        Raises:
            kafka.errors.KafkaError: Kafka does not answer.
        """
        options = {"bootstrap_timeout_ms": _REQUEST_MS, "request_timeout_ms": _REQUEST_MS}
        with closing(KafkaAdminClient(**connection(self._settings, self._client), **options)) as admin:
            self.see(admin)
            asked = [TopicPartition(*one) for one in assigned if one[0] in STREAM_INPUTS]
            places = admin.list_group_offsets({STREAMS_GROUP: asked})[STREAMS_GROUP]
        return [
            (tp.topic, tp.partition)
            for tp, place in places.items()
            if place.offset > 0 and place.metadata and place.metadata != self._ids.get(tp.topic, place.metadata)
        ]
