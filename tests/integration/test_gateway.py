"""The gateway's process against real brokers: accepted is on Kafka, spooled is drained in order, nothing is lost."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from producers.journal import republish
from siaga.contracts.canary import canary_of
from siaga.contracts.topics import CHECKINS, REPORTS, partition_of
from siaga.wire.topics_admin import ensure_topics
from tests.support import builders
from tests.support.brokers import ApacheKafka, Broker, EmbeddedBroker
from tests.support.databases import SqliteDatabase
from tests.support.load import load
from tests.support.stack import Stack
from tests.support.topics import first_ids, items_on, records_on
from tests.support.wait import until

GATEWAY = "gateway"


@pytest.fixture
def make_gateway(broker: Broker, sqlite: SqliteDatabase, tmp_path: Path) -> Iterator[Callable[..., Stack]]:
    """A running gateway; its arguments are settings."""
    made: list[Stack] = []

    def make(**settings: Any) -> Stack:
        stack = Stack(broker, sqlite, tmp_path, **settings)
        made.append(stack)
        return stack.start(GATEWAY)

    yield make
    for stack in made:
        stack.close()


@pytest.fixture
def gateway(make_gateway: Callable[..., Stack]) -> Stack:
    return make_gateway()


@pytest.fixture
def embedded_gateway(embedded: EmbeddedBroker, sqlite: SqliteDatabase, tmp_path: Path) -> Iterator[Stack]:
    """A running gateway for what is the same whatever the broker."""
    with Stack(embedded, sqlite, tmp_path, gateway_ack_timeout=0.5) as stack:
        yield stack.start(GATEWAY)


def until_drained(stack: Stack) -> None:
    until(
        lambda: stack.metrics(GATEWAY).get("siaga_spool_items") == 0,
        timeout=40,
        what=lambda: f"an empty spool{stack.tails()}",
    )


def bring_back(stack: Stack) -> None:
    """Start the broker again; an embedded one is empty and gets its topics and registry anew."""
    stack.broker.start()
    if isinstance(stack.broker, EmbeddedBroker):
        stack.prepare()


def test_an_accepted_report_is_on_kafka_where_its_district_is_looked_for(gateway: Stack) -> None:
    report, checkin = builders.report(text="Cekcok"), builders.checkin(station=builders.OTHER_STATION)

    answers = [gateway.post(report), gateway.post(checkin)]

    assert [answer.body["status"] for answer in answers] == ["accepted", "accepted"]
    address = gateway.broker.address
    record = next(r for r in records_on(address, REPORTS) if canary_of(r.value) is None)
    assert (record.key.decode(), record.partition) == (builders.DISTRICT, partition_of(builders.DISTRICT, 4))
    assert json.loads(record.value)["report_id"] == report["report_id"]
    headers = {name: value.decode() for name, value in record.headers}
    assert headers["ce_type"] == "id.siaga.report.v1"
    assert headers["ce_id"] == report["report_id"]
    assert headers["ce_subject"] == builders.DISTRICT
    assert [item["report_id"] for item in items_on(address, CHECKINS)] == [checkin["report_id"]]


def test_a_canary_sings_on_every_partition(embedded_gateway: Stack) -> None:
    def heard() -> set[int]:
        found = [(record, canary_of(record.value)) for record in records_on(embedded_gateway.broker.address, REPORTS)]
        return {r.partition for r, canary in found if canary and canary.partition == r.partition}

    assert until(lambda: heard() == {0, 1, 2, 3}, timeout=15, what=lambda: f"canaries; heard {heard()}")


def test_reports_taken_while_kafka_is_away_are_drained_in_order(make_gateway: Callable[..., Stack]) -> None:
    gateway = make_gateway(gateway_ack_timeout=0.5)
    before, away, after = builders.report(), [builders.report() for _ in range(5)], builders.report()
    assert gateway.post(before).status == 202
    until_drained(gateway)

    gateway.broker.kill()
    said = [gateway.post(report).body["status"] for report in away]
    bring_back(gateway)
    until_drained(gateway)
    assert gateway.post(after).status == 202
    until_drained(gateway)

    assert said == ["spooled"] * 5
    empty_again = isinstance(gateway.broker, EmbeddedBroker)
    wanted = [*([] if empty_again else [before]), *away, after]
    assert first_ids(items_on(gateway.broker.address, REPORTS)) == [report["report_id"] for report in wanted]


def test_a_gateway_killed_with_a_spool_loses_nothing_and_starts_without_kafka(
    make_gateway: Callable[..., Stack],
) -> None:
    gateway = make_gateway(gateway_ack_timeout=0.5)
    gateway.broker.kill()
    first = [builders.report() for _ in range(3)]
    assert {gateway.post(report).body["status"] for report in first} == {"spooled"}

    gateway.kill(GATEWAY)
    gateway.restart(GATEWAY)  # Kafka is still away: it knows the devices from the run before
    later = builders.report()
    assert gateway.post(later).body["status"] == "spooled"
    bring_back(gateway)
    until_drained(gateway)

    on_kafka = first_ids(items_on(gateway.broker.address, REPORTS))
    assert on_kafka == [report["report_id"] for report in (*first, later)]


def test_a_gateway_killed_under_load_has_everything_it_answered(gateway: Stack) -> None:
    answered: list[str] = []

    def post() -> None:
        with httpx.Client(headers={"Authorization": f"Bearer {gateway.token}"}, timeout=10) as http:
            while True:
                report = builders.report()
                try:
                    answer = http.post(f"{gateway.gateway_url}/v1/reports", json=report)
                except httpx.HTTPError:
                    return
                if answer.status_code == 202:
                    answered.append(report["report_id"])

    with ThreadPoolExecutor(4) as pool:
        for _ in range(4):
            pool.submit(post)
        until(lambda: len(answered) > 100, timeout=20, what="posts")
        gateway.kill(GATEWAY)

    assert set(answered) <= set(first_ids(items_on(gateway.broker.address, REPORTS)))


def test_two_thousand_posts_at_once_are_each_on_kafka_once(gateway: Stack) -> None:
    port = int(gateway.gateway_url.rpartition(":")[2])

    seen = asyncio.run(load(port, gateway.token, posts=2_000, connections=500, per_second=0))

    assert seen.statuses == {"202": 2_000}
    items = items_on(gateway.broker.address, REPORTS)
    assert len(items) == len(first_ids(items)) == 2_000


def test_asked_to_end_it_settles_what_it_was_sent_first(make_gateway: Callable[..., Stack]) -> None:
    gateway = make_gateway(gateway_linger=2.0)
    report = builders.report()
    with ThreadPoolExecutor(1) as pool:
        posting = pool.submit(gateway.post, report)
        until(lambda: gateway.metrics(GATEWAY)["siaga_gateway_waiting_items"] == 1, what="the post to wait")
        gateway.processes[GATEWAY].send(signal.SIGTERM)
        answer = posting.result(20)

    until(lambda: not gateway.is_running(GATEWAY), timeout=20, what="the end")
    assert gateway.processes[GATEWAY].returncode == 0
    assert answer.body == {"report_id": report["report_id"], "status": "accepted"}
    assert first_ids(items_on(gateway.broker.address, REPORTS)) == [report["report_id"]]


def test_a_device_added_and_revoked_takes_effect_without_a_restart(embedded_gateway: Stack) -> None:
    device, token = embedded_gateway.make_device("baru", [builders.DISTRICT])
    assert embedded_gateway.post(builders.report(), token=token).status == 401

    embedded_gateway.publish(device)
    until(lambda: embedded_gateway.post(builders.report(), token=token).status == 202, what="the device to be known")
    embedded_gateway.publish(device.model_copy(update={"active": False}))
    until(
        lambda: embedded_gateway.post(builders.report(), token=token).status == 401, what="the device to be revoked"
    )

    assert embedded_gateway.post(builders.report()).status == 202


def test_an_empty_broker_gets_the_journal_while_the_gateway_runs(
    embedded: EmbeddedBroker, sqlite: SqliteDatabase, tmp_path: Path
) -> None:
    with Stack(embedded, sqlite, tmp_path, gateway_journal=True, gateway_ack_timeout=0.5) as gateway:
        gateway.start(GATEWAY)
        sent = [builders.report(), builders.checkin(), builders.report()]
        for item in sent:
            assert gateway.post(item).status == 202
        embedded.kill()
        bring_back(gateway)

        again = republish(gateway.settings)

        assert again == 3
        assert first_ids(items_on(embedded.address, REPORTS)) == [sent[0]["report_id"], sent[2]["report_id"]]
        assert first_ids(items_on(embedded.address, CHECKINS)) == [sent[1]["report_id"]]


def test_a_large_body_over_the_wire_is_answered_413(embedded_gateway: Stack) -> None:
    answer = embedded_gateway.request("/v1/reports", b"x" * 10_000_000)

    assert answer.status == 413
    assert answer.headers["content-type"] == "application/problem+json"
    assert embedded_gateway.post(builders.report()).status == 202


def test_logs_hold_no_text_no_reporter_and_no_token(embedded_gateway: Stack) -> None:
    embedded_gateway.post(builders.report(text="RAHASIA-TEKS", by="RAHASIA-ORANG"))
    embedded_gateway.post({**builders.report(text="RAHASIA-TEKS", by="RAHASIA-ORANG"), "kind": 7})
    embedded_gateway.broker.kill()
    embedded_gateway.post(builders.report(text="RAHASIA-TEKS", by="RAHASIA-ORANG"))
    embedded_gateway.stop(GATEWAY)

    log = embedded_gateway.log(GATEWAY)
    assert "go to the disk" in log
    assert "RAHASIA" not in log
    assert embedded_gateway.token.rpartition(".")[2] not in log


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"gateway_port": "same"}, "gateway_port:"),
        ({"gateway_metrics_port": "same"}, "gateway_metrics_port:"),
        ({}, "another gateway holds"),
    ],
)
def test_a_second_gateway_says_what_is_in_its_way(
    embedded: EmbeddedBroker, sqlite: SqliteDatabase, tmp_path: Path, settings: dict[str, str], said: str
) -> None:
    with Stack(embedded, sqlite, tmp_path) as first:
        first.start(GATEWAY)
        taken = {name: getattr(first.settings, name) for name in settings}
        chosen = {**taken} if not settings else {**taken, "data_dir": tmp_path / "other"}
        with Stack(
            embedded, sqlite, tmp_path / "second", **({"data_dir": first.settings.data_dir} | chosen)
        ) as second:
            ensure_topics(second.settings)
            process = second.launch(GATEWAY)
            until(lambda: not process.running, timeout=20, what="the end")

        assert process.returncode == 2
        assert said in process.log


def test_a_kafka_that_hangs_costs_the_wait_for_an_acknowledgement_and_nothing_else(
    kafka: ApacheKafka, sqlite: SqliteDatabase, tmp_path: Path
) -> None:
    with Stack(kafka, sqlite, tmp_path, gateway_ack_timeout=0.5) as gateway:
        gateway.start(GATEWAY)
        kafka.pause()
        reports = [builders.report() for _ in range(3)]
        said = [gateway.post(report).body["status"] for report in reports]
        kafka.resume()
        until_drained(gateway)

        assert said == ["spooled"] * 3
        assert first_ids(items_on(kafka.address, REPORTS)) == [report["report_id"] for report in reports]
