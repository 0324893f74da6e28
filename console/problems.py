"""What an answer says when something is wrong: RFC 9457 problems, each naming the field and the remedy.

Never the value: it may be personal.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Final

import sqlalchemy as sa
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.exceptions import HTTPException

from siaga.contracts.decode import problems_of

log = logging.getLogger(__name__)

MEDIA_TYPE: Final = "application/problem+json"


class FieldProblem(BaseModel):
    """One wrong field."""

    field: str = Field(description="Where it stands: its name, or names with points between them")
    message: str = Field(description="What is wrong with it; never the value itself")
    remedy: str = Field(description="What to do")


class ProblemDocument(BaseModel):
    """An answer that says what is wrong and what to do (RFC 9457)."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "type": "about:blank",
                    "title": "Unprocessable Entity",
                    "status": 422,
                    "detail": "the request does not fit; correct the fields named in errors",
                    "errors": [
                        {
                            "field": "limit",
                            "message": "Input should be less than or equal to 500",
                            "remedy": "correct it; /openapi.json says how",
                        }
                    ],
                }
            ]
        }
    )

    type: str = Field("about:blank", description="Always `about:blank`: the status says which kind it is")
    title: str = Field(description="The status in words")
    status: int = Field(description="The HTTP status")
    detail: str = Field(description="`what is wrong; what to do`")
    errors: list[FieldProblem] = Field([], description="Every wrong field, where it is about fields")


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

    @app.exception_handler(sa.exc.DataError)
    def _unstorable(request: Request, error: sa.exc.DataError) -> JSONResponse:
        # PostgreSQL takes no NUL, wherever somebody writes one.
        return Problem(422, "request: holds what no database takes, such as a NUL character; take it out").response()

    @app.exception_handler(sa.exc.OperationalError)
    @app.exception_handler(sa.exc.ProgrammingError)
    @app.exception_handler(sa.exc.TimeoutError)
    def _database(request: Request, error: sa.exc.SQLAlchemyError) -> JSONResponse:
        # Its text may hold parameters, and those what somebody wrote.
        log.warning("the database does not answer: %s", type(error).__name__)
        return Problem(
            503, "database: does not answer; it is tried again, ask later", headers={"Retry-After": "2"}
        ).response()
