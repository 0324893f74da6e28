"""The duty board: who sits where, until when, and where nobody does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from console.duty import desks_of
from siaga.contracts.roster import RosterEntry
from siaga.redaction import Audience, UserRole

NOON = datetime(2022, 2, 23, 5, 0, tzinfo=UTC)


def roster(*shifts: tuple[str, str, float, float]) -> dict[str, RosterEntry]:
    """Shifts as (role, officer, hours from noon, hours to noon) of one Polsek."""
    entry = {
        "schema_version": 1,
        "version": "uji-1",
        "area": "33.26",
        "agencies": [{"agency": "polsek-kajen", "kind": "polsek", "name": "Polsek Kajen", "districts": ["33.26.08"]}],
        "officers": [
            {
                "officer_id": name,
                "name": name.title(),
                "agency": "polsek-kajen",
                "channels": [{"name": "hp", "kind": "sms", "address": "081234567899"}],
            }
            for name in ("sari", "budi")
        ],
        "shifts": [
            {
                "agency": "polsek-kajen",
                "role": role,
                "officer_id": officer,
                "starts_at": NOON + timedelta(hours=first),
                "ends_at": NOON + timedelta(hours=last),
            }
            for role, officer, first, last in shifts
        ],
    }
    return {"33.26": RosterEntry.model_validate(entry)}


def board(*shifts: tuple[str, str, float, float], role: UserRole = UserRole.OPERATOR) -> list[dict[str, Any]]:
    return desks_of(roster(*shifts), Audience(role), NOON)


def test_a_desk_shows_who_sits_there_until_when_and_who_is_next() -> None:
    (desk,) = board(("duty", "sari", -2, 4), ("duty", "budi", 4, 12))

    assert [officer["officer_id"] for officer in desk["officers"]] == ["sari"]
    assert desk["until"] == desk["next"] == (NOON + timedelta(hours=4)).isoformat()
    assert not desk["gap"]


def test_a_desk_that_nobody_sits_at_comes_first_and_one_without_a_successor_is_a_gap() -> None:
    desks = board(("duty", "sari", -2, 4), ("duty", "budi", 5, 12), ("ops", "budi", 2, 6))

    assert [(desk["role"], desk["manned"], desk["gap"]) for desk in desks] == [("ops", 0, True), ("duty", 1, True)]


def test_names_are_for_those_who_work_here_and_addresses_for_nobody() -> None:
    shift = ("duty", "sari", -2.0, 4.0)

    assert board(shift, role=UserRole.VIEWER)[0]["officers"] == []
    assert board(shift, role=UserRole.VIEWER)[0]["manned"] == 1
    assert "081234567899" not in str(board(shift, role=UserRole.ADMIN))
