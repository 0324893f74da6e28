"""The whole pipeline under load while a part of it dies: what was accepted arrives, once, and is triaged."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.support.brokers import ApacheKafka
from tests.support.databases import Database, PostgresDatabase, SqliteDatabase
from tests.support.stack import GATEWAY, SINKS, STREAMS, Stack
from tests.support.steady import SteadyDevice, ids_in
from tests.support.wait import until

pytestmark = pytest.mark.chaos

MakeStack = Callable[..., Stack]
#: Items accepted before, during and after a fault.
SOME = 60


def assert_all_arrived(stack: Stack, device: SteadyDevice) -> None:
    """All that was accepted is stored once and, where it is a report, part of an incident; the audit agrees."""
    assert not device.refused
    for table in ("reports", "checkins"):
        assert_stored_once(stack, device, table)
    stack.until_count("reports", 0, "incident_id IS NULL", timeout=60)
    until(
        lambda: stack.scalar("SELECT sum(report_count) FROM incidents") == stack.count("reports"),
        timeout=60,
        what=lambda: f"each report counted once by its incident{stack.tails()}",
    )
    assert stack.count("rejected") == 0
    audit(stack)


def assert_stored_once(stack: Stack, device: SteadyDevice, table: str) -> None:
    accepted = device.accepted[table]
    until(
        lambda: accepted <= set(ids_in(stack, table)),
        timeout=60,
        what=lambda: f"everything accepted in {table}{stack.tails()}",
    )
    stored = ids_in(stack, table)
    assert len(stored) == len(set(stored))
    assert set(stored) <= device.sent[table]


def audit(stack: Stack) -> None:
    """``siaga audit``, as an operator would run it: nothing is missing."""
    ran = subprocess.run(
        [sys.executable, "-m", "siaga", "audit", "--json"],
        env=stack.environment,
        cwd=stack.directory,
        capture_output=True,
        text=True,
        check=False,
        timeout=90,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    account = json.loads(ran.stdout)
    assert account["complete"]
    assert all(topic["items"] == topic["stored"] > 0 for topic in account["topics"])


def what_is_told(stack: Stack) -> list[list[dict[str, object]]]:
    """The incidents with their reports and their history, as anybody may read them."""
    asked = (
        "SELECT incident_id, version, generation, state, severity, certainty, kind, report_count, reporter_count, "
        "cluster_id FROM incidents ORDER BY incident_id",
        "SELECT report_id, incident_id FROM reports ORDER BY report_id",
        "SELECT incident_id, count(*) AS events FROM incident_events GROUP BY incident_id ORDER BY incident_id",
    )
    return [stack.rows(statement) for statement in asked]


def test_each_process_killed_in_mid_load_loses_nothing_and_a_replay_tells_the_same(
    make_stack: MakeStack, tmp_path: Path
) -> None:
    stack = make_stack().start()
    with SteadyDevice(stack) as device:
        for name in (GATEWAY, SINKS, STREAMS):
            device.until_answered(SOME)
            stack.kill(name)
            if name != GATEWAY:
                device.until_answered(SOME)
            stack.restart(name)
        device.until_answered(SOME)
    assert_all_arrived(stack, device)

    told, reports = what_is_told(stack), stack.count("reports")
    (tmp_path / "lagi").mkdir()
    with Stack(stack.broker, SqliteDatabase(tmp_path / "lagi"), tmp_path / "lagi") as again:
        again.launch(SINKS)
        again.wait_ready(SINKS)
        again.until_count("reports", reports, "incident_id IS NOT NULL")
        until(lambda: what_is_told(again) == told, timeout=30, what=lambda: f"the same incidents{again.tails()}")


@pytest.mark.kafka
def test_reports_accepted_while_kafka_is_away_under_load_are_stored_once(
    kafka: ApacheKafka, sqlite: SqliteDatabase, tmp_path: Path
) -> None:
    with Stack(kafka, sqlite, tmp_path, gateway_ack_timeout=0.5).start() as stack, SteadyDevice(stack) as device:
        device.until_answered(SOME)
        kafka.kill()
        device.until_answered(SOME)
        assert stack.metrics(GATEWAY)["siaga_spool_items"] > 0
        kafka.start()
        until(
            lambda: stack.metrics(GATEWAY).get("siaga_spool_items") == 0,
            timeout=30,
            what=lambda: f"an empty spool{stack.tails()}",
        )
        device.until_answered(SOME)
        device.stop()

        assert_all_arrived(stack, device)


def test_a_database_that_goes_away_under_load_loses_nothing(make_stack: MakeStack) -> None:
    stack = make_stack().start()
    with SteadyDevice(stack) as device:
        device.until_answered(SOME)
        with away(stack.database):
            until(
                lambda: stack.metrics(SINKS).get("siaga_store_database_up") == 0,
                timeout=30,
                what=lambda: f"the outage to be told{stack.tails()}",
            )
            device.until_answered(SOME)
        device.until_answered(SOME)

    assert_all_arrived(stack, device)
    assert stack.metrics(SINKS)["siaga_store_database_up"] == 1


@contextmanager
def away(database: Database) -> Iterator[None]:
    """A database that nobody can write into: PostgreSQL killed, a SQLite file locked by somebody else."""
    if isinstance(database, PostgresDatabase):
        database.kill()
        yield
        database.start()
        return
    engine = sa.create_engine(database.url)
    with engine.connect() as connection, closing(connection.connection.cursor()) as cursor:
        cursor.execute("BEGIN EXCLUSIVE")
        yield
        cursor.execute("ROLLBACK")
    engine.dispose()
