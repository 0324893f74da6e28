"""``siaga sinks``: the process, from its settings to its last commit. Its parts run in a thread each."""

from __future__ import annotations

import gc
import logging
import signal
import sys
import time
from collections.abc import Callable, Sequence
from threading import Event, Thread
from types import FrameType
from typing import Final, Protocol

from prometheus_client import REGISTRY, start_http_server

from siaga.certificates import CertificateMetrics
from siaga.settings import Settings, SettingsError
from sinks import metrics
from sinks.notify import metrics as notify_metrics
from sinks.notify.notifier import Notifier
from sinks.notify.publish import ResultPublisher
from sinks.notify.telegram_answers import TelegramAnswers
from sinks.store import Store
from sinks.sweeper import Sweeper

logger = logging.getLogger(__name__)

#: Seconds that the parts get to end in good order.
_STOP_SECONDS: Final = 10.0
#: A signal that comes in the moment between another's handling and the wait is handled when the wait is over.
_LOOK_SECONDS: Final = 1.0
#: Objects made before the youngest are looked over for cycles: a batch makes tens of thousands and not one cycle.
_YOUNG_OBJECTS: Final = 100_000


class Part(Protocol):
    """Something that runs until the process is to end."""

    name: str

    def run(self) -> None: ...


def serve(settings: Settings) -> None:
    """Run the sinks until SIGTERM or SIGINT.

    Raises:
        SettingsError: no broker is set, the channels' file or the key of links cannot be used, or the database's
            schema is newer than this Siaga.
        SystemExit: with 1 when a part ended by itself.
    """
    settings.require_kafka()
    metrics.initialise()
    notify_metrics.initialise()
    CertificateMetrics(REGISTRY).show(settings, "kafka", "kafka_ca")
    gc.set_threshold(_YOUNG_OBJECTS, 20, 50)
    stop, opened = Event(), Event()

    def ready() -> None:
        # Metrics open once the store reads: whoever waits for it asks for them.
        if not opened.is_set():
            opened.set()
            start_http_server(settings.sinks_metrics_port, addr=settings.metrics_host)

    def asked(number: int, frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, asked)
    sys.exit(_run(_parts(settings, stop, ready), stop))


def _parts(settings: Settings, stop: Event, ready: Callable[[], None]) -> list[Part]:
    """The store tells the notifier of pages, the notifier the publisher of results; the sweeper keeps to itself."""
    paged, sending, told = Event(), Event(), Event()
    parts: list[Part] = [
        Store(settings, stop, ready, paged.set),
        Notifier(settings, stop, wake=paged, active=sending, told=told),
        ResultPublisher(settings, stop, wake=told, active=sending),
    ]
    answers = TelegramAnswers(settings, stop, active=sending)
    if answers.is_on:
        parts.append(answers)
    return [*parts, Sweeper(settings, stop)] if settings.sweeper else parts


def _run(parts: Sequence[Part], stop: Event) -> int:
    """Run every part until one ends or the process is to end; the exit code."""
    ended: list[tuple[str, BaseException | None]] = []

    def go(part: Part) -> None:
        try:
            part.run()
        except BaseException as error:
            ended.append((part.name, error))
        else:
            ended.append((part.name, None))
        stop.set()

    threads = [Thread(target=go, args=(part,), name=part.name, daemon=True) for part in parts]
    for thread in threads:
        thread.start()
    while not stop.wait(_LOOK_SECONDS):
        pass
    # Together, not each: with the database gone, every one of them waits for it.
    until = time.monotonic() + _STOP_SECONDS
    for thread in threads:
        thread.join(max(0.0, until - time.monotonic()))
    for name, error in ended:
        if isinstance(error, SettingsError):
            raise error
        if error is not None:
            logger.error("%s ended", name, exc_info=error)
            return 1
    return 0
