"""HTTP as gateway, command centre and inbox speak it: uvicorn's, which does not wait for ever for what is asked.

In: connections. Out: those on which no request begins within a time, or whose head does not end, are closed; else
whoever opens connections and says nothing takes all that the system allows, and phones are refused. State: a timer a
connection.
"""

from __future__ import annotations

import asyncio
from typing import Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

#: Far more than a phone on a bad line needs for some hundred bytes.
HEAD_SECONDS: Final = 20.0


class HeadsInTime(HttpToolsProtocol):
    """One connection. Between two requests uvicorn's own timer holds; bodies have :mod:`siaga.bodies`."""

    _late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        self._wait()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._wait()

    def on_headers_complete(self) -> None:
        self._wait_no_more()
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        self._wait_no_more()
        super().connection_lost(exc)

    def _wait(self) -> None:
        self._wait_no_more()
        self._late = self.loop.call_later(HEAD_SECONDS, self.transport.close)

    def _wait_no_more(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None
