"""Arrays that grow with the load, and the order of a district kept while Kafka comes and goes."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from producers.journal import entries_since
from producers.publisher import PublishError
from producers.spool import Spool
from siaga.contracts.topics import MAX_RECORD_BYTES
from tests.support import builders
from tests.support.gateways import HandGateway


@pytest_asyncio.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[HandGateway]:
    made = HandGateway(tmp_path, gateway_linger=0.02)
    yield made
    await made.close()


async def until(condition: Callable[[], object], seconds: float = 5.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110  (nothing says when)
            await asyncio.sleep(0.005)


def status(answer: Any) -> str:
    assert answer.status_code == 202
    return str(answer.json()["status"])


def waiting_on_disk(gateway: HandGateway) -> list[str]:
    return [json.loads(entry.item)["report_id"] for entry in gateway.spool.peek(1_000, 10_000_000)[0]]


async def test_what_comes_within_the_linger_travels_together_in_its_order(gateway: HandGateway) -> None:
    reports = [builders.report() for _ in range(20)]

    await asyncio.gather(*(gateway.post(report) for report in reports))

    assert len(gateway.publisher.sent) == 1
    assert gateway.publisher.acknowledged == [report["report_id"] for report in reports]


async def test_districts_and_kinds_travel_in_records_of_their_own(gateway: HandGateway) -> None:
    items = [builders.report(), builders.report(station=builders.OTHER_STATION), builders.checkin()]

    await asyncio.gather(*(gateway.post(item) for item in items))

    assert len({(topic, district) for topic, district, _, _ in gateway.publisher.sent}) == 3


async def test_no_record_is_longer_or_larger_than_a_record_may_be(gateway: HandGateway) -> None:
    large = [builders.report(text="x" * 2000, by=f"anggota-{n}") for n in range(450)]

    await gateway.post({"reports": large[:225]}, "/v1/reports:batch")
    first = len(gateway.publisher.sent)
    await asyncio.gather(
        gateway.post({"reports": large[:225]}, "/v1/reports:batch"),
        gateway.post({"reports": large[225:]}, "/v1/reports:batch"),
        gateway.post({"checkins": [builders.checkin() for _ in range(400)]}, "/v1/reports:batch"),
        gateway.post({"checkins": [builders.checkin() for _ in range(400)]}, "/v1/reports:batch"),
    )

    sizes = [(len(items), sum(map(len, items)) + len(items) + 1) for _, _, items, _ in gateway.publisher.sent]
    assert first >= 1
    assert all(count <= 500 and size <= MAX_RECORD_BYTES for count, size in sizes)
    assert sum(count for count, _ in sizes) == 225 + 450 + 800


async def test_an_answer_waits_for_the_acknowledgement(gateway: HandGateway) -> None:
    gateway.publisher.mood = "hold"
    posting = asyncio.create_task(gateway.post(builders.report()))
    await until(lambda: gateway.publisher.sent)

    answered_before = posting.done()
    gateway.publisher.sent[0][3].set_result(None)

    assert not answered_before
    assert status(await posting) == "accepted"


async def test_what_kafka_does_not_acknowledge_in_time_is_on_disk_before_the_answer(gateway: HandGateway) -> None:
    gateway.publisher.mood = "hold"
    report = builders.report()

    answer = await gateway.post(report)

    assert status(answer) == "spooled"
    assert gateway.counted("report", "spooled") == 1
    assert waiting_on_disk(gateway) == [report["report_id"]]


async def test_one_failure_sends_everything_unacknowledged_to_the_disk_in_its_order(tmp_path: Path) -> None:
    gateway = HandGateway(tmp_path, gateway_linger=0, gateway_ack_timeout=30)
    gateway.publisher.mood = "hold"
    reports = [builders.report() for _ in range(4)]
    posts = []
    for number, report in enumerate(reports):
        posts.append(asyncio.create_task(gateway.post(report)))
        await until(lambda number=number: len(gateway.publisher.sent) == number + 1)
    gateway.publisher.mood = "fail"

    gateway.publisher.sent[0][3].set_result(None)
    gateway.publisher.sent[2][3].set_exception(PublishError("broker gone"))
    answers = [status(await post) for post in posts]

    assert answers == ["accepted", "spooled", "spooled", "spooled"]
    assert waiting_on_disk(gateway) == [report["report_id"] for report in reports[1:]]
    await gateway.close()


async def test_what_comes_while_something_is_spooled_goes_behind_it(gateway: HandGateway) -> None:
    gateway.publisher.mood = "fail"
    spooled = [builders.report() for _ in range(3)]
    for report in spooled:
        assert status(await gateway.post(report)) == "spooled"

    gateway.publisher.mood = "acknowledge"
    await until(lambda: not gateway.batcher.spooling)
    after = builders.report()
    assert status(await gateway.post(after)) == "accepted"

    assert gateway.publisher.acknowledged == [report["report_id"] for report in (*spooled, after)]
    assert (gateway.spool.items, gateway.spool.disk_bytes) == (0, 0)


async def test_an_acknowledgement_that_comes_too_late_changes_no_answer(gateway: HandGateway) -> None:
    gateway.publisher.mood = "hold"
    assert status(await gateway.post(builders.report())) == "spooled"
    await until(lambda: len(gateway.publisher.sent) == 2)  # it is being drained

    for _, _, _, future in gateway.publisher.sent:
        future.set_result(None)
    await until(lambda: not gateway.batcher.spooling)

    assert gateway.batcher.waiting == 0
    assert gateway.counted("report", "accepted") == 0


async def test_what_an_earlier_run_left_is_sent_before_anything_new(tmp_path: Path) -> None:
    first = HandGateway(tmp_path)
    first.publisher.mood = "fail"
    left = builders.report()
    await first.post(left)
    await first.close()

    second = HandGateway(tmp_path)
    new = builders.report()
    answer = await second.post(new)
    await until(lambda: len(second.publisher.acknowledged) == 2)

    assert answer.status_code == 202
    assert second.publisher.acknowledged == [left["report_id"], new["report_id"]]
    await second.close()


async def test_a_full_disk_queue_is_answered_503_and_recovers(tmp_path: Path) -> None:
    gateway = HandGateway(tmp_path, spool_max_bytes=2_000)
    gateway.publisher.mood = "fail"
    answers = [await gateway.post(builders.report()) for _ in range(8)]

    gateway.publisher.mood = "acknowledge"
    await until(lambda: not gateway.batcher.spooling)
    after = await gateway.post(builders.report())
    await gateway.close()

    assert [answer.status_code for answer in answers[:2]] == [202, 202]
    assert answers[-1].status_code == 503
    assert answers[-1].headers["retry-after"]
    assert answers[-1].headers["content-type"] == "application/problem+json"
    assert status(after) == "accepted"


async def test_a_disk_that_fails_is_answered_503_and_never_202(
    gateway: HandGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(spool: Spool, entries: object) -> None:
        raise OSError(5, "Input/output error")

    gateway.publisher.mood = "fail"
    monkeypatch.setattr(Spool, "append", fails)
    answer = await gateway.post(builders.report())

    assert answer.status_code == 503
    assert gateway.counted("report", "unavailable") == 1


async def test_stopping_settles_what_waits(tmp_path: Path) -> None:
    gateway = HandGateway(tmp_path, gateway_linger=5)
    gateway.publisher.mood = "hold"
    posting = asyncio.create_task(gateway.post(builders.report()))
    await until(lambda: gateway.batcher.waiting == 1)

    await gateway.batcher.stop(5.0)

    assert status(await posting) == "spooled"
    assert gateway.spool.items == 1
    assert (await gateway.post(builders.report())).status_code == 503
    gateway.spool.close()


async def test_the_journal_has_an_item_before_kafka_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gateway = HandGateway(tmp_path, journal=True)
    synced: list[int] = []
    monkeypatch.setattr(os, "fdatasync", lambda file: synced.append(len(gateway.publisher.sent)))
    reports = [builders.report(), builders.report()]

    for report in reports:
        assert status(await gateway.post(report)) == "accepted"
    await gateway.close()

    kept = [json.loads(entry.item)["report_id"] for entry in entries_since(tmp_path / "journal", 0)]
    assert kept == [report["report_id"] for report in reports]
    assert synced == [0, 1]
