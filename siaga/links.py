"""Signed links: one tap in a message answers one page, for one officer, in one way, until they expire.

Whoever holds the link may answer as that officer, as whoever holds the phone may; so it says nothing else, does
nothing else and ends. The signature is HMAC-SHA-256 cut to 128 bits (RFC 2104, section 5, allows half), because an
SMS has 160 characters.
"""

from __future__ import annotations

import hashlib
import logging
import os
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final
from uuid import UUID

from itsdangerous.encoding import base64_decode, base64_encode
from itsdangerous.exc import BadData
from itsdangerous.signer import HMACAlgorithm, Signer, SigningAlgorithm

from siaga.contracts.command import Action
from siaga.secret_files import Watched
from siaga.settings import Settings, SettingsError

log = logging.getLogger(__name__)

#: What a link can do, by the byte it has in the token: append only.
_ACTIONS: Final = {
    1: Action.ACKNOWLEDGE,
    2: Action.ACCEPT,
    3: Action.CANNOT,
    4: Action.ESCALATE,
    5: Action.ON_MY_WAY,
    6: Action.VERIFY,
}
_BYTES: Final = {action: number for number, action in _ACTIONS.items()}
_SIGNATURE_BYTES: Final = 16
_UUID_BYTES: Final = 16
_TIME_BYTES: Final = 5
_HEAD_BYTES: Final = _UUID_BYTES + _TIME_BYTES + 1
_LEAST_KEY: Final = 32
_KEY_FILE: Final = "link.key"
_BOTH: Final = "set SIAGA_LINK_KEY or SIAGA_LINK_KEY_FILE to the same key for the sinks and the console"


class LinkFault(StrEnum):
    """Why a link does nothing."""

    FORGED = "forged"
    EXPIRED = "expired"


class LinkError(ValueError):
    """A link that does nothing, and why."""

    def __init__(self, fault: LinkFault) -> None:
        self.fault = fault
        told = {
            LinkFault.FORGED: "token: is none of ours; open the link as it stands in the message",
            LinkFault.EXPIRED: "token: has expired; answer in the command centre or call the posko",
        }
        super().__init__(told[fault])


@dataclass(frozen=True, slots=True)
class Link:
    """What a link does: ``officer_id`` answers page ``page_id`` with ``action``, until ``expires_at`` (epoch s)."""

    page_id: UUID
    officer_id: str
    action: Action
    expires_at: float


class _Short(HMACAlgorithm):
    """HMAC-SHA-256, cut."""

    default_digest_method = staticmethod(hashlib.sha256)

    def get_signature(self, key: bytes, value: bytes) -> bytes:
        return super().get_signature(key, value)[:_SIGNATURE_BYTES]


def signer_of(keys: Sequence[bytes], salt: str, algorithm: SigningAlgorithm | None = None) -> Signer:
    """A signer for ``salt`` of which the first of ``keys`` signs, and what any of them signed is good."""
    # itsdangerous signs with the last.
    return Signer(
        list(reversed(keys)), salt=salt, key_derivation="hmac", digest_method=hashlib.sha256, algorithm=algorithm
    )


class Links:
    """Signs links and reads them. Pure but for its keys: the time comes in."""

    def __init__(self, key: bytes | Callable[[], Sequence[bytes]], base_url: str) -> None:
        """``base_url`` is where officers reach the command centre, without a slash at its end.

        ``key`` is the key, or gives the keys as they are now: the first signs, links of all of them are good.
        """
        self._base = base_url.rstrip("/")
        self.keys: Callable[[], Sequence[bytes]] = key if callable(key) else lambda: (key,)

    @property
    def _signer(self) -> Signer:
        return signer_of(self.keys(), "siaga.page-answer", _Short())

    def token(self, link: Link) -> str:
        """The link's token, of letters, digits and ``. - _``.

        Raises:
            ValueError: no link can do what ``link.action`` says.
        """
        number = _BYTES.get(link.action)
        if number is None:
            raise ValueError(f"action: no link can {link.action}; use one of {', '.join(_BYTES)}")
        head = link.page_id.bytes + int(link.expires_at).to_bytes(_TIME_BYTES) + bytes((number,))
        return self._signer.sign(base64_encode(head + link.officer_id.encode())).decode()

    def url(self, link: Link) -> str:
        """The address that a phone opens."""
        return f"{self._base}/ack/{self.token(link)}"

    def read(self, token: str, now: float) -> Link:
        """What a token says. ``now`` is epoch seconds.

        Raises:
            LinkError: it is not signed with our key, or has expired.
        """
        try:
            said = base64_decode(self._signer.unsign(token))
            # The last letter of a signature has bits that mean nothing: one link is one token.
            signature = token.rpartition(".")[2]
            if base64_encode(base64_decode(signature)).decode() != signature:
                raise LinkError(LinkFault.FORGED)
            head, officer_id = said[:_HEAD_BYTES], said[_HEAD_BYTES:].decode()
            page_id = UUID(bytes=head[:_UUID_BYTES])
            action = _ACTIONS[head[_HEAD_BYTES - 1]]
        except (BadData, ValueError, LookupError):
            raise LinkError(LinkFault.FORGED) from None
        expires_at = int.from_bytes(head[_UUID_BYTES : _HEAD_BYTES - 1])
        if now >= expires_at:
            raise LinkError(LinkFault.EXPIRED)
        return Link(page_id, officer_id, action, float(expires_at))


def make_links(settings: Settings) -> Links:
    """Links signed with this Siaga's key.

    Raises:
        SettingsError: the key cannot be read or is too short.
    """
    base = base_url(settings)
    if settings.link_key is not None:
        keys = _long_enough(settings.link_key.get_secret_value().encode().split(), "link_key")
        return Links(lambda: keys, base)
    path = settings.link_key_file
    return Links(
        (_KeyFile(path) if path is not None else _KeyFile(_own_key(settings.data_dir / _KEY_FILE))).keys, base
    )


class _KeyFile:
    """Keys that stand in a file, read anew when it changes; what cannot be used leaves the keys as they were."""

    def __init__(self, path: Path) -> None:
        """Raises :class:`SettingsError` where the file cannot be read or a key is too short."""
        self._path = path
        self._watched = Watched((path,))
        self._keys = self._read()

    def keys(self) -> Sequence[bytes]:
        if self._watched.changed():
            try:
                self._keys = self._read()
            except SettingsError as error:
                log.error("changed keys of links cannot be used; the ones before stay: %s", error)
        return self._keys

    def _read(self) -> tuple[bytes, ...]:
        try:
            return _long_enough(self._path.read_bytes().splitlines(), "link_key_file")
        except OSError as error:
            raise SettingsError(
                f"link_key_file: cannot be read ({error.strerror}); correct SIAGA_LINK_KEY_FILE or make the file"
            ) from None


def base_url(settings: Settings) -> str:
    """Where people reach the command centre, without anything after the host and port but what the setting has."""
    if settings.public_url is not None:
        return settings.public_url
    host = "127.0.0.1" if settings.console_host in ("0.0.0.0", "::") else settings.console_host  # noqa: S104
    scheme = "https" if settings.console_cert_file is not None else "http"
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{settings.console_port}"


def _long_enough(told: Sequence[bytes], setting: str) -> tuple[bytes, ...]:
    keys = tuple(key for line in told if (key := line.strip()))
    if not keys or min(map(len, keys)) < _LEAST_KEY:
        raise SettingsError(
            f"{setting}: has fewer than {_LEAST_KEY} characters; make one with 'openssl rand -hex 32'"
        )
    return keys


def _own_key(path: Path) -> Path:
    """The file of this data directory's key, made by whoever asks first."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        made = path.with_suffix(f".{os.getpid()}.{secrets.token_hex(4)}")
        if not path.exists():
            file = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            try:
                os.write(file, secrets.token_hex(32).encode())
                os.fsync(file)
            finally:
                os.close(file)
            # A link, not a rename: whoever comes second must not replace the key that is in use.
            try:
                path.hardlink_to(made)
            except FileExistsError:
                pass
            finally:
                made.unlink()
        return path
    except OSError as error:
        raise SettingsError(f"link_key: {path} cannot be made ({error.strerror}); {_BOTH}") from None
