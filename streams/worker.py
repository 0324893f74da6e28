"""``siaga streams``: one worker's process, from its first look at the registry to its last acknowledgement."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
from typing import Any, Final

from prometheus_client import REGISTRY, start_http_server

from siaga.certificates import CertificateMetrics
from siaga.contracts.registry import Entity
from siaga.election.registry import Registry
from siaga.escalation.duties import Duties
from siaga.settings import Settings
from siaga.wire.registry_tail import RegistryTail
from streams import metrics
from streams.app import make_app
from streams.deadlines import RegistryChanges
from streams.stall import Watchdog, end_at_once
from streams.stream import Stream
from streams.topics import Topics

_STOP_SECONDS: Final = 10.0
#: Objects made before the youngest are looked over for cycles: a batch makes tens of thousands and hardly a cycle.
_YOUNG_OBJECTS: Final = 100_000


def serve(settings: Settings) -> None:
    """Run one stream worker until SIGTERM or SIGINT.

    Raises:
        siaga.settings.SettingsError: no broker is set, or the registry cannot be reached.
        SystemExit: with 1 when Faust ended for another reason than being asked to.
    """
    import uvloop

    settings.require_kafka()
    metrics.initialise()
    CertificateMetrics(REGISTRY).show(settings, "kafka", "kafka_ca")
    gc.set_threshold(_YOUNG_OBJECTS, 20, 50)
    sys.exit(uvloop.run(_serve(settings)))


async def _serve(settings: Settings) -> int:
    name = f"streams-{os.getpid()}"
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)

    registry = Registry(keep=frozenset(Entity) - {Entity.DEVICE})
    duties = Duties(registry)
    changes = RegistryChanges(duties)
    tail = RegistryTail(settings, changes.tell, client_id=f"{name}-registry")
    tail.start()
    topics = Topics(settings, name)
    parts = make_app(settings, name, topics)
    stream = Stream(settings, parts, duties, changes, topics)
    watchdog = Watchdog(settings, name, lambda: stream.districts.owned, topics.see)
    # A report judged before its station is known would be rejected: wait, as long as it takes.
    while not stop.is_set() and not await asyncio.to_thread(tail.wait_caught_up, 0.5):
        pass
    changes.apply(())
    tasks: list[asyncio.Task[Any]] = []
    code = 0
    if not stop.is_set():
        watchdog.start()
        tasks = [
            asyncio.create_task(parts.app.start(), name="faust"),
            asyncio.create_task(stream.run_flusher(), name="flusher"),
            asyncio.create_task(stream.run_clock(watchdog.waiting), name="clock"),
            asyncio.create_task(_open_metrics(settings, stream), name="metrics"),
        ]
        code = await _until_over(stop, tasks, parts.app)
    watchdog.stop()
    try:
        async with asyncio.timeout(_STOP_SECONDS):
            if code == 0 and stream.ready.is_set():
                await stream.flush()
            await parts.app.stop()
    except TimeoutError:
        end_at_once("did not end in good order within ten seconds")
    for task in tasks:
        task.cancel()
    tail.stop(1.0)
    return code


async def _open_metrics(settings: Settings, stream: Stream) -> None:
    """Metrics open once the worker is ready: whoever waits for it asks for them."""
    await stream.ready.wait()
    start_http_server(settings.streams_metrics_port, addr=settings.metrics_host)


async def _until_over(stop: asyncio.Event, tasks: list[asyncio.Task[Any]], app: Any) -> int:
    """Wait until asked to stop (0), or until a part ended that must not (1)."""
    asked = asyncio.create_task(stop.wait(), name="asked")
    crashed = asyncio.create_task(app._crashed.wait(), name="crashed")
    ending = {task for task in tasks if task.get_name() in ("flusher", "clock")}
    waiting: set[asyncio.Task[Any]] = {asked, crashed, *tasks}
    while True:
        done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        if asked in done:
            return 0
        failed = [task for task in done if not task.cancelled() and task.exception() is not None]
        if crashed in done or failed or ending & done:
            reason = failed[0].exception() if failed else app.crash_reason
            sys.stderr.write(f"siaga: streams: ended by {type(reason).__name__}: {reason}\n")
            return 1
        waiting -= done  # Faust has started, or the metrics are open
