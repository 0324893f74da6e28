"""Which ports the processes get, and a clear word when one is taken."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from typing import Final

from siaga.settings import Settings, SettingsError

_LOOPBACK: Final = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Ports:
    """Every port of a run. None is 0, but the inbox's may be where there is no inbox."""

    gateway: int
    gateway_metrics: int
    sinks_metrics: int
    streams_metrics: tuple[int, ...]
    inbox: int
    watchdog: int
    console: int
    console_metrics: int


def choose_ports(settings: Settings, *, with_inbox: bool = False) -> Ports:
    """The ports of ``settings``, free ones where they say 0; the stream workers' lie in a row.

    Args:
        settings: what they say.
        with_inbox: whether there is an inbox; without one its port is left alone.

    Raises:
        SettingsError: one is taken; names it, what it is for and the setting that moves it.
    """
    taken: set[int] = set()

    def choose(host: str, port: int, what: str, setting: str) -> int:
        found = port or _free(host, taken)
        if found in taken or not is_free(host, found):
            raise SettingsError(
                f"{setting}: port {found} for the {what} is taken; "
                f"end what listens there, or set SIAGA_{setting.upper()} to another port"
            )
        taken.add(found)
        return found

    host, first = settings.metrics_host, settings.streams_metrics_port
    gateway = choose(settings.gateway_host, settings.gateway_port, "gateway", "gateway_port")
    metrics = choose(host, settings.gateway_metrics_port, "gateway's metrics", "gateway_metrics_port")
    sinks = choose(host, settings.sinks_metrics_port, "sinks' metrics", "sinks_metrics_port")
    if first == 0:
        first = _free_row(host, settings.stream_workers, taken)
    streams = tuple(
        choose(host, first + number, f"metrics of stream worker {number}", "streams_metrics_port")
        for number in range(settings.stream_workers)
    )
    watchdog = choose(host, settings.watchdog_port, "watchdog's metrics", "watchdog_port")
    inbox = choose(_LOOPBACK, settings.inbox_port, "inbox", "inbox_port") if with_inbox else settings.inbox_port
    console = choose(settings.console_host, settings.console_port, "command centre", "console_port")
    shown = choose(host, settings.console_metrics_port, "command centre's metrics", "console_metrics_port")
    return Ports(gateway, metrics, sinks, streams, inbox, watchdog, console, shown)


def is_free(host: str, port: int) -> bool:
    """Whether a server could listen on ``port`` now."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        # As servers bind: what is left of closed connections is no hindrance.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except (OSError, OverflowError):
            return False
    return True


def _free(host: str, taken: set[int]) -> int:
    while True:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with socket.socket(family) as probe:
            probe.bind((host, 0))
            port: int = probe.getsockname()[1]
        if port not in taken:
            return port


def _free_row(host: str, count: int, taken: set[int]) -> int:
    for _ in range(200):
        first = _free(host, taken)
        row = range(first, first + count)
        if not taken & set(row) and all(is_free(host, port) for port in row):
            return first
    raise SettingsError(
        f"streams_metrics_port: there are no {count} free ports in a row; set SIAGA_STREAMS_METRICS_PORT"
    )
