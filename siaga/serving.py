"""How gateway and command centre are reached: over HTTPS of their own, or behind named proxies; their metrics apart.

In: the settings. Out: what uvicorn is told, or a refusal to send secrets over a network in the clear; a port with
metrics for a while. State: none.
"""

from __future__ import annotations

import contextlib
import ipaddress
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry, start_http_server

from siaga.heads import HeadsInTime
from siaga.settings import Settings, SettingsError
from siaga.tls import refuse_lone_key, server_context


def http_options(settings: Settings, part: str) -> dict[str, Any]:
    """Keyword arguments for uvicorn's ``Config``, for ``part`` (``gateway`` or ``console``).

    The addresses of who asks are those of the connections, but for what proxies that are trusted say.

    Raises:
        SettingsError: certificates or proxies cannot be used, or plain HTTP would leave this machine.
    """
    refuse_plain_http(settings, part)
    proxies = trusted_proxies(settings)
    options: dict[str, Any] = {
        "http": HeadsInTime,
        "proxy_headers": bool(proxies),
        "forwarded_allow_ips": proxies,
    }
    certificate = certificate_of(settings, part)
    if certificate is not None:
        key: Path | None = getattr(settings, f"{part}_key_file")
        context = server_context(certificate=certificate, key=key, settings=part)
        options["ssl_context_factory"] = lambda _config, _default: context
    return options


def certificate_of(settings: Settings, part: str) -> Path | None:
    """The certificate with which ``part`` speaks HTTPS itself."""
    path: Path | None = getattr(settings, f"{part}_cert_file")
    return path


def scheme_of(settings: Settings, part: str) -> str:
    """What ``part`` speaks itself."""
    return "http" if certificate_of(settings, part) is None else "https"


@contextlib.contextmanager
def metrics_shown(settings: Settings, part: str, registry: CollectorRegistry) -> Iterator[None]:
    """Show the metrics of ``part`` (``gateway`` or ``console``) for a while, on a port that strangers need not reach.

    Raises:
        SettingsError: the port cannot be used.
    """
    setting = f"{part}_metrics_port"
    address, port = settings.metrics_host, getattr(settings, setting)
    try:
        server, thread = start_http_server(port, address, registry=registry)
    except OSError as error:
        raise SettingsError(
            f"{setting}: {address}:{port} cannot be used ({error}); set SIAGA_{setting.upper()} to a free one"
        ) from None
    try:
        yield
    finally:
        # It polls twice a second; nobody need wait for that.
        threading.Thread(target=server.shutdown, daemon=True).start()
        thread.join(0.1)
        server.server_close()


def trusted_proxies(settings: Settings) -> list[str]:
    """The proxies whose word about a request's origin counts.

    Raises:
        SettingsError: one is neither an address nor a network, or is everybody.
    """
    named = [text.strip() for text in settings.trusted_proxies.split(",") if text.strip()]
    for text in named:
        try:
            network = ipaddress.ip_network(text)
        except ValueError as error:
            raise SettingsError(
                f"trusted_proxies: {text} is no address or network ({error}); write such as 10.0.0.5 or 10.0.0.0/8"
            ) from None
        if network.prefixlen == 0:
            raise SettingsError(f"trusted_proxies: {text} is everybody; name the proxies' own addresses")
    return named


def refuse_plain_http(settings: Settings, part: str) -> None:
    """See that passwords, tokens and reports do not leave this machine in the clear without somebody's wish.

    Raises:
        SettingsError: they would, or a key is set without its certificate.
    """
    refuse_lone_key(getattr(settings, f"{part}_key_file"), certificate_of(settings, part), part)
    host: str = getattr(settings, f"{part}_host")
    spoken_otherwise = certificate_of(settings, part) is not None or settings.plain_http
    if spoken_otherwise or trusted_proxies(settings) or is_loopback(host):
        return
    name = part.upper()
    raise SettingsError(
        f"{part}_host: plain HTTP on {host} would carry secrets in the clear; set SIAGA_{name}_CERT_FILE and "
        f"SIAGA_{name}_KEY_FILE, or SIAGA_TRUSTED_PROXIES or SIAGA_PLAIN_HTTP=true where a proxy speaks HTTPS"
    )


def is_loopback(host: str) -> bool:
    """Whether ``host`` is this machine's own address, which nobody else reaches."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
