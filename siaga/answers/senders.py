"""Whether a message came from an officer's own telephone or chat. Pure. Numbers are CONFIDENTIAL.

Gateways write one number in many ways: ``+62 812-3456-7890``, ``6281234567890``, ``0812 3456 7890``.
"""

from __future__ import annotations

import re
from typing import Final

from siaga.contracts.page import ChannelKind

#: A number written without a country's code is one of this country's.
_HOME: Final = "62"
#: Shorter ones are services' (1147), or half of a number.
_SHORTEST: Final = 8
_LONGEST: Final = 15
#: Kinds of channel whose address is a telephone's number: whoever holds the telephone answers by any of them.
TELEPHONES: Final = frozenset({ChannelKind.SMS, ChannelKind.VOICE, ChannelKind.WHATSAPP})
_DIGITS: Final = re.compile(r"\+?\d[\d .()/-]{6,}\d")


def number_of(text: str) -> str | None:
    """A telephone's number as digits with its country's code (E.164 without the plus), or None where it is none."""
    bare = re.sub(r"[\s.()/-]", "", text.removeprefix("tel:").removeprefix("whatsapp:"))
    digits = bare.removeprefix("+")
    if not digits.isascii() or not digits.isdecimal():
        return None
    if bare.startswith("+"):
        found = digits
    elif digits.startswith("00"):
        found = digits[2:]
    elif digits.startswith("0"):
        found = _HOME + digits[1:]
    else:
        found = digits
    # "+62 (0)812…" is written often and means the same.
    if found.startswith(f"{_HOME}0"):
        found = _HOME + found[len(_HOME) + 1 :]
    return found if _SHORTEST <= len(found) <= _LONGEST else None


def is_same_telephone(one: str, other: str) -> bool:
    """Whether two ways of writing a number mean one telephone."""
    number = number_of(one)
    return number is not None and number == number_of(other)


def masked(sender: str) -> str:
    """A number or chat as it may be kept: its last two characters."""
    return f"…{sender.strip()[-2:]}" if len(sender.strip()) > _SHORTEST // 2 else "…"


def masked_text(text: str) -> str:
    """A message as it may be kept: whatever reads like a number of some length without it."""
    return _DIGITS.sub("…", text)
