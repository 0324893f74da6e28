"""Every revision of both schemas with rows in it: up, down and up again, and the rows are as they were."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from console.accounts import schema
from siaga.cli import whole_app
from siaga.settings import SettingsError
from sinks import migrate
from sinks.database import StoreLock, make_engine
from tests.support.databases import Database

Rows = dict[str, list[dict[str, Any]]]
#: Tables that say which revision it is.
_OWN = {"alembic_version", "accounts_version"}
_AT = datetime(2022, 2, 23, 2, 0, tzinfo=UTC)


def tables_of(connection: sa.Connection) -> dict[str, sa.Table]:
    """The tables as the database itself has them."""
    found = sa.MetaData()
    found.reflect(connection)
    return {name: table for name, table in found.tables.items() if name not in _OWN}


def a_value(column: sa.Column[Any], number: int) -> Any:
    """A value of the column's type that no other row has, and that fits its length."""
    kind = column.type
    if isinstance(kind, sa.Boolean):
        return False
    if isinstance(kind, sa.Integer | sa.Float):
        return number
    if isinstance(kind, sa.DateTime):
        return _AT
    if isinstance(kind, sa.JSON):
        return {"nomor": number}
    if isinstance(kind, sa.LargeBinary):
        return b"isi %d" % number
    length = getattr(kind, "length", None) or 40
    return f"{number:03d}-{column.name}"[:length]


def add_a_row_everywhere(connection: sa.Connection, number: int) -> None:
    for table in tables_of(connection).values():
        connection.execute(table.insert().values({c.name: a_value(c, number) for c in table.columns}))


def rows_of(connection: sa.Connection) -> Rows:
    return {
        name: [dict(row) for row in connection.execute(sa.select(table).order_by(*table.primary_key)).mappings()]
        for name, table in tables_of(connection).items()
    }


def common(first: Rows, second: Rows) -> tuple[Rows, Rows]:
    """Both, without tables and columns that only one has."""
    names = first.keys() & second.keys()

    def cut(rows: Rows, other: Rows) -> Rows:
        return {n: [{k: v for k, v in row.items() if k in other[n][0]} for row in rows[n]] for n in names}

    return cut(first, second), cut(second, first)


@pytest.mark.parametrize("of", ["store", "accounts"])
def test_every_revision_can_be_taken_back_and_up_again_with_rows_in_it(database: Database, of: str) -> None:
    engine = make_engine(database.url, writes=True)
    part: Any = migrate if of == "store" else schema
    up: Callable[..., Any] = part.upgrade
    for number, revision in enumerate(part.revisions(), start=1):
        up(engine, revision)
        with engine.begin() as connection:
            add_a_row_everywhere(connection, number)
    with engine.begin() as connection:
        whole = rows_of(connection)
    assert {len(rows) for rows in whole.values()} >= {len(part.revisions())}

    for revision in part.revisions()[-2::-1]:
        part.downgrade(engine, revision)
        with engine.begin() as connection:
            assert part.revision_of(connection) == revision
            left, wanted = common(rows_of(connection), whole)
        assert left == wanted
    oldest = left
    up(engine)

    with engine.begin() as connection:
        again, wanted = common(oldest, rows_of(connection))
    assert again == wanted


def test_the_command_says_what_goes_asks_and_leaves_a_database_that_is_written_into(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIAGA_DATABASE", database.url)
    engine = make_engine(database.url, writes=True)
    migrate.upgrade(engine)

    def run(*said: str, answer: str = "") -> Any:
        return CliRunner().invoke(whole_app(), ["db", "downgrade", *said], input=answer)

    assert run("0003", answer="n\n").exit_code == 1
    assert isinstance(run("0042", "--yes").exception, SettingsError)
    lock = StoreLock(engine)
    with engine.connect() as connection:
        assert lock.take(connection)
        assert "stop 'siaga sinks'" in str(run("0003", "--yes").exception)
    lock.release()
    with engine.begin() as connection:
        before = migrate.revision_of(connection)
    done = run("0003", answer="y\n")

    with engine.begin() as connection:
        assert (before, migrate.revision_of(connection)) == (migrate.newest(), "0003")
    assert "0004, 0005" in done.stdout
