"""Gateways that bring messages: whether a post is theirs, and what it holds. Formats are data (``answers.toml``).

Input: the body and headers of a post, and what the setting ``answers_file`` says of the gateway. Output: a
:class:`~siaga.answers.desk.Received`. State: what the file said last. Pure but for reading it; the time comes in.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import logging
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl

from siaga.answers.data import answers_data
from siaga.answers.desk import Received
from siaga.answers.text import storable
from siaga.contracts.command import Via
from siaga.secret_files import Watched
from siaga.settings import Settings, SettingsError

log = logging.getLogger(__name__)

#: Most of a post that is read, in bytes.
MOST_BYTES: Final = 64 * 1024
#: Seconds that a signed time may be away from ours.
_SKEW: Final = 300.0
#: Seconds in which the same message from the same sender is the same one, where a gateway gives no id and no time.
_ONE_MESSAGE: Final = 60.0
_NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,39}")
_SECRET: Final = re.compile(r"\{(env|file):([^}]+)\}")
_LEAST_SECRET: Final = 16
TELEGRAM: Final = "telegram"


@dataclass(frozen=True, slots=True)
class Gateway:
    """One gateway that may post to ``/answers/<name>``."""

    name: str
    format: str
    proof: str
    via: Via
    answer: str
    secret: str = field(repr=False)
    #: The address as the gateway has it, for whoever signs it.
    url: str = ""
    sender: tuple[str, ...] = ()
    text: tuple[str, ...] = ()
    id: tuple[str, ...] = ()
    at: tuple[str, ...] = ()
    only: Mapping[str, str] = field(default_factory=dict)
    #: The devices' gateway that takes reports in a line, and the token of the device that they come from.
    reports: str | None = None
    token: str = field(repr=False, default="")
    #: Where its secrets lie, as far as that is in files.
    files: tuple[Path, ...] = ()

    def is_genuine(self, post: Post, now: float) -> bool:
        """Whether ``post`` is this gateway's. ``now`` is epoch seconds."""
        match self.proof:
            case "twilio":
                return _same(post.headers.get("x-twilio-signature", ""), _twilio(self.secret, self.url, post))
            case "hmac":
                return _is_signed(self.secret, post, now)
            case "path":
                return _same(post.tail, self.secret)
            case "telegram":
                return _same(post.headers.get("x-telegram-bot-api-secret-token", ""), self.secret)
            case _:
                return any(_same(given, self.secret) for given in _given(post.headers))

    def message_of(self, post: Post, now: float) -> Received | None:
        """The message in a post; None where it is none.

        Raises:
            ValueError: it cannot be read, or lacks who sent it or what.
        """
        told = post.fields()
        if any(_at(told, (path,)) != value for path, value in self.only.items()):
            return None
        sender, text = _at(told, self.sender), _at(told, self.text)
        if not sender or text is None:
            raise ValueError("post: does not say who sent the message, or what; correct the gateway's format")
        known = _at(told, self.id)
        # What has no id is told from its like by when it was sent, else by the minute in which it came.
        when = _at(told, self.at) or str(int(now // _ONE_MESSAGE))
        mark = known or hashlib.sha256(f"{sender}|{when}|{text}".encode(errors="replace")).hexdigest()
        return Received(self.via, f"{self.name}|{mark[:200]}", sender[:80], text)


@dataclass(frozen=True, slots=True)
class Post:
    """What was posted. ``headers`` have names in lower case; ``tail`` is what stands behind the gateway's name."""

    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    tail: str = field(repr=False, default="")

    def fields(self) -> dict[str, Any]:
        """The body as an object, of JSON or of a form.

        Raises:
            ValueError: it is neither.
        """
        if "json" in self.headers.get("content-type", ""):
            try:
                told = json.loads(self.body)
            except (ValueError, RecursionError):
                raise ValueError("post: is no JSON; send what its Content-Type says") from None
            if not isinstance(told, dict):
                raise ValueError("post: is no object; send one message a post")
            return told
        return dict(self.pairs())

    def pairs(self) -> list[tuple[str, str]]:
        """The body of a form, in its order."""
        try:
            return parse_qsl(self.body.decode(), keep_blank_values=True, strict_parsing=False)
        except ValueError:
            raise ValueError("post: is no form in UTF-8; send what its Content-Type says") from None


# -- proofs ----------------------------------------------------------------------------------------------------------


def _same(given: str, wanted: str) -> bool:
    return hmac.compare_digest(given.encode(errors="replace"), wanted.encode())


def _given(headers: Mapping[str, str]) -> list[str]:
    """Every secret that the headers bring."""
    found = [headers.get("x-siaga-secret", "")]
    scheme, _, rest = headers.get("authorization", "").partition(" ")
    if scheme.casefold() == "bearer":
        found.append(rest.strip())
    elif scheme.casefold() == "basic":
        with suppress(ValueError):
            found.append(base64.b64decode(rest, validate=True).decode().partition(":")[2])
    return [secret for secret in found if secret]


def _twilio(secret: str, url: str, post: Post) -> str:
    """Twilio's signature: HMAC-SHA-1 over the address and the form's fields, sorted by name."""
    try:
        pairs = post.pairs()
    except ValueError:
        return hashlib.sha256(secret.encode()).hexdigest()  # what nobody else can say
    signed = url + "".join(name + value for name, value in sorted(pairs))
    return base64.b64encode(hmac.new(secret.encode(), signed.encode(), hashlib.sha1).digest()).decode()


def _is_signed(secret: str, post: Post, now: float) -> bool:
    when = post.headers.get("x-timestamp", "")
    if not (when.isascii() and when.isdecimal()) or abs(int(when[:15]) - now) > _SKEW:
        return False
    wanted = hmac.new(secret.encode(), post.body + when.encode(), hashlib.sha256).hexdigest()
    return _same(post.headers.get("x-signature", "").casefold(), wanted)


def _at(told: Any, paths: Sequence[str]) -> str | None:
    """What the first of some dotted paths holds, as text."""
    for path in paths:
        found = told
        for step in path.split("."):
            found = found.get(step) if isinstance(found, dict) else None
        if isinstance(found, str | int) and not isinstance(found, bool):
            return storable(str(found))
    return None


# -- the file --------------------------------------------------------------------------------------------------------


class Gateways:
    """The gateways of the setting ``answers_file``, read anew when it or a file with a secret that it names changes.

    What cannot be used leaves the gateways as they were.
    """

    def __init__(self, settings: Settings, environment: Mapping[str, str]) -> None:
        """Raises :class:`SettingsError` where the file cannot be read or used."""
        self._settings = settings
        self._environment = environment
        self._gateways = load_gateways(settings, environment)
        self._stale = False
        self._watch()

    def get(self, name: str) -> Gateway | None:
        """The gateway of this name, as the files say now."""
        changed = self._watched.changed()
        if changed or self._stale:
            try:
                self._gateways, self._stale = load_gateways(self._settings, self._environment), False
            except SettingsError as error:
                # A file that it names may come later: it is tried again then.
                self._stale = True
                if changed:
                    log.error("changed gateways of answers cannot be used; the ones before stay: %s", error)
            else:
                self._watch()
        return self._gateways.get(name)

    def _watch(self) -> None:
        own = self._settings.answers_file
        files = {file for gateway in self._gateways.values() for file in gateway.files}
        self._watched = Watched([*([] if own is None else [own]), *sorted(files)])


def load_gateways(settings: Settings, environment: Mapping[str, str]) -> dict[str, Gateway]:
    """The gateways of the setting ``answers_file``, by name; none where it is not set.

    Raises:
        SettingsError: the file cannot be read or used.
    """
    path = settings.answers_file
    if path is None:
        return {}
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        raise SettingsError(
            f"answers_file: {path} cannot be read; correct SIAGA_ANSWERS_FILE or the file's permissions"
        ) from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"answers_file: {path} is no TOML ({error}); correct it") from None
    return {name: _gateway(name, table, settings, environment) for name, table in tables.items()}


def _gateway(name: str, table: Any, settings: Settings, environment: Mapping[str, str]) -> Gateway:
    formats = answers_data()["gateways"]
    if not _NAME.fullmatch(name) or not isinstance(table, dict):
        raise SettingsError(f"answers_file: {name[:40]} is no gateway; begin one with [name], of letters and digits")
    unknown = sorted(table.keys() - _KNOWN)
    if unknown:
        raise SettingsError(f"answers_file: {name}.{unknown[0]} is no entry; known are {', '.join(sorted(_KNOWN))}")
    chosen = table.get("format", name)
    if chosen != TELEGRAM and chosen not in formats:
        raise SettingsError(f"answers_file: {name}.format is none; write one of {', '.join((*formats, TELEGRAM))}")
    for field_name in sorted(_OWN & table.keys()):
        paths = table[field_name]
        if not isinstance(paths, list) or not all(isinstance(path, str) for path in paths):
            raise SettingsError(
                f'answers_file: {name}.{field_name} is no list of paths; write one such as ["payload.message"]'
            )
    told = {**formats.get(chosen, {"proof": TELEGRAM, "via": Via.TELEGRAM, "answer": "json"}), **table}
    secret = _secret(name, table.get("secret"), environment)
    url = told.get("url")
    if url is None and settings.public_url is not None:
        url = f"{settings.public_url.rstrip('/')}/answers/{name}"
    if told["proof"] == "twilio" and not url:
        raise SettingsError(f"answers_file: {name}.url is missing; write the address that Twilio posts to")
    if told["via"] not in (Via.SMS, Via.WHATSAPP, Via.TELEGRAM):
        raise SettingsError(f"answers_file: {name}.via is none; write sms or whatsapp")
    reports = table.get("reports")
    if reports is not None and not (isinstance(reports, str) and _URL.fullmatch(reports)):
        raise SettingsError(f"answers_file: {name}.reports is no URL; write the gateway's, such as {_EXAMPLE}")
    return Gateway(
        name,
        chosen,
        told["proof"],
        Via(told["via"]),
        told["answer"],
        secret,
        url=url or "",
        only=told.get("only", {}),
        reports=reports,
        token="" if reports is None else _secret(name, table.get("token"), environment, entry="token"),
        files=tuple(_files(table.get(entry) for entry in ("secret", "token"))),
        **{field: tuple(told.get(field, ())) for field in ("sender", "text", "id", "at")},
    )


_OWN: Final = frozenset(("sender", "text", "id", "at"))
_KNOWN: Final = _OWN | {"format", "secret", "url", "via", "reports", "token"}
_URL: Final = re.compile(r"https?://[^/\s]+/?")
_EXAMPLE: Final = "http://127.0.0.1:8081"


def _files(told: Iterable[object]) -> Iterator[Path]:
    """The files that secrets stand in."""
    for text in told:
        match = _SECRET.fullmatch(text) if isinstance(text, str) else None
        if match is not None and match[1] == "file":
            yield Path(match[2])


def _secret(name: str, told: object, environment: Mapping[str, str], entry: str = "secret") -> str:
    """A gateway's secret, or the token of its reports, out of the environment or a file."""
    match = _SECRET.fullmatch(told) if isinstance(told, str) else None
    if match is None:
        raise SettingsError(
            f"answers_file: {name}.{entry} is missing or stands there itself; "
            'write "{env:NAME}" or "{file:/run/secrets/name}"'
        )
    if match[1] == "env":
        secret = environment.get(match[2], "")
    else:
        try:
            secret = Path(match[2]).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError):
            raise SettingsError(f"answers_file: {name}.{entry} needs the file {match[2]}; make it") from None
    if len(secret) < _LEAST_SECRET:
        raise SettingsError(
            f"answers_file: {name}.{entry} has fewer than {_LEAST_SECRET} characters; use 'openssl rand -hex 16'"
        )
    return secret
