"""Sends a message through Telegram's Bot API, with buttons that answer the page.

Input: a channel's spec and a message, whose address is a chat's id. Output: an
:class:`~sinks.notify.outcome.Outcome` with the message's id. State: none. Blocks no longer than the spec's timeout.

Source: https://core.telegram.org/bots/api (Making requests, sendMessage, ResponseParameters). Telegram says 403 of a
chat that has blocked the bot and 404 of a token that it does not know, other than HTTP means them.
"""

from __future__ import annotations

import json
from typing import Any, Final

from siaga.contracts.page_result import ResultReason
from sinks.notify.channels import ChannelSpec
from sinks.notify.http_adapter import RETRY_AFTER, exchange, text_at
from sinks.notify.outcome import Message, Outcome, Verdict, outcome_of_status

#: Longest text of one message, in characters.
_LONGEST: Final = 4096
_HEADERS: Final = {"Content-Type": "application/json"}
_LONGEST_WAIT: Final = 3600.0


def send(spec: ChannelSpec, message: Message) -> Outcome:
    """Send a message, once."""
    told: dict[str, Any] = {
        "chat_id": message.address,
        "text": message.text[:_LONGEST],
        "link_preview_options": {"is_disabled": True},
    }
    if message.buttons:
        told["reply_markup"] = {"inline_keyboard": [[dict(button) for button in row] for row in message.buttons]}
    status, answer, outcome = call(spec, "sendMessage", told, timeout=spec.timeout)
    if outcome is not None:
        return outcome
    if 200 <= status < 300 and answer.get("ok") is True:
        return Outcome(Verdict.ACCEPTED, provider_id=text_at(answer, "result.message_id"))
    return outcome_of(status, answer)


def call(
    spec: ChannelSpec, method: str, told: dict[str, Any], *, timeout: float
) -> tuple[int, dict[Any, Any], Outcome | None]:
    """Call a method of the Bot API: its status and answer, or the outcome where there is none. Seconds."""
    url = f"{spec.url.rstrip('/')}/bot{spec.token}/{method}"
    return exchange("POST", url, json.dumps(told).encode(), _HEADERS, timeout)


def outcome_of(status: int, answer: dict[Any, Any]) -> Outcome:
    """What an answer that is no success says."""
    detail = f"HTTP {status}"
    if status in (401, 404):
        return Outcome(Verdict.FAILED, ResultReason.AUTH, f"{detail}: the bot's token is not known")
    if status == 403:
        return Outcome(Verdict.FAILED, ResultReason.CLIENT_ERROR, f"{detail}: the chat does not let the bot write")
    if 200 <= status < 300:
        # Whoever answers so is no Bot API: what became of the message nobody knows.
        return Outcome(Verdict.UNCLEAR, ResultReason.OTHER, "the answer is none of the Bot API")
    return outcome_of_status(status, _retry_after(answer))


def _retry_after(answer: dict[Any, Any]) -> float | None:
    """Seconds to wait, in the answer itself or its header."""
    parameters = answer.get("parameters")
    said = parameters.get("retry_after") if isinstance(parameters, dict) else None
    if isinstance(said, int) and not isinstance(said, bool) and said >= 0:
        return min(float(said), _LONGEST_WAIT)
    header: float | None = answer.get(RETRY_AFTER)
    return header
