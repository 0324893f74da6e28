"""What the command centre lets in, whoever sends it: how much, how slowly, and under which name of a host."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Any

import httpx
import pytest
from fastapi import FastAPI, Form
from pydantic import BaseModel

from console import security
from console.problems import install
from siaga import bodies

_LONG = b"x" * (2 << 20)


class _Note(BaseModel):
    text: str


def _app() -> FastAPI:
    app = FastAPI()
    install(app)
    app.add_middleware(security.Security, https=False, signed_in=lambda headers: False)

    @app.post("/note")
    def _note(note: _Note) -> str:
        return note.text

    @app.post("/form")
    def _form(name: Annotated[str, Form()]) -> str:
        return name

    return app


def _asked(method: str, path: str, **options: Any) -> httpx.Response:
    async def ask() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(_app()), base_url="http://siaga") as client:
            return await client.request(method, path, **options)

    return asyncio.run(ask())


async def _in_parts() -> AsyncIterator[bytes]:
    for start in range(0, len(_LONG), 65_536):
        yield _LONG[start : start + 65_536]


async def _without_end() -> AsyncIterator[bytes]:
    yield b"name="
    await asyncio.Event().wait()


_FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.mark.parametrize(("path", "headers"), [("/note", {"Content-Type": "application/json"}), ("/form", _FORM)])
@pytest.mark.parametrize("says_how_long", [True, False])
def test_a_body_that_would_fill_the_memory_is_refused(
    path: str, headers: dict[str, str], says_how_long: bool
) -> None:
    answer = _asked("POST", path, content=_LONG if says_how_long else _in_parts(), headers=headers)

    assert answer.status_code == 413
    assert "at most 1048576 bytes" in answer.json()["detail"]


def test_a_body_that_never_ends_holds_nothing_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "BODY_SECONDS", 0.05)

    assert _asked("POST", "/form", content=_without_end(), headers=_FORM).status_code == 408


def test_what_fits_passes() -> None:
    assert _asked("POST", "/note", json={"text": "aman"}).json() == "aman"
    assert _asked("POST", "/form", data={"name": "komandan"}).json() == "komandan"


def test_what_is_no_host_does_not_get_into_the_policy_of_a_page() -> None:
    policies = [
        _asked("GET", "/", headers={"Host": host}).headers["content-security-policy"]
        for host in ("siaga.example:8443", "a; script-src *")
    ]

    assert "wss://siaga.example:8443;" in policies[0]
    assert "*" not in policies[1]
