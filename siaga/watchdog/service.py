"""``siaga watchdog``: looks, tells and beats until it is asked to stop."""

from __future__ import annotations

import logging
import signal
import time
import uuid
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from types import FrameType

import apprise
from prometheus_client import start_http_server

from siaga.settings import Settings, SettingsError
from siaga.supervisor.scrape import fetch
from siaga.watchdog import metrics
from siaga.watchdog.alarms import Alarms, beat
from siaga.watchdog.checks import Check
from siaga.watchdog.watch import Watch

logger = logging.getLogger(__name__)


def serve(settings: Settings, checks: Sequence[Check], targets: Mapping[str, str]) -> None:
    """Watch ``targets`` (process -> address of its metrics) until SIGTERM or SIGINT.

    Raises:
        SettingsError: the alarms' addresses cannot be read.
    """
    addresses = addresses_of(settings)
    if not addresses:
        logger.warning("no address for alarms is set (watchdog_alarms): they are only logged and shown as metrics")
    stop = Event()

    def asked(number: int, frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, asked)
    watch = Watch(checks, targets, repeat=settings.watchdog_repeat)
    alarms = Alarms(addresses, uuid.uuid4().hex[:8])
    heartbeat = None if settings.watchdog_heartbeat is None else settings.watchdog_heartbeat.get_secret_value()
    _show(watch)
    for outcome in metrics.OUTCOMES:
        metrics.MESSAGES.labels(outcome=outcome)
        metrics.BEATS.labels(outcome=outcome)
    start_http_server(settings.watchdog_port, addr=settings.metrics_host)
    with ThreadPoolExecutor(max_workers=max(len(targets), 1)) as pool:
        while not stop.is_set():
            _look(watch, alarms, heartbeat, targets, pool)
            stop.wait(settings.watchdog_every)


def _look(
    watch: Watch, alarms: Alarms, heartbeat: str | None, targets: Mapping[str, str], pool: ThreadPoolExecutor
) -> None:
    readings = dict(zip(targets, pool.map(fetch, targets.values()), strict=True))
    notices = watch.look(readings, time.monotonic())
    for notice in notices:
        logger.warning("%s: %s of %s: %s", notice.kind, notice.check.id, notice.target, notice.check.english)
    metrics.LOOKS.inc()
    _show(watch)
    taken, refused = alarms.tell(notices)
    metrics.MESSAGES.labels(outcome="taken").inc(taken)
    metrics.MESSAGES.labels(outcome="failed").inc(refused)
    if watch.all_is_well and heartbeat is not None:
        metrics.BEATS.labels(outcome="taken" if beat(heartbeat) else "failed").inc()


def _show(watch: Watch) -> None:
    for (check, target), raised in watch.raised.items():
        metrics.ALARM.labels(check=check, part=target).set(raised)
    metrics.WELL.set(watch.all_is_well)


def addresses_of(settings: Settings) -> list[str]:
    """Where alarms go.

    Raises:
        SettingsError: the file cannot be read, or an address is none.
    """
    if settings.watchdog_alarms is not None:
        return _usable(settings.watchdog_alarms.get_secret_value().split(), "watchdog_alarms")
    if settings.watchdog_alarms_file is None:
        return []
    try:
        lines = settings.watchdog_alarms_file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        raise SettingsError(
            "watchdog_alarms_file: cannot be read; correct SIAGA_WATCHDOG_ALARMS_FILE or the file's permissions"
        ) from None
    told = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    return _usable(told, "watchdog_alarms_file")


def _usable(addresses: list[str], setting: str) -> list[str]:
    """``addresses``, where something can be sent to each. They hold secrets: the message counts them."""
    for number, address in enumerate(addresses, start=1):
        if not address.startswith(("http://", "https://")) and not apprise.Apprise.instantiate(address):
            raise SettingsError(
                f"{setting}: address {number} of {len(addresses)} is neither a webhook's nor one of Apprise; "
                f"correct SIAGA_{setting.upper()}"
            )
    return addresses


def default_targets(settings: Settings) -> dict[str, str]:
    """Every process of this machine, where the settings have its metrics.

    Raises:
        SettingsError: a port is 0, so that nobody knows where its metrics are.
    """
    ports = {"gateway": settings.gateway_metrics_port, "sinks": settings.sinks_metrics_port}
    for number in range(settings.stream_workers):
        first = settings.streams_metrics_port
        ports["streams" if number == 0 else f"streams-{number}"] = first + number if first else 0
    unknown = [name for name, port in ports.items() if not port]
    if unknown:
        raise SettingsError(f"target: the ports of {', '.join(unknown)} are chosen freely; name them with --target")
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.metrics_host, settings.metrics_host)  # noqa: S104
    host = f"[{host}]" if ":" in host else host
    return {name: f"http://{host}:{port}/metrics" for name, port in ports.items()}
