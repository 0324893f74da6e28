"""The audit trail says of itself whether somebody touched it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from uuid import uuid4

import pytest
import sqlalchemy as sa

from sinks.audit_log import BEGINNING, Act, Head, rows_of, seal, verify
from tests.support import builders
from tests.support.stored import AT, Fed


@pytest.fixture
def trail() -> Iterator[Fed]:
    """Three commands and one change of the registry, on record; the guards against changes are gone."""
    fed = Fed("sqlite://")
    fed.commands(*(builders.command("note", uuid4(), reason=f"catatan {n}") for n in range(3)))
    fed.registry("calendar/election", builders.calendar().to_json())
    with fed.engine.begin() as connection:
        connection.execute(sa.text("DROP TRIGGER audit_log_no_update"))
        connection.execute(sa.text("DROP TRIGGER audit_log_no_delete"))
    yield fed
    fed.close()


def breaks(fed: Fed) -> list[int]:
    with fed.engine.begin() as connection:
        return [found.seq for found in verify(connection).breaks]


def tamper(fed: Fed, statement: str) -> None:
    with fed.engine.begin() as connection:
        connection.execute(sa.text(statement))


def test_an_untouched_trail_is_intact_and_says_where_it_ends(trail: Fed) -> None:
    with trail.engine.begin() as connection:
        verdict = verify(connection)

    assert verdict.breaks == ()
    assert verdict.head == Head(4, trail.scalar("SELECT hash FROM audit_log WHERE seq = 4"))


@pytest.mark.parametrize("column", ["at", "actor", "action", "object", "detail"])
def test_a_changed_column_is_found(trail: Fed, column: str) -> None:
    tamper(
        trail,
        f"UPDATE audit_log SET {column} = (SELECT {column} || '' FROM audit_log WHERE seq = 4) WHERE seq = 2",  # noqa: S608
    )

    assert 2 in breaks(trail)


def test_a_row_removed_in_the_middle_or_at_the_end_is_found(trail: Fed) -> None:
    tamper(trail, "DELETE FROM audit_log WHERE seq = 4")
    assert breaks(trail) == [3]

    tamper(trail, "DELETE FROM audit_log WHERE seq = 2")
    assert 3 in breaks(trail)


def test_a_row_put_in_is_found_even_with_a_right_hash(trail: Fed) -> None:
    last = trail.rows("SELECT * FROM audit_log WHERE seq = 4")[0]
    forged = next(rows_of([Act(AT, "siapa", "registry.changed", "stations/x", "")], Head(4, last["hash"])))
    with trail.engine.begin() as connection:
        connection.exec_driver_sql("INSERT INTO audit_log VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", forged)

    assert breaks(trail) == [5]


def test_a_command_that_was_changed_or_removed_is_found(trail: Fed) -> None:
    changed = trail.rows("SELECT command_id, body FROM commands ORDER BY seq")[0]
    body = json.dumps({**json.loads(changed["body"]), "reason": "lain"})
    with trail.engine.begin() as connection:
        statement = sa.text("UPDATE commands SET body = :body WHERE command_id = :id")
        connection.execute(statement, {"body": body, "id": changed["command_id"]})
    assert 1 in breaks(trail)

    tamper(trail, "DELETE FROM commands")
    assert breaks(trail) == [1, 2, 3]


def test_the_hash_of_a_row_never_changes_its_recipe() -> None:
    act = Act(AT, "komandan-1", "command.note", "kejadian-1", "catatan")

    assert seal(act, 1, BEGINNING) == "1c94bd5785b3eaf0fc0cae5b3525ed154146c1ff64ce5fa8c9f12f7d497e4182"
    assert seal(act, 1, BEGINNING, "5a" * 16) == "05f7f28d9b7577d06eb73b829990c5b0a048788c37069b9b0931f8a30e6bb0ce"


def test_a_row_marked_as_erased_without_an_erasure_is_found(trail: Fed) -> None:
    tamper(trail, "UPDATE audit_log SET actor = 'terhapus-1', salt = NULL, erased_by = 4 WHERE seq = 2")

    assert 4 in breaks(trail)


def test_rows_of_the_same_act_have_hashes_that_nobody_guesses() -> None:
    act = Act(AT, "komandan-1", "command.note", "kejadian-1", "catatan")
    first, again = (next(rows_of([act], Head())) for _ in range(2))

    assert first[:7] == again[:7]
    assert first[7] != again[7]
