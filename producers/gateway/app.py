"""The gateway as an ASGI application: the posts, and around them FastAPI for everything that is not in a hurry."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from typing import Any

from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException

from producers.gateway.lapor.page import ReportingPage
from producers.gateway.openapi import openapi_document
from producers.gateway.posts import PATHS, Posts, Receive, Scope, Send
from producers.gateway.problems import SEALED, Answer, Trouble, answer_problem, problem_body
from producers.metrics import Outcome

_TITLES = {
    404: "There is nothing at this address; see /openapi.json",
    405: "This address does not answer that method; see /openapi.json",
}


class Gateway:
    """What uvicorn calls. ``unready`` says why nothing can be taken now; empty when all is well.

    Metrics have a port of their own, which phones do not reach. ``page`` is the page on which phones report, if any.
    """

    def __init__(self, posts: Posts, unready: Callable[[], str], page: ReportingPage | None = None) -> None:
        self._posts = posts
        self._page = page
        self._rest = _rest(unready)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] in PATHS:
            await self._posts.answer(scope, receive, send)
        elif scope["type"] == "http" and self._page is not None and self._page.answers(scope["path"]):
            await self._page(scope, receive, send)
        else:
            await self._rest(scope, receive, _sealing(send))


def _sealing(send: Send) -> Send:
    """``send``, with the headers of every answer where FastAPI's has not got them."""

    async def sealed(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            had = {name for name, _ in message["headers"]}
            message["headers"] = [*message["headers"], *(header for header in SEALED if header[0] not in had)]
        await send(message)

    return sealed


def _rest(unready: Callable[[], str]) -> FastAPI:
    app = FastAPI(docs_url=None, redoc_url=None, redirect_slashes=False)
    app.openapi = openapi_document  # type: ignore[method-assign]  # FastAPI's documented way to bring one's own

    @app.get("/healthz")
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/readyz")
    async def readyz() -> Response:
        why = unready()
        if why:
            return _response(Trouble(Outcome.UNAVAILABLE, why, retry_after=1).to_answer())
        return Response('{"status":"ready"}', media_type="application/json")

    @app.exception_handler(HTTPException)
    async def refused(request: Request, error: HTTPException) -> Response:
        title = _TITLES.get(error.status_code, str(error.detail))
        code = {404: "not-found", 405: "method-not-allowed"}.get(error.status_code, "refused")
        answer = _response(answer_problem(problem_body(code, error.status_code, title)))
        answer.headers.update(error.headers or {})
        return answer

    @app.exception_handler(Exception)
    async def failed(request: Request, error: Exception) -> Response:
        return _response(answer_problem(problem_body("internal", 500, "Something went wrong here; try again")))

    return app


def _response(answer: Answer) -> Response:
    headers: dict[str, Any] = {name.decode(): value.decode() for name, value in answer.headers}
    return Response(answer.body, status_code=answer.status, headers=headers)
