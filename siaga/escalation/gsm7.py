"""The alphabet of an SMS: what fits 160 characters without falling back to 70.

Source: 3GPP TS 23.038, 6.2.1 (default alphabet and its extension table, whose characters count twice).
"""

from __future__ import annotations

import unicodedata
from typing import Final

#: Septets of one SMS that is not split.
ONE_SMS: Final = 160

_BASIC: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENSION: Final = frozenset("^{}\\[~]|€\f")
#: What typographers write and the alphabet lacks.
_PLAIN: Final = {
    "‘": "'", "’": "'", "‚": "'", "“": '"', "”": '"', "„": '"', "«": '"', "»": '"',
    "–": "-", "—": "-", "‐": "-", "‑": "-", "−": "-", "…": "...", "•": "-", "·": "-", "×": "x",
    "\u00a0": " ", "\u2009": " ", "\u202f": " ", "\t": " ", "ı": "i", "đ": "d", "Đ": "D", "ł": "l", "Ł": "L",
}  # fmt: skip


def septets(text: str) -> int:
    """How much of an SMS ``text`` takes.

    Raises:
        ValueError: it holds a character that the alphabet lacks; see :func:`plain`.
    """
    count = 0
    for character in text:
        if character in _BASIC:
            count += 1
        elif character in _EXTENSION:
            count += 2
        else:
            raise ValueError("text: holds a character that no SMS alphabet has; send it through plain() first")
    return count


def plain(text: str) -> str:
    """``text`` in the alphabet: accents and typography are simplified, what has no likeness is left out."""
    letters = []
    for character in text:
        if character in _BASIC or character in _EXTENSION:
            letters.append(character)
            continue
        likeness = _PLAIN.get(character) or unicodedata.normalize("NFKD", character)
        letters.append("".join(c for c in likeness if c in _BASIC or c in _EXTENSION))
    return "".join(letters)


def fit(text: str, room: int) -> str:
    """As much of ``text`` (in the alphabet) as fits ``room`` septets, whole words where it can be."""
    if septets(text) <= room:
        return text
    kept = ""
    for character in text:
        if septets(kept + character) > room - 1:
            break
        kept += character
    head, space, _ = kept.rpartition(" ")
    kept = head if space and len(head) >= len(kept) // 2 else kept
    return f"{kept.rstrip(' ,;:-')}." if kept else ""
