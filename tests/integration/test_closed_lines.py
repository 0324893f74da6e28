"""Siaga with every line shut: each process can do its work as itself and nothing else, while secrets change."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import httpx
import psycopg
import pytest
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import AuthorizationError, GroupAuthorizationFailedError, TopicAuthorizationFailedError

from siaga.checks import State
from siaga.contracts.topics import COMMANDS, INCIDENTS, PAGES, REGISTRY, REPORTS, STORE_GROUP, TIMERS, TOPICS
from siaga.store.roles import AUDITOR, CONSOLE, OWNER, SINKS
from siaga.wire.acls import apply_passwords, apply_rules, builtin_rights
from siaga.wire.check import check_kafka
from siaga.wire.client import close_producer, connection
from siaga.wire.topics_admin import ensure_topics
from tests.support import builders
from tests.support.brokers import missing_for_kafka
from tests.support.certificates import Authority
from tests.support.databases import PostgresCluster, missing_for_postgres
from tests.support.duty import Manned
from tests.support.require import require
from tests.support.secured import SUPER, Load, Resetting, SecuredDatabase, SecuredKafka, SecuredStack, serial_of
from tests.support.stored import Fed
from tests.support.wait import until

pytestmark = [pytest.mark.kafka, pytest.mark.postgres]

PROCESSES: Final = [rights.process for rights in builtin_rights()]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def kafka(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecuredKafka]:
    """A broker that knows a user for each process, with the topics."""
    require(missing_for_kafka())
    broker = SecuredKafka(tmp_path_factory.mktemp("kafka"), authority)
    try:
        broker.open_for_siaga()
        ensure_topics(broker.settings("admin"))
        yield broker
    finally:
        broker.kill()


@pytest.fixture(scope="module")
def cluster(authority: Authority) -> Iterator[PostgresCluster]:
    """A server that speaks TLS."""
    require(missing_for_postgres())
    made = PostgresCluster(authority)
    try:
        made.start()
        yield made
    finally:
        made.remove()


@pytest.fixture(scope="module")
def database(
    cluster: PostgresCluster, authority: Authority, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SecuredDatabase]:
    """A database with its tables and a role for each process."""
    directory = tmp_path_factory.mktemp("database")
    made = SecuredDatabase(cluster, authority, directory / "passwords")
    environment = {f"SIAGA_{name.upper()}": str(value) for name, value in made.fields(OWNER).items()}
    for command in (("upgrade",), ("roles", "--apply")):
        run(environment, directory, "db", *command)
    yield made
    made.drop()


@pytest.fixture(scope="module")
def manned(
    kafka: SecuredKafka, database: SecuredDatabase, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Manned]:
    """All of Siaga over closed lines, with officers on duty."""
    made: list[SecuredStack] = []

    def make(**options: Any) -> SecuredStack:
        made.append(SecuredStack(kafka, database, tmp_path_factory.mktemp("siaga"), **options))
        return made[-1]

    try:
        yield Manned(make)
    finally:
        for stack in made:
            stack.close()


def page_about(manned: Manned, incident: str) -> dict[str, Any]:
    """The first page about an incident that reached somebody."""
    return until(
        lambda: next((page for page in manned.inbox() if page["incident_id"] == incident), None),
        timeout=30,
        what=lambda: f"a page about {incident}{manned.stack.tails()}",
    )


def run(environment: dict[str, str], directory: Path, *arguments: str) -> str:
    """What a command of Siaga says."""
    done = _done(environment, directory, arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def refused(environment: dict[str, str], directory: Path, *arguments: str) -> str:
    """The line with which a command of Siaga says that it cannot do its work."""
    done = _done(environment, directory, arguments)
    assert done.returncode == 2, done.stdout + done.stderr
    return done.stderr.strip().splitlines()[-1].strip()


def _done(environment: dict[str, str], directory: Path, arguments: Sequence[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "siaga", *arguments],
        env={"PATH": "/usr/bin:/bin", **environment},
        cwd=directory,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def answer_by_link(manned: Manned, text: str) -> int:
    """Open an officer's link and tap; the status."""
    stack = manned.stack
    assert isinstance(stack, SecuredStack)
    token = text.partition("/ack/")[2].split()[0]
    with httpx.Client(verify=stack.broker.authority.trusting()) as phone:
        return phone.post(f"{stack.console_url}/ack/{token}").status_code


# -- what each may do ---------------------------------------------------------------------------------------------


def test_a_report_becomes_a_page_and_an_answer_with_every_process_signed_in_as_itself(manned: Manned) -> None:
    incident = manned.report()
    first = page_about(manned, incident)

    assert answer_by_link(manned, first["text"]) in (200, 303)
    manned.stack.until_count("escalations", 1, f"incident_id = '{incident}' AND state = 'acknowledged'")
    assert manned.stack.count("commands", "incident_id = :id", id=incident) == 1
    doctor = run(manned.stack.environment, manned.stack.directory, "doctor", "watchdog")
    assert "wrong" not in doctor


def test_kafka_lets_each_process_do_what_its_rights_say_and_nothing_else(kafka: SecuredKafka) -> None:
    for rights in builtin_rights():
        with closing(KafkaAdminClient(**connection(kafka.settings(rights.process), "uji"))) as admin:
            allowed = {
                topic["name"]: set(topic["authorized_operations"] or ()) & {"READ", "WRITE", "DELETE", "ALTER"}
                for topic in admin.describe_topics([topic.name for topic in TOPICS])
            }
        wanted = {
            topic.name: {
                operation
                for operation, topics in (("READ", rights.read), ("WRITE", rights.write))
                if topic.name in topics
            }
            for topic in TOPICS
        }
        assert allowed == wanted, rights.process


FORBIDDEN_TO_WRITE: Final = (
    ("console", REPORTS),
    ("console", REGISTRY),
    ("gateway", COMMANDS),
    ("gateway", REGISTRY),
    ("sinks", PAGES),
    ("streams", COMMANDS),
    ("watchdog", TIMERS),
)
FORBIDDEN_TO_READ: Final = (
    ("gateway", COMMANDS),
    ("gateway", REPORTS),
    ("console", REPORTS),
    ("watchdog", INCIDENTS),
    ("admin", PAGES),
)


def test_kafka_refuses_what_is_forbidden_when_somebody_tries(kafka: SecuredKafka) -> None:
    for process, topic in FORBIDDEN_TO_WRITE:
        producer = KafkaProducer(**connection(kafka.settings(process), "uji"), acks="all", max_block_ms=5000)
        try:
            with pytest.raises(AuthorizationError):
                producer.send(topic, b"{}", partition=0).get(10)
        finally:
            close_producer(producer)
    for process, topic in FORBIDDEN_TO_READ:
        options = connection(kafka.settings(process), "uji")
        with (
            closing(KafkaConsumer(**options, enable_auto_commit=False)) as consumer,
            pytest.raises(TopicAuthorizationFailedError),
        ):
            _read(consumer, TopicPartition(topic, 0))
    # Nobody may move the store's offsets but the store.
    with (
        closing(KafkaAdminClient(**connection(kafka.settings("streams"), "uji"))) as admin,
        pytest.raises(GroupAuthorizationFailedError),
    ):
        admin.list_group_offsets({STORE_GROUP: [TopicPartition(REPORTS, 0)]})


def _read(consumer: Any, partition: TopicPartition) -> None:
    consumer.assign([partition])
    # Whoever may write may ask where a log ends; only a fetch needs the right to read.
    consumer.end_offsets([partition], timeout_ms=3000)
    consumer.seek(partition, 0)
    deadline = time.monotonic() + 3
    while time.monotonic() < deadline:
        consumer.poll(timeout_ms=200)


def test_rights_are_brought_to_what_the_data_says_and_no_further(kafka: SecuredKafka) -> None:
    settings = kafka.settings(SUPER)
    less = [rights for rights in builtin_rights() if rights.process == "console"]
    without = [type(less[0])("console", less[0].what)]

    removed = apply_rules(settings, without).removed
    made = apply_rules(settings, builtin_rights()).made

    assert removed == made
    assert ("siaga-console", COMMANDS) in {(rule.user, rule.name) for rule in made}
    assert not apply_rules(settings, builtin_rights()).made


def test_who_may_not_read_or_write_what_a_command_has_to_is_told_as_whom_to_sign_in(
    kafka: SecuredKafka, database: SecuredDatabase, tmp_path: Path
) -> None:
    def environment(process: str, **more: Any) -> dict[str, str]:
        fields = {**kafka.fields(process), **more}
        return {f"SIAGA_{name.upper()}": str(value) for name, value in fields.items()}

    remembered = f"sqlite:///{tmp_path}/siaga.db"
    with closing(Fed(remembered)) as fed:
        fed.registry("calendar", builders.calendar().to_json())

    # Who runs Siaga reads no reports: to count them takes the rights of who stores them, but none on its group.
    counted = refused(environment("admin", **database.fields(AUDITOR)), tmp_path, "audit")
    restored = refused(environment("console", database=remembered), tmp_path, "registry", "restore")
    made = refused(environment("console"), tmp_path, "topics")

    assert counted.startswith("siaga: kafka_user: siaga-admin may not read")
    assert "SIAGA_KAFKA_USER to siaga-sinks" in counted
    assert restored.startswith("siaga: kafka_user: siaga-console may not write")
    assert made.startswith("siaga: kafka_user: siaga-console may not look after the topics")
    assert run(environment("sinks", **database.fields(AUDITOR)), tmp_path, "audit", "--wait", "0", "--json")


def test_the_doctor_tells_of_topics_whose_records_one_broker_could_lose_and_keeps_nobody_from_beginning(
    kafka: SecuredKafka,
) -> None:
    # The topics were made for one broker; these settings speak of three.
    found = check_kafka(kafka.settings("admin", replication=3))

    assert found.state is State.WRONG
    assert "--add-config min.insync.replicas=2" in found.text
    assert check_kafka(kafka.settings("admin")).state is State.RIGHT
    # A process may not ask how topics are kept.
    assert check_kafka(kafka.settings("gateway", replication=3), "gateway").state is State.RIGHT


# -- the database -------------------------------------------------------------------------------------------------

FORBIDDEN_STATEMENTS: Final = (
    (SINKS, "UPDATE audit_log SET actor = 'lain'"),
    (SINKS, "DELETE FROM audit_log"),
    (SINKS, "TRUNCATE audit_log"),
    (SINKS, "DELETE FROM reports"),
    (SINKS, "SELECT * FROM users"),
    (SINKS, "DROP TABLE reports"),
    (SINKS, "CREATE TABLE lain (id int)"),
    (CONSOLE, "UPDATE incidents SET severity = 5"),
    (CONSOLE, "INSERT INTO audit_log SELECT * FROM audit_log"),
    (CONSOLE, "DELETE FROM accesses"),
    (CONSOLE, "UPDATE accesses SET reason = ''"),
    (CONSOLE, "CREATE TEMPORARY TABLE lain (id int)"),
    (AUDITOR, "SELECT * FROM users"),
    (AUDITOR, "SELECT * FROM sessions"),
    (AUDITOR, "UPDATE rejected SET replayed_at = now()"),
)


def test_postgresql_refuses_what_is_forbidden_to_each_role_and_everybody_without_tls(
    database: SecuredDatabase, authority: Authority
) -> None:
    port = database.cluster.port
    for role, statement in FORBIDDEN_STATEMENTS:
        with (
            psycopg.connect(
                host="127.0.0.1",
                port=port,
                user=role,
                password=f"sandi-{role}",
                dbname=database.name,
                sslmode="verify-full",
                sslrootcert=str(authority.file),
            ) as line,
            pytest.raises(psycopg.errors.InsufficientPrivilege),
        ):
            line.execute(statement.encode())
    with pytest.raises(psycopg.OperationalError, match="pg_hba"):
        psycopg.connect(
            host="127.0.0.1",
            port=port,
            user=SINKS,
            password=f"sandi-{SINKS}",
            dbname=database.name,
            sslmode="disable",
        )


def test_an_auditor_reads_what_happened_with_a_role_that_changes_nothing(
    database: SecuredDatabase, tmp_path: Path
) -> None:
    environment = {f"SIAGA_{name.upper()}": str(value) for name, value in database.fields(AUDITOR).items()}

    assert run(environment, tmp_path, "audit", "verify")
    assert run(environment, tmp_path, "incidents", "--json").startswith("[")


# -- secrets that change ------------------------------------------------------------------------------------------


def test_every_secret_is_changed_under_load_and_nothing_accepted_is_lost(manned: Manned) -> None:
    stack = manned.stack
    assert isinstance(stack, SecuredStack)
    authority, kafka, database = stack.broker.authority, stack.broker, stack.database
    ports = [int(httpx.URL(url).port or 0) for url in (stack.gateway_url, stack.console_url)]
    first = page_about(manned, manned.report(station=builders.OTHER_STATION))
    stored = stack.count("reports")
    pids = {name: process.pid for name, process in stack.processes.items()}

    with Load(stack) as load:
        until(lambda: len(load.accepted) > 5, what="reports")
        # Certificates: ours to phones and browsers, and ours to the broker.
        before = [serial_of(port, authority) for port in ports]
        stack.web.replace_with(authority.issue("siaga-web"))
        kafka.client.replace_with(authority.issue("siaga-client"))
        until(lambda: not {*before} & {serial_of(port, authority) for port in ports}, what="renewed certificates")
        # The key of links: a new one signs, the old one is still good.
        key = stack.directory / "link.key"
        old = key.read_text()
        key.write_text("kunci-baru" * 4 + "\n" + old)
        # PostgreSQL's passwords, and every connection that used the old ones.
        for role in (SINKS, CONSOLE):
            database.give_password(role, f"sandi-baru-{role}")
        database.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename LIKE 'siaga\\_%'")
        # Kafka's, likewise.
        for process in PROCESSES:
            (kafka.passwords / process).write_text(f"sandi-baru-{process}\n")
        apply_passwords(kafka.settings(SUPER), kafka.passwords, PROCESSES)
        kafka.kill()
        kafka.start()
        reached = len(load.accepted)
        until(lambda: len(load.accepted) > reached + 5, what="reports behind the change")

    assert not load.refused
    stack.until_count("reports", stored + len(load.accepted), timeout=60)
    assert {row["report_id"] for row in stack.rows("SELECT report_id FROM reports")} >= set(load.accepted)
    assert answer_by_link(manned, first["text"]) in (200, 303)
    assert {name: process.pid for name, process in stack.processes.items()} == pids, "a process was started again"
    assert all(stack.is_running(name) for name in pids)
    until(lambda: time.time() - _last_triaged(stack) < 30, what="triage goes on", timeout=60)


# -- a broker that dies -------------------------------------------------------------------------------------------


def test_a_broker_that_dies_under_the_handshake_is_found_again_by_every_process(manned: Manned) -> None:
    stack, kafka = manned.stack, manned.stack.broker
    assert isinstance(kafka, SecuredKafka)
    stored = stack.count("reports")
    # A client that only reads, as the store does, and nothing that begins anew when it does not come about.
    reader = KafkaConsumer(
        **connection(kafka.settings(SUPER), "test"), auto_offset_reset="earliest", metadata_max_age_ms=1000
    )
    with closing(reader):
        reader.assign([TopicPartition(REPORTS, number) for number in range(stack.settings.partitions)])
        until(lambda: reader.poll(100), what="what is there already")

        kafka.kill()
        with Resetting(kafka.port) as line:
            # How far a handshake comes before it is reset is chance.
            until(lambda: reader.poll(100) or line.count > 200, timeout=60, what="resets")
        kafka.start()
        report = builders.report("order.convoy", station=builders.SECOND_STATION)
        with httpx.Client(verify=kafka.authority.trusting()) as phone:
            answer = phone.post(
                f"{stack.gateway_url}/v1/reports", json=report, headers={"Authorization": f"Bearer {stack.token}"}
            )

        assert answer.status_code == 202
        until(lambda: any(_ids_in(reader.poll(100), report["report_id"])), timeout=30, what="the report, read")
    stack.until_count("reports", stored + 1, timeout=30)
    until(
        lambda: stack.scalar("SELECT incident_id FROM reports WHERE report_id = :id", id=report["report_id"]),
        timeout=60,
        what=lambda: f"its incident{stack.tails()}",
    )


def _ids_in(found: dict[Any, list[Any]], wanted: str) -> Iterator[bool]:
    yield from (wanted.encode() in record.value for records in found.values() for record in records)


def _last_triaged(stack: SecuredStack) -> float:
    found = stack.scalar("SELECT extract(epoch FROM max(received_at)) FROM reports WHERE incident_id IS NOT NULL")
    return float(found or 0)
