"""Bodies of requests as gateway, command centre and inbox take them: so many bytes, in so much time, and no more.

In: ASGI's ``receive``. Out: the same, which raises where a body is longer than it may be, or does not come; else
whoever sends without an end fills the memory, and whoever says that something comes and sends nothing holds a
connection for ever. State: the bytes of one body. Heads have :mod:`siaga.heads`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from enum import StrEnum
from typing import Any, Final, TypeAlias

#: Seconds in which a body must have arrived: far more than a phone on a bad line needs for a report.
BODY_SECONDS: Final = 20.0

Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]


class Fault(StrEnum):
    """Why a body is not taken."""

    TOO_LARGE = "too_large"
    TOO_SLOW = "too_slow"


def bounded(receive: Receive, *, most: int, refused: Callable[[Fault], Exception]) -> Receive:
    """``receive`` of one request, from now on.

    What ``refused`` makes of a fault is raised where the application reads, because each has its own answer for it.
    The rest of such a body is not read: the answer should close the connection.
    """
    until = asyncio.get_running_loop().time() + BODY_SECONDS
    taken, over = 0, False

    async def within() -> MutableMapping[str, Any]:
        nonlocal taken, over
        if over:  # what comes after the body says that the connection is closed, and may come late
            return await receive()
        try:
            async with asyncio.timeout_at(until):
                message = await receive()
        except TimeoutError:
            raise refused(Fault.TOO_SLOW) from None
        taken += len(message.get("body", b""))
        over = not message.get("more_body", False)
        if taken > most:
            raise refused(Fault.TOO_LARGE)
        return message

    return within
