"""The application: API, plain pages and the live page on one server.

NiceGUI is one per process, so that :func:`create_app` may be called once with ``live=True``; tests of the API leave
it out.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from http.cookies import SimpleCookie
from operator import attrgetter
from pathlib import Path
from typing import Final

from fastapi import FastAPI
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import DEFAULT_EXCLUDED_CONTENT_TYPES, GZipMiddleware

from console import inbound
from console.access import COOKIE
from console.api import incidents, live, people, stations, views
from console.core import Core
from console.files import PackedFiles
from console.methods import OtherMethods
from console.openapi import document_of
from console.pages import answer, openid, plain, report
from console.problems import install
from console.security import Security
from siaga import __version__

_WEB = Path(__file__).parent / "web"
#: Not compressed: streams of events, and pages in which something of ours stands beside something from outside.
_LOOSE: Final = (*DEFAULT_EXCLUDED_CONTENT_TYPES, "text/html")
_ABOUT = """The command centre of Siaga. Sign in at `/login`, or send `Authorization: Bearer <token>` with a
token made by `siaga user token`. What a role may not see is not there. Whatever changes something needs
`X-CSRF-Token` (from `/api/me`) when it comes with a session's cookie."""


def routes_only(lifespan: Callable[[FastAPI], AbstractAsyncContextManager[None]] | None = None) -> FastAPI:
    """The application with nothing behind its routes: all that its OpenAPI document is made of."""
    app = FastAPI(
        title="Siaga command centre",
        version=__version__,
        description=_ABOUT,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        generate_unique_id_function=attrgetter("name"),
    )
    app.openapi = partial(document_of, app)  # type: ignore[method-assign]  # FastAPI's documented way to add to it
    install(app)
    for router in (
        incidents.router,
        stations.router,
        live.router,
        people.router,
        views.router,
        plain.router,
        openid.router,
        answer.router,
        report.router,
        inbound.router,
    ):
        app.include_router(router)
    return app


def create_app(core: Core, *, with_live_page: bool = False) -> FastAPI:
    """The application around ``core``."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with core.feed.running():
            yield
        core.commands.close()
        core.database.close()

    app = routes_only(lifespan)
    app.state.core = core
    app.router.routes.append(OtherMethods(app.routes))

    @app.api_route("/api/{path:path}", methods=["GET", "POST", "PUT", "PATCH", "DELETE"], include_in_schema=False)
    def _nothing(path: str) -> None:
        raise HTTPException(404)

    if with_live_page:
        from console.pages.live import install_live_page

        install_live_page(app, core)
    else:
        app.mount("/static", PackedFiles(_WEB), name="static")

    def signed_in(headers: Headers) -> bool:
        cookies = SimpleCookie(headers.get("cookie", ""))
        cookie = cookies.get(COOKIE)
        return cookie is not None and core.sessions.find(cookie.value, core.now()) is not None

    # What is worth compressing well is compressed once and kept (console.files, the board's pages).
    app.add_middleware(GZipMiddleware, minimum_size=1000, compresslevel=2, exclude_content_types=_LOOSE)
    app.add_middleware(Security, https=core.settings.console_speaks_https, signed_in=signed_in)
    return app
