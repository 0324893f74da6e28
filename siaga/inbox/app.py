"""The inbox over HTTP. In: ``POST /pages/<officer>`` of the notifier. Out: a page at ``/``, JSON at ``/api/pages``.

Only for this machine: it binds to loopback, and asks nobody who they are.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Annotated, Any, Final
from uuid import uuid4

from fastapi import Body, FastAPI, Header, HTTPException, Path, Query, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from siaga.bodies import BODY_SECONDS, Fault, bounded
from siaga.inbox.kept import Kept, Received
from siaga.inbox.page import HEADERS, page_of

HOST: Final = "127.0.0.1"
_OFFICER: Final = r"^[A-Za-z0-9._:@-]{1,80}$"
Officer = Annotated[str, Path(pattern=_OFFICER)]
AskedOfficer = Annotated[str | None, Query(pattern=_OFFICER)]
Key = Annotated[str | None, Header(alias="Idempotency-Key", max_length=200)]
Content = Annotated[dict[str, Any], Body()]
_MOST_BYTES: Final = 262_144


def create_app(kept: Kept, on_new: Callable[[Received], None] = lambda received: None) -> FastAPI:
    """The application around what is kept; ``on_new`` is called with each message that comes for the first time."""
    app = FastAPI(title="Siaga inbox", docs_url=None, redoc_url=None, openapi_url=None)
    # No page of the web may read or write here through a name that it makes point to this machine.
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=[HOST, "localhost"])
    app.add_middleware(_Bounded)
    registry = CollectorRegistry()
    Gauge("siaga_inbox_pages", "Messages received, each once", registry=registry).set_function(lambda: kept.count)
    Gauge("siaga_inbox_repeats", "How often one came again", registry=registry).set_function(lambda: kept.repeats)

    @app.post("/pages/{officer_id}")
    def receive(request: Request, officer_id: Officer, body: Content, key: Key = None) -> dict[str, Any]:
        if not request.headers.get("content-type", "").startswith("application/json"):
            raise HTTPException(415, "body: is not JSON; send application/json")
        one = kept.take(officer_id, key or str(uuid4()), body, time.time())
        if not one.repeats:
            on_new(one)
        return {"id": f"inbox-{one.number}", "repeats": one.repeats}

    @app.get("/api/pages")
    def listed(officer: AskedOfficer = None, after: Annotated[int, Query(ge=0)] = 0) -> JSONResponse:
        found = [_told(one) for one in kept.newest(officer_id=officer, after=after)]
        return JSONResponse({"count": kept.count, "pages": found}, headers=HEADERS)

    @app.get("/")
    def shown(officer: AskedOfficer = None) -> HTMLResponse:
        page = page_of(kept.newest(officer_id=officer), officer_id=officer, count=kept.count)
        return HTMLResponse(page, headers=HEADERS)

    @app.get("/metrics")
    def metrics() -> Response:
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    return app


class _Bounded:
    """Lets no message be longer, or take longer, than one of a notifier can be."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "POST":
            receive = bounded(receive, most=_MOST_BYTES, refused=_refused)
        await self._app(scope, receive, send)


def _refused(fault: Fault) -> HTTPException:
    close = {"Connection": "close"}
    if fault is Fault.TOO_LARGE:
        return HTTPException(413, f"body: is longer than {_MOST_BYTES} bytes; send a shorter one", close)
    return HTTPException(408, f"body: did not arrive within {BODY_SECONDS:g} seconds; send it again", close)


def _told(one: Received) -> dict[str, Any]:
    return {
        "number": one.number,
        "officer_id": one.officer_id,
        "received_at": one.at,
        "idempotency_key": one.key,
        "repeats": one.repeats,
        **{name: one.body[name] for name in ("text", "drill", "pages") if name in one.body},
    }
