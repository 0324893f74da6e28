"""What ``siaga doctor`` says of a database, on both kinds, before anything is stored."""

from __future__ import annotations

import threading
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingTCPServer

import pytest

from siaga.checks import State
from siaga.settings import Settings
from sinks.check import check_database
from sinks.database import make_engine
from sinks.migrate import upgrade
from tests.support.databases import Database, PostgresDatabase


def test_an_empty_database_is_the_sinks_to_fill_and_a_filled_one_is_right(database: Database, tmp_path: Path) -> None:
    settings = Settings(database=database.url)

    before = check_database(settings, "sinks")
    made = list(tmp_path.glob("siaga.db"))
    upgrade(make_engine(database.url, writes=True))
    after = check_database(settings, "sinks")

    assert (before.state, after.state) == (State.WARNING, State.RIGHT)
    assert not made, "looking made the database"


def test_a_schema_of_a_newer_siaga_is_wrong_for_everybody(database: Database) -> None:
    engine = make_engine(database.url, writes=True)
    upgrade(engine)
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")

    for process in ("sinks", "console", None):
        found = check_database(Settings(database=database.url), process)
        assert found.state is State.WRONG
        assert "upgrade Siaga" in found.text


def test_a_server_that_is_away_is_waited_for(postgres: PostgresDatabase) -> None:
    url = postgres.url
    postgres.stop()
    try:
        found = check_database(Settings(database=url), "sinks")
    finally:
        postgres.start()

    assert found.state is State.AWAY


@pytest.mark.parametrize("name", ["incidents", "users"])
def test_a_database_of_something_else_is_left_alone(name: str, database: Database) -> None:
    with make_engine(database.url, writes=True).begin() as connection:
        connection.exec_driver_sql(f"CREATE TABLE {name} (a INTEGER)")

    for process in ("sinks", "console", None):
        found = check_database(Settings(database=database.url), process)
        assert found.state is State.WRONG
        assert f"tables of something else ({name})" in found.text


def test_a_schema_that_is_being_made_is_waited_for(database: Database) -> None:
    # As SQLite shows it to others half way: the revision's table first, ours one by one, the revision last.
    with make_engine(database.url, writes=True).begin() as connection:
        connection.exec_driver_sql("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)")
        connection.exec_driver_sql("CREATE TABLE incidents (a INTEGER)")

    states = [check_database(Settings(database=database.url), process).state for process in ("sinks", "console")]

    assert states == [State.WARNING, State.AWAY]


def test_a_file_that_is_no_database_or_cannot_be_opened_is_not_waited_for(tmp_path: Path) -> None:
    text = tmp_path / "teks"
    text.write_text("bukan basis data" * 100)

    said = [check_database(Settings(database=f"sqlite:///{path}"), "sinks") for path in (text, tmp_path)]

    assert [finding.state for finding in said] == [State.WRONG] * 2
    assert "is no SQLite database; correct SIAGA_DATABASE" in said[0].text
    assert "cannot be opened" in said[1].text


def test_why_a_server_is_away_is_told_with_its_address() -> None:
    said = [
        check_database(Settings(database=f"postgresql://u:rahasia@{address}/siaga"), "sinks").text
        for address in ("127.0.0.1:1", "tiada.invalid")
    ]

    assert said[0].startswith("database: 127.0.0.1:1 refuses the connection; start it, or ")
    assert said[1].startswith("database: tiada.invalid:5432 is no name that is known; ")
    assert "rahasia" not in "".join(said)


class _Web(StreamRequestHandler):
    """Answers as a web server does that is asked for what it does not understand."""

    def handle(self) -> None:
        self.connection.recv(1000)
        self.wfile.write(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")


@pytest.mark.parametrize("mode", ["disable", "prefer", "require"])
def test_a_port_of_something_else_is_told_as_that_and_not_as_a_certificate(mode: str) -> None:
    with ThreadingTCPServer(("127.0.0.1", 0), _Web) as other:
        threading.Thread(target=other.serve_forever, daemon=True).start()
        port = other.server_address[1]
        found = check_database(Settings(database=f"postgresql://u@127.0.0.1:{port}/siaga?sslmode={mode}"), "sinks")
        other.shutdown()

    assert found.state is State.WRONG
    assert found.text.startswith(f"database: what answers at 127.0.0.1:{port} is no PostgreSQL; correct the host or")
