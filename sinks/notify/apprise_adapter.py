"""Hands a message to Apprise: one URL a call, its own retry off, nothing of it in our log.

Input: a channel's spec and a message. Output: an :class:`~sinks.notify.outcome.Outcome`. State: none. Apprise answers
yes or no and writes the rest to its log, with addresses: the log is read here, by thread, and goes nowhere else.
"""

from __future__ import annotations

import logging
import re
import threading
from functools import cache
from typing import Final
from urllib.parse import parse_qs, urlsplit

from apprise import Apprise, AppriseAsset, NotifyFormat

from siaga.contracts.page_result import ResultReason
from sinks.notify.channels import ChannelSpec, fill
from sinks.notify.outcome import Message, Outcome, Verdict, outcome_of_status

_HTTP: Final = re.compile(r"\berror=(\d{3})\b")
_SMTP: Final = re.compile(r"\((\d{3}), b?['\"]|was refused: (\d{3}) ")
_SMTP_AUTH: Final = range(530, 540)
#: What urllib3 says where no connection came about, so that nothing can have arrived.
_NOT_CONNECTED: Final = ("NewConnectionError", "ConnectTimeout", "NameResolutionError", "SSLError", "ProxyError")
_SOCKET: Final = "Socket Exception"
#: What the mail plugin says of a failure before the message itself.
_BEFORE_MAIL: Final = "Connection error while submitting email"
_MAIL: Final = ("mailto", "mailtos")


def prepare() -> None:
    """Load Apprise's plugins now: a second that the first page need not wait for."""
    _listening()
    Apprise.instantiate("json://localhost", asset=_asset())


def send(spec: ChannelSpec, message: Message) -> Outcome:
    """Send a message, once."""
    values = {"address": message.address, "text": message.text, "title": message.title, "key": message.key}
    url = _bounded(fill(spec.url, values, is_url=True), spec.timeout)
    heard = _listening().begin()
    try:
        service = Apprise.instantiate(url, asset=_asset(), suppress_exceptions=True)
        if service is None:
            return Outcome(Verdict.FAILED, ResultReason.NO_ADDRESS, "Apprise cannot use the channel's URL or address")
        # What an exception says may show the address, and some plugins raise after they have sent.
        try:
            sent = service.notify(body=message.text, title=message.title, body_format=NotifyFormat.TEXT)
        except Exception as error:
            return Outcome(Verdict.UNCLEAR, ResultReason.OTHER, f"Apprise raised {type(error).__name__}")
    finally:
        _listening().end()
    if sent:
        return Outcome(Verdict.ACCEPTED)
    return _failure("\n".join(heard), is_mail=urlsplit(url).scheme in _MAIL)


def _failure(said: str, *, is_mail: bool) -> Outcome:
    """What a refusal was, from what Apprise wrote about it."""
    if is_mail:
        return _mail_failure(said)
    statuses = _HTTP.findall(said)
    if statuses:
        return outcome_of_status(int(statuses[-1]))
    if _SOCKET in said:
        if any(word in said for word in _NOT_CONNECTED):
            return Outcome(Verdict.FAILED_TEMPORARILY, ResultReason.OTHER, "no connection")
        late = ResultReason.TIMEOUT if "timed out" in said else ResultReason.OTHER
        return Outcome(Verdict.UNCLEAR, late, "no whole answer")
    return Outcome(Verdict.FAILED_TEMPORARILY, ResultReason.OTHER, "Apprise did not send it")


def _mail_failure(said: str) -> Outcome:
    """RFC 5321, section 4.2.1: 4yz may be tried again, 5yz not; RFC 4954: 53z is about authentication."""
    codes = [int(code or other) for code, other in _SMTP.findall(said)]
    if codes:
        code = codes[-1]
        detail = f"SMTP {code}"
        if code in _SMTP_AUTH:
            return Outcome(Verdict.FAILED, ResultReason.AUTH, detail)
        if code >= 500:
            return Outcome(Verdict.FAILED, ResultReason.CLIENT_ERROR, detail)
        return Outcome(Verdict.FAILED_TEMPORARILY, ResultReason.SERVER_ERROR, detail)
    late = ResultReason.TIMEOUT if "timed out" in said else ResultReason.OTHER
    if _BEFORE_MAIL in said:
        return Outcome(Verdict.FAILED_TEMPORARILY, late, "no connection")
    return Outcome(Verdict.UNCLEAR, late, "no whole answer")


def _bounded(url: str, timeout: float) -> str:
    """The URL with Apprise's timeouts for connecting and reading, half of ours each, unless it names its own."""
    named = parse_qs(urlsplit(url).query)
    bounds = "&".join(f"{name}={timeout / 2:g}" for name in ("cto", "rto") if name not in named)
    return f"{url}{'&' if '?' in url else '?'}{bounds}" if bounds else url


def _asset() -> AppriseAsset:
    return AppriseAsset(
        app_id="Siaga",
        app_desc="Siaga",
        async_mode=False,
        storage_mode="memory",
        pgp_autogen=False,
        pem_autogen=False,
        http_redirects=False,
        default_service_retry=0,
    )


class _Listener(logging.Handler):
    """Keeps what Apprise writes in a thread that is sending."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self._heard = threading.local()

    def begin(self) -> list[str]:
        """Listen in this thread; what is heard is in the list."""
        heard: list[str] = []
        self._heard.lines = heard
        return heard

    def end(self) -> None:
        """Listen no more."""
        self._heard.lines = None

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a line where this thread sends."""
        lines = getattr(self._heard, "lines", None)
        if lines is not None:
            lines.append(record.getMessage())


@cache
def _listening() -> _Listener:
    listener = _Listener()
    logger = logging.getLogger("apprise")
    logger.handlers = [listener]
    logger.propagate = False
    logger.setLevel(logging.DEBUG)
    return listener
