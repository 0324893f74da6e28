"""The ledger: how many pages were due, how many a provider has, how many are explained, and what is left.

Input: the table ``pages``. Output: gauges. What is left is on its way; where it stays above zero, somebody was not
reached and nothing says why, and an alert outside the pipeline sees it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final
from uuid import UUID

import sqlalchemy as sa

from siaga.contracts.escalation import EscalationReason
from siaga.contracts.page import Page
from siaga.store.tables import pages, reports
from sinks.notify import metrics
from sinks.notify.machine import Status
from sinks.work import chunks

_ACCEPTED = (Status.ACCEPTED, Status.DELIVERED)
#: Why a page is made where a report is the cause. Every other page's cause is a deadline or a person.
_CAUSED: Final = (EscalationReason.OPENED, EscalationReason.REOPENED, EscalationReason.SEVERITY_ROSE)
_OPEN = (Status.QUEUED, Status.SENDING, Status.UNKNOWN)


def show(connection: sa.Connection, now: datetime) -> None:
    """Count, and show it."""
    given_up = sa.and_(
        pages.c.status == Status.UNKNOWN.value, pages.c.available_at.is_(None), pages.c.lease_until.is_(None)
    )
    asked = sa.select(pages.c.status, given_up.label("given_up"), sa.func.count().label("count"))
    due = accepted = explained = unknown = 0
    for status, is_given_up, count in connection.execute(asked.group_by(pages.c.status, given_up)):
        due += count
        accepted += count if status in _ACCEPTED else 0
        explained += count if status in (Status.FAILED, Status.SUPPRESSED) or is_given_up else 0
        unknown += count if status == Status.UNKNOWN else 0
    metrics.DUE.set(due)
    metrics.ACCEPTED.set(accepted)
    metrics.EXPLAINED.set(explained)
    metrics.UNACCOUNTED.set(due - accepted - explained)
    metrics.UNKNOWN.set(unknown)
    oldest = connection.scalar(
        sa.select(sa.func.min(pages.c.due_at)).where(
            pages.c.status.in_([status.value for status in _OPEN]), sa.not_(given_up)
        )
    )
    metrics.OLDEST_DUE.set(0.0 if oldest is None else max(0.0, (now - oldest).total_seconds()))


def causes_of(connection: sa.Connection, taken: Iterable[Page]) -> dict[UUID, datetime]:
    """When the report was received that caused a page, for those that one did: the incident's last until then."""
    about = [str(page.page_id) for page in taken if page.reason in _CAUSED]
    before = sa.and_(reports.c.incident_id == pages.c.incident_id, reports.c.received_at <= pages.c.due_at)
    asked = sa.select(pages.c.page_id, sa.func.max(reports.c.received_at)).join(reports, before)
    return {
        UUID(page_id): received
        for some in chunks(about)
        for page_id, received in connection.execute(asked.where(pages.c.page_id.in_(some)).group_by(pages.c.page_id))
    }
