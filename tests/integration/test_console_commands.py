"""Decisions made at the command centre, from the request to the record on Kafka."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaConsumer, TopicPartition

from siaga.contracts.command import Command
from siaga.contracts.topics import COMMANDS, partition_of
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
    assert 'siaga_console_commands_total{action="dismiss",outcome="refused"} 1.0' in centre.get("/metrics").text


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
