"""What the store does with escalations, pages and results, on both databases."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from siaga.contracts.base import Contract
from siaga.contracts.page import Page
from siaga.contracts.page_result import PageResult
from siaga.contracts.timer import TimerKind
from siaga.contracts.topics import ESCALATIONS, PAGE_RESULTS, PAGES
from sinks import paging_rows, tables
from sinks.sweeper import due
from sinks.work import Written
from tests.support import builders
from tests.support.databases import Database
from tests.support.paged import OFFICER, escalation, page
from tests.support.stored import AT, Fed


@pytest.fixture
def fed(database: Database) -> Iterator[Fed]:
    fed = Fed(database.url)
    yield fed
    fed.close()


def put(fed: Fed, topic: str, *items: Contract) -> Written:
    return fed.write(*(fed.record(topic, item.to_json()) for item in items))


def result(about: Page, status: str, *, attempt: int = 1, **more: Any) -> PageResult:
    ours = {"page_id", "incident_id", "generation", "district", "officer_id", "channel"}
    return PageResult.model_validate(
        {
            "schema_version": 1,
            "status": status,
            "attempt": attempt,
            "at": about.due_at + timedelta(seconds=1),
            **about.model_dump(include=ours),
            **more,
        }
    )


def step(about: Page, reason: str, *, seconds: float, level: int = 1) -> dict[str, Any]:
    at = about.due_at + timedelta(seconds=seconds)
    return {"at": at, "reason": reason, "level": level, "round": 1, "officer_id": OFFICER}


def test_every_row_of_paging_has_as_many_values_as_its_table_has_columns() -> None:
    about, numbered = page(), 1
    stands = escalation(about, "paging", steps=[step(about, "opened", seconds=0)])

    assert len(paging_rows.escalation_row(stands, 1)) + numbered == len(tables.escalations.c)
    assert len(paging_rows.step_row(stands, stands.steps[0])) + numbered == len(tables.escalation_steps.c)
    assert len(paging_rows.page_row(about, AT, AT)) + numbered == len(tables.pages.c)
    assert len(paging_rows.result_row(result(about, "accepted"), 1, AT)) + numbered == len(tables.page_results.c)


def test_an_older_snapshot_changes_nothing_and_each_step_is_kept_once(fed: Fed) -> None:
    about = page()
    opened = escalation(about, "paging", version=1, steps=[step(about, "opened", seconds=0)])
    taken = escalation(about, "acknowledged", version=2, steps=[step(about, "taken", seconds=40, level=2)])

    first = put(fed, ESCALATIONS, opened, taken)
    again = put(fed, ESCALATIONS, taken, opened)

    assert fed.rows("SELECT state, version FROM escalations") == [{"state": "acknowledged", "version": 2}]
    assert [row["reason"] for row in fed.rows("SELECT reason FROM escalation_steps ORDER BY at")] == [
        "opened",
        "taken",
    ]
    assert (first.answers, again.answers) == ([(2, 40.0)], [])


def test_a_cancellation_holds_whether_its_page_comes_before_or_after(fed: Fed) -> None:
    about, other = page(), uuid.uuid4()
    put(fed, PAGES, about)

    put(fed, ESCALATIONS, escalation(about, "acknowledged", cancelled=[about.page_id, other]))

    cancelled = {row["page_id"] for row in fed.rows("SELECT page_id FROM page_cancellations")}
    assert cancelled == {str(about.page_id), str(other)}


def test_a_page_that_comes_again_leaves_what_became_of_it_and_has_that_told_again(fed: Fed) -> None:
    about, other = page(), page()
    put(fed, PAGES, about, other)
    put(fed, PAGE_RESULTS, result(about, "accepted"), result(other, "accepted"))
    with fed.engine.begin() as connection:
        connection.execute(tables.pages.update().values(status="accepted", attempts=1))

    put(fed, PAGES, about)

    assert {row["status"] for row in fed.rows("SELECT status FROM pages")} == {"accepted"}
    untold = fed.rows("SELECT page_id FROM page_results WHERE published_at IS NULL")
    assert untold == [{"page_id": str(about.page_id)}]


def test_a_result_told_twice_is_one_row_and_only_another_cluster_gives_it_another_number(fed: Fed) -> None:
    about = page()
    put(fed, PAGE_RESULTS, result(about, "accepted"))
    (first,) = fed.rows("SELECT epoch, seq FROM page_results")
    put(fed, PAGE_RESULTS, result(about, "accepted"))
    (second,) = fed.rows("SELECT epoch, seq FROM page_results")
    fed.begin("lain")

    put(fed, PAGE_RESULTS, result(about, "accepted"))

    (third,) = fed.rows("SELECT epoch, seq FROM page_results")
    assert first == second
    assert (third["epoch"], third["seq"] > second["seq"]) == (2, True)


@pytest.mark.parametrize("first", [PAGES, PAGE_RESULTS])
def test_a_database_made_anew_learns_what_became_of_pages_in_whatever_order_they_are_read(
    fed: Fed, first: str
) -> None:
    failed, waits, delivered, lost = page(), page(), page(), page()
    results = [
        result(failed, "failed", attempt=3, reason="timeout"),
        result(waits, "suppressed", attempt=0, reason="bundled"),
        result(lost, "unknown", reason="timeout"),
        result(delivered, "unknown", reason="timeout"),
        result(delivered, "accepted"),
        result(delivered, "delivered", provider_id="SM-1"),
    ]
    parts = [(PAGES, [failed, waits, delivered, lost]), (PAGE_RESULTS, results)]

    for topic, items in parts if first == PAGES else reversed(parts):
        put(fed, topic, *items)  # type: ignore[arg-type]  # contracts, all of them

    rows = {row["page_id"]: row for row in fed.rows("SELECT page_id, status, reason, attempts FROM pages")}
    said = [tuple(rows[str(about.page_id)].values())[1:] for about in (failed, waits, delivered, lost)]
    assert said == [
        ("failed", "timeout", 3),
        ("queued", "none", 0),
        ("delivered", "none", 1),
        ("unknown", "timeout", 1),
    ]


def test_once_it_has_caught_up_only_the_notifier_says_what_became_of_a_page(fed: Fed) -> None:
    about = page()
    fed.writer.caught_up(builders.now())
    put(fed, PAGES, about)

    put(fed, PAGE_RESULTS, result(about, "accepted"))

    assert fed.scalar("SELECT status FROM pages") == "queued"


def test_what_is_due_is_found_however_much_of_it_nobody_handles_and_one_digest_a_district(fed: Fed) -> None:
    past = builders.now() - timedelta(minutes=1)
    due_since = {"next_due_at": past, "next_timer": "deadline"}
    stale = [escalation(page(), "paging", **due_since) for _ in range(1001)]
    stale[0] = stale[0].model_copy(update={"digest_due_at": past - timedelta(minutes=1)})
    stale[1] = stale[1].model_copy(update={"digest_due_at": past})
    waits = escalation(page(), "paging", next_due_at=builders.now() + timedelta(minutes=1), next_timer="deadline")
    over = escalation(page(), "resolved", **due_since, digest_due_at=past)
    put(fed, ESCALATIONS, *stale, waits, over)

    with fed.engine.connect() as connection, connection.begin():
        digest, *deadlines = due(connection, builders.now())

    assert (digest.kind, digest.due_at) == (TimerKind.DIGEST, past - timedelta(minutes=1))
    assert {timer.incident_id for timer in deadlines} == {one.incident_id for one in stale}
