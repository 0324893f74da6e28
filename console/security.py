"""Headers of every answer, where a request may come from, and how much it may bring. Pure ASGI: sees web sockets as
well.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from console.problems import Problem
from siaga.bodies import BODY_SECONDS, Fault, bounded

#: Nothing is loaded from, sent to or framed by anybody else.
_POLICY: Final = (
    "default-src 'self'; script-src 'self'{scripts}; style-src 'self'{styles}; "
    "img-src 'self' data:; font-src 'self' data:; connect-src 'self' {sockets}; object-src 'none'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
#: What else a page may: the live page compiles its components in the browser (Vue), which is what 'unsafe-eval' is
#: for (decision 12), and a report carries its style with it. No other page has a script or a style in it.
_ALLOWED: Final = {
    "/": {"scripts": " 'unsafe-inline' 'unsafe-eval'", "styles": " 'unsafe-inline'"},
    "/report": {"scripts": "", "styles": " 'unsafe-inline'"},
}
_NOTHING: Final = {"scripts": "", "styles": ""}
_HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Not "no-referrer": a browser then sends `Origin: null` with our own forms.
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_LIVE: Final = "/_nicegui_ws/"
#: Far more than any form, command or message of a gateway has: what is longer fills the memory, signed in or not.
_MOST_BYTES: Final = 1 << 20
_TOO_LARGE: Final = f"body: is too large; send at most {_MOST_BYTES} bytes"
_TOO_SLOW: Final = f"body: did not arrive within {BODY_SECONDS:g} seconds; send it again"
#: A host and its port, as browsers write them: nothing else gets into a policy.
_HOST: Final = re.compile(r"[A-Za-z0-9._\-\[\]:]+")


class Security:
    """Refuses what comes from another site's page, and sockets of browsers that are not signed in.

    ``signed_in`` says whether a cookie header holds a session.
    """

    def __init__(self, app: ASGIApp, *, https: bool, signed_in: Callable[[Headers], bool]) -> None:
        self._app = app
        self._https = https
        self._signed_in = signed_in

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        live = scope["path"].startswith(_LIVE)
        unsafe = live or scope["type"] == "websocket" or scope.get("method") not in _SAFE
        refused = (unsafe and _foreign(headers)) or (live and not self._signed_in(headers))
        if refused and scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
            return

        async def sealed(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._seal(MutableHeaders(scope=message), headers, scope["path"])
            await send(message)

        if refused:
            detail = "origin: the request comes from another site, or nobody is signed in; open the page and sign in"
            await Problem(403, detail).response()(scope, receive, sealed)
            return
        if scope["type"] == "http" and unsafe:
            if _length(headers) > _MOST_BYTES:
                await Problem(413, _TOO_LARGE, headers={"Connection": "close"}).response()(scope, receive, sealed)
                return
            receive = bounded(receive, most=_MOST_BYTES, refused=_refused)
        await self._app(scope, receive, sealed)

    def _seal(self, answer: MutableHeaders, asked: Headers, path: str) -> None:
        for name, value in _HEADERS.items():
            answer.setdefault(name, value)
        found = _HOST.fullmatch(asked.get("host", ""))
        allowed = _ALLOWED.get(path, _NOTHING)
        policy = _POLICY.format(sockets=f"ws://{found[0]} wss://{found[0]}" if found else "", **allowed)
        answer.setdefault("Content-Security-Policy", policy)
        if self._https:
            answer.setdefault("Strict-Transport-Security", "max-age=31536000")
        # Files named by their version may be kept; nothing that says something about the day is.
        if path.startswith("/static/"):
            answer.setdefault("Cache-Control", "no-cache")
        elif not path.startswith("/_nicegui/"):
            answer["Cache-Control"] = "no-store"


def _length(headers: Headers) -> int:
    """How many bytes a request says it brings; 0 where it says nothing."""
    said = headers.get("content-length", "")
    return int(said) if said.isdecimal() else 0


def _refused(fault: Fault) -> HTTPException:
    status, detail = (413, _TOO_LARGE) if fault is Fault.TOO_LARGE else (408, _TOO_SLOW)
    return HTTPException(status, detail, headers={"Connection": "close"})


def _foreign(headers: Headers) -> bool:
    """Whether a browser says that another site's page sends this. Programs say nothing, and have no cookies."""
    origin = headers.get("origin")
    if origin is not None:
        return urlsplit(origin).netloc != headers.get("host")
    return headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none")
