"""What an officer meant who typed an answer: ``OK K7Q2M``, ``tidak bisa k7q2m``, ``otw 15 K7Q2M``, ``1 K7Q2M``.

Input: the text of a message. Output: :class:`Said`. Pure; the words are data (``siaga/data/answers.toml``).

Taking a page by mistake stops its climb, so that nothing is guessed: a code alone takes it, but a code beside words
that nobody knows does not, and neither do two answers at once, a question or a denial of something.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any, Final

from siaga.answers.data import answers_data
from siaga.contracts.command import Action
from siaga.contracts.page import CODE_ALPHABET, CODE_LENGTH

#: Longest message that is read; what is longer is no answer.
LONGEST: Final = 1000
#: Most codes that one message may answer.
MOST_CODES: Final = 8
_MOST_MINUTES: Final = 24 * 60
_TOKEN: Final = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_CODE: Final = re.compile(rf"[{CODE_ALPHABET}]{{{CODE_LENGTH}}}")
_NUMBER: Final = re.compile(r"(\d{1,4})([a-z]*)")
_ANSWERS: Final = (Action.ACKNOWLEDGE, Action.CANNOT, Action.ESCALATE, Action.ON_MY_WAY)
_MILD: Final = "mild"
_UNCLEAR: Final = "unclear"
_FILLER: Final = "fillers"


class Fault(StrEnum):
    """Why a message is no answer."""

    NO_CODE = "no_code"
    UNCLEAR = "unclear"


@dataclass(frozen=True, slots=True)
class Said:
    """What a message says. ``codes`` may hold words that look like codes; the sender's pages tell which are."""

    action: Action | None
    codes: tuple[str, ...]
    minutes: int | None = None
    fault: Fault | None = None


@dataclass(frozen=True, slots=True)
class _Words:
    """The words of the data: what each phrase means, and how many tokens the longest has."""

    phrases: Mapping[tuple[str, ...], str]
    longest: int
    menu: Mapping[str, str]
    units: Mapping[str, int]


@cache
def _words() -> _Words:
    told: dict[str, Any] = answers_data()["words"]
    kinds = (*(action.value for action in _ANSWERS), _MILD, _UNCLEAR, _FILLER)
    phrases = {tuple(_TOKEN.findall(phrase)): kind for kind in kinds for phrase in told[kind]}
    units = dict.fromkeys(told["minutes"], 1) | dict.fromkeys(told["hours"], 60)
    return _Words(phrases, max(map(len, phrases)), told["menu"], units)


def read_answer(text: str) -> Said:
    """What ``text`` says; never raises."""
    if len(text) > LONGEST:
        return Said(None, (), fault=Fault.UNCLEAR)
    tokens = [token.replace("’", "'") for token in _TOKEN.findall(text.casefold())]
    found = _Found()
    _menu(tokens, found)
    while tokens:
        taken = next((length for read in _READERS if (length := read(tokens, found))), 0)
        found.knows_all &= taken > 0
        del tokens[: taken or 1]
    return _judged(found, tuple(dict.fromkeys(found.codes))[:MOST_CODES], is_question="?" in text)


class _Found:
    """What was found of a message so far."""

    def __init__(self) -> None:
        self.kinds: set[str] = set()
        self.codes: list[str] = []
        self.minutes: int | None = None
        #: Whether there was no word that we do not know.
        self.knows_all = True


def _menu(tokens: list[str], found: _Found) -> None:
    """A message that begins with the number of an answer; ``1 jam`` is a time."""
    if len(tokens) > 1 and tokens[0] in _words().menu and tokens[1] not in _words().units:
        found.kinds.add(_words().menu[tokens.pop(0)])


def _phrase(tokens: list[str], found: _Found) -> int:
    words = _words()
    for length in range(min(words.longest, len(tokens)), 0, -1):
        kind = words.phrases.get(tuple(tokens[:length]))
        if kind is not None:
            if kind != _FILLER:
                found.kinds.add(kind)
            return length
    return 0


def _code(tokens: list[str], found: _Found) -> int:
    if _CODE.fullmatch(tokens[0].upper()):
        found.codes.append(tokens[0].upper())
        return 1
    return 0


def _minutes(tokens: list[str], found: _Found) -> int:
    """``15``, ``15 menit``, ``15mnt``, ``1 jam``."""
    match = _NUMBER.fullmatch(tokens[0])
    if match is None or not match[1].isascii() or (match[2] and match[2] not in _words().units):
        return 0
    apart = not match[2] and len(tokens) > 1 and tokens[1] in _words().units
    unit = tokens[1] if apart else match[2]
    minutes = int(match[1]) * _words().units.get(unit, 1)
    if found.minutes is None and 1 <= minutes <= _MOST_MINUTES:
        found.minutes = minutes
    return 2 if apart else 1


def _glued(tokens: list[str], found: _Found) -> int:
    """``OKK7Q2M``: a word with the code right behind it."""
    word, code = tokens[0][:-CODE_LENGTH], tokens[0][-CODE_LENGTH:].upper()
    kind = _words().phrases.get((word,)) if word else None
    # Of letters alone it is rather a word that we do not know.
    if kind is None or not _CODE.fullmatch(code) or code.isalpha():
        return 0
    found.codes.append(code)
    if kind != _FILLER:
        found.kinds.add(kind)
    return 1


def _split(tokens: list[str], found: _Found) -> int:
    """``K7Q 2M``: neighbours that make a code together, digits among them; ``45 mnt`` is a time."""
    if len(tokens) < 2 or (tokens[0].isdecimal() and tokens[1] in _words().units):
        return 0
    code = (tokens[0] + tokens[1]).upper()
    if not _CODE.fullmatch(code) or code.isalpha():
        return 0
    found.codes.append(code)
    return 2


#: What a message is read with, at each of its words in this order.
_READERS: Final = (_phrase, _code, _split, _minutes, _glued)


def _judged(found: _Found, codes: tuple[str, ...], *, is_question: bool) -> Said:
    if not codes:
        return Said(None, (), fault=Fault.NO_CODE)
    kinds = found.kinds
    actions = {action for action in _ANSWERS if action.value in kinds}
    if not actions and _MILD in kinds:
        actions = {Action.ACKNOWLEDGE}
    if actions == {Action.ACKNOWLEDGE, Action.ON_MY_WAY}:
        actions = {Action.ON_MY_WAY}
    if not actions and found.knows_all and found.minutes is None and _UNCLEAR not in kinds:
        actions = {Action.ACKNOWLEDGE}
    if len(actions) != 1 or is_question or _UNCLEAR in kinds:
        return Said(None, codes, fault=Fault.UNCLEAR)
    (action,) = actions
    return Said(action, codes, found.minutes if action is Action.ON_MY_WAY else None)
