"""Siaga's clients of Kafka where connections fail as the library does not expect it."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import pytest
from kafka import KafkaAdminClient, KafkaConsumer
from kafka.errors import KafkaError
from kafka.net.manager import KafkaConnectionManager

from siaga.settings import Settings
from siaga.wire.client import connection
from tests.support.brokers import Broker
from tests.support.wait import until


class Line:
    """To the broker; while it ``fails``, new connections are reset as those over TLS are before their handshake."""

    def __init__(self) -> None:
        self.fails = False
        self.failed = 0

    def cut(self, client: Any) -> None:
        """From now on it fails, and what is connected is not any more."""
        self.fails = True
        manager = client._manager
        for established in list(manager._conns.values()):
            manager._net.call_soon_threadsafe(established.close)


@pytest.fixture
def line(monkeypatch: pytest.MonkeyPatch) -> Line:
    made = Line()
    build = KafkaConnectionManager._build_transport

    async def build_transport(*args: Any, **kwargs: Any) -> Any:
        if made.fails:
            made.failed += 1
            raise ConnectionResetError(104, "Connection reset by peer")
        return await build(*args, **kwargs)

    monkeypatch.setattr(KafkaConnectionManager, "_build_transport", build_transport)
    return made


def test_a_client_whose_connections_were_reset_goes_on_to_ask_who_leads(embedded: Broker, line: Line) -> None:
    options = connection(Settings(kafka=embedded.address), "test")
    with closing(KafkaConsumer(**options, metadata_max_age_ms=100, metrics_enabled=False)) as client:
        cluster = client._manager.cluster
        line.cut(client)
        until(lambda: line.failed >= 3, timeout=20, what="connections that were reset")
        line.fails = False
        before = cluster._last_successful_refresh_ms

        assert until(lambda: cluster._last_successful_refresh_ms > before, timeout=20, what="newer metadata")


def test_whoever_asks_over_such_a_connection_gets_an_error_of_kafka(embedded: Broker, line: Line) -> None:
    options = connection(Settings(kafka=embedded.address), "test")
    with closing(KafkaAdminClient(**options, request_timeout_ms=1000)) as client:
        line.cut(client)

        with pytest.raises(KafkaError):
            client.describe_cluster()
