"""The Faust application: one stream over all input topics, one table for the state.

Its settings are chosen for what was seen of Faust 0.15: see ``docs/explanation/faust.md``.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import faust
from aiokafka.structs import OffsetAndMetadata
from faust.transport.drivers import aiokafka
from faust.types import TP
from faust.types.auth import AuthProtocol

from siaga.beginning import make_directory
from siaga.contracts.topics import MAX_RECORD_BYTES, STATE_TABLE, STREAM_INPUTS, STREAMS_GROUP
from siaga.settings import Settings
from siaga.wire.client import FETCH_WAIT_MS, mechanism_of, password_of, tls_context
from siaga.wire.ends import first_record, log_ends
from siaga.wire.layout import is_misplaced, moved
from streams.stall import end_at_once, refuse_at_once
from streams.topics import Topics

logger = logging.getLogger(__name__)

_REBALANCE_SECONDS: Final = 3.0
_REQUEST_SECONDS: Final = 30.0


class _ConsumerThread(aiokafka.AIOKafkaConsumerThread):  # type: ignore[misc]  # Faust's drivers have no types
    """Faust's connection.

    It does not let a fetch wait for the second and a half that Faust has written in, and commits with each place the
    id of the topic that it is a place in.
    """

    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        consumer._fetch_max_wait_ms = FETCH_WAIT_MS
        commit = consumer.commit
        topics: Topics = self.app.siaga_topics

        async def commit_named(places: Mapping[Any, Any]) -> None:
            ids = topics.ids
            await commit({tp: OffsetAndMetadata(at.offset, ids.get(tp.topic, "")) for tp, at in places.items()})

        consumer.commit = commit_named
        return consumer


class _Consumer(aiokafka.Consumer):  # type: ignore[misc]  # as above
    """Faust's consumer, which asks a fetch where a changelog ends: see :mod:`siaga.wire.ends`."""

    logger = logging.getLogger("faust.transport.consumer")

    def _new_consumer_thread(self) -> Any:
        return _ConsumerThread(self, loop=self.loop, beacon=self.beacon)

    async def perform_seek(self) -> None:
        """Go to what was committed, or to the beginning where nothing was, with nothing read meanwhile.

        What was fetched meanwhile had Faust pass over the records before, and commit them unread. Whoever calls this
        has the flow resumed.
        """
        if self.flow_active:
            self.stop_flow()
        await super().perform_seek()
        assigned = [(tp.topic, tp.partition) for tp in self.assignment()]
        for topic, partition in await asyncio.to_thread(self.app.siaga_topics.left_behind, assigned):
            logger.warning("%s was deleted and made anew; partition %d is read from its beginning", topic, partition)
            tp = TP(topic, partition)
            self._committed_offset.pop(tp, None)
            self._read_offset[tp] = None
        # Faust leaves these where they are: behind what a fetch under way brought, which is thrown away.
        for tp in (TP(*place) for place in assigned if place[0] in STREAM_INPUTS):
            if not self._read_offset[tp]:
                await self.seek(tp, 0)

    async def _add_gap(self, tp: Any, offset_from: int, offset_to: int) -> None:
        """Records between two that came are missing. Faust would commit them unread; so look whether they exist.

        Where a log was cut off or holds marks of transactions there are none, and all is well.
        """
        settings: Settings = self.app.siaga_settings
        found = await asyncio.to_thread(
            first_record, settings, (tp.topic, tp.partition), offset_from, f"{self.app.conf.broker_client_id}-gap"
        )
        if found is not None and found < offset_to:
            end_at_once(f"record {found} of {tp.topic}-{tp.partition} was passed over")
        await super()._add_gap(tp, offset_from, offset_to)

    async def highwaters(self, *partitions: Any) -> Any:
        """The next offset of each partition; a recovery that ends too early forgets what came last."""
        settings: Settings = self.app.siaga_settings
        ends = await asyncio.to_thread(log_ends, settings, partitions, f"{self.app.conf.broker_client_id}-ends")
        return {partition: ends[partition.topic, partition.partition] for partition in partitions}


class _Transport(aiokafka.Transport):  # type: ignore[misc]  # as above
    Consumer = _Consumer


@dataclass(frozen=True, slots=True)
class Parts:
    """The application, its one stream's source and its one table."""

    app: Any
    inputs: Any
    table: Any


def make_app(settings: Settings, worker: str, topics: Topics) -> Parts:
    """Faust, set up but not started.

    Args:
        settings: where Kafka is and how many partitions a topic has.
        worker: this worker's name to the broker.
        topics: what it knows of its topics.

    Raises:
        siaga.settings.SettingsError: no broker is set, or the data directory cannot be used.
    """
    brokers = settings.require_kafka().split(",")
    # Faust makes directories of its own in it, though a table in memory keeps nothing there.
    directory = make_directory(settings.data_dir / "faust")
    app = faust.App(
        STREAMS_GROUP,
        broker=[f"kafka://{broker}" for broker in brokers],
        broker_client_id=worker,
        **_security(settings),
        store="memory://",
        datadir=str(directory),
        # With outputs that may repeat: exactly_once breaks on rebalances (faust-streaming 177, 323, 440).
        processing_guarantee="at_least_once",
        broker_commit_interval=1.0,
        broker_session_timeout=settings.stream_session,
        broker_heartbeat_interval=settings.stream_session / 6,
        broker_rebalance_timeout=_REBALANCE_SECONDS,
        broker_request_timeout=max(_REQUEST_SECONDS, settings.stream_session),
        # A pause of ours (a broker that is away) is no reason to be thrown out: the watchdog decides about that.
        broker_max_poll_interval=24 * 3600.0,
        broker_max_poll_records=500,
        consumer_auto_offset_reset="earliest",
        consumer_max_fetch_size=8 * MAX_RECORD_BYTES,
        producer_acks=-1,
        # Batches are gathered before they reach the producer: what is decided at once goes in one request.
        producer_linger=0.0,
        producer_max_batch_size=MAX_RECORD_BYTES,
        producer_max_request_size=4 * MAX_RECORD_BYTES,
        producer_request_timeout=_REQUEST_SECONDS,
        table_standby_replicas=0,
        # `siaga topics` makes the topics; Faust would give them other settings.
        topic_allow_declare=False,
        topic_disable_leader=True,
        topic_partitions=settings.partitions,
        stream_wait_empty=False,
        stream_buffer_maxsize=4096,
        stream_recovery_delay=0.0,
        web_enabled=False,
        autodiscover=False,
    )
    app.siaga_settings = settings
    app.siaga_topics = topics
    app.transport = _Transport(app.conf.broker_consumer, app)
    inputs = app.topic(
        *STREAM_INPUTS,
        key_type=bytes,
        value_type=bytes,
        key_serializer="raw",
        value_serializer="raw",
        allow_empty=True,
    )

    # Bytes as they are, for keys and values: Faust takes their serializers from the types.
    async def see_row(event: Any) -> None:
        message = event.message
        topics.read_back(message.key, message.headers)
        if message.value and is_misplaced(message.key, message.partition, settings.partitions):
            refuse_at_once(moved(settings.partitions))

    table = app.Table(
        STATE_TABLE,
        partitions=settings.partitions,
        key_type=bytes,
        value_type=bytes,
        on_changelog_event=see_row,
    )
    return Parts(app, inputs, table)


def _security(settings: Settings) -> dict[str, Any]:
    if settings.kafka_security == "PLAINTEXT":
        return {}
    context = tls_context(settings)
    if not settings.kafka_security.startswith("SASL"):
        return {"broker_credentials": faust.SSLCredentials(context=context)}
    credentials = faust.SASLCredentials(
        username=settings.kafka_user,
        password=password_of(settings),
        mechanism=mechanism_of(settings),
        ssl_context=context,
    )
    credentials.protocol = AuthProtocol(settings.kafka_security)
    return {"broker_credentials": credentials}
