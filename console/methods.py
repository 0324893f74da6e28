"""What is answered where an address is served, and its method is not: 405, with those that are.

The router would say so by itself, if no other route took the request first; here one does (what is under ``/api`` and
is nothing, and the live page's framework, which takes whatever nobody else answers).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute, Match
from starlette.types import Receive, Scope, Send

_METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


class OtherMethods(BaseRoute):
    """Takes what one of ``routes`` would with another method. Comes behind them, and before what takes everything."""

    def __init__(self, routes: Sequence[BaseRoute]) -> None:
        self._routes = tuple(routes)
        #: As other routes have them, for who lists them: it serves nothing.
        self.path, self.methods = "", frozenset[str]()

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Whether only the method is wrong."""
        if scope["type"] != "http":
            return Match.NONE, {}
        known = any(route.matches(scope)[0] is not Match.NONE for route in self._routes)
        return (Match.FULL if known else Match.NONE), {}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Raises :class:`HTTPException`: a 405 that names the methods there are."""
        served = (method for method in _METHODS if self._serves({**scope, "method": method}))
        raise HTTPException(405, headers={"Allow": ", ".join(served)})

    def _serves(self, scope: Scope) -> bool:
        return any(route.matches(scope)[0] is Match.FULL for route in self._routes)
