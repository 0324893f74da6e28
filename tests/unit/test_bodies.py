"""Bodies without an end, or that never begin, at gateway and inbox; the command centre's are with what it lets in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from siaga import bodies
from siaga.inbox.app import create_app
from siaga.inbox.kept import Kept
from tests.support.gateways import HandGateway, problem

_ENDLESS = b"x" * 65_536
_MUCH = 4_000_000


async def _never(first: bytes = b"") -> AsyncIterator[bytes]:
    if first:
        yield first
    await asyncio.Event().wait()
    yield b""


class _Counted:
    """Sends without an end, and counts what was taken."""

    def __init__(self) -> None:
        self.taken = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while self.taken < _MUCH:
            self.taken += len(_ENDLESS)
            yield _ENDLESS


@pytest.mark.parametrize("first", [b"", b'{"text"'])
async def test_a_phone_that_announces_a_report_and_sends_none_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first: bytes
) -> None:
    monkeypatch.setattr(bodies, "BODY_SECONDS", 0.05)
    gateway = HandGateway(tmp_path)

    answer = await asyncio.wait_for(_to_gateway(gateway, _never(first)), 10)

    problem(answer, 408)
    assert answer.headers["connection"] == "close"
    await gateway.close()


async def test_a_body_without_an_end_is_refused_by_the_gateway_before_it_is_in_memory(tmp_path: Path) -> None:
    gateway, sent = HandGateway(tmp_path), _Counted()

    problem(await _to_gateway(gateway, sent), 413)

    assert sent.taken < _MUCH / 4
    await gateway.close()


@pytest.mark.parametrize("first", [b"", b'{"text"'])
async def test_the_inbox_waits_for_no_message_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first: bytes
) -> None:
    monkeypatch.setattr(bodies, "BODY_SECONDS", 0.05)

    answer = await asyncio.wait_for(_to_inbox(tmp_path, _never(first)), 10)

    assert answer.status_code == 408
    assert "send it again" in answer.json()["detail"]


async def test_a_message_without_an_end_is_refused_by_the_inbox_before_it_is_in_memory(tmp_path: Path) -> None:
    sent = _Counted()

    answer = await _to_inbox(tmp_path, sent)

    assert (answer.status_code, answer.headers["connection"]) == (413, "close")
    assert sent.taken < _MUCH / 4
    assert not Kept(tmp_path / "inbox.jsonl").count


async def _to_gateway(gateway: HandGateway, content: AsyncIterator[bytes] | _Counted) -> httpx.Response:
    headers = {"Authorization": f"Bearer {gateway.token}", "Content-Type": "application/json"}
    return await gateway.http.post("/v1/reports", content=content, headers=headers)


async def _to_inbox(path: Path, content: AsyncIterator[bytes] | _Counted) -> httpx.Response:
    transport = httpx.ASGITransport(create_app(Kept(path / "inbox.jsonl")))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        json = {"Content-Type": "application/json"}
        return await client.post("/pages/budi", content=content, headers=json)
