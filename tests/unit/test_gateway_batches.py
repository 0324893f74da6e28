"""Several items at once: an answer for each, and a problem for what is no batch."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.support import builders
from tests.support.gateways import HandGateway, problem


@pytest_asyncio.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[HandGateway]:
    made = HandGateway(tmp_path)
    yield made
    await made.close()


async def test_a_batch_is_answered_item_by_item(gateway: HandGateway) -> None:
    reports = [builders.report(), builders.report("violence.brwl"), builders.report(station="33.27.01.2001-001")]
    checkins = [builders.checkin(), {**builders.checkin(), "phase": "tidur"}]

    answer = await gateway.post({"reports": reports, "checkins": checkins}, "/v1/reports:batch")

    assert answer.status_code == 207
    said = answer.json()
    assert [item["status"] for item in said["reports"]] == ["accepted", 422, 403]
    assert [item["status"] for item in said["checkins"]] == ["accepted", 422]
    assert said["reports"][0]["report_id"] == reports[0]["report_id"]
    assert said["checkins"][1]["errors"][0]["field"] == "phase"


async def test_a_batch_of_500_travels_in_one_record_a_district(gateway: HandGateway) -> None:
    checkins = [builders.checkin() for _ in range(500)]

    answer = await gateway.post({"checkins": checkins}, "/v1/reports:batch")

    assert answer.status_code == 202
    assert {item["status"] for item in answer.json()["checkins"]} == {"accepted"}
    assert len(gateway.publisher.sent) == 1
    assert gateway.publisher.acknowledged == [item["report_id"] for item in checkins]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (json.dumps({"checkins": [builders.checkin() for _ in range(501)]}).encode(), 422),
        (b'{"checkins": [' + b"{}," * 500 + b"{}]}", 422),
        (b'{"reports": {}}', 422),
        (b'{"laporan": []}', 422),
        (b"[]", 422),
        (b"{", 400),
        (b" " * 2_000_000, 413),
    ],
)
async def test_a_batch_that_is_none_is_refused_whole(gateway: HandGateway, body: bytes, status: int) -> None:
    problem(await gateway.post(body, "/v1/reports:batch"), status)


async def test_a_batch_past_the_limit_is_taken_as_far_as_it_goes(tmp_path: Path) -> None:
    gateway = HandGateway(tmp_path, rate_per_minute=1, rate_burst=3)
    checkins = [builders.checkin() for _ in range(5)]

    answer = await gateway.post({"checkins": checkins}, "/v1/reports:batch")
    again = await gateway.post({"checkins": checkins}, "/v1/reports:batch")
    await gateway.close()

    assert [item["status"] for item in answer.json()["checkins"]] == ["accepted"] * 3 + [429] * 2
    assert answer.headers["retry-after"]
    problem(again, 429)
