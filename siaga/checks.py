"""What ``siaga doctor`` says: one line a thing, and what is to be done about it. Settings, certificates and disk are
here; :mod:`siaga.wire.check` asks Kafka and :mod:`sinks.check` the database.

In: the settings, and whose process is meant. Out: findings. State: none.
"""

from __future__ import annotations

import functools
import math
import os
import stat
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from siaga.certificates import FILES, validity_of
from siaga.serving import refuse_plain_http, trusted_proxies
from siaga.settings import Settings, SettingsError
from siaga.tls import client_context, server_context

PROCESSES: Final = ("gateway", "streams", "sinks", "console", "watchdog")
_DAY: Final = 86_400.0
_SOON: Final = 14 * _DAY
#: Settings that name files with something secret in them.
SECRET_FILES: Final = (
    "kafka_password_file",
    "kafka_key_file",
    "database_password_file",
    "gateway_key_file",
    "console_key_file",
    "link_key_file",
    "watchdog_alarms_file",
    "channels_file",
    "answers_file",
    "openid_client_secret_file",
)
_SERVERS: Final = ("gateway", "console")
#: Whose certificates each process uses, by the names they have in the metric.
_CERTIFICATES: Final = {
    "gateway": ("gateway", "kafka", "kafka_ca"),
    "console": ("console", "kafka", "kafka_ca"),
    "streams": ("kafka", "kafka_ca"),
    "sinks": ("kafka", "kafka_ca"),
}


class State(StrEnum):
    """What was found."""

    RIGHT = "right"
    #: It works, and should be otherwise.
    WARNING = "warning"
    #: It is away, and may come by itself: whoever needs it waits.
    AWAY = "away"
    #: Somebody must do something: waiting cannot help.
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line. ``text`` of what is wrong names the setting and the remedy."""

    subject: str
    state: State
    text: str


def check_settings(settings: Settings, processes: Iterable[str], now: float | None = None) -> Iterator[Finding]:
    """What can be seen without asking anybody. ``now`` is epoch seconds."""
    chosen = tuple(processes)
    at = time.time() if now is None else now
    named = sorted({name for process in chosen for name in _CERTIFICATES.get(process, ())})
    unusable = set()
    for name in named:
        path: Path | None = getattr(settings, FILES[name])
        if path is not None:
            found = _certificate(name, path, at)
            unusable |= {name} if found.state is State.WRONG else set()
            yield found
    # One line a fault: what is wrong with a certificate has been said.
    for part in _SERVERS:
        if part in chosen and part not in unusable:
            yield tried(part, functools.partial(_served, settings, part))
    # The watchdog has no line to Kafka, and need not have its files where settings are shared.
    if set(chosen) != {"watchdog"}:
        if settings.kafka_security.endswith("SSL") and not unusable & {"kafka", "kafka_ca"}:
            yield tried("kafka's certificates", functools.partial(_kafka_files, settings))
        yield from _unused(settings)
    yield from _open_secrets(settings)
    if "gateway" in chosen:
        yield _disk(settings)


def tried(subject: str, act: Callable[[], str]) -> Finding:
    """What ``act`` says, or what it finds wrong."""
    try:
        return Finding(subject, State.RIGHT, act())
    except SettingsError as error:
        return Finding(subject, State.WRONG, str(error))


def _served(settings: Settings, part: str) -> str:
    refuse_plain_http(settings, part)
    certificate: Path | None = getattr(settings, f"{part}_cert_file")
    if certificate is not None:
        server_context(certificate=certificate, key=getattr(settings, f"{part}_key_file"), settings=part)
        return "speaks HTTPS"
    proxies = trusted_proxies(settings)
    return f"speaks plain HTTP behind {', '.join(proxies)}" if proxies else "speaks plain HTTP"


def _kafka_files(settings: Settings) -> str:
    client_context(
        authority=settings.kafka_ca_file,
        certificate=settings.kafka_cert_file,
        key=settings.kafka_key_file,
        settings="kafka",
    )
    return "can be used"


def _certificate(name: str, path: Path, now: float) -> Finding:
    setting = FILES[name]
    subject = f"certificate {name}"
    begins, until = validity_of(path)
    if math.isnan(until):
        text = f"{setting}: {path} holds no certificate that can be read; correct SIAGA_{setting.upper()} or the file"
        return Finding(subject, State.WRONG, text)
    day = time.strftime("%Y-%m-%d %H:%M", time.gmtime(until))
    if until <= now:
        text = f"{setting}: the certificate in {path} expired at {day} UTC; put a renewed one in its place"
        return Finding(subject, State.WRONG, text)
    # Authorities that are used later may stand beside those of today.
    if begins > now and name != "kafka_ca":
        first = time.strftime("%Y-%m-%d %H:%M", time.gmtime(begins))
        text = f"{setting}: the certificate in {path} is good from {first} UTC on; correct the clock, or wait"
        return Finding(subject, State.WRONG, text)
    if until - now < _SOON:
        text = f"{setting}: the certificate in {path} ends at {day} UTC; renew it before, no restart is needed"
        return Finding(subject, State.WARNING, text)
    return Finding(subject, State.RIGHT, f"is good until {day} UTC")


def _unused(settings: Settings) -> Iterator[Finding]:
    """What is set to close the line to Kafka, and closes nothing."""
    spoken = settings.kafka_security
    unused = [] if spoken.startswith("SASL") else ["kafka_user", "kafka_password", "kafka_password_file"]
    unused += [] if spoken.endswith("SSL") else ["kafka_ca_file", "kafka_cert_file", "kafka_key_file"]
    named = [name for name in unused if getattr(settings, name)]
    if named:
        text = f"kafka_security: {spoken} does not use {', '.join(named)}; set SIAGA_KAFKA_SECURITY=SASL_SSL"
        yield Finding("kafka's security", State.WARNING, text)


def _open_secrets(settings: Settings) -> Iterator[Finding]:
    """Files of secrets that any user of the machine may read."""
    for name in SECRET_FILES:
        path: Path | None = getattr(settings, name)
        try:
            mode = path.stat().st_mode if path is not None else 0
        except OSError:
            continue  # that it is not there is told by whoever needs it
        if mode & stat.S_IROTH:
            text = f"{name}: everybody on this machine may read {path}; take the right away with 'chmod o-r'"
            yield Finding(f"secret {name}", State.WARNING, text)


def _disk(settings: Settings) -> Finding:
    place = settings.data_dir.absolute()
    while not place.exists() and place != place.parent:
        place = place.parent
    found = os.statvfs(place)
    free = found.f_bavail * found.f_frsize
    if free < settings.disk_least_free:
        text = (
            f"disk_least_free: the disk of {settings.data_dir} has {free:,} bytes free and needs "
            f"{settings.disk_least_free:,}; make room on it, or set SIAGA_DATA_DIR to another"
        )
        return Finding("disk", State.WRONG, text)
    return Finding("disk", State.RIGHT, f"has {free:,} bytes free")


def refuse_wrong(findings: Iterable[Finding]) -> list[Finding]:
    """Let a process begin: what is away or a warning is given back, to be logged.

    Raises:
        SettingsError: something is wrong; a line for each.
    """
    found = list(findings)
    wrong = [finding.text for finding in found if finding.state is State.WRONG]
    if wrong:
        raise SettingsError("\n".join(dict.fromkeys(wrong)))
    return [finding for finding in found if finding.state is not State.RIGHT]
