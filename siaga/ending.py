"""Being asked to end, for whoever serves HTTP: uvicorn's server, but the process ends in order, with 0.

In: SIGTERM or SIGINT. Out: a server that takes nothing new and finishes what it has. State: uvicorn's own.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Iterator
from types import FrameType
from typing import Final

import uvicorn

_ASKED: Final = (signal.SIGTERM, signal.SIGINT)


class Server(uvicorn.Server):
    """uvicorn's own raises the signal once more when it is done: the process would die of it with the rest unclosed.

    The signals stay its until the event loop closes; asked again meanwhile, it goes on ending.
    """

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Called by uvicorn around serving, on the main thread."""
        loop = asyncio.get_running_loop()
        for number in _ASKED:
            loop.add_signal_handler(number, self._ask_to_end)
        yield

    def _ask_to_end(self) -> None:
        self.should_exit = True


@contextlib.contextmanager
def leaving_when_asked() -> Iterator[None]:
    """Before anything is served: end the process where it stands, with 0, for there is nothing to finish."""

    def leave(number: int, frame: FrameType | None) -> None:
        raise SystemExit(0)

    before = {number: signal.signal(number, leave) for number in _ASKED}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
