"""A backup of each kind of database, taken while Siaga runs: restored, counted, and what it does not survive."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from console.accounts import schema
from siaga.cli import whole_app
from siaga.settings import SettingsError
from sinks import migrate
from sinks.database import make_engine
from tests.support import builders
from tests.support.databases import Database, PostgresCluster, PostgresDatabase, SqliteDatabase
from tests.support.stack import SINKS, Stack
from tests.support.steady import SteadyDevice
from tests.support.stored import Fed, snapshot
from tests.support.wait import until

_VOLATILE = {"seq", "epoch", "published_at", "first_seen_at", "caught_up_at"}


def run(*said: str) -> Any:
    return CliRunner().invoke(whole_app(), said)


def everything(url: str, *, but: frozenset[str] = frozenset()) -> dict[str, list[str]]:
    """Every row of every table as text, without what says when it was stored."""
    found, engine = sa.MetaData(), make_engine(url)
    with engine.connect() as connection, connection.begin():
        found.reflect(connection)
        return {
            name: sorted(
                str({k: bytes(v) if isinstance(v, memoryview) else v for k, v in row.items() if k not in _VOLATILE})
                for row in connection.execute(sa.select(table)).mappings()
            )
            for name, table in found.tables.items()
            if name not in but
        }


@pytest.fixture
def elsewhere(database: Database, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """Another empty database of the same kind."""
    if isinstance(database, PostgresDatabase):
        cluster: PostgresCluster = request.getfixturevalue("postgres_cluster")
        other = cluster.create()
        yield other
        other.drop()
    else:
        yield SqliteDatabase(tmp_path / "lain")


@pytest.fixture
def fed(database: Database) -> Iterator[Fed]:
    """A store that writes into the database, with something of everything in it."""
    made = Fed(database.url)
    incident = snapshot()
    made.reports(
        builders.accepted(builders.report(text="baris\tsatu\nbaris \\. dua – \N{SMILING FACE WITH SMILING EYES}"))
    )
    made.checkins(*(builders.accepted_checkin(builders.checkin()) for _ in range(5)))
    made.incidents(incident)
    made.commands(builders.command("acknowledge", incident.incident_id))
    made.registry(f"stations/{builders.DISTRICT}", builders.district().to_json())
    engine = make_engine(database.url, writes=True)
    schema.upgrade(engine)
    with engine.begin() as connection:
        values = f"'{builders.now():%Y-%m-%d} 00:00:00+00:00', 'auditor', '{incident.incident_id}', 'perkara'"
        connection.execute(sa.text(f"INSERT INTO accesses (at, user_name, incident_id, reason) VALUES ({values})"))  # noqa: S608
    yield made
    made.close()


def test_a_backup_taken_while_a_store_writes_is_restored_whole(
    fed: Fed, database: Database, elsewhere: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIAGA_DATABASE", database.url)
    before = everything(database.url)
    told = run("backup", str(tmp_path), "--json")
    assert told.exit_code == 0, told.output
    (file,) = tmp_path.glob("siaga-*.zip")
    assert file.stat().st_mode & 0o077 == 0
    assert "is there already" in str(run("backup", str(file)).exception)
    # A directory that is not there yet is told by the stroke behind it.
    assert run("backup", f"{tmp_path}/simpanan/hari-ini/").exit_code == 0
    assert len(list((tmp_path / "simpanan" / "hari-ini").glob("siaga-*.zip"))) == 1
    assert "Is a directory" in str(run("restore", str(tmp_path)).exception)
    fed.checkins(builders.accepted_checkin(builders.checkin()))

    monkeypatch.setenv("SIAGA_DATABASE", elsewhere.url)
    restored = run("restore", str(file))

    assert restored.exit_code == 0, f"{restored.output}{restored.exception}"
    assert everything(elsewhere.url) == before
    assert json.loads(run("audit", "verify", "--json").stdout)["intact"]
    # It is not empty any more.
    assert isinstance(run("restore", str(file)).exception, SettingsError)
    with make_engine(elsewhere.url, writes=True).begin() as connection:
        assert connection.scalar(sa.text("SELECT count(*) FROM clusters WHERE caught_up_at IS NOT NULL")) == 0
        # The next number is not one that was taken.
        more = "INSERT INTO accesses (at, user_name, incident_id, reason) SELECT at, 'lain', 'x', 'y' FROM accesses"
        connection.execute(sa.text(more))


def test_a_backup_of_an_older_siaga_is_brought_up(
    database: Database, elsewhere: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = make_engine(database.url, writes=True)
    migrate.upgrade(engine, "0005")
    with engine.begin() as connection:
        connection.execute(sa.text("INSERT INTO feed (id, seq) VALUES (1, 7)"))
    monkeypatch.setenv("SIAGA_DATABASE", database.url)
    assert run("backup", str(tmp_path / "lama.zip")).exit_code == 0
    monkeypatch.setenv("SIAGA_DATABASE", elsewhere.url)
    assert run("restore", str(tmp_path / "lama.zip")).exit_code == 0

    with make_engine(elsewhere.url).begin() as connection:
        assert migrate.revision_of(connection) == migrate.newest()
        assert connection.scalar(sa.text("SELECT seq FROM feed")) == 7


def test_a_backup_that_was_damaged_or_tampered_with_leaves_the_database_empty(
    fed: Fed, database: Database, elsewhere: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIAGA_DATABASE", database.url)
    whole = tmp_path / "utuh.zip"
    assert run("backup", str(whole)).exit_code == 0
    monkeypatch.setenv("SIAGA_DATABASE", elsewhere.url)
    half = tmp_path / "separuh.zip"
    half.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    fewer = tmp_path / "kurang.zip"
    with zipfile.ZipFile(whole) as old, zipfile.ZipFile(fewer, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "manifest.json":
                content = content.replace(b'"checkins": 5', b'"checkins": 6')
            new.writestr(name, content)

    assert "damaged" in str(run("restore", str(half)).exception)
    assert "checkins has 5 rows, not 6" in str(run("restore", str(fewer)).exception)
    assert "there is no" in str(run("restore", str(tmp_path / "tidak-ada.zip")).exception)

    assert run("restore", str(whole)).exit_code == 0


def test_a_database_made_again_from_kafka_alone_is_the_old_one(
    make_stack: Callable[..., Stack], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack = make_stack().start()
    with SteadyDevice(stack, per_second=50.0) as device:
        device.until_answered(60)
    stack.until_count("reports", len(device.accepted["reports"]), "incident_id IS NOT NULL")
    until(lambda: stack.scalar("SELECT sum(report_count) FROM incidents") == stack.count("reports"), timeout=30)
    stack.until_count("checkins", len(device.accepted["checkins"]))
    for name in (*stack.workers, SINKS):
        stack.stop(name)
    # Of what two databases cannot have in common: the order in which it was sealed, where it was read up to.
    own = frozenset({"audit_log", "audit_head", "feed", "offsets", "clusters"})
    old = everything(stack.database.url, but=own)
    fresh = SqliteDatabase(tmp_path / "baru") if stack.database.url.startswith("sqlite") else None
    cluster = getattr(stack.database, "cluster", None)
    database = fresh or cluster.create()
    monkeypatch.setenv("SIAGA_KAFKA", stack.broker.address)
    monkeypatch.setenv("SIAGA_DATABASE", database.url)
    try:
        done = run("db", "rebuild", "--json")

        assert done.exit_code == 0, f"{done.output}{done.exception}"
        assert json.loads(done.stdout)["complete"]
        assert everything(database.url, but=own) == old
        assert json.loads(run("audit", "verify", "--json").stdout)["intact"]
        assert "is not empty" in str(run("db", "rebuild").exception)
    finally:
        if fresh is None:
            database.drop()
