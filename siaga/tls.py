"""TLS as every line of Siaga speaks it: version 1.2 or newer, certificates checked, files taken up when they change.

In: paths of PEM files. Out: contexts for clients and servers. State: a context's certificates, read anew before the
next handshake once a file changed, so that a renewed certificate needs no restart. Files that do not fit together (a
key is written a moment before its certificate) leave a context as it was, until they do.
"""

from __future__ import annotations

import errno
import logging
import ssl
from pathlib import Path
from typing import Any, Self

from siaga.secret_files import Watched
from siaga.settings import SettingsError

log = logging.getLogger(__name__)


class RenewingContext(ssl.SSLContext):
    """A context that looks at its files before each handshake. Made by :func:`client_context` or its sibling."""

    _watched: Watched | None = None
    _authority: Path | None = None
    _certificate: Path | None = None
    _key: Path | None = None
    _stale = False

    @classmethod
    def make(
        cls, protocol: ssl._SSLMethod, *, authority: Path | None, certificate: Path | None, key: Path | None
    ) -> Self:
        """A context with these files.

        Raises:
            OSError: one cannot be read.
            ssl.SSLError: one is no PEM, or the key is not the certificate's.
        """
        made = cls(protocol)
        made.minimum_version = ssl.TLSVersion.TLSv1_2
        made._authority, made._certificate, made._key = authority, certificate, key
        # First the look, then the reading: a change between the two is seen at the next handshake.
        made._watched = Watched(path for path in (authority, certificate, key) if path is not None)
        made._read()
        return made

    def _read(self) -> None:
        if self._authority is not None:
            self.load_verify_locations(str(self._authority))
        if self._certificate is not None:
            _load(self, self._certificate, self._key)

    def _renew(self) -> None:
        if self._watched is None or not (self._watched.changed() or self._stale):
            return
        try:
            if self._certificate is not None:
                # A pair that does not fit would leave half of itself in this context: try it on another first.
                trial = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                _load(trial, self._certificate, self._key)
            self._read()
        except OSError as error:
            if not self._stale:
                log.warning("tls: changed certificates cannot be used yet (%s); the ones before stay", _said(error))
            self._stale = True
        else:
            self._stale = False
            log.info("tls: changed certificates are taken up")

    def wrap_socket(self, *args: Any, **kwargs: Any) -> ssl.SSLSocket:
        self._renew()
        return super().wrap_socket(*args, **kwargs)

    def wrap_bio(self, *args: Any, **kwargs: Any) -> ssl.SSLObject:
        self._renew()
        return super().wrap_bio(*args, **kwargs)


def client_context(
    *, authority: Path | None, certificate: Path | None, key: Path | None, settings: str
) -> RenewingContext:
    """For a client that checks whom it talks to, with ``authority``'s certificates or the machine's own.

    ``settings`` begins the names of the settings that hold the paths, such as ``kafka``.

    Raises:
        SettingsError: a file cannot be used.
    """
    refuse_lone_key(key, certificate, settings)
    if authority is not None:
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(str(authority))
        except OSError as error:
            raise _unusable(f"{settings}_ca_file", authority, error) from None
    try:
        made = RenewingContext.make(ssl.PROTOCOL_TLS_CLIENT, authority=authority, certificate=certificate, key=key)
    except OSError as error:
        raise _pair_unusable(settings, certificate, key, error) from None
    if authority is None:
        made.load_default_certs()
    return made


def server_context(*, certificate: Path, key: Path | None, settings: str) -> RenewingContext:
    """For a server. ``settings`` begins the names of the settings that hold the paths, such as ``gateway``.

    Raises:
        SettingsError: a file cannot be used.
    """
    try:
        return RenewingContext.make(ssl.PROTOCOL_TLS_SERVER, authority=None, certificate=certificate, key=key)
    except OSError as error:
        raise _pair_unusable(settings, certificate, key, error) from None


def refuse_lone_key(key: Path | None, certificate: Path | None, settings: str) -> None:
    """See that a key has its certificate: without it, what was meant to be closed would stand open.

    Raises:
        SettingsError: it has none.
    """
    if key is not None and certificate is None:
        raise SettingsError(
            f"{settings}_cert_file: is missing, and {settings}_key_file is set; "
            f"set SIAGA_{settings.upper()}_CERT_FILE, or unset the key"
        )


def _load(context: ssl.SSLContext, certificate: Path, key: Path | None) -> None:
    # Without a callback OpenSSL would ask for a passphrase on the terminal, and wait for it.
    context.load_cert_chain(str(certificate), None if key is None else str(key), password=_no_passphrase)


def _no_passphrase() -> str:
    raise OSError(errno.EACCES, "the key has a passphrase")


def _pair_unusable(settings: str, certificate: Path | None, key: Path | None, error: OSError) -> SettingsError:
    """What is wrong with a certificate and its key, by the setting of the file that it is wrong with."""
    if key is None and isinstance(error, ssl.SSLError):
        return SettingsError(
            f"{settings}_key_file: is not set, and {certificate} does not hold certificate and key; "
            f"set SIAGA_{settings.upper()}_KEY_FILE"
        )
    if key is not None and (not _can_be_read(key) or error.errno == errno.EACCES):
        return _unusable(f"{settings}_key_file", key, error)
    return _unusable(f"{settings}_cert_file", certificate, error)


def _can_be_read(path: Path) -> bool:
    try:
        with path.open("rb"):
            return True
    except OSError:
        return False


def _unusable(setting: str, path: Path | None, error: OSError) -> SettingsError:
    return SettingsError(
        f"{setting}: {path} cannot be used ({_said(error)}); correct SIAGA_{setting.upper()}, or the files"
    )


def _said(error: OSError) -> str:
    if isinstance(error, ssl.SSLError):
        return "the key is another certificate's" if error.reason == "KEY_VALUES_MISMATCH" else "it is no PEM"
    return error.strerror or type(error).__name__
