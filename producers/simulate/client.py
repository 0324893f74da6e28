"""One phone's line to the gateway: what it posts, and what the answers mean."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any, Final
from urllib.parse import urlsplit

#: Items of one request, as the gateway's batch endpoint takes them.
MAX_BATCH: Final = 500
_TIMEOUT: Final = 15.0
#: Answers that mean "later": a limit, a full queue, a proxy without its gateway.
_LATER: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
_REASONS: Final = {400: "invalid", 401: "unauthorised", 403: "forbidden", 413: "too_large", 422: "invalid"}


class Outcome(StrEnum):
    """What became of an item."""

    ACCEPTED = "accepted"
    SPOOLED = "spooled"
    REFUSED = "refused"
    LATER = "later"
    UNAUTHORISED = "unauthorised"


#: An item's outcome in the gateway's own words; any other word is a refusal for that reason.
_WORDS: Final = {
    "accepted": Outcome.ACCEPTED,
    "spooled": Outcome.SPOOLED,
    "limited": Outcome.LATER,
    "full": Outcome.LATER,
    "unauthorised": Outcome.UNAUTHORISED,
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What the gateway said of each item, in order; ``retry_after`` seconds if it named a time."""

    outcomes: tuple[tuple[Outcome, str], ...]
    retry_after: float | None = field(default=None)


class Unreachable(Exception):
    """The gateway could not be reached, or broke off; the items must be sent again."""


class Line:
    """A kept connection to the gateway. Not shared between threads."""

    def __init__(self, gateway: str, token: str) -> None:
        """``gateway`` is a base URL such as ``http://127.0.0.1:8081``.

        Raises:
            ValueError: it is no such URL.
        """
        url = urlsplit(gateway)
        if url.scheme not in ("http", "https") or not url.hostname:
            raise ValueError(f"gateway: {gateway!r} is no address; write one such as http://127.0.0.1:8081")
        kind = HTTPSConnection if url.scheme == "https" else HTTPConnection
        self._connection = kind(url.hostname, url.port, timeout=_TIMEOUT)
        self._base = url.path.rstrip("/")
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    def report(self, item: dict[str, Any]) -> Answer:
        """Post one report.

        Raises:
            Unreachable: nobody knows whether it arrived; send it again.
        """
        status, retry_after, body = self._post("/v1/reports", item)
        return Answer((outcome_of(status, body),), retry_after)

    def checkins(self, items: Sequence[dict[str, Any]]) -> Answer:
        """Post up to ``MAX_BATCH`` check-ins at once.

        Raises:
            Unreachable: nobody knows which arrived; send them again.
        """
        status, retry_after, body = self._post("/v1/reports:batch", {"reports": [], "checkins": list(items)})
        # The list with an answer per item; a refusal of the whole request is a problem without one.
        lists = body.values() if isinstance(body, dict) else ()
        each = next((found for found in lists if isinstance(found, list) and len(found) == len(items)), None)
        return Answer(tuple(outcome_of(status, said) for said in each or [body] * len(items)), retry_after)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _post(self, path: str, body: object) -> tuple[int, float | None, Any]:
        try:
            self._connection.request("POST", self._base + path, json.dumps(body), self._headers)
            response = self._connection.getresponse()
            raw = response.read()
        except (OSError, HTTPException) as error:
            self._connection.close()
            raise Unreachable(str(error)) from error
        try:
            parsed = json.loads(raw)
        except ValueError:
            parsed = None
        return response.status, retry_after_seconds(response.getheader("Retry-After")), parsed


def outcome_of(code: int, answer: Any) -> tuple[Outcome, str]:
    """What one answer means, and the reason where it is a refusal.

    ``answer`` is what a single post is answered with: ``status`` is ``accepted`` or ``spooled``, or, in a problem
    (RFC 9457), the HTTP status, which counts for this item instead of the request's ``code``.
    """
    status = answer.get("status") if isinstance(answer, dict) else None
    if isinstance(status, int):
        code = status
    elif isinstance(status, str):
        return _WORDS.get(status, Outcome.REFUSED), status[:40]
    if code in _LATER:
        return Outcome.LATER, f"http_{code}"
    if code == 401:
        return Outcome.UNAUTHORISED, "unauthorised"
    return Outcome.REFUSED, _REASONS.get(code, f"http_{code}")


def retry_after_seconds(header: str | None) -> float | None:
    """``Retry-After`` (RFC 9110, 10.2.3) in seconds from now: a number, or a date; ``None`` if it is neither."""
    if not header:
        return None
    if header.strip().isdigit():
        return float(header)
    try:
        at = parsedate_to_datetime(header)
    except ValueError:
        return None
    return max(0.0, (at - datetime.now(UTC)).total_seconds())
