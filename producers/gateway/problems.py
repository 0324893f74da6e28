"""What the gateway says when it does not take something: RFC 9457 problems, with every wrong field and its remedy.

No answer repeats a value of a report: it may be personal. Codes of stations, kinds and areas are not.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from producers.metrics import Outcome
from siaga.contracts.decode import Problem
from siaga.contracts.rejection import RejectReason

JSON: Final = b"application/json"
PROBLEM_JSON: Final = b"application/problem+json"
#: What a problem's ``type`` begins with; the outcome follows, with hyphens.
TYPE_PREFIX: Final = "urn:siaga:problem:"

_STATUS: Final[dict[Outcome, tuple[int, str]]] = {
    Outcome.NOT_JSON: (400, "The body is not JSON"),
    Outcome.INVALID: (422, "Something in it is wrong"),
    Outcome.UNSUPPORTED_VERSION: (422, "The version is not spoken here"),
    Outcome.UNKNOWN_KIND: (422, "The kind is unknown"),
    Outcome.UNKNOWN_STATION: (422, "The station is unknown"),
    Outcome.UNAUTHORISED: (401, "The device is not known"),
    Outcome.FORBIDDEN: (403, "The device may not report for this station"),
    Outcome.SLOW: (408, "The body did not arrive in time"),
    Outcome.TOO_LARGE: (413, "The body is too large"),
    Outcome.TOO_MANY: (422, "There are too many items"),
    Outcome.UNSUPPORTED_MEDIA: (415, "The body is of another type"),
    Outcome.LIMITED: (429, "The device sends too much"),
    Outcome.FULL: (503, "The gateway's queue is full"),
    Outcome.UNAVAILABLE: (503, "The gateway cannot keep it now"),
}
_OF_REASON: Final = {
    RejectReason.NOT_JSON: Outcome.NOT_JSON,
    RejectReason.UNSUPPORTED_VERSION: Outcome.UNSUPPORTED_VERSION,
}

Header = tuple[bytes, bytes]

#: Of every answer. A browser that is made to open one takes it for nothing but what it says it is, runs and frames
#: nothing of it, and keeps nothing. Not Strict-Transport-Security: it is a host's, and would bind its other ports.
SEALED: Final[tuple[Header, ...]] = (
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cache-control", b"no-store"),
    (b"referrer-policy", b"no-referrer"),
)


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer."""

    status: int
    body: bytes
    headers: tuple[Header, ...]


def answer_json(status: int, body: bytes, *more: Header) -> Answer:
    """An answer with a JSON body."""
    return Answer(status, body, _headers(JSON, body, more))


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why an item, or a whole request, was not taken. ``retry_after`` in seconds where trying again helps."""

    outcome: Outcome
    detail: str = ""
    errors: tuple[Problem, ...] = ()
    retry_after: float | None = None

    @property
    def status(self) -> int:
        """The HTTP status."""
        return _STATUS[self.outcome][0]

    def to_dict(self) -> dict[str, Any]:
        """The problem as JSON has it."""
        status, title = _STATUS[self.outcome]
        body = problem_body(self.outcome.value.replace("_", "-"), status, title, self.detail)
        if self.errors:
            body["errors"] = [{"field": e.field, "message": e.message, "remedy": e.remedy} for e in self.errors]
        return body

    def to_answer(self) -> Answer:
        """The problem as an answer of its own."""
        more: list[Header] = []
        if self.outcome is Outcome.UNAUTHORISED:
            more.append((b"www-authenticate", b"Bearer"))
        if self.outcome in (Outcome.TOO_LARGE, Outcome.SLOW):
            # The rest of the body is not read.
            more.append((b"connection", b"close"))
        if self.retry_after is not None:
            more.append((b"retry-after", str(max(1, math.ceil(self.retry_after))).encode()))
        return answer_problem(self.to_dict(), *more)


def problem_body(code: str, status: int, title: str, detail: str = "") -> dict[str, Any]:
    """The members that every problem has."""
    body: dict[str, Any] = {"type": f"{TYPE_PREFIX}{code}", "title": title, "status": status}
    if detail:
        body["detail"] = detail
    return body


def answer_problem(body: dict[str, Any], *more: Header) -> Answer:
    """A problem as an answer."""
    raw = json.dumps(body, ensure_ascii=False).encode()
    return Answer(body["status"], raw, _headers(PROBLEM_JSON, raw, more))


def outcome_of(reason: RejectReason, problems: Sequence[Problem], semantic: Outcome | None) -> Outcome:
    """The one word for several problems: what the JSON itself lacks counts before what it means."""
    if problems:
        return _OF_REASON.get(reason, Outcome.INVALID)
    return semantic or Outcome.INVALID


def _headers(content_type: bytes, body: bytes, more: tuple[Header, ...]) -> tuple[Header, ...]:
    return ((b"content-type", content_type), (b"content-length", str(len(body)).encode()), *SEALED, *more)
