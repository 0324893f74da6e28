"""Posts reports and check-ins to the gateway as a device does. Blocks until it has answered.

Input: items as JSON objects. Output: what the gateway answered. State: none.
"""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from typing import Any, Final

#: Items in one request: the gateway's most.
_BATCH: Final = 500
#: Seconds to wait for an answer.
TIMEOUT: Final = 20.0


class Unanswered(RuntimeError):
    """The gateway did not take something; the message says why."""


class Gateway:
    """A gateway, and the token of the device that reports."""

    def __init__(self, url: str, token: str) -> None:
        if not url.startswith(("http://", "https://")):
            raise Unanswered(f"gateway: {url!r} is no address; write one such as http://127.0.0.1:8081")
        self._url = url.rstrip("/")
        self._token = token

    def report(self, item: Mapping[str, Any]) -> None:
        """Post one report.

        Raises:
            Unanswered: it was not accepted.
        """
        status, answer = self.post("/v1/reports", item)
        if status != 202:
            raise Unanswered(" / ".join(problems(status, answer)))

    def checkins(self, items: Sequence[Mapping[str, Any]]) -> int:
        """Post check-ins; how many were not accepted."""
        refused = 0
        for start in range(0, len(items), _BATCH):
            some = list(items[start : start + _BATCH])
            status, answer = self.post("/v1/reports:batch", {"reports": [], "checkins": some})
            answers = answer.get("checkins") or answer.get("items") or []
            if status not in (200, 202, 207):
                refused += len(some)
            else:
                refused += sum(1 for one in answers if one.get("status") not in ("accepted", "spooled"))
        return refused

    def post(self, path: str, body: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
        """The status and the body of the gateway's answer; a body that is no JSON object is an empty one.

        Raises:
            Unanswered: there was no answer.
        """
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        # Only http and https come this far.
        request = urllib.request.Request(self._url + path, json.dumps(body).encode(), headers, method="POST")  # noqa: S310
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT) as response:  # noqa: S310
                return response.status, json.loads(response.read())
        except urllib.error.HTTPError as error:
            try:
                answer = json.loads(error.read())
            except ValueError:
                answer = {}
            return error.code, answer if isinstance(answer, dict) else {}
        except (OSError, ValueError) as error:
            reason = getattr(error, "reason", error)
            raise Unanswered(
                f"gateway: {self._url} does not answer ({reason}); start it, or name another with --gateway"
            ) from None


def problems(status: int, answer: Mapping[str, Any]) -> list[str]:
    """A line for each thing that the gateway says is wrong: ``field: what is wrong; what to do``."""
    lines = []
    for error in answer.get("errors", ()):
        said = "; ".join(error[part] for part in ("message", "remedy") if error.get(part))
        lines.append(": ".join(part for part in (error.get("field"), said) if part))
    return lines or [answer.get("detail") or answer.get("title") or f"the gateway answered {status}"]
