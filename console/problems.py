"""What an answer says when something is wrong: RFC 9457 problems, each naming the field and the remedy.

Never the value: it may be personal.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

import sqlalchemy as sa
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ValidationError
from starlette.exceptions import HTTPException

from siaga.contracts.decode import problems_of

log = logging.getLogger(__name__)

MEDIA_TYPE: Final = "application/problem+json"


class FieldProblem(BaseModel):
    """One wrong field."""

    field: str
    message: str
    remedy: str


class ProblemDocument(BaseModel):
    """An answer that says what is wrong and what to do (RFC 9457)."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    errors: list[FieldProblem] = []


class Problem(Exception):
    """Ends a request with a problem document. ``detail`` reads ``what is wrong; what to do``."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        errors: Sequence[FieldProblem] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.errors = tuple(errors)
        self.headers = dict(headers or {})

    def response(self) -> JSONResponse:
        """The answer."""
        document = ProblemDocument(
            title=HTTPStatus(self.status).phrase, status=self.status, detail=self.detail, errors=list(self.errors)
        )
        return JSONResponse(document.model_dump(), self.status, headers=self.headers, media_type=MEDIA_TYPE)


def field_problem(field: str, message: str, remedy: str) -> Problem:
    """A 422 about one field."""
    return Problem(
        422, f"{field}: {message}; {remedy}", errors=[FieldProblem(field=field, message=message, remedy=remedy)]
    )


def problem_of(error: ValidationError) -> Problem:
    """A 422 with every field that does not fit its contract."""
    found = [FieldProblem(field=p.field, message=p.message, remedy=p.remedy) for p in problems_of(error)]
    return Problem(422, "the request does not fit; correct the fields named in errors", errors=found)


#: What every endpoint may answer besides its own, for the OpenAPI document.
RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    code: {"model": ProblemDocument, "content": {MEDIA_TYPE: {}}, "description": HTTPStatus(code).phrase}
    for code in (401, 403, 404, 422, 503)
}

#: What is said of these, whoever answers.
REMEDIES: Final = {
    404: "there is nothing here; see /openapi.json for what there is",
    405: "the method is not allowed here; see /openapi.json for those that are",
}


def install(app: FastAPI) -> None:
    """Make every error of ``app`` a problem document."""

    @app.exception_handler(Problem)
    def _problem(request: Request, error: Problem) -> JSONResponse:
        return error.response()

    @app.exception_handler(RequestValidationError)
    def _invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        found = []
        for e in error.errors():
            name = ".".join(str(part) for part in e["loc"][1:]) or "body"
            found.append(FieldProblem(field=name, message=str(e["msg"]), remedy="correct it; /openapi.json says how"))
        return Problem(422, "the request does not fit; correct the fields named in errors", errors=found).response()

    @app.exception_handler(HTTPException)
    def _http(request: Request, error: HTTPException) -> JSONResponse:
        detail = REMEDIES.get(error.status_code, str(error.detail))
        return Problem(error.status_code, detail, headers=error.headers).response()

    @app.exception_handler(sa.exc.OperationalError)
    @app.exception_handler(sa.exc.ProgrammingError)
    @app.exception_handler(sa.exc.TimeoutError)
    def _database(request: Request, error: sa.exc.SQLAlchemyError) -> JSONResponse:
        # Its text may hold parameters, and those what somebody wrote.
        log.warning("the database does not answer: %s", type(error).__name__)
        return Problem(
            503, "database: does not answer; it is tried again, ask later", headers={"Retry-After": "2"}
        ).response()
