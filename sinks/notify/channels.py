"""How each kind of channel is spoken to, as data: the built-in ``siaga/data/channels.toml`` and a file of one's own.

Input: TOML, the environment and files for its secrets. Output: a :class:`ChannelSpec` for each kind.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlsplit

from siaga.contracts.page import ChannelKind
from siaga.rules.errors import Findings, RulesError, read_toml
from siaga.settings import Settings, SettingsError
from sinks.notify.limits import Limit

ADAPTERS: Final = ("http", "apprise", "telegram")
TELEGRAM_URL: Final = "https://api.telegram.org"
_BODIES: Final = ("page", "json", "form")
_PLACEHOLDER: Final = re.compile(r"\{([a-z]+)\}")
_SECRET: Final = re.compile(r"\{(env|file):([^}]+)\}")
_KNOWN: Final = frozenset(("address", "text", "title", "key", "receipt"))
_NUMBERS: Final = (
    "timeout_seconds",
    "pause_seconds",
    "longest_pause_seconds",
    "circuit_pause_seconds",
)
_COUNTS: Final = ("tries", "parallel", "circuit_failures")
_COMMON: Final = (*_NUMBERS, *_COUNTS, "repeats_safely", "limits", "receipt_seconds")
_OWN: Final = (
    *("adapter", "url", "body", "fields", "headers", "receipt", "ask_url", "ask_status", "delivered", "failed"),
    *("token", "poll", "took_status", "took"),
)
#: Channels whose messages are short: they cost by length, or are read out.
BRIEF: Final = (ChannelKind.SMS, ChannelKind.VOICE)


@dataclass(frozen=True, slots=True)
class ChannelSpec:
    """How one kind of channel is spoken to. Durations are seconds. What may hold a secret is hidden from ``repr``."""

    kind: ChannelKind
    adapter: str | None
    url: str = field(repr=False, default="")
    body: str = "page"
    #: Texts, and tables and lists of them.
    fields: Mapping[str, Any] = field(repr=False, default_factory=dict)
    headers: Mapping[str, str] = field(repr=False, default_factory=dict)
    #: Of Telegram's bot, and whether its updates are asked for.
    token: str = field(repr=False, default="")
    poll: bool = False
    receipt: str | None = None
    #: Where an answer of 2xx says whether it took the message, and the words that mean that it did.
    took_status: str | None = None
    took: tuple[str, ...] = ("true",)
    ask_url: str | None = field(repr=False, default=None)
    ask_status: str | None = None
    delivered: tuple[str, ...] = ("delivered",)
    failed: tuple[str, ...] = ("failed", "undelivered")
    #: Seconds after it took a page at which the provider is asked whether it arrived.
    receipts: tuple[float, ...] = (5.0, 20.0, 60.0, 300.0, 900.0)
    timeout: float = 8.0
    tries: int = 4
    pause: float = 1.0
    longest_pause: float = 15.0
    parallel: int = 8
    circuit_failures: int = 5
    circuit_pause: float = 30.0
    repeats_safely: bool = False
    limits: tuple[Limit, ...] = ()

    @property
    def is_on(self) -> bool:
        """Whether anything can be sent over it."""
        return self.adapter is not None

    @property
    def lease(self) -> float:
        """For how long somebody who sends may be silent before nobody knows what became of it."""
        return self.timeout + 2.0

    @property
    def can_ask(self) -> bool:
        """Whether the provider can be asked for a page whose answer was lost."""
        return self.ask_url is not None and "{receipt}" not in self.ask_url

    @property
    def can_learn_of_delivery(self) -> bool:
        """Whether the provider can be asked how far a page that it took has come."""
        return self.ask_url is not None and self.ask_status is not None

    def provider_of(self, address: str) -> str:
        """Whose circuit it is: the gateway's, or where officers have servers of their own, the server's."""
        if self.url != "{address}":
            return self.kind.value
        return f"{self.kind.value} {urlsplit(address).netloc.rpartition('@')[2]}"

    def pause_after(self, attempt: int) -> float:
        """Seconds until a page that failed at its ``attempt``-th try is tried again."""
        return float(min(self.pause * 2 ** (attempt - 1), self.longest_pause))


def fill(template: str, values: Mapping[str, str], *, is_url: bool = False) -> str:
    """A template with its placeholders filled in; in a URL they are escaped, unless one is all there is of it."""
    whole = _PLACEHOLDER.fullmatch(template) is not None

    def value(match: re.Match[str]) -> str:
        said = values.get(match[1], "")
        return quote(said, safe="") if is_url and not whole else said

    return _PLACEHOLDER.sub(value, template)


def load_channels(settings: Settings) -> dict[ChannelKind, ChannelSpec]:
    """Every kind of channel, as the built-in file and the setting ``channels_file`` have it.

    Raises:
        SettingsError: the file cannot be read or used; every problem is named.
    """
    path = settings.channels_file
    text = ""
    if path is not None:
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            raise SettingsError(
                f"channels_file: {path} cannot be read; correct SIAGA_CHANNELS_FILE or the file's permissions"
            ) from None
    try:
        return parse_channels(text)
    except RulesError as error:
        raise SettingsError(f"channels_file: {path} cannot be used\n{error}") from None


def parse_channels(toml: str, environment: Mapping[str, str] | None = None) -> dict[ChannelKind, ChannelSpec]:
    """Every kind of channel, with ``toml`` laid over the built-in file.

    Raises:
        RulesError: something is wrong with it; every problem is named with its remedy, and no secret with either.
    """
    own = read_toml(toml)
    built_in = read_toml((files("siaga.data") / "channels.toml").read_text(encoding="utf-8"))
    found = Findings()
    found.unknown("", own, ("defaults", *(kind.value for kind in ChannelKind)), "kind of channel")
    defaults = {**built_in["defaults"], **_table("defaults", own, _COMMON, found)}
    specs = {}
    for kind in ChannelKind:
        told = _table(kind.value, own, (*_COMMON, *_OWN), found)
        table = {**defaults, **built_in.get(kind.value, {}), **told}
        specs[kind] = _spec(kind, table, os.environ if environment is None else environment, found)
    found.raise_any()
    return specs


def _table(name: str, tables: Mapping[str, Any], known: tuple[str, ...], found: Findings) -> dict[str, Any]:
    table = tables.get(name, {})
    if not isinstance(table, dict):
        found.add(name, "is not a table", f"begin it with [{name}]")
        return {}
    found.unknown(name, table, known, f"entry of [{name}]")
    return table


def _spec(
    kind: ChannelKind, table: Mapping[str, Any], environment: Mapping[str, str], found: Findings
) -> ChannelSpec:
    place = kind.value
    adapter = table.get("adapter")
    if adapter is not None and adapter not in ADAPTERS:
        found.add(f"{place}.adapter", "is none that we have", f"write one of {', '.join(ADAPTERS)}, or leave it out")
    if table.get("body", "page") not in _BODIES:
        found.add(f"{place}.body", "is none that we have", f"write one of {', '.join(_BODIES)}")
    if not isinstance(table["repeats_safely"], bool):
        found.add(f"{place}.repeats_safely", "is neither true nor false", "write true or false")
    numbers = {name: _duration(f"{place}.{name}", table[name], found) for name in _NUMBERS}
    counts = {name: _count(f"{place}.{name}", table[name], found) for name in _COUNTS}
    texts = _Texts(place, environment, found)
    url = texts.one("url", table.get("url", TELEGRAM_URL if adapter == "telegram" else None))
    token = texts.one("token", table.get("token"))
    if adapter == "telegram" and token is None:
        found.add(f"{place}.token", "is missing", 'write the bot\'s, such as "{env:TELEGRAM_BOT}"')
    if not isinstance(table.get("poll", False), bool) or (table.get("poll") and adapter != "telegram"):
        found.add(f"{place}.poll", "is neither true nor false, or not Telegram's", "write true or false")
    if adapter is not None and url is None:
        found.add(f"{place}.url", "is missing", "write where to send to, such as https://gateway.example/send")
    elif adapter == "apprise" and "retry=" in (url or ""):
        found.add(f"{place}.url", "has Apprise retry by itself", "leave `retry=` out; write `tries` instead")
    return ChannelSpec(
        kind,
        adapter,
        url=url or "",
        body=table.get("body", "page"),
        fields=texts.deep("fields", table.get("fields", {}), table.get("body") == "json"),
        headers=texts.many("headers", table.get("headers", {})),
        token=token or "",
        poll=table.get("poll") is True,
        receipt=texts.one("receipt", table.get("receipt")),
        took_status=texts.one("took_status", table.get("took_status")),
        took=tuple(str(word).casefold() for word in table.get("took", ("true",))),
        ask_url=texts.one("ask_url", table.get("ask_url")),
        ask_status=texts.one("ask_status", table.get("ask_status")),
        delivered=tuple(str(word).casefold() for word in table.get("delivered", ("delivered",))),
        failed=tuple(str(word).casefold() for word in table.get("failed", ("failed", "undelivered"))),
        receipts=_seconds(f"{place}.receipt_seconds", table["receipt_seconds"], found),
        timeout=numbers["timeout_seconds"],
        tries=counts["tries"],
        pause=numbers["pause_seconds"],
        longest_pause=numbers["longest_pause_seconds"],
        parallel=counts["parallel"],
        circuit_failures=counts["circuit_failures"],
        circuit_pause=numbers["circuit_pause_seconds"],
        repeats_safely=table["repeats_safely"],
        limits=_limits(place, table["limits"], found),
    )


def _duration(place: str, value: object, found: Findings) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= 3600:
        return float(value)
    found.add(place, "is no duration", "write seconds, more than 0 and at most 3600")
    return 1.0


def _count(place: str, value: object, found: Findings) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 100:
        return value
    found.add(place, "is no count", "write a whole number from 1 to 100")
    return 1


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _seconds(place: str, value: object, found: Findings) -> tuple[float, ...]:
    if isinstance(value, list) and all(_is_number(seconds) and seconds > 0 for seconds in value):
        return tuple(sorted(float(seconds) for seconds in value))
    found.add(place, "holds what is no duration", "write a list of seconds such as [5, 60, 300]")
    return ()


def _limits(place: str, value: object, found: Findings) -> tuple[Limit, ...]:
    limits = []
    for entry in value if isinstance(value, list) else [value]:
        messages, seconds = (entry.get("messages"), entry.get("seconds")) if isinstance(entry, dict) else (None, None)
        usable = isinstance(messages, int) and _is_number(seconds) and messages >= 1
        if usable and 0 < seconds <= 86_400:  # type: ignore[operator]  # a number, as just asked
            limits.append(Limit(messages, float(seconds)))  # type: ignore[arg-type]  # as above
        else:
            found.add(
                f"{place}.limits", "holds what is no limit", "write a list such as [{ messages = 1, seconds = 60 }]"
            )
    return tuple(limits)


class _Texts:
    """Reads texts with placeholders, and fills in the secrets."""

    def __init__(self, place: str, environment: Mapping[str, str], found: Findings) -> None:
        self._place = place
        self._environment = environment
        self._found = found

    def one(self, name: str, value: object) -> str | None:
        """One text, or None where there is none."""
        if value is None:
            return None
        place = f"{self._place}.{name}"
        if not isinstance(value, str) or not value.strip():
            self._found.add(place, "is not text, or blank", "write it in quotes")
            return None
        for unknown in sorted(set(_PLACEHOLDER.findall(value)) - _KNOWN):
            self._found.add(place, f"has no {{{unknown}}} to fill in", f"known are {', '.join(sorted(_KNOWN))}")
        return _SECRET.sub(lambda match: self._secret(place, match[1], match[2]), value)

    def many(self, name: str, value: object) -> dict[str, str]:
        """A table of texts."""
        if not isinstance(value, dict):
            self._found.add(f"{self._place}.{name}", "is not a table", 'write { name = "value" }')
            return {}
        return {str(key): self.one(f"{name}.{key}", text) or "" for key, text in value.items()}

    def deep(self, name: str, value: object, may_nest: bool) -> dict[str, Any]:
        """A table of texts in which, where they may, tables and lists of texts stand as well."""
        if not may_nest or not isinstance(value, dict):
            return dict(self.many(name, value))
        return {str(key): self._deep(f"{name}.{key}", one) for key, one in value.items()}

    def _deep(self, name: str, value: object) -> Any:
        if isinstance(value, dict):
            return {str(key): self._deep(f"{name}.{key}", one) for key, one in value.items()}
        if isinstance(value, list):
            return [self._deep(f"{name}.{number}", one) for number, one in enumerate(value)]
        return value if isinstance(value, bool | int | float) else self.one(name, value) or ""

    def _secret(self, place: str, source: str, name: str) -> str:
        if source == "env":
            if name not in self._environment:
                self._found.add(place, f"needs {name} of the environment", f"set {name}")
            return self._environment.get(name, "")
        try:
            return Path(name).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError):
            self._found.add(place, f"needs the file {name}", "make it, readable for Siaga only")
            return ""
