"""What the command centre serves: the document that says so, and what is answered to other methods and addresses."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from starlette.routing import Mount

from console.app import create_app
from console.core import make_core
from console.openapi import openapi_document
from siaga.settings import Settings

METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
INCIDENT = "0b1d4c8e-6a51-5f0e-8d0c-6f5d2a7e9c11"


@pytest.fixture
def app(tmp_path: Path) -> FastAPI:
    """The whole application, with something behind it that takes whatever nobody else answers."""
    made = create_app(make_core(Settings(data_dir=tmp_path, kafka="127.0.0.1:1")))
    made.router.routes.append(Mount("/", app=FastAPI(openapi_url=None)))
    return made


def ask(app: FastAPI, requests: list[tuple[str, str]]) -> list[httpx.Response]:
    async def all_of_them() -> list[httpx.Response]:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://siaga") as client:
            return [await client.request(method, path) for method, path in requests]

    return asyncio.run(all_of_them())


def test_the_document_that_is_served_is_the_one_in_the_reference_whatever_the_settings(app: FastAPI) -> None:
    (served,) = ask(app, [("GET", "/openapi.json")])

    assert served.json() == json.loads(json.dumps(openapi_document()))


def test_a_method_that_an_address_does_not_serve_is_answered_with_those_it_does(app: FastAPI) -> None:
    served = {
        path.format(incident_id=INCIDENT, name="modem", tail="x"): {method.upper() for method in item}
        for path, item in openapi_document()["paths"].items()
    }
    served |= {"/login": {"GET", "POST"}, "/ack/x": {"GET", "POST"}}
    served |= {"/openapi.json": {"GET", "HEAD"}, "/static/mark.svg": {"GET", "HEAD"}}
    asked = [(method, path) for path, methods in served.items() for method in sorted(METHODS - methods)]

    answers = ask(app, asked)

    assert [(asked[n], a.status_code) for n, a in enumerate(answers) if a.status_code != 405] == []
    allowed = {path: set(a.headers["allow"].split(", ")) for (_, path), a in zip(asked, answers, strict=True)}
    assert allowed == served
    assert {a.headers["content-type"] for a in answers} == {"application/problem+json"}


def test_an_address_that_is_none_stays_none_whatever_the_method(app: FastAPI) -> None:
    asked = [(method, path) for path in ("/api/nothing", "/api", "/nothing") for method in ("GET", "POST", "DELETE")]

    assert {answer.status_code for answer in ask(app, asked)} == {404}
