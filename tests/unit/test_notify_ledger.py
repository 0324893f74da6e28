"""From when a page counts for the objective: from the report that caused it, and else from its being due."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa

from siaga.contracts.escalation import EscalationReason
from siaga.contracts.page import Page
from siaga.store.tables import metadata, pages, reports
from sinks.bulk import put, put_one
from sinks.notify import metrics
from sinks.notify.ledger import causes_of
from sinks.paging_rows import page_row
from sinks.rows import report_row
from tests.support import builders
from tests.support.paged import page


def stored(*told: Page, ago: tuple[float, ...]) -> sa.Connection:
    """A database in which the incident of the first page has reports that were received so many seconds before it."""
    engine = sa.create_engine("sqlite://")
    metadata.create_all(engine)
    connection = engine.connect()
    due = told[0].due_at
    put(connection, pages, [(*page_row(one, due, due), number) for number, one in enumerate(told)])
    for number, seconds in enumerate(ago):
        received = due - timedelta(seconds=seconds)
        *row, _ = report_row(builders.accepted(builders.report(at=received), received=received))
        put_one(connection, reports, (*row, str(told[0].incident_id), number))
    return connection


def test_a_page_counts_from_the_last_report_before_it_where_a_report_is_its_cause() -> None:
    opened = page(reason=EscalationReason.OPENED)
    with stored(opened, ago=(90.0, 8.0, -5.0)) as connection:
        assert causes_of(connection, [opened]) == {opened.page_id: opened.due_at - timedelta(seconds=8)}


def test_a_page_of_a_deadline_counts_from_its_being_due() -> None:
    late = page(reason=EscalationReason.DEADLINE_PASSED, level=2)
    with stored(late, ago=(300.0,)) as connection:
        assert causes_of(connection, [late]) == {}


def test_the_objective_sees_the_whole_time_that_an_officer_waited() -> None:
    told = page(severity=1)
    count = metrics.PAGED_SECONDS.labels(severity="1")
    before = count._sum.get()
    metrics.took(told, told.due_at - timedelta(seconds=8), told.due_at.timestamp() + 4)
    metrics.took(told, None, told.due_at.timestamp() + 4)
    assert count._sum.get() - before == 12 + 4
