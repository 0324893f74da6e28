"""What a process finds out before it begins: whether it has its directory, and its ports to itself.

In: the settings, and which process begins. Out: nothing, or what is wrong with which setting. State: the directory,
which is made.
"""

from __future__ import annotations

import errno
import socket
from pathlib import Path
from typing import Final

from siaga.settings import Settings, SettingsError

_METRICS: Final = "metrics_host"
#: What each process listens on: the settings of the address and of the port.
_PORTS: Final = {
    "gateway": (("gateway_host", "gateway_port"), (_METRICS, "gateway_metrics_port")),
    "streams": ((_METRICS, "streams_metrics_port"),),
    "sinks": ((_METRICS, "sinks_metrics_port"),),
    "console": (("console_host", "console_port"), (_METRICS, "console_metrics_port")),
    "watchdog": ((_METRICS, "watchdog_port"),),
}


def make_directory(path: Path, setting: str = "data_dir") -> Path:
    """Make a directory, with those it stands in; only this account may look into what is made.

    Raises:
        SettingsError: it cannot be made; ``setting`` is the one that names it.
    """
    try:
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise unusable(path, error, setting) from None
    return path


def unusable(path: Path, error: OSError, setting: str = "data_dir") -> SettingsError:
    """What to say of a directory that is there and cannot be used, or that cannot be made."""
    return SettingsError(
        f"{setting}: {path} cannot be used ({error.strerror}); set SIAGA_{setting.upper()} to a place of your own"
    )


def see_ports(settings: Settings, process: str) -> None:
    """See that what ``process`` will listen on is free: metrics open late, when it has stored things already.

    Raises:
        SettingsError: somebody listens there, or the address is none of this machine.
    """
    for host, port in _PORTS.get(process, ()):
        number: int = getattr(settings, port)
        if number:
            _see(getattr(settings, host), number, host=host, port=port)


def _see(address: str, number: int, *, host: str, port: str) -> None:
    try:
        family, *_, place = socket.getaddrinfo(address, number, type=socket.SOCK_STREAM)[0]
        with socket.socket(family) as probe:
            # As servers bind: what is left of closed connections is no hindrance.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(place)
    except OSError as error:
        where = f"{address}:{number}"
        if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
            raise SettingsError(
                f"{host}: {address} is no address of this machine; correct SIAGA_{host.upper()}"
            ) from None
        if error.errno == errno.EADDRINUSE:
            said = f"{where} is taken; end what listens there, or set SIAGA_{port.upper()} to another port"
        else:
            said = f"{where} cannot be used ({error.strerror}); set SIAGA_{port.upper()} to another port"
        raise SettingsError(f"{port}: {said}") from None
