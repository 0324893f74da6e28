"""``siaga sinks`` as a process, with a broker and a database of each kind."""

from __future__ import annotations

import json
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import sqlalchemy as sa

from siaga.contracts.canary import Canary
from siaga.contracts.decode import encode_array
from siaga.contracts.incident import Change
from siaga.contracts.topics import CHECKINS, INCIDENTS, REPORTS
from siaga.supervisor.embedded import EmbeddedBroker
from siaga.wire.topics_admin import ensure_topics
from sinks.database import make_engine
from sinks.migrate import upgrade
from sinks.restore import restore_registry
from tests.support import builders
from tests.support.brokers import Broker
from tests.support.databases import PostgresDatabase, SqliteDatabase
from tests.support.processes import free_port
from tests.support.stack import SINKS, Stack
from tests.support.stored import happened, snapshot
from tests.support.wait import until

MakeStack = Callable[..., Stack]


@pytest.fixture
def storing(make_stack: MakeStack) -> Stack:
    """Only the sinks are running."""
    return make_stack().start(SINKS)


@pytest.fixture
def small(embedded: Broker, sqlite: SqliteDatabase, tmp_path: Path) -> Iterator[Stack]:
    """The same on the parts that need nothing, for what the parts do not matter to."""
    with Stack(embedded, sqlite, tmp_path) as stack:
        yield stack


def siaga(stack: Stack, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command as an operator beside the stack would."""
    return subprocess.run(
        [sys.executable, "-m", "siaga", *arguments],
        env={**stack.environment, "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def checkins(count: int) -> list[bytes]:
    return [builders.accepted_checkin(builders.checkin()).to_json() for _ in range(count)]


def test_what_cannot_be_used_is_set_aside_and_what_follows_is_stored(storing: Stack) -> None:
    good = builders.accepted(builders.report(text="Aman – \N{SMILING FACE WITH SMILING EYES}"))
    nul = good.to_json().replace(b"Aman", b"A\\u0000")
    half = good.to_json().replace(b"Aman", b"\\ud83d")
    future = good.to_json().replace(b'"schema_version":1', b'"schema_version":2')
    too_many = encode_array([b"{}"] * 501)
    refused = [b"\xff\x00\xfe", nul, half, future, too_many, b"[]]", b""]

    storing.produce(REPORTS, builders.DISTRICT, *refused, good.to_json())

    storing.until_count("reports", 1)
    rows = storing.rows("SELECT reason, original, kafka_offset FROM rejected ORDER BY kafka_offset")
    assert [(row["reason"], bytes(row["original"])) for row in rows] == [
        ("not_json", refused[0]),
        ("invalid", nul),
        ("not_json", half),
        ("unsupported_version", future),
        ("too_many", too_many),
        ("not_json", b"[]]"),
        ("not_json", b""),
    ]
    assert siaga(storing, "audit").returncode == 0
    listed = siaga(storing, "rejected", "list", "--reason", "too_many", "--json")
    assert [row["reason"] for row in json.loads(listed.stdout)] == ["too_many"]


def test_a_store_killed_in_mid_load_leaves_each_id_exactly_once_and_the_audit_proves_it(storing: Stack) -> None:
    sent = checkins(4000)
    records = [encode_array(sent[start : start + 10]) for start in range(0, len(sent), 10)]
    storing.produce(CHECKINS, builders.DISTRICT, *records[:200])
    until(lambda: storing.count("checkins") > 0, what="the first check-ins", every=0.001)
    storing.kill(SINKS)
    storing.produce(CHECKINS, builders.DISTRICT, *records[200:], records[0])

    storing.restart(SINKS)

    storing.until_count("checkins", len(sent))
    counted = siaga(storing, "audit", "--json")
    assert counted.returncode == 0, counted.stderr
    account = {topic["topic"]: topic for topic in json.loads(counted.stdout)["topics"]}[CHECKINS]
    assert (account["records"], account["items"], account["stored"]) == (401, 4010, 4010)
    assert account["missing"] == []
    assert storing.count("rejected") == 0

    lost = json.loads(sent[0])["report_id"]
    with sa.create_engine(storing.database.url).begin() as connection:
        connection.execute(sa.text("DELETE FROM checkins WHERE report_id = :id"), {"id": lost})
    counted = siaga(storing, "audit", "--json", "--wait", "0")
    assert counted.returncode == 1
    missing = [item for topic in json.loads(counted.stdout)["topics"] for item in topic["missing"]]
    assert [(item["report_id"], item["offset"]) for item in missing] == [(lost, 0), (lost, 400)]


def test_a_replay_into_an_empty_database_gives_the_same_incidents(storing: Stack, tmp_path: Path) -> None:
    reports = [builders.accepted(builders.report()) for _ in range(6)]
    told = []
    for number, report in enumerate(reports):
        incident = uuid.uuid5(report.report_id, "kejadian")
        for version in (1, 2):
            history = [happened(Change.OPENED if version == 1 else Change.RAISED)]
            options: dict[str, Any] = {"version": version, "severity": 4 - version, "history": history}
            told.append(snapshot(incident, reports=[report.report_id], drill=number == 0, **options).to_json())
    storing.produce(INCIDENTS, builders.DISTRICT, *told, told[0])
    storing.produce(REPORTS, builders.DISTRICT, *(report.to_json() for report in reports))
    storing.until_count("reports", 6, "incident_id IS NOT NULL")
    assert storing.stop(SINKS) == 0
    (tmp_path / "lagi").mkdir()
    again = Stack(storing.broker, SqliteDatabase(tmp_path / "lagi"), tmp_path / "lagi")

    with again:
        again.launch(SINKS)
        again.wait_ready(SINKS)
        again.until_count("reports", 6, "incident_id IS NOT NULL")
        columns = "incident_id, version, severity, report_count, drill"
        ordered = f"SELECT {columns} FROM incidents ORDER BY incident_id"  # noqa: S608
        assert again.rows(ordered) == storing.rows(ordered)
        assert again.count("incident_events") == storing.count("incident_events") == 12
        until(lambda: again.metrics(SINKS)['siaga_incidents_open{severity="2"}'] == 5, what="five open incidents")
        listed = siaga(again, "incidents", "--open", "--severity", "2")
        assert "perkelahian" in listed.stdout.lower()
        assert "LATIHAN / DRILL" in listed.stdout
        assert "TPS rawan" not in siaga(again, "incidents", "--json").stdout


@pytest.fixture
def beside_postgres(embedded: Broker, postgres: PostgresDatabase, tmp_path: Path) -> Iterator[Stack]:
    """The sinks with a database that can be away; SQLite is a file."""
    with Stack(embedded, postgres, tmp_path) as stack:
        yield stack.start(SINKS)


@pytest.mark.postgres
def test_a_database_that_is_away_loses_nothing_and_says_so(
    beside_postgres: Stack, postgres: PostgresDatabase
) -> None:
    stack = beside_postgres
    sent = checkins(1000)
    records = [encode_array(sent[start : start + 10]) for start in range(0, len(sent), 10)]
    stack.produce(CHECKINS, builders.DISTRICT, *records[:50])
    stack.until_count("checkins", 500)

    postgres.kill()
    stack.produce(CHECKINS, builders.DISTRICT, *records[50:])
    until(lambda: stack.metrics(SINKS)["siaga_store_database_up"] == 0, what="the loss to be told")
    postgres.start()

    stack.until_count("checkins", 1000)
    until(lambda: stack.metrics(SINKS)["siaga_store_database_up"] == 1, what="the return to be told")
    assert stack.log(SINKS).count("does not take it") == 1

    postgres.cluster.pause()
    try:
        stack.produce(CHECKINS, builders.DISTRICT, *checkins(1))
        assert stack.stop(SINKS, timeout=15) == 0
    finally:
        postgres.cluster.resume()


def test_the_store_reads_on_when_its_broker_comes_back(storing: Stack) -> None:
    """An embedded broker comes back as another cluster, empty; Apache Kafka with all it had."""
    report = builders.accepted(builders.report())
    storing.produce(REPORTS, builders.DISTRICT, report.to_json())
    storing.until_count("reports", 1)
    storing.broker.kill()
    storing.broker.start()
    if isinstance(storing.broker, EmbeddedBroker):
        storing.prepare()

    storing.produce(REPORTS, builders.DISTRICT, report.to_json(), builders.accepted(builders.report()).to_json())

    storing.until_count("reports", 2)
    clusters = 2 if isinstance(storing.broker, EmbeddedBroker) else 1
    until(lambda: storing.count("clusters") == clusters, what="the other cluster to be noticed")
    assert storing.is_running(SINKS)


def test_an_empty_broker_gets_the_registry_and_the_commands_back(small: Stack) -> None:
    small.start(SINKS)
    small.command(builders.command("note", uuid.uuid4()))
    small.until_count("commands", 1)
    small.until_count("audit_log", len(small.registry) + 1)
    small.stop(SINKS)
    small.broker.kill()
    small.broker.start()
    ensure_topics(small.settings)

    assert restore_registry(small.settings, decisions=False) == len(small.registry)
    assert restore_registry(small.settings) == len(small.registry) + 1

    small.restart(SINKS)
    small.until_count("registry", len(small.registry), "epoch = 2")
    # Nobody changed anything: the trail has not grown.
    assert small.count("audit_log") == len(small.registry) + 1
    assert small.count("commands") == 1


def test_a_canary_shows_how_far_the_way_is_open(small: Stack) -> None:
    small.start(SINKS)

    def canary() -> bytes:
        told = Canary(schema_version=1, canary=True, partition=1, source="uji", sent_at=builders.now())
        return told.to_json()

    def age(stage: str) -> float:
        return small.metrics(SINKS)[f'siaga_store_canary_age_seconds{{partition="1",stage="{stage}"}}']

    assert age("stored") != age("stored")  # NaN: none came yet
    small.produce(REPORTS, builders.DISTRICT, canary())

    until(lambda: 0 <= age("stored") < 10, what="the canary to be stored")
    assert age("triaged") != age("triaged")
    small.produce(INCIDENTS, builders.DISTRICT, canary())
    until(lambda: 0 <= age("triaged") < 10, what="the canary to be triaged")
    assert small.count("reports") == 0


def test_what_was_set_aside_is_sent_again_once_it_can_be_used(small: Stack) -> None:
    small.start(SINKS)
    report = builders.accepted(builders.report())
    future = report.to_json().replace(b'"schema_version":1', b'"schema_version":2')
    small.produce(REPORTS, builders.DISTRICT, encode_array([future, b"1"]))
    small.until_count("rejected", 2)
    (row,) = small.rows("SELECT rejection_id FROM rejected WHERE reason = 'unsupported_version'")

    done = siaga(small, "rejected", "replay", row["rejection_id"], "--json")

    assert json.loads(done.stdout) == {"sent": 1, "same": 0, "unsendable": [], "unknown": []}
    # This Siaga has not been upgraded: it is refused again, as what came again.
    small.until_count("rejected", 2, "reason = 'unsupported_version'")
    assert small.count("rejected", "replayed_at IS NOT NULL") == 1
    assert siaga(small, "rejected", "replay", str(uuid.uuid4())).returncode == 1


def test_a_newer_schema_ends_the_process_with_one_clear_line(small: Stack) -> None:
    engine = make_engine(small.database.url, writes=True)
    upgrade(engine)
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    small.prepare()

    process = small.launch(SINKS)
    until(lambda: not process.running, what="the end", timeout=20)

    assert process.returncode == 2
    assert process.log.strip().startswith("siaga: database: its schema is revision 9999")
    assert "Traceback" not in process.log


def test_a_broker_that_is_not_there_costs_no_busy_loop_and_sigterm_is_heard(tmp_path: Path) -> None:
    nowhere = EmbeddedBroker(tmp_path / "broker.log", port=free_port())
    with Stack(nowhere, SqliteDatabase(tmp_path), tmp_path) as stack:
        process = stack.launch(SINKS)
        until(lambda: stack.count("alembic_version") == 1, what="the database to be ready")
        before = sum(psutil.Process(process.pid).cpu_times()[:2])
        until(lambda: "reading begins anew" in process.log, what="the first word", timeout=30)
        assert sum(psutil.Process(process.pid).cpu_times()[:2]) - before < 2.0
        assert process.stop(15) == 0
