"""From escalations, pages and their results to rows, as in :mod:`sinks.rows`. Pure."""

from __future__ import annotations

import hashlib
from datetime import datetime

from siaga.contracts.escalation import Escalation, EscalationReason, Step
from siaga.contracts.page import Page
from siaga.contracts.page_result import PageResult
from siaga.store.tables import utc_text
from sinks.bulk import Row
from sinks.rows import canonical

#: What an officer did to end the waiting for one.
ANSWERS = (EscalationReason.TAKEN, EscalationReason.ON_MY_WAY, EscalationReason.ACCEPTED)
EXHAUSTED = (EscalationReason.LEVELS_EXHAUSTED,)


def _utc(at: datetime | None) -> str | None:
    return None if at is None else utc_text(at)


def escalation_row(escalation: Escalation, epoch: int) -> Row:
    """An escalation's row."""
    return (
        str(escalation.incident_id),
        epoch,
        escalation.version,
        escalation.generation,
        escalation.district,
        escalation.station_id,
        escalation.kind,
        int(escalation.severity),
        escalation.lead_agency,
        escalation.state.value,
        escalation.reason.value,
        escalation.level,
        escalation.round,
        _utc(escalation.next_due_at),
        escalation.next_timer and escalation.next_timer.value,
        _utc(escalation.digest_due_at),
        escalation.acknowledged_by,
        _utc(escalation.lease_until),
        escalation.handed_to,
        escalation.verify,
        escalation.cluster_id and str(escalation.cluster_id),
        escalation.policy,
        escalation.roster,
        utc_text(escalation.opened_at),
        utc_text(escalation.updated_at),
        escalation.drill,
        escalation.model_dump_json(),
    )


def step_row(escalation: Escalation, step: Step) -> Row:
    """The row of one step; told again, it has the same id."""
    said = [
        str(escalation.incident_id),
        escalation.generation,
        utc_text(step.at),
        step.reason.value,
        step.level,
        step.round,
        step.officer_id,
        step.channel,
        step.page_id and str(step.page_id),
        step.desk,
    ]
    return (hashlib.sha256(canonical(said)).hexdigest(), *said)


def page_row(page: Page, now: datetime, told_at: datetime) -> Row:
    """The row of a page that has just come; ``told_at`` is the time Kafka has for its record.

    It is due at once: another clock than ours made ``due_at``. Nor may that clock make it too old to be sent: it
    keeps as long as it was meant to, counted from when it was told.
    """
    expires_at = max(page.expires_at, min(told_at, now) + (page.expires_at - page.due_at))
    return (
        str(page.page_id),
        str(page.incident_id),
        page.generation,
        page.level,
        page.round,
        page.district,
        page.officer_id,
        page.agency,
        page.channel,
        page.channel_kind.value,
        page.purpose.value,
        int(page.severity),
        page.code,
        utc_text(page.due_at),
        _utc(page.answer_by),
        utc_text(expires_at),
        page.drill,
        page.model_dump_json(),
        "queued",
        "none",
        0,
        utc_text(min(page.due_at, now)),
        None,
        False,
        False,
        *([None] * 5),
    )


def result_row(result: PageResult, epoch: int, published_at: datetime) -> Row:
    """The row of a result that was heard on Kafka at ``published_at``."""
    return (
        str(result.page_id),
        result.attempt,
        result.status.value,
        result.reason.value,
        str(result.incident_id),
        result.generation,
        result.district,
        result.officer_id,
        result.channel,
        result.provider_id,
        result.detail,
        utc_text(result.at),
        epoch,
        utc_text(published_at),
    )
