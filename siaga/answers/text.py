"""Text as somebody outside sent it, as it can be kept. Pure.

In: what JSON or a form held. Out: the same without NUL and halves of surrogate pairs, which no database takes.
"""

from __future__ import annotations

import re
from typing import Final

_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")


def storable(text: str) -> str:
    """``text`` with a replacement character for each of them."""
    return _UNSTORABLE.sub("\N{REPLACEMENT CHARACTER}", text)
