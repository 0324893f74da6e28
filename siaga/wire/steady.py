"""A clock that nobody sets, for deadlines: the machine's time when the process began, and what passed since."""

from __future__ import annotations

import time
from typing import Final

_BASE: Final = time.time() - time.monotonic()


def steady_now() -> float:
    """Epoch seconds.

    A clock that is set back by an hour must not make an officer's deadline an hour longer.
    """
    return _BASE + time.monotonic()
