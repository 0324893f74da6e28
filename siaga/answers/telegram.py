"""Telegram's side of answers: the buttons under a page, and what an update of the Bot API says. Pure.

Input: a page, or an update. Output: the keyboard, or a :class:`~siaga.answers.desk.Received` with what to call back.
Source: https://core.telegram.org/bots/api (InlineKeyboardButton, Update, CallbackQuery, Message).

A button holds the page's id and what it answers, not a secret: who taps it is known by the chat, for which Telegram
vouches.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from siaga.answers.data import answers_data
from siaga.answers.desk import UNKNOWN, Received
from siaga.answers.text import storable
from siaga.answers.words import Said
from siaga.contracts.command import Action, Via
from siaga.contracts.page import Page

#: What an update may be that is asked for.
WANTED: Final = ("callback_query", "message")
#: Longest text that a callback query is answered with.
_LONGEST_NOTE: Final = 200
#: Characters of an id of Telegram's that count.
_LONGEST_ID: Final = 100
_MARK: Final = "s1"
_LETTERS: Final = {"t": Action.ACKNOWLEDGE, "c": Action.CANNOT, "e": Action.ESCALATE, "w": Action.ON_MY_WAY}
_BY_ACTION: Final = {action: letter for letter, action in _LETTERS.items()}
_MOST_MINUTES: Final = 24 * 60


def keyboard_of(page: Page) -> list[list[dict[str, str]]]:
    """The buttons of a page, two a row; none where it asks for no answer."""
    if not page.purpose.wants_answer:
        return []
    buttons = [
        {"text": str(told[page.language.value]), "callback_data": button_data(page.page_id, told)}
        for told in answers_data()["buttons"]
    ]
    return [buttons[start : start + 2] for start in range(0, len(buttons), 2)]


def button_data(page_id: UUID, told: Mapping[str, Any]) -> str:
    """What a button says when it is tapped, of at most 64 bytes: a mark, the page, the answer, the minutes."""
    short = base64.urlsafe_b64encode(page_id.bytes).decode().rstrip("=")
    return f"{_MARK}.{short}.{_BY_ACTION[Action(told['action'])]}{told.get('minutes', '')}"


def read_button(data: str) -> tuple[UUID, Said] | None:
    """The page and the answer of a button; None where it is none of ours."""
    mark, _, rest = data.partition(".")
    short, _, answer = rest.partition(".")
    action, minutes = _LETTERS.get(answer[:1]), answer[1:]
    if mark != _MARK or action is None or len(short) != 22 or not (minutes == "" or minutes.isascii()):
        return None
    if minutes and not (minutes.isdecimal() and 1 <= int(minutes[:9]) <= _MOST_MINUTES):
        return None
    try:
        page_id = UUID(bytes=base64.urlsafe_b64decode(f"{short}=="))
    except ValueError:
        return None
    return page_id, Said(action, (), int(minutes) if minutes else None)


@dataclass(frozen=True, slots=True)
class Update:
    """An update. ``query_id`` is that of a tapped button, which has to be answered; ``chat_id`` where to write to."""

    update_id: int
    received: Received | None
    chat_id: str | None = None
    query_id: str | None = None


def read_update(told: Any) -> Update | None:
    """What an update says; None where it is none. One that is of no use to us has nothing ``received``.

    Only a private chat answers: in a group anybody could tap.
    """
    if not isinstance(told, dict) or isinstance(told.get("update_id"), bool):
        return None
    update_id = told.get("update_id")
    if not isinstance(update_id, int):
        return None
    if isinstance(told.get("callback_query"), dict):
        return _tapped(update_id, told["callback_query"])
    return _written(update_id, told.get("message"))


def note_of(query_id: str, reply: str | None) -> dict[str, object]:
    """What ``answerCallbackQuery`` is told, so that whoever tapped sees ``reply``."""
    return {"callback_query_id": query_id, "text": (reply or UNKNOWN)[:_LONGEST_NOTE], "show_alert": True}


def _tapped(update_id: int, query: Mapping[str, Any]) -> Update:
    query_id, who = query.get("id"), _id_of(query.get("from"))
    if not isinstance(query_id, str):
        return Update(update_id, None)
    query_id = storable(query_id[:_LONGEST_ID])
    message = query.get("message")
    chat = _id_of(message.get("chat")) if isinstance(message, dict) else None
    data = query.get("data")
    button = read_button(data) if isinstance(data, str) else None
    if button is None or who is None or (chat is not None and chat != who):
        return Update(update_id, None, chat, query_id)
    page_id, said = button
    received = Received(Via.TELEGRAM, f"tap|{query_id}", who, page_id=page_id, said=said)
    return Update(update_id, received, who, query_id)


def _written(update_id: int, message: Any) -> Update:
    if not isinstance(message, dict):
        return Update(update_id, None)
    chat, who, text = _id_of(message.get("chat")), _id_of(message.get("from")), message.get("text")
    if chat is None or chat != who or not isinstance(text, str) or text.startswith("/"):
        return Update(update_id, None)
    message_id = f"text|{chat}|{storable(str(message.get('message_id'))[:_LONGEST_ID])}"
    return Update(update_id, Received(Via.TELEGRAM, message_id, chat, storable(text)), chat)


def _id_of(told: Any) -> str | None:
    found = told.get("id") if isinstance(told, dict) else None
    return str(found) if isinstance(found, int) and not isinstance(found, bool) else None
