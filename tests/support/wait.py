"""Waiting for a condition instead of for a time."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Event
from typing import TypeVar

T = TypeVar("T")

_NEVER = Event()


class NeverHappened(AssertionError):
    """What a test waited for did not come about in time."""


def until(
    predicate: Callable[[], T],
    *,
    timeout: float = 10.0,
    what: str | Callable[[], str] = "the condition",
    every: float = 0.02,
) -> T:
    """Ask ``predicate`` again and again until it gives something true, and return that.

    An ``OSError`` (a refused connection, a file not there yet) counts as "not yet"; every other error is the test's.

    Args:
        predicate: asked at least once, even with a timeout of 0.
        timeout: seconds until it fails.
        what: what is waited for, for the failure; or what to call for it then.
        every: seconds between two questions.

    Raises:
        NeverHappened: it did not come about within ``timeout``; says what and what was seen last.
    """
    deadline = time.monotonic() + timeout
    while True:
        seen: object
        try:
            answer = predicate()
            if answer:
                return answer
            seen = answer
        except OSError as error:
            seen = error
        if time.monotonic() >= deadline:
            name = what if isinstance(what, str) else what()
            raise NeverHappened(f"waited {timeout:g} s for {name}; last seen: {seen!r}")
        _NEVER.wait(every)
