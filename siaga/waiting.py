"""Waiting for what somebody else does: look, and look again.

Input: a question, and for how long and how often it is asked (seconds). Output: its last answer. State: none.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def wait_for(asked: Callable[[], T], seconds: float, *, every: float, enough: Callable[[T], object] = bool) -> T:
    """What ``asked`` gives as soon as that is ``enough``, within so many seconds; else what it gave last."""
    end = time.monotonic() + seconds
    while not enough(found := asked()) and time.monotonic() < end:
        time.sleep(every)
    return found
