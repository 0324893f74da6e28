"""All that can be wrong with an input, through the whole pipeline: an answer or a rejection, and on it goes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from siaga.contracts.decode import encode_array
from siaga.contracts.topics import CHECKINS, COMMANDS, REPORTS
from tests.support import builders, filled
from tests.support.centre import Centre
from tests.support.filled import Filled
from tests.support.stack import Stack
from tests.support.wait import until

UNKNOWN_STATION = f"{builders.DISTRICT}.2001-099"
#: Of a district whose records lie in another partition.
ELSEWHERE = builders.OTHER_STATION
DEEP = b'{"facts":' * 500 + b"1" + b"}" * 500


def posted() -> Iterator[tuple[str, Any, int]]:
    """What is wrong, the body, and the answer's status."""
    report = builders.report()
    text = json.dumps(builders.report(text="Aman"))
    yield "not JSON", b"bukan json", 400
    yield "garbage", b"\xff\x00\xfe\x80", 400
    yield "an empty body", b"", 400
    yield "a wrong type", {**report, "facts": {"injured": "dua"}}, 422
    yield "an unknown field", {**report, "warna": "merah"}, 422
    yield "an unknown kind", builders.report("violence.brwl"), 422
    yield "an unknown station", builders.report(station=UNKNOWN_STATION), 422
    yield "a time without offset", {**report, "occurred_at": "2022-02-23T09:14:05"}, 422
    yield "a schema of the future", {**report, "schema_version": 2}, 422
    yield "deep nesting", DEEP, 400
    yield "NUL in a text", text.replace("Aman", "A\\u0000man").encode(), 422
    yield "half a surrogate pair", text.replace("Aman", "A\\ud83dman").encode(), 400
    yield "ten megabytes", b'{"text":"' + b"a" * 10_000_000 + b'"}', 413


def produced() -> Iterator[tuple[str, bytes, str]]:
    """Topic, a record as a foreign producer might write it, and the reason that it is set aside with."""
    good = builders.accepted(builders.report(text="Aman")).to_json()
    checkin = builders.accepted_checkin(builders.checkin()).to_json()
    yield REPORTS, b"\xff\x00\xfe\x80", "not_json"
    yield REPORTS, b"", "not_json"
    yield REPORTS, DEEP, "not_json"
    yield REPORTS, good.replace(b'"facts":{', b'"warna":1,"facts":{'), "invalid"
    yield REPORTS, good.replace(b'"kind":"violence.brawl"', b'"kind":7'), "invalid"
    yield REPORTS, good.replace(b"Aman", b"A\\u0000man"), "invalid"
    yield REPORTS, good.replace(b"Aman", b"A\\ud83dman"), "not_json"
    yield REPORTS, good.replace(b'"schema_version":1', b'"schema_version":2'), "unsupported_version"
    yield REPORTS, encode_array([b"{}"] * 501), "too_many"
    yield REPORTS, builders.accepted(builders.report("violence.brwl")).to_json(), "unknown_kind"
    yield REPORTS, builders.accepted(builders.report(station=UNKNOWN_STATION)).to_json(), "unknown_station"
    yield REPORTS, builders.accepted(builders.report(station=ELSEWHERE)).to_json(), "wrong_district"
    yield CHECKINS, checkin.replace(b"Z", b""), "invalid"
    yield COMMANDS, b'{"action":"resolve"}', "invalid"


def test_nothing_that_is_wrong_goes_unsaid_or_stops_what_comes_after(stack: Stack) -> None:
    good = []
    for what, body, status in posted():
        answer = stack.request("/v1/reports", body)
        assert answer.status == status, (what, answer)
        assert answer.body["title"], what
        if status == 422:
            assert all(error["message"] and error["remedy"] for error in answer.body["errors"]), what
        good.append(builders.report(by=f"anggota-{len(good)}"))
        assert stack.post(good[-1]).status == 202, what
    assert stack.post_batch(checkins=[builders.checkin() for _ in range(501)]).status == 422
    ahead = builders.report("order.crowd", at=builders.now() + timedelta(days=400))
    assert stack.post(ahead).status == 202

    wrong = list(produced())
    for topic, value, _ in wrong:
        good.append(builders.report(by=f"anggota-{len(good)}"))
        stack.produce(topic, builders.DISTRICT, value)
        stack.produce(REPORTS, builders.DISTRICT, builders.accepted(good[-1]).to_json())

    stack.until_incident("report_count = :count AND kind = 'violence.brawl'", count=len(good))
    assert stack.until_incident("kind = 'order.crowd'")["clock_skewed"]
    until(lambda: set(set_aside(stack)) >= set(wrong), what=lambda: f"{set(wrong) - set(set_aside(stack))}")
    unstored = stack.count("reports", "incident_id IS NULL")
    assert unstored == 3  # of an unknown kind, an unknown station and in a wrong place: kept, and not triaged


def set_aside(stack: Stack) -> list[tuple[str, bytes, str]]:
    """What was set aside: topic, original bytes, reason."""
    rows = stack.rows("SELECT topic, original, reason, remedy FROM rejected")
    assert all(row["remedy"] for row in rows)
    return [(row["topic"], bytes(row["original"]), row["reason"]) for row in rows]


def test_a_nul_in_what_somebody_asks_of_the_command_centre_is_their_mistake(rows: Filled, centre: Centre) -> None:
    form = {"name": "vie\x00wer", "password": "kata-sandi", "form": "uji"}
    incident = filled.incident()
    rows.put(incident)
    centre.until_known(incident["incident_id"])

    centre.http.cookies.set("siaga_form", "uji")
    signing_in = centre.http.post("/login", data=form)
    looking = centre.get(f"/api/incidents/{incident['incident_id']}?reason=per%00kara", "auditor")

    # SQLite takes it.
    assert signing_in.status_code in (401, 422)
    assert looking.status_code in (200, 422)
    assert centre.get("/api/me").status_code == 200
