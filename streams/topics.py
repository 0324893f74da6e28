"""Whether the worker's topics still are those it began with: they may be deleted and made anew under the same names.

In: what Kafka says of them, and what the group committed with their ids. Out: the end of the worker where it reads
topics that are gone; the partitions whose committed places belong to such, and the remembered rows that whoever wrote
them had decided from such. State: the ids that were seen first, and who wrote the rows that are being read back.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
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
#: The header of a remembered row that tells which changelog its writer had read.
_CHANGELOG: Final = "siaga_changelog"


class Topics:
    """The topics of this worker's inputs and of its state."""

    def __init__(self, settings: Settings, worker: str) -> None:
        self._settings = settings
        self._client = f"{worker}-topics"
        self._cluster = ""
        self._ids: dict[str, str] = {}
        self._writers: dict[bytes, str] = {}

    @property
    def mark(self) -> list[tuple[str, bytes]]:
        """The headers of a row that is remembered: by them others know whether it is of the topics that they read."""
        known = self._ids.get(STATE_CHANGELOG)
        return [(_CHANGELOG, known.encode())] if known else []

    def read_back(self, key: bytes, headers: Iterable[tuple[str, bytes]] | None) -> None:
        """Take note of who wrote a row of the changelog; the last one of a key counts."""
        self._writers[key] = next((told.decode() for name, told in headers or () if name == _CHANGELOG), "")

    def take_strangers(self) -> list[bytes]:
        """The keys of rows whose writer had read a changelog that is gone, among those read back since last asked.

        A worker under which topics are made anew goes on for a moment, and remembers in the new changelog what it
        knows by the old one: pieces, without what they rest on. Nobody knows who wrote a row without the header.
        """
        writers, self._writers = self._writers, {}
        known = self._ids.get(STATE_CHANGELOG, "")
        return [key for key, writer in writers.items() if known and writer not in ("", known)]

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

    def know(self) -> None:
        """Have their ids known.

        Raises:
            kafka.errors.KafkaError: Kafka does not answer.
        """
        if not self._ids:
            with closing(self._admin()) as admin:
                self.see(admin)

    def left_behind(self, assigned: Collection[tuple[str, int]]) -> list[tuple[str, int]]:
        """The partitions whose committed places are of topics that are gone; of places without an id nobody knows.

        Kafka forgets the places of a topic that is deleted, but not what a worker commits that has not noticed.

        Raises:
            kafka.errors.KafkaError: Kafka does not answer.
        """
        with closing(self._admin()) as admin:
            self.see(admin)
            asked = [TopicPartition(*one) for one in assigned if one[0] in STREAM_INPUTS]
            places = admin.list_group_offsets({STREAMS_GROUP: asked})[STREAMS_GROUP]
        return [
            (tp.topic, tp.partition)
            for tp, place in places.items()
            if place.offset > 0 and place.metadata and place.metadata != self._ids.get(tp.topic, place.metadata)
        ]

    def _admin(self) -> Any:
        options = {"bootstrap_timeout_ms": _REQUEST_MS, "request_timeout_ms": _REQUEST_MS}
        return KafkaAdminClient(**connection(self._settings, self._client), **options)
