"""The last look before a page is sent: what is not wanted any more, and what an older answer does not concern."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest

from siaga.contracts.escalation import EscalationState
from siaga.contracts.page import Page, Purpose
from siaga.contracts.page_result import ResultReason
from sinks.notify.look import Facts, Standing, Taken, Wait, look
from tests.support.paged import AGENCY, page


def looked(about: Page, *, seconds: float = 1.0, expires: bool = True, **facts: Any) -> object:
    now = about.due_at.timestamp() + seconds
    return look(about, Facts(**facts), agency_kind="polsek", now=now, expires=expires)


def standing(about: Page, state: str, *, seconds: float = 0.5, **where: int) -> dict[str, Standing]:
    place = {"generation": about.generation, "round": about.round, "level": about.level, **where}
    at = about.due_at.timestamp() + seconds
    return {str(about.incident_id): Standing(EscalationState(state), updated_at=at, **place)}


@pytest.mark.parametrize(
    ("state", "purpose", "reason"),
    [
        ("paging", "page", None),
        ("exhausted", "page", None),
        ("acknowledged", "page", ResultReason.ACKNOWLEDGED),
        ("snoozed", "verify", ResultReason.ACKNOWLEDGED),
        ("acknowledged", "handoff", None),
        ("handed_off", "handoff", None),
        ("resolved", "handoff", ResultReason.CLOSED),
        ("dismissed", "page", ResultReason.CLOSED),
        ("dismissed", "drill_call", None),
    ],
)
def test_what_the_escalation_says_now_decides(state: str, purpose: str, reason: ResultReason | None) -> None:
    about = page(purpose=purpose)

    assert looked(about, standings=standing(about, state)) is reason


@pytest.mark.parametrize("where", [{"round": 1}, {"level": 1}, {"generation": 1}])
def test_an_answer_to_an_earlier_call_does_not_concern_a_later_one(where: dict[str, int]) -> None:
    about = page(generation=2, round=2, level=2)
    earlier = standing(about, "acknowledged", seconds=-60, **where)

    assert looked(about, standings=earlier) is None


def test_a_snapshot_older_than_the_page_says_nothing_of_it() -> None:
    about = page()

    assert looked(about, standings=standing(about, "acknowledged", seconds=-0.001)) is None


def test_nobody_of_an_accused_unit_is_told() -> None:
    about = page(purpose="retraction", retracts=uuid.uuid4())
    incident = str(about.incident_id)

    assert looked(about, accused={incident: AGENCY}) is ResultReason.ACCUSED_UNIT
    assert looked(about, accused={incident: "polsek"}) is ResultReason.ACCUSED_UNIT
    assert looked(about, accused={incident: "polsek-bojong"}, taken={str(about.page_id): Taken.SENT}) is None


def test_a_page_that_is_too_old_is_not_sent_unless_the_clock_was_just_set() -> None:
    about = page()

    assert looked(about, seconds=3600.0) is ResultReason.EXPIRED
    assert looked(about, seconds=3600.0, expires=False) is None


@pytest.mark.parametrize(
    ("taken", "expected"), [(Taken.SENT, None), (Taken.NEVER, ResultReason.CANCELLED), (Taken.UNDECIDED, Wait)]
)
def test_a_retraction_goes_to_whoever_was_told_and_waits_until_that_is_known(taken: Taken, expected: object) -> None:
    about = page(purpose="retraction", retracts=uuid.uuid4())

    found = looked(about, taken={str(about.page_id): taken})

    assert isinstance(found, Wait) if expected is Wait else found is expected


def test_a_digest_goes_out_while_any_of_its_incidents_waits_for_an_answer() -> None:
    first, second = page(), page()
    about = page(
        purpose=Purpose.DIGEST,
        incidents=[{"incident_id": p.incident_id, "station_id": None, "kind": p.kind} for p in (first, second)],
    )
    taken = standing(first, "acknowledged")

    assert looked(about, standings=taken | standing(second, "paging")) is None
    assert looked(about, standings=taken | standing(second, "acknowledged")) is ResultReason.ACKNOWLEDGED
    assert looked(about, standings=taken | standing(second, "resolved")) is ResultReason.CLOSED


def test_a_cancelled_page_is_not_sent() -> None:
    about = page(due_at=page().due_at - timedelta(seconds=1))

    assert looked(about, cancelled=frozenset([str(about.page_id)])) is ResultReason.CANCELLED
