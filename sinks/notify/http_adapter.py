"""Posts a message to a webhook or a gateway's HTTP interface, knowing at every moment whether it can have arrived.

Input: a channel's spec and a message. Output: :class:`~sinks.notify.outcome.Outcome`. State: none. Blocks no longer
than the spec's timeout. Redirects are not followed: who was configured gets it, nobody else.

Until the request begins nothing can have arrived, so that a failure is certain; from then on, whatever is no whole
answer leaves it unclear. A client library's retry and connection pool would blur exactly this.
"""

from __future__ import annotations

import base64
import heapq
import http.client
import json
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache
from itertools import count
from typing import Any, Final
from urllib.parse import unquote, urlencode, urlsplit

from siaga.contracts.page_result import ResultReason
from sinks.notify.channels import ChannelSpec, fill
from sinks.notify.outcome import LONGEST_ID, Message, Outcome, Verdict, outcome_of_status

#: Most of an answer that is read.
_ANSWER_BYTES: Final = 65_536
_AGENT: Final = "siaga-notifier/1"
_LONGEST_WAIT: Final = 3600.0


def send(spec: ChannelSpec, message: Message) -> Outcome:
    """Send a message, once."""
    values = _values(message)
    headers = {name: fill(text, values) for name, text in spec.headers.items()}
    headers |= {"Idempotency-Key": message.key, "Content-Type": _content_type(spec)}
    status, answer, outcome = exchange(
        "POST", fill(spec.url, values, is_url=True), _payload(spec, message, values), headers, spec.timeout
    )
    if outcome is not None:
        return outcome
    if 200 <= status < 300:
        return outcome_of_answer(spec, answer)
    return outcome_of_status(status, answer.get(RETRY_AFTER))


def outcome_of_answer(spec: ChannelSpec, answer: Mapping[Any, Any]) -> Outcome:
    """What an answer of 2xx comes to: some gateways say only in it that they did not take the message."""
    accepted = Outcome(Verdict.ACCEPTED, provider_id=text_at(answer, spec.receipt))
    if spec.took_status is None:
        return accepted
    said = value_at(answer, spec.took_status)
    if said is None:
        return Outcome(Verdict.UNCLEAR, ResultReason.OTHER, "its answer does not say whether it took it")
    if str(said).casefold() in spec.took:
        return accepted
    return Outcome(Verdict.FAILED, ResultReason.CLIENT_ERROR, "its answer says that it did not take it")


def ask(spec: ChannelSpec, message: Message, receipt: str | None) -> Outcome:
    """Ask the provider what became of a message. Sends nothing."""
    if spec.ask_url is None:
        return Outcome(Verdict.NOT_ASKED, ResultReason.OTHER, "the provider cannot be asked")
    values = {**_values(message), "receipt": receipt or ""}
    headers = {name: fill(text, values) for name, text in spec.headers.items()}
    status, answer, outcome = exchange("GET", fill(spec.ask_url, values, is_url=True), None, headers, spec.timeout)
    if outcome is not None:
        return Outcome(Verdict.NOT_ASKED, outcome.reason, outcome.detail)
    if status == 404:
        return Outcome(Verdict.NOT_THERE, ResultReason.OTHER, "the provider has not got it")
    if not 200 <= status < 300:
        refused = outcome_of_status(status)
        return Outcome(Verdict.NOT_ASKED, refused.reason, refused.detail)
    said = (text_at(answer, spec.ask_status) or "").casefold()
    if said in spec.failed:
        return Outcome(Verdict.UNDELIVERED, ResultReason.OTHER, "the provider says that it did not arrive")
    verdict = Verdict.DELIVERED if said in spec.delivered else Verdict.ACCEPTED
    return Outcome(verdict, provider_id=text_at(answer, spec.receipt) or receipt)


def _values(message: Message) -> dict[str, str]:
    return {"address": message.address, "text": message.text, "title": message.title, "key": message.key}


def _content_type(spec: ChannelSpec) -> str:
    return "application/x-www-form-urlencoded" if spec.body == "form" else "application/json"


def _payload(spec: ChannelSpec, message: Message, values: Mapping[str, str]) -> bytes:
    if spec.body == "page":
        return json.dumps(message.body, ensure_ascii=False).encode()
    fields = _filled(spec.fields, values)
    return urlencode(fields).encode() if spec.body == "form" else json.dumps(fields, ensure_ascii=False).encode()


def _filled(told: Any, values: Mapping[str, str]) -> Any:
    """Fields with their placeholders filled in, however deep they stand."""
    if isinstance(told, str):
        return fill(told, values)
    if isinstance(told, Mapping):
        return {name: _filled(one, values) for name, one in told.items()}
    return [_filled(one, values) for one in told] if isinstance(told, list) else told


# -- the exchange --------------------------------------------------------------------------------------------------

#: Where an answer's ``Retry-After`` is kept, which no JSON key can be.
RETRY_AFTER: Final = ("Retry-After",)


def exchange(
    method: str, url: str, payload: bytes | None, headers: Mapping[str, str], timeout: float
) -> tuple[int, dict[Any, Any], Outcome | None]:
    """One request: its status and answer, or the outcome where there is none.

    A name and password in the URL become HTTP Basic (RFC 7617).
    """
    deadline = time.monotonic() + timeout
    try:
        connection, path, own = _connection(url, timeout)
    except ValueError:
        return 0, {}, Outcome(Verdict.FAILED, ResultReason.NO_ADDRESS, "the address is no http(s) URL")
    try:
        try:
            connection.connect()
        except TimeoutError:
            return 0, {}, Outcome(Verdict.FAILED_TEMPORARILY, ResultReason.TIMEOUT, "no connection in time")
        except (OSError, http.client.HTTPException) as error:
            return 0, {}, Outcome(Verdict.FAILED_TEMPORARILY, ResultReason.OTHER, f"no connection: {_kind(error)}")
        with _cut_off(connection, deadline - time.monotonic()):
            connection.request(method, path, body=payload, headers={"User-Agent": _AGENT, **own, **headers})
            response = connection.getresponse()
            answer = _answer(response)
    except (OSError, http.client.HTTPException, ValueError) as error:
        late = time.monotonic() >= deadline
        reason = ResultReason.TIMEOUT if late or isinstance(error, TimeoutError) else ResultReason.OTHER
        return 0, {}, Outcome(Verdict.UNCLEAR, reason, f"no whole answer: {_kind(error)}")
    finally:
        connection.close()
    return response.status, answer, None


def _connection(url: str, timeout: float) -> tuple[http.client.HTTPConnection, str, dict[str, str]]:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("no http(s) URL")
    path = parts.path or "/"
    if parts.query:
        path += f"?{parts.query}"
    own = {}
    if parts.username is not None:
        who = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        own["Authorization"] = f"Basic {base64.b64encode(who.encode()).decode()}"
    if parts.scheme == "http":
        return http.client.HTTPConnection(parts.hostname, parts.port, timeout=timeout), path, own
    context = ssl.create_default_context()
    return http.client.HTTPSConnection(parts.hostname, parts.port, timeout=timeout, context=context), path, own


@contextmanager
def _cut_off(connection: http.client.HTTPConnection, seconds: float) -> Iterator[None]:
    """End the exchange after ``seconds``: the socket's own timeout begins anew with every byte that trickles in.

    Raises:
        TimeoutError: it was ended; what had come until then is no whole answer, though it may look like one.
    """
    limit = _Limit(connection)
    _watcher().watch(limit, time.monotonic() + seconds)
    try:
        yield
    finally:
        late = limit.end()
    if late:
        raise TimeoutError


class _Limit:
    """An exchange that must not last for ever."""

    def __init__(self, connection: http.client.HTTPConnection) -> None:
        self._connection: http.client.HTTPConnection | None = connection
        self._late = False
        self._lock = threading.Lock()

    def end(self) -> bool:
        """It is over; answers whether it was cut off."""
        with self._lock:
            self._connection = None
            return self._late

    def cut(self) -> None:
        """End it, unless it is over."""
        with self._lock:
            if self._connection is not None:
                self._late = True
                with suppress(OSError, AttributeError):
                    self._connection.sock.shutdown(socket.SHUT_RDWR)


class _Watcher:
    """Cuts off what lasts too long: one thread for all exchanges, as a thread each costs as much as the exchange."""

    def __init__(self) -> None:
        self._waiting: list[tuple[float, int, _Limit]] = []
        self._numbers = count()
        self._earlier = threading.Condition()
        threading.Thread(target=self._watch, name="notify-limits", daemon=True).start()

    def watch(self, limit: _Limit, until: float) -> None:
        """Cut it off at ``until`` (monotonic seconds), unless it is over by then."""
        with self._earlier:
            heapq.heappush(self._waiting, (until, next(self._numbers), limit))
            if self._waiting[0][2] is limit:
                self._earlier.notify()

    def _watch(self) -> None:
        while True:
            with self._earlier:
                left = self._waiting[0][0] - time.monotonic() if self._waiting else None
                if left is None or left > 0:
                    self._earlier.wait(left)
                    continue
                limit = heapq.heappop(self._waiting)[2]
            limit.cut()


@cache
def _watcher() -> _Watcher:
    return _Watcher()


def _answer(response: http.client.HTTPResponse) -> dict[Any, Any]:
    """The JSON object that was answered, or an empty one, with what ``Retry-After`` says."""
    body = response.read(_ANSWER_BYTES)
    if response.length and len(body) < _ANSWER_BYTES:
        raise http.client.IncompleteRead(body, response.length)
    answer: dict[Any, Any] = {}
    with suppress(ValueError, RecursionError):
        parsed = json.loads(body)
        if isinstance(parsed, dict):
            answer = parsed
    with suppress(ValueError):
        answer[RETRY_AFTER] = min(max(float(response.headers.get("Retry-After", "")), 0.0), _LONGEST_WAIT)
    return answer


def text_at(answer: Any, path: str | None) -> str | None:
    """The text or number that an answer holds at a dotted path such as ``messages.0.id``."""
    found = value_at(answer, path)
    if isinstance(found, bool) or not isinstance(found, str | int):
        return None
    return "".join(c for c in str(found) if c.isprintable())[:LONGEST_ID] or None


def value_at(answer: Any, path: str | None) -> Any:
    """What an answer holds at a dotted path, or None."""
    if path is None:
        return None
    for step in path.split("."):
        if isinstance(answer, dict):
            answer = answer.get(step)
        elif isinstance(answer, list) and step.isdecimal() and int(step) < len(answer):
            answer = answer[int(step)]
        else:
            return None
    return answer


def _kind(error: BaseException) -> str:
    """What happened, without the error's text, which may show the address."""
    return type(error).__name__
