"""How the watchdog calls somebody: a webhook, or anything that Apprise reaches; and its own sign of life.

Input: notices. Output: messages sent. State: what could not be sent yet, to be tried at the next look. Blocks for a
few seconds at most for each address.
"""

from __future__ import annotations

import json
import logging
import urllib.request
from collections import deque
from collections.abc import Sequence
from http.client import HTTPException
from typing import Final

import apprise

from siaga.watchdog.watch import Kind, Notice

logger = logging.getLogger(__name__)

_TIMEOUT: Final = 5.0
#: Messages kept for an address that takes none; the oldest are given up, and said to be.
_MOST_WAITING: Final = 100
_WORDS: Final = {
    Kind.RAISED: ("GANGGUAN", "TROUBLE"),
    Kind.REPEATED: ("MASIH TERGANGGU", "STILL IN TROUBLE"),
    Kind.CLEARED: ("PULIH", "OVER"),
}


class Alarms:
    """Sends notices to every address, each until it was taken."""

    def __init__(self, addresses: Sequence[str], run: str) -> None:
        """``run`` names this start of the watchdog, so that a key is never used twice."""
        self._run = run
        self._waiting: list[tuple[str, deque[Notice]]] = [(address, deque()) for address in addresses]

    def tell(self, notices: Sequence[Notice]) -> tuple[int, int]:
        """Send these and what still waits; how many messages were taken, and how many were not."""
        taken = refused = 0
        for address, waiting in self._waiting:
            waiting.extend(notices)
            while len(waiting) > _MOST_WAITING:
                gone = waiting.popleft()
                logger.error("an alarm (%s of %s) could not be sent and is given up", gone.check.id, gone.target)
            while waiting:
                if not self._send(address, waiting[0]):
                    refused += 1
                    break
                waiting.popleft()
                taken += 1
        return taken, refused

    def _send(self, address: str, notice: Notice) -> bool:
        text = text_of(notice)
        key = f"{self._run}-{notice.check.id}-{notice.target}-{notice.number}"
        try:
            if address.startswith(("http://", "https://")):
                body = {"text": text, "state": notice.kind.value, "check": notice.check.id, "part": notice.target}
                return _post(address, json.dumps(body, ensure_ascii=False).encode(), key)
            one = apprise.Apprise()
            return bool(one.add(address)) and bool(one.notify(title=text.partition("\n")[0], body=text))
        except Exception as error:  # whatever a provider's adapter raises must not end the watchdog
            # Without the error's text: it may show the address, which may hold a secret.
            logger.warning("an alarm could not be sent (%s); it is tried again", type(error).__name__)
            return False


def text_of(notice: Notice) -> str:
    """What is told, in Indonesian and English."""
    indonesian, english = _WORDS[notice.kind]
    value = "" if notice.value is None else f" ({notice.value:,.0f})"
    return (
        f"SIAGA {indonesian} / {english}: {notice.target}\n"
        f"{notice.check.indonesian}{value}\n{notice.check.english}{value}"
    )


def beat(url: str) -> bool:
    """Tell an external monitor that all is well (a GET, as healthchecks.io and its likes want it)."""
    try:
        with urllib.request.urlopen(url, timeout=_TIMEOUT) as response:  # noqa: S310  (an address of the operator's)
            return bool(200 <= response.status < 300)
    except (OSError, HTTPException, ValueError):
        return False


def _post(url: str, body: bytes, key: str) -> bool:
    headers = {"Content-Type": "application/json", "Idempotency-Key": key}
    request = urllib.request.Request(url, body, headers, method="POST")  # noqa: S310  (as above)
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT) as response:  # noqa: S310  (as above)
            return bool(200 <= response.status < 300)
    except (OSError, HTTPException, ValueError) as error:
        logger.warning("a webhook did not take an alarm (%s); it is tried again", type(error).__name__)
        return False
