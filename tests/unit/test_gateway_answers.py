"""What the gateway answers: 202, or a problem that names everything that is wrong and what to do."""

from __future__ import annotations

import json
import uuid
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from prometheus_client import generate_latest

from producers.gateway.openapi import openapi_document
from siaga.contracts.checkin import AcceptedCheckIn
from siaga.contracts.registry import TaxonomyEntry
from siaga.contracts.report import AcceptedReport
from siaga.contracts.topics import CHECKINS, REPORTS
from tests.support import builders
from tests.support.gateways import HandGateway, fields, problem


@pytest_asyncio.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[HandGateway]:
    made = HandGateway(tmp_path)
    yield made
    await made.close()


# -- what is taken ----------------------------------------------------------------------------------------------


async def test_a_report_is_on_kafka_with_when_and_by_whom_when_it_is_answered(gateway: HandGateway) -> None:
    sent = builders.report(facts={"injured": 2, "weapons": "blunt"}, text="Cekcok “dua kubu”")

    answer = await gateway.post(sent)

    assert answer.status_code == 202
    assert answer.json() == {"report_id": sent["report_id"], "status": "accepted"}
    topic, district, items, _ = gateway.publisher.sent[0]
    report = AcceptedReport.model_validate_json(items[0])
    assert (topic, district, report.device_id) == (REPORTS, builders.DISTRICT, builders.DEVICE)
    assert str(report.report_id) == sent["report_id"]
    assert abs(report.received_at - builders.now()) < timedelta(seconds=5)
    assert report.to_json() == items[0]


async def test_a_checkin_goes_to_its_own_topic(gateway: HandGateway) -> None:
    answer = await gateway.post(builders.checkin())

    assert answer.status_code == 202
    topic, _, items, _ = gateway.publisher.sent[0]
    assert topic == CHECKINS
    assert AcceptedCheckIn.model_validate_json(items[0]).to_json() == items[0]


async def test_the_same_report_twice_is_answered_the_same(gateway: HandGateway) -> None:
    sent = builders.report()

    first, second = await gateway.post(sent), await gateway.post(sent)

    assert (first.status_code, first.json()) == (second.status_code, second.json())


async def test_a_clock_that_runs_ahead_is_no_reason_to_refuse(gateway: HandGateway) -> None:
    answer = await gateway.post(builders.report(at=builders.now() + timedelta(hours=3)))

    assert answer.status_code == 202


async def test_a_kind_of_a_taxonomy_that_was_loaded_is_taken(gateway: HandGateway) -> None:
    toml = (
        'version = "lain-1"\n[kinds.order]\nbandits = { id = "begal", en = "bandits", base = 2, lead = "polres" }\n'
    )
    entry = TaxonomyEntry(schema_version=1, version="lain-1", toml=toml)

    before = await gateway.post(builders.report("order.bandits"))
    gateway.known.take("taxonomy/kinds", entry.to_json())
    after = await gateway.post(builders.report("order.bandits"))

    assert (before.status_code, after.status_code) == (422, 202)


# -- wrong fields -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        ({"schema_version": 2}, {"schema_version"}),
        ({"schema_version": "1"}, {"schema_version"}),
        ({"report_id": "bukan-uuid"}, {"report_id"}),
        ({"kind": "violence.brwl"}, {"kind"}),
        ({"kind": "VIOLENCE"}, {"kind"}),
        ({"station_id": f"{builders.DISTRICT}.2001-044"}, {"station_id"}),
        ({"station_id": "TPS 3"}, {"station_id"}),
        ({"occurred_at": "2022-02-23T09:14:05"}, {"occurred_at"}),
        ({"occurred_at": "kemarin"}, {"occurred_at"}),
        ({"reporter": {"id": "a", "role": "king"}}, {"reporter.role"}),
        ({"facts": {"injured": -1}}, {"facts.injured"}),
        ({"facts": {"injured": True}}, {"facts.injured"}),
        ({"text": "nol\x00"}, {"text"}),
        ({"text": 7}, {"text"}),
        ({"colour": "red"}, {"colour"}),
        ({"location": {"lat": 91, "lon": 0}}, {"location.lat"}),
        (
            {"kind": "violence.brwl", "station_id": f"{builders.DISTRICT}.2001-044", "facts": {"dead": "3"}, "x": 1},
            {"kind", "station_id", "facts.dead", "x"},
        ),
    ],
)
async def test_every_wrong_field_is_named_at_once(
    gateway: HandGateway, change: dict[str, Any], wrong: set[str]
) -> None:
    answer = await gateway.post({**builders.report(), **change})

    assert fields(answer) == wrong
    assert gateway.publisher.sent == []


async def test_a_missing_field_and_an_empty_object_are_told(gateway: HandGateway) -> None:
    report = builders.report()
    del report["reporter"]

    assert fields(await gateway.post(report)) == {"reporter"}
    assert fields(await gateway.post({})) >= {"report_id", "kind", "station_id", "occurred_at", "reporter"}
    assert fields(await gateway.post(b"[]", "/v1/reports")) == {""}


async def test_an_unknown_kind_gets_a_suggestion_and_an_unknown_station_the_way_out(gateway: HandGateway) -> None:
    answer = await gateway.post(builders.report("violence.brwl", station=f"{builders.DISTRICT}.2001-044"))

    said = {error["field"]: f"{error['message']}; {error['remedy']}" for error in answer.json()["errors"]}
    assert "violence.brawl" in said["kind"]
    assert said["station_id"] == (
        f"unknown station {builders.DISTRICT}.2001-044; load it with 'siaga registry load' or correct the number"
    )


async def test_no_answer_repeats_what_may_be_personal(gateway: HandGateway) -> None:
    secret = "3326081234567890"
    wrong = {**builders.report(text=secret + "\x00"), "reporter": {"id": secret * 9, "role": secret}, "x": secret}

    answer = await gateway.post(wrong)

    assert answer.status_code == 422
    assert secret not in answer.text


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"bukan json",
        b'{"a":',
        b'{"text":"\\ud800"}',
        b"[" * 50_000,
        b'\xff\xfe{"a":1}',
        b'{"a":1}{"a":2}',
        b"NaN",
    ],
)
async def test_what_cannot_be_read_is_a_problem_too(gateway: HandGateway, body: bytes) -> None:
    answer = await gateway.post(body, "/v1/reports")

    assert answer.status_code in (400, 422)
    assert fields(answer, answer.status_code)


async def test_deep_nesting_ends_in_a_problem(gateway: HandGateway) -> None:
    answer = await gateway.post(b'{"facts":' * 150 + b"1" + b"}" * 150, "/v1/reports")

    assert answer.status_code in (400, 422)


# -- who and how much -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("token", ["uji-01.salah", "tidak-ada.x", "kosong", "uji-01."])
async def test_a_token_that_is_not_a_devices_is_refused(gateway: HandGateway, token: str) -> None:
    answer = await gateway.post(builders.report(), token=token)

    problem(answer, 401)
    assert answer.headers["www-authenticate"] == "Bearer"
    assert gateway.counted("report", "unauthorised") == 1


async def test_a_revoked_device_is_refused_at_once(gateway: HandGateway) -> None:
    device = gateway.known.registry.device(builders.DEVICE)
    assert device is not None

    gateway.known.take(f"device/{builders.DEVICE}", device.model_copy(update={"active": False}).to_json())

    problem(await gateway.post(builders.report()), 401)


async def test_a_device_of_another_district_is_told_for_what_it_may_report(gateway: HandGateway) -> None:
    token = gateway.device("karanganyar", builders.OTHER_DISTRICT)

    answer = await gateway.post(builders.report(), token=token)

    assert builders.OTHER_DISTRICT in problem(answer, 403)["detail"]
    assert gateway.publisher.sent == []


async def test_a_device_that_sends_too_much_is_told_when_to_go_on(tmp_path: Path) -> None:
    gateway = HandGateway(tmp_path, rate_per_minute=2, rate_burst=2)

    answers = [await gateway.post(builders.report()) for _ in range(3)]
    other = await gateway.post(builders.report(), token=gateway.device("lain", builders.DISTRICT))
    await gateway.close()

    assert [answer.status_code for answer in answers] == [202, 202, 429]
    problem(answers[2], 429)
    assert 1 <= int(answers[2].headers["retry-after"]) <= 30
    assert other.status_code == 202


async def test_a_large_body_is_refused_before_it_is_read(gateway: HandGateway) -> None:
    read = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal read
        while True:
            read += 10_000
            yield b"x" * 10_000

    headers = {"authorization": f"Bearer {gateway.token}", "content-type": "application/json"}
    told = await gateway.post(b"x" * 10_000_000, "/v1/reports")
    untold = await gateway.http.post("/v1/reports", content=endless(), headers=headers)

    problem(told, 413)
    problem(untold, 413)
    assert read < 200_000


async def test_another_media_type_is_refused(gateway: HandGateway) -> None:
    problem(await gateway.post(b"<report/>", "/v1/reports", **{"content-type": "application/xml"}), 415)


async def test_until_it_knows_the_devices_it_says_later(tmp_path: Path) -> None:
    gateway = HandGateway(tmp_path, ready=False)

    answer, ready = await gateway.post(builders.report()), await gateway.http.get("/readyz")
    await gateway.close()

    problem(answer, 503)
    problem(ready, 503)
    assert answer.headers["retry-after"]


async def test_a_restart_without_kafka_knows_the_devices_of_the_run_before(tmp_path: Path) -> None:
    before = HandGateway(tmp_path)
    token = before.device("tambahan", builders.DISTRICT)
    await before.close()

    after = HandGateway(tmp_path, registry=[], ready=False)
    answer = await after.post(builders.report(), token=token)
    await after.close()
    copy = tmp_path / "gateway-registry"

    assert answer.status_code == 202
    assert copy.stat().st_mode & 0o077 == 0
    assert b"vulnerability" not in copy.read_bytes()
    assert token.rpartition(".")[2].encode() not in copy.read_bytes()


# -- the rest -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nothing", 404),
        ("GET", "/v1/nothing", 404),
        ("GET", "/v1/reports", 405),
        ("DELETE", "/v1/reports:batch", 405),
        ("POST", "/healthz", 405),
    ],
)
async def test_every_refusal_is_a_problem(gateway: HandGateway, method: str, path: str, status: int) -> None:
    answer = await gateway.http.request(method, path)

    problem(answer, status)
    assert status != 405 or answer.headers["allow"]


async def test_a_fault_of_our_own_shows_no_trace(
    gateway: HandGateway, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*arguments: object) -> None:
        raise RuntimeError("rahasia")

    monkeypatch.setattr(gateway.batcher, "submit", broken)
    answer = await gateway.post(builders.report())

    problem(answer, 500)
    assert "rahasia" not in answer.text + caplog.text
    assert "RuntimeError" in caplog.text


@pytest.mark.parametrize("path", ["/v1/reports", "/healthz", "/readyz", "/openapi.json", "/metrics"])
async def test_a_browser_takes_no_answer_for_a_page_and_keeps_none(gateway: HandGateway, path: str) -> None:
    for answer in (await gateway.http.get(path), await gateway.post(builders.report())):
        said = answer.headers
        assert said["x-content-type-options"] == "nosniff"
        assert said["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
        assert said["cache-control"] == "no-store"


async def test_where_phones_send_nobody_reads_metrics(gateway: HandGateway) -> None:
    problem(await gateway.http.get("/metrics"), 404)


async def test_metrics_show_every_outcome_from_the_start(gateway: HandGateway) -> None:
    await gateway.post(builders.report("violence.brwl"))
    text = generate_latest(gateway.metrics.registry).decode()

    assert 'siaga_gateway_items_total{kind="checkin",outcome="spooled"} 0.0' in text
    assert 'siaga_gateway_items_total{kind="report",outcome="unknown_kind"} 1.0' in text


async def test_the_document_names_every_answer_it_gives(gateway: HandGateway) -> None:
    served = (await gateway.http.get("/openapi.json")).json()
    assert served == json.loads(json.dumps(openapi_document()))
    posts = {path: set(item["post"]["responses"]) for path, item in served["paths"].items() if "post" in item}
    answers = {
        "/v1/reports": [
            await gateway.post(builders.report()),
            await gateway.post(b"{"),
            await gateway.post({}),
            await gateway.post(builders.report(), token="a.b"),
            await gateway.post(builders.report(station="33.27.01.2001-001")),
            await gateway.post(b"x" * 100_000, "/v1/reports"),
            await gateway.post(b"x", "/v1/reports", **{"content-type": "text/plain"}),
        ],
        "/v1/reports:batch": [
            await gateway.post({}, "/v1/reports:batch"),
            await gateway.post({"reports": [{}]}, "/v1/reports:batch"),
        ],
    }

    for path, given in answers.items():
        assert {str(answer.status_code) for answer in given} <= posts[path]
    assert set(served["components"]["schemas"]["Report"]["required"]) == {
        "schema_version",
        "report_id",
        "kind",
        "station_id",
        "occurred_at",
        "reporter",
    }


async def test_the_trace_a_device_began_goes_on(gateway: HandGateway, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str | None] = []
    publish = gateway.publisher.publish

    def watched(*arguments: Any, traceparent: str | None = None, **more: Any) -> Any:
        seen.append(traceparent)
        return publish(*arguments, **more)

    monkeypatch.setattr(gateway.publisher, "publish", watched)
    good = f"00-{uuid.uuid4().hex}-{uuid.uuid4().hex[:16]}-01"
    await gateway.post(builders.report(), traceparent=good)
    await gateway.post(builders.report(), traceparent="bukan")

    assert seen == [good, None]
