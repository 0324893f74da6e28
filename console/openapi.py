"""The command centre's OpenAPI document: what FastAPI makes of the routes, and what it cannot know.

In: the routes. Out: the document that ``/openapi.json`` answers and ``siaga reference`` writes down. State: none. It
depends on no setting, no database and no machine.

An operation's summary is the first sentence of its function's docstring, its description the rest; who may ask is
what its dependencies let pass (:mod:`console.access`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute, iter_route_contexts

from console.access import COOKIE, CSRF_HEADER, PASSES, caller_of
from console.problems import MEDIA_TYPE, ProblemDocument
from siaga.markdown import plain
from siaga.redaction import UserRole

CSV: Final = "text/csv"
GEOJSON: Final = "application/geo+json"
HTML: Final = "text/html"
_REF: Final = "#/components/schemas/"
_SENTENCE_END: Final = re.compile(r"\.(?:\s+|$)")
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_EVERYBODY: Final = tuple(role for role in UserRole if role is not UserRole.PUBLIC)
_WHEN: Final = {
    401: "Nobody is signed in: no token or session, or one that has ended",
    403: f"It is not for this role, or `{CSRF_HEADER}` is missing or not the session's",
    404: "There is no such thing, or none that the caller may see",
    408: "The body did not arrive in time",
    413: "The body is too large",
    422: "It does not fit: `errors` names every wrong field and what to do",
    503: "Not now: the database or Kafka is away; `Retry-After`, in seconds, says when to ask again",
}
_TAGS: Final = {
    "incidents": "Incidents, where they stand on their policies, and decisions about them",
    "stations": "Polling stations, and outlines to draw under a map",
    "live": "What open pages live on: the board, and what changes on it",
    "views": "Numbers over time, who is on duty, and the force posture",
    "people": "Who asks, the audit trail, and who looked up who reported",
    "answers": "What gateways of SMS, WhatsApp and Telegram bring",
    "public": "What anybody may know",
    "service": "How the process is",
}
_SCHEMES: Final = {
    "token": {
        "type": "http",
        "scheme": "bearer",
        "description": "A program's token, as `siaga user token` makes it",
    },
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": COOKIE,
        "description": "A browser's session, which signing in at `/login` opens",
    },
    "csrf": {
        "type": "apiKey",
        "in": "header",
        "name": CSRF_HEADER,
        "description": "With a session, for whatever changes something: `csrf` of `/api/me`",
    },
    "gateway": {
        "type": "apiKey",
        "in": "header",
        "name": "X-Siaga-Secret",
        "description": "A gateway's secret, or the proof that its format has instead",
    },
}


def refusals(*codes: int, **said: str) -> dict[int | str, dict[str, Any]]:
    """What an endpoint answers where it refuses: a :class:`~console.problems.ProblemDocument`.

    ``said`` words one of them for this endpoint: ``refusals(401, 503, _503="…")``.
    """
    schema = {"$ref": _REF + ProblemDocument.__name__}
    return {
        code: {"description": said.get(f"_{code}", _WHEN[code]), "content": {MEDIA_TYPE: {"schema": schema}}}
        for code in codes
    }


def text(media_type: str, description: str) -> dict[str, Any]:
    """An answer that is no JSON of ours."""
    kind = "object" if media_type == GEOJSON else "string"
    return {"description": description, "content": {media_type: {"schema": {"type": kind}}}}


def openapi_document() -> dict[str, Any]:
    """The whole document (OpenAPI 3.1), the same wherever it is made."""
    from console.app import routes_only

    return document_of(routes_only())


def document_of(app: FastAPI) -> dict[str, Any]:
    """The document of the routes of ``app``; made once."""
    if app.openapi_schema is None:
        app.openapi_schema = _made(app)
    return app.openapi_schema


def _made(app: FastAPI) -> dict[str, Any]:
    tags = [{"name": name, "description": said} for name, said in _TAGS.items()]
    document = get_openapi(
        title=app.title, version=app.version, description=app.description, routes=app.routes, tags=tags
    )
    problem = ProblemDocument.model_json_schema(ref_template=_REF + "{model}")
    schemas = {**document["components"]["schemas"], **problem.pop("$defs"), ProblemDocument.__name__: problem}
    for schema in schemas.values():
        if "description" in schema:
            schema["description"] = plain(schema["description"])
    document["components"] = {
        "securitySchemes": _SCHEMES,
        "schemas": dict(sorted(schemas.items())),
    }
    for route in iter_route_contexts(app.routes):
        if isinstance(route.original_route, APIRoute) and route.include_in_schema:
            for method in route.methods or ():
                operation = document["paths"][route.path_format][method.lower()]
                _word(operation)
                _say_who(operation, route.dependant, method)
    return document


def _word(operation: dict[str, Any]) -> None:
    operation["summary"], *rest = _SENTENCE_END.split(plain(operation.pop("description", "")), maxsplit=1)
    if any(rest):
        operation["description"] = rest[0]


def _say_who(operation: dict[str, Any], dependant: Dependant, method: str) -> None:
    roles = next(_let_pass(dependant), None)
    if roles is None:
        operation.setdefault("security", [])
        return
    session: dict[str, list[str]] = {"session": []} if method in _SAFE else {"session": [], "csrf": []}
    operation["security"] = [{"token": []}, session]
    operation["x-roles"] = [role.value for role in roles]


def _let_pass(dependant: Dependant) -> Iterator[tuple[UserRole, ...]]:
    """Whom the dependencies let pass, the strictest first; nothing where nobody has to be signed in."""
    for needed in dependant.dependencies:
        if needed.call in PASSES:
            yield PASSES[needed.call]
        yield from _let_pass(needed)
        if needed.call is caller_of:
            yield _EVERYBODY
