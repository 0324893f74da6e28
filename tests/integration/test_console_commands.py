"""Decisions made at the command centre, from the request to the record on Kafka."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from kafka import KafkaConsumer, TopicPartition

from siaga.contracts.command import Action, Command
from siaga.contracts.topics import COMMANDS, partition_of
from siaga.links import Link
from siaga.redaction import UserRole
from siaga.settings import Settings
from siaga.wire.topics_admin import ensure_topics
from tests.support import builders, filled
from tests.support.brokers import Broker
from tests.support.centre import Centre
from tests.support.databases import SqliteDatabase
from tests.support.filled import Filled


@pytest.fixture
def rows(sqlite: SqliteDatabase) -> Filled:
    """An empty database with its tables."""
    return Filled(sqlite.url)


@pytest.fixture
def centre(rows: Filled, sqlite: SqliteDatabase, broker: Broker, tmp_path: Path) -> Iterator[Centre]:
    """A command centre with a broker that has the topics."""
    settings = Settings(database=sqlite.url, data_dir=tmp_path, kafka=broker.address)
    ensure_topics(settings)
    with Centre(settings) as made:
        yield made


def commands_on(settings: Settings, district: str) -> list[tuple[Command, Any]]:
    """The commands in a district's partition, with their records."""
    consumer = KafkaConsumer(bootstrap_servers=settings.kafka, auto_offset_reset="earliest", enable_auto_commit=False)
    try:
        partition = TopicPartition(COMMANDS, partition_of(district, settings.partitions))
        consumer.assign([partition])
        end = consumer.end_offsets([partition])[partition]
        found: list[tuple[Command, Any]] = []
        deadline = time.monotonic() + 10
        while len(found) < end and time.monotonic() < deadline:
            for record in consumer.poll(timeout_ms=200).get(partition, ()):
                found.append((Command.model_validate(json.loads(record.value)), record))
        return found
    finally:
        consumer.close()


def test_a_decision_becomes_a_record_in_its_districts_partition(rows: Filled, centre: Centre) -> None:
    incident = filled.incident()
    rows.put(incident)
    path = f"/api/incidents/{incident['incident_id']}/commands"

    accepted = centre.post(path, {"action": "override", "severity": 1, "reason": "massa bertambah"}, "commander")
    note = centre.post(path, {"action": "note", "reason": "Kapolsek di lokasi"}, "operator")

    assert (accepted.status_code, note.status_code) == (202, 202)
    (first, record), (second, _) = commands_on(centre.settings, builders.DISTRICT)
    assert str(first.command_id) == accepted.json()["command_id"]
    assert (first.by, first.action, first.severity, first.district) == ("commander", "override", 1, builders.DISTRICT)
    assert (second.by, second.reason) == ("operator", "Kapolsek di lokasi")
    assert record.key == builders.DISTRICT.encode()
    assert dict(record.headers)["ce_type"] == b"id.siaga.command.v1"


def test_who_may_not_decide_is_told_why_and_nothing_is_sent(rows: Filled, centre: Centre) -> None:
    incident = filled.incident()
    rows.put(incident)
    centre.add("bpbd", UserRole.OPERATOR, agency="bpbd")
    path = f"/api/incidents/{incident['incident_id']}/commands"

    answers = {
        "viewer": centre.post(path, {"action": "acknowledge"}, "viewer"),
        "auditor": centre.post(path, {"action": "acknowledge"}, "auditor"),
        "operator": centre.post(path, {"action": "dismiss", "reason": "salah lapor"}, "operator"),
        "bpbd": centre.post(path, {"action": "acknowledge"}, "bpbd"),
        "no reason": centre.post(path, {"action": "refute"}, "operator"),
        "no action": centre.post(path, {"action": "shout"}, "operator"),
    }

    codes = {name: answer.status_code for name, answer in answers.items()}
    assert codes == {"viewer": 403, "auditor": 403, "operator": 403, "bpbd": 404, "no reason": 422, "no action": 422}
    assert "reason" in answers["no reason"].text
    assert commands_on(centre.settings, builders.DISTRICT) == []
    assert 'siaga_console_commands_total{action="dismiss",outcome="refused"} 1.0' in centre.metrics


def test_an_operator_merges_and_splits_and_is_told_at_once_what_cannot_be(rows: Filled, centre: Centre) -> None:
    brawl, crowd = filled.incident(), filled.incident("order.crowd", station=builders.SECOND_STATION)
    elsewhere = filled.incident(station=builders.OTHER_STATION)
    over, drill = filled.incident(state="resolved"), filled.incident(drill=True)
    accusing = filled.incident("neutrality.officer", facts={"accused_unit": "polsek-kajen"})
    rows.put(brawl, crowd, elsewhere, over, drill, accusing)
    report = builders.report()
    rows.put_report(report, crowd["incident_id"])
    centre.add("kanit-kajen", UserRole.OPERATOR, agency="polsek-kajen")

    def say(body: dict[str, Any], about: dict[str, Any] = brawl, name: str = "operator") -> Any:
        return centre.post(f"/api/incidents/{about['incident_id']}/commands", body, name)

    def merge(into: dict[str, Any], about: dict[str, Any] = brawl, name: str = "operator") -> Any:
        return say({"action": "merge", "into": into["incident_id"]}, about, name)

    refused = {
        "viewer": (merge(crowd, name="viewer").status_code, 403),
        "district": (merge(elsewhere).json()["errors"][0]["field"], "into"),
        "closed": (merge(over).status_code, 422),
        "from closed": (merge(brawl, over).status_code, 422),
        "drill": (merge(drill).status_code, 422),
        "itself": (merge(brawl).status_code, 422),
        "into nothing": (say({"action": "merge"}).status_code, 422),
        "unseen": (merge(accusing, name="kanit-kajen").status_code, 422),
        "split nothing": (say({"action": "split"}).status_code, 422),
        "another's": (say({"action": "split", "report_ids": [report["report_id"]]}).status_code, 422),
    }
    assert {why: got for why, (got, _) in refused.items()} == {why: wanted for why, (_, wanted) in refused.items()}
    assert "lies in district" in merge(elsewhere).text
    assert commands_on(centre.settings, builders.DISTRICT) == []

    merged = merge(crowd)
    split = say({"action": "split", "report_ids": [report["report_id"]], "reason": "lain soal"}, crowd)

    assert (merged.status_code, split.status_code) == (202, 202)
    (first, _), (second, _) = commands_on(centre.settings, builders.DISTRICT)
    assert (first.action, str(first.into), first.by) == (Action.MERGE, crowd["incident_id"], "operator")
    assert (second.action, [str(r) for r in second.report_ids]) == (Action.SPLIT, [report["report_id"]])
    # Where it went is shown to who may know of that one.
    rows.put({**brawl, "version": 2, "state": "merged", "merged_into": accusing["incident_id"]})
    path = f"/api/incidents/{brawl['incident_id']}"
    shown = [centre.get(path, name).json()["incident"]["merged_into"] for name in ("operator", "kanit-kajen")]
    assert shown == [accusing["incident_id"], None]


def test_the_link_of_a_page_answers_it_once_and_only_when_asked_to(rows: Filled, centre: Centre) -> None:
    incident = filled.incident(severity=1)
    rows.put(incident)
    page_id = rows.put_page(incident, officer="ipda-sari")
    soon = centre.core.now().timestamp() + 600
    path = urlsplit(centre.core.links.url(Link(page_id, "ipda-sari", Action.ACKNOWLEDGE, soon))).path

    shown = centre.http.get(path)
    assert commands_on(centre.settings, builders.DISTRICT) == []
    answers = [centre.http.post(path).status_code for _ in range(2)]

    assert "SEV1" in shown.text
    assert "K7M2P" in shown.text
    assert answers == [200, 200]
    (first, _), (second, _) = commands_on(centre.settings, builders.DISTRICT)
    assert first.command_id == second.command_id
    assert (first.by, first.action, str(first.incident_id)) == ("ipda-sari", "acknowledge", incident["incident_id"])


def test_the_link_of_an_exercise_says_that_it_is_one(rows: Filled, centre: Centre) -> None:
    incident = filled.incident(severity=1)
    rows.put(incident)
    soon = centre.core.now().timestamp() + 600

    def shown(**body: bool) -> str:
        page_id = rows.put_page(incident, officer="ipda-sari", body=body)
        return centre.http.get(
            f"/ack/{centre.core.links.token(Link(page_id, 'ipda-sari', Action.ACKNOWLEDGE, soon))}"
        ).text

    assert "LATIHAN" in shown(drill=True)
    assert "LATIHAN" not in shown(drill=False)


def test_the_link_of_a_digest_answers_all_that_it_tells_but_what_accuses_the_officers_unit(
    rows: Filled, centre: Centre
) -> None:
    told = [
        filled.incident(severity=1),
        filled.incident(severity=2),
        filled.incident("violence.mass_clash", severity=1),
    ]
    accusing = filled.incident("neutrality.officer", facts={"accused_unit": "polsek-bojong"})
    rows.put(*told, accusing)
    named = [{"incident_id": str(one["incident_id"]), "kind": one["kind"]} for one in (*told, accusing)]
    page_id = rows.put_page(told[0], officer="ipda-sari", purpose="digest", body={"incidents": named})
    soon = centre.core.now().timestamp() + 600
    path = urlsplit(centre.core.links.url(Link(page_id, "ipda-sari", Action.ACKNOWLEDGE, soon))).path

    shown = centre.http.get(path).text
    answers = [centre.http.post(path).status_code for _ in range(2)]

    assert shown.count("<h1>") == 3
    assert answers == [200, 200]
    sent = [command for command, _ in commands_on(centre.settings, builders.DISTRICT)]
    assert {str(command.incident_id) for command in sent} == {one["incident_id"] for one in told}
    assert (len(sent), len({command.command_id for command in sent})) == (6, 3)


def test_a_link_that_is_not_theirs_does_nothing(rows: Filled, centre: Centre) -> None:
    incident = filled.incident(severity=1)
    accusing = filled.incident("neutrality.officer", facts={"accused_unit": "polsek-bojong"})
    rows.put(incident, accusing)
    page_id, accused = rows.put_page(incident, officer="ipda-sari"), rows.put_page(accusing, officer="ipda-sari")
    now = centre.core.now().timestamp()
    links = centre.core.links
    good = links.token(Link(page_id, "ipda-sari", Action.ACKNOWLEDGE, now + 600))
    tried = {
        "forged": good[:-2] + ("AA" if good[-2:] != "AA" else "BB"),
        "expired": links.token(Link(page_id, "ipda-sari", Action.ACKNOWLEDGE, now - 1)),
        "another's": links.token(Link(page_id, "aipda-budi", Action.ACKNOWLEDGE, now + 600)),
        "accused": links.token(Link(accused, "ipda-sari", Action.ACKNOWLEDGE, now + 600)),
        "long": "A" * 5000,
    }

    codes = {why: centre.http.post(f"/ack/{token}").status_code for why, token in tried.items()}

    assert codes == {"forged": 404, "expired": 410, "another's": 404, "accused": 410, "long": 404}
    assert commands_on(centre.settings, builders.DISTRICT) == []


def test_a_decision_while_kafka_is_away_is_refused_and_can_be_sent_again(
    rows: Filled, sqlite: SqliteDatabase, tmp_path: Path
) -> None:
    incident = filled.incident()
    rows.put(incident)
    settings = Settings(database=sqlite.url, data_dir=tmp_path, kafka="127.0.0.1:1")

    with Centre(settings) as centre:
        answer = centre.post(f"/api/incidents/{incident['incident_id']}/commands", {"action": "acknowledge"})

    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "2"
    assert "try again" in answer.json()["detail"]
