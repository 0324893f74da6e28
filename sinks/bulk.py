"""Many rows into a table at once, the fastest way each database has.

Rows are tuples in the order of the table's columns, with what drivers take as it is: times and JSON as text. SQLite
gets statements of many rows (one call into the driver instead of hundreds); PostgreSQL a COPY into a temporary table
of the session, and from there one statement. Both decide conflicts in the database: a repetition costs nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from itertools import chain
from typing import Any, Final

import sqlalchemy as sa

Row = tuple[Any, ...]

#: Rows of one SQLite statement: few sizes, so that SQLite's parsed statements are used again. While a statement runs,
#: the thread that decodes the next batch has the interpreter to itself; each new one has to wait for it.
_ROWS: Final = (250, 50, 10, 1)
#: Up to so many rows, PostgreSQL gets them as they are: the way over a temporary table takes four more questions and
#: answers, which is most of a transaction of a few rows.
_FEW: Final = 50


def put(
    connection: sa.Connection, table: sa.Table, rows: Sequence[Row], *, newer: Sequence[str] | None = None
) -> int:
    """Insert rows; answers how many were inserted or replaced one that was there.

    Args:
        newer: which columns, together, must be greater than in the row that is there for it to be replaced; none of
            them replaces it always. ``None`` leaves what is there. But for ``None``, no key may come twice.
    """
    if not rows:
        return 0
    action = _action(table, None if newer is None else tuple(newer))
    if connection.dialect.name == "postgresql":
        return _few(connection, table, rows, action) if len(rows) <= _FEW else _copy(connection, table, rows, action)
    cursor = connection.connection.cursor()
    try:
        done = 0
        for some in _portions(rows):
            cursor.execute(_values(table, len(some), action), tuple(chain.from_iterable(some)))
            done += cursor.rowcount
        return done
    finally:
        cursor.close()


def _portions(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    start = 0
    for size in _ROWS:
        while len(rows) - start >= size:
            yield rows[start : start + size]
            start += size


def put_one(connection: sa.Connection, table: sa.Table, row: Row, *, newer: Sequence[str] | None = None) -> int:
    """:func:`put` of one row by itself, without the detour over a temporary table."""
    mark = "%s" if connection.dialect.name == "postgresql" else "?"
    marks = ", ".join([mark] * len(table.columns))
    action = _action(table, None if newer is None else tuple(newer))
    return int(connection.exec_driver_sql(f"{_into(table)} VALUES ({marks}) {action}", row).rowcount)


@cache
def _action(table: sa.Table, newer: tuple[str, ...] | None) -> str:
    """What is done about a key that is there."""
    keys = ", ".join(f'"{column.name}"' for column in table.primary_key)
    if newer is None:
        return f"ON CONFLICT ({keys}) DO NOTHING"
    changed = ", ".join(f'"{c.name}" = excluded."{c.name}"' for c in table.columns if not c.primary_key)
    action = f"ON CONFLICT ({keys}) DO UPDATE SET {changed}"
    if newer:
        ours = ", ".join(f'excluded."{name}"' for name in newer)
        theirs = ", ".join(f'"{table.name}"."{name}"' for name in newer)
        action += f" WHERE ({ours}) > ({theirs})"
    return action


def _few(connection: sa.Connection, table: sa.Table, rows: Sequence[Row], action: str) -> int:
    cursor: Any = connection.connection.cursor()
    try:
        # psycopg sends all of them before it waits for the first answer.
        cursor.executemany(f"{_into(table)} VALUES ({', '.join(['%s'] * len(table.columns))}) {action}", rows)
        return int(cursor.rowcount)
    finally:
        cursor.close()


def _copy(connection: sa.Connection, table: sa.Table, rows: Sequence[Row], action: str) -> int:
    staging = f'"staging_{table.name}"'
    cursor: Any = connection.connection.cursor()
    try:
        # Emptied first: what an earlier attempt in this transaction left must not come again.
        cursor.execute(f'CREATE TEMPORARY TABLE IF NOT EXISTS {staging} (LIKE "{table.name}") ON COMMIT DELETE ROWS')
        cursor.execute(f"DELETE FROM {staging}")  # noqa: S608  (names of our own tables)
        with cursor.copy(f"COPY {staging} ({_columns(table)}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
        cursor.execute(f"{_into(table)} SELECT {_columns(table)} FROM {staging} {action}")  # noqa: S608  (as above)
        return int(cursor.rowcount)
    finally:
        cursor.close()


@cache
def _columns(table: sa.Table) -> str:
    return ", ".join(f'"{column.name}"' for column in table.columns)


@cache
def _into(table: sa.Table) -> str:
    return f'INSERT INTO "{table.name}" ({_columns(table)})'


@cache
def _values(table: sa.Table, rows: int, action: str) -> str:
    one = f"({', '.join('?' * len(table.columns))})"
    return f"{_into(table)} VALUES {', '.join([one] * rows)} {action}"
