"""What the database says of the incidents that pages are about, at the very moment before they are sent.

Input: pages and a connection with its transaction begun. Output: :class:`~sinks.notify.look.Facts`, and the
confidential reasons for those who are cleared. State: none.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

import sqlalchemy as sa
from pydantic import TypeAdapter

from siaga.contracts.escalation import EscalationState
from siaga.contracts.incident import Reason
from siaga.contracts.page import Page, Purpose
from siaga.redaction import accused_units_of
from siaga.store.tables import escalations, incidents, page_cancellations, pages
from sinks.notify.look import Facts, Standing, Taken
from sinks.notify.machine import Status
from sinks.work import chunks

_REASONS = TypeAdapter(tuple[Reason, ...])
_SENT = (Status.ACCEPTED, Status.DELIVERED)
_UNDER_WAY = (Status.QUEUED, Status.SENDING, Status.UNKNOWN)


def facts_about(connection: sa.Connection, about: Sequence[Page]) -> Facts:
    """What concerns these pages now."""
    page_ids = [str(page.page_id) for page in about]
    incident_ids = {str(page.incident_id) for page in about}
    incident_ids |= {str(told.incident_id) for page in about for told in page.incidents}
    return Facts(
        cancelled=frozenset(_cancelled(connection, page_ids)),
        standings=_standings(connection, incident_ids),
        accused=_accused(connection, incident_ids),
        taken={str(page.page_id): _taken(connection, page) for page in about if page.purpose is Purpose.RETRACTION},
    )


def _cancelled(connection: sa.Connection, page_ids: Collection[str]) -> Iterable[str]:
    table = page_cancellations.c
    for some in chunks(page_ids):
        yield from connection.scalars(sa.select(table.page_id).where(table.page_id.in_(some)))


def _standings(connection: sa.Connection, incident_ids: Collection[str]) -> dict[str, Standing]:
    table = escalations.c
    return {
        row.incident_id: Standing(
            EscalationState(row.state), row.generation, row.round, row.level, row.updated_at.timestamp()
        )
        for some in chunks(incident_ids)
        for row in connection.execute(
            sa.select(
                *(table.incident_id, table.state, table.generation, table.round, table.level, table.updated_at)
            ).where(table.incident_id.in_(some))
        )
    }


def _accused(connection: sa.Connection, incident_ids: Collection[str]) -> dict[str, tuple[str, ...]]:
    body = incidents.c.body
    asked = sa.select(incidents.c.incident_id, body["facts"], body["accused_units"])
    found = {
        incident_id: accused_units_of({"facts": facts, "accused_units": units})
        for some in chunks(incident_ids)
        for incident_id, facts, units in connection.execute(asked.where(incidents.c.incident_id.in_(some)))
    }
    return {incident_id: units for incident_id, units in found.items() if units}


def _taken(connection: sa.Connection, retraction: Page) -> Taken:
    """What became of the pages about the incident that the officer was sent, or of the one that is taken back."""
    told = sa.and_(pages.c.officer_id == retraction.officer_id, pages.c.incident_id == str(retraction.incident_id))
    asked = sa.select(pages.c.status, pages.c.available_at, pages.c.doubtful).where(
        sa.or_(told, pages.c.page_id == str(retraction.retracts)),
        pages.c.purpose != Purpose.RETRACTION.value,
    )
    rows = [(Status(row.status), row.available_at, row.doubtful) for row in connection.execute(asked)]
    # One that this database never saw may have been sent by another.
    if not rows or any(status in _SENT or _is_given_up(status, at, doubtful) for status, at, doubtful in rows):
        return Taken.SENT
    return Taken.UNDECIDED if any(status in _UNDER_WAY for status, _, _ in rows) else Taken.NEVER


def _is_given_up(status: Status, available_at: datetime | None, doubtful: bool) -> bool:
    """Whether nobody will ever know if it arrived."""
    return doubtful and (status is Status.FAILED or (status is Status.UNKNOWN and available_at is None))


def confidential_reasons(connection: sa.Connection, about: Sequence[Page]) -> dict[str, tuple[Reason, ...]]:
    """The confidential reasons of the incidents that cleared officers are paged about."""
    wanted = {str(page.incident_id) for page in about if page.cleared and page.confidential_reasons}
    found = {}
    for some in chunks(wanted):
        asked = sa.select(incidents.c.incident_id, incidents.c.reasons).where(incidents.c.incident_id.in_(some))
        for incident_id, reasons in connection.execute(asked):
            found[incident_id] = tuple(r for r in _REASONS.validate_python(reasons) if r.confidential)
    return found
