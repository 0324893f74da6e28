"""What ``siaga doctor`` says of a database, on both kinds, before anything is stored."""

from __future__ import annotations

from pathlib import Path

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
