"""The gateway's process: opens what it needs, serves until it is asked to end, and closes everything in order.

In: the settings, SIGTERM or SIGINT. Out: an exit in good order, after which everything answered 202 is on Kafka or on
the spool. State: the parts' own.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import math
import socket
from collections.abc import Iterator, Mapping
from typing import Any

import uvicorn
import uvloop
from prometheus_client import ProcessCollector, disable_created_metrics

from producers.gateway.app import Gateway
from producers.gateway.batcher import Batcher
from producers.gateway.canary import send_canaries
from producers.gateway.known import Known
from producers.gateway.lapor.page import ReportingPage
from producers.gateway.posts import Posts
from producers.journal import Journal, journal_directory
from producers.metrics import GatewayMetrics
from producers.publisher import Publisher
from producers.spool import Spool
from siaga.certificates import CertificateMetrics
from siaga.ending import Server
from siaga.serving import http_options, metrics_shown
from siaga.settings import Settings, SettingsError
from siaga.wire.registry_tail import RegistryTail

log = logging.getLogger(__name__)

#: What the gateway waits for an acknowledgement is the setting; what Kafka's client tries, this much longer.
_DELIVERY_FACTOR = 4
_LEAST_DELIVERY = 8.0
#: Seconds for which the first connection for sending is worth waiting for.
_FIRST_CONNECTION = 5.0


def serve(settings: Settings) -> None:
    """Run the gateway until SIGTERM or SIGINT.

    Raises:
        SettingsError: no broker is set, a port is taken, another gateway holds the data directory, or it would speak
            plain HTTP to a network.
    """
    settings.require_kafka()
    options = http_options(settings, "gateway")
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
    disable_created_metrics()  # type: ignore[no-untyped-call]  # its library has no type for it
    uvloop.run(_run(settings, options))


async def _run(settings: Settings, options: Mapping[str, Any]) -> None:
    metrics = GatewayMetrics()
    ProcessCollector(registry=metrics.registry)
    CertificateMetrics(metrics.registry).show(settings, "gateway", "kafka", "kafka_ca")
    with contextlib.ExitStack() as last:
        listening = last.enter_context(_listening(settings.gateway_host, settings.gateway_port))
        # First: it keeps a second gateway from everything else in the data directory.
        spool = Spool(
            settings.data_dir / "spool", max_bytes=settings.spool_max_bytes, least_free=settings.disk_least_free
        )
        last.callback(spool.close)
        known = Known(settings.data_dir)
        last.callback(known.close)
        journal = None
        if settings.gateway_journal:
            journal = Journal(journal_directory(settings), max_bytes=settings.spool_max_bytes)
            last.callback(journal.close)
        delivery = max(_LEAST_DELIVERY, _DELIVERY_FACTOR * settings.gateway_ack_timeout)
        publisher = Publisher(settings, "siaga-gateway", delivery_timeout=delivery)
        last.callback(publisher.close, 2.0)
        tail = RegistryTail(settings, known.take, client_id="siaga-gateway-registry")
        tail.start()
        last.callback(tail.stop, 1.0)
        last.enter_context(metrics_shown(settings, "gateway", metrics.registry))
        batcher = Batcher(
            publisher,
            spool,
            journal,
            metrics,
            linger=settings.gateway_linger,
            ack_timeout=settings.gateway_ack_timeout,
        )
        _show(metrics, spool, publisher, known, batcher)
        beside = [
            asyncio.create_task(_follow(tail, known, publisher)),
            asyncio.create_task(
                send_canaries(publisher, metrics, partitions=settings.partitions, every=settings.canary_every)
            ),
        ]
        try:
            posts = Posts(settings, known, batcher, metrics)
            page = ReportingPage(known) if settings.gateway_page else None
            gateway = Gateway(posts, lambda: _unready(known, spool), page)
            # Requests under way may wait for an acknowledgement, and then for the disk.
            await _serve_http(gateway, listening, options, last_requests=math.ceil(settings.gateway_ack_timeout) + 3)
        finally:
            for task in beside:
                task.cancel()
            await asyncio.gather(*beside, return_exceptions=True)
            await batcher.stop(settings.gateway_ack_timeout + 5.0)
    log.info("gateway: ended in order")


def _unready(known: Known, spool: Spool) -> str:
    if not known.ready:
        return "devices and stations are not known yet; is Kafka there, and are its topics made ('siaga topics')?"
    if spool.disk_bytes >= spool.max_bytes * 0.99:
        return "the disk queue is full; see why Kafka takes nothing"
    if spool.short_of_space:
        return "the disk is nearly full (disk_least_free); make room on it"
    return ""


async def _follow(tail: RegistryTail, known: Known, publisher: Publisher) -> None:
    """Wait until the registry is known, then tell; the garbage collector need not look at it ever again."""
    while not await asyncio.to_thread(tail.wait_caught_up, 0.2):
        pass
    # Kafka answers, so this takes a moment; without it the first items would take the way over the disk.
    await asyncio.to_thread(publisher.wait_connected, _FIRST_CONNECTION)
    await asyncio.to_thread(known.caught_up)
    gc.collect()
    gc.freeze()
    log.info("gateway: %d districts are known", len(known.registry.district_codes))


async def _serve_http(
    app: Gateway, listening: socket.socket, options: Mapping[str, Any], *, last_requests: int
) -> None:
    config = uvicorn.Config(
        app,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        **options,
        timeout_keep_alive=60,
        timeout_graceful_shutdown=last_requests,
    )
    host, port = listening.getsockname()[:2]
    log.info("gateway: takes reports on %s://%s:%s", "https" if config.is_ssl else "http", host, port)
    await Server(config).serve(sockets=[listening])


@contextlib.contextmanager
def _listening(host: str, port: int) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((host, port))
            listening.listen(2048)
        except (OSError, OverflowError) as error:
            raise SettingsError(
                f"gateway_port: {host}:{port} cannot be used ({error}); set SIAGA_GATEWAY_PORT to a free one"
            ) from None
        yield listening


def _show(metrics: GatewayMetrics, spool: Spool, publisher: Publisher, known: Known, batcher: Batcher) -> None:
    metrics.spool_max_bytes.set(spool.max_bytes)
    metrics.spool_items.set_function(lambda: spool.items)
    metrics.spool_bytes.set_function(lambda: spool.disk_bytes)
    metrics.kafka_up.set_function(lambda: float(publisher.connected and not batcher.spooling))
    metrics.registry_ready.set_function(lambda: float(known.ready))
    metrics.waiting.set_function(lambda: batcher.waiting)
