"""Which pages an answer may be about, and whose telephone or chat they called. Reads only.

Input: a connection, codes or a page's id, the time. Output: :class:`~siaga.answers.desk.Asked`. State: none.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa

from siaga.answers.desk import ANSWER_SECONDS, Asked, Received, Settled, settle
from siaga.answers.senders import TELEPHONES, is_same_telephone
from siaga.contracts.page import ChannelKind, Language, Purpose
from siaga.contracts.registry import Entity
from siaga.contracts.roster import RosterEntry
from siaga.escalation.conflict import is_conflicted
from siaga.escalation.roster import Roster
from siaga.redaction import accused_units_of
from siaga.store.tables import incidents, pages, registry

#: Pages looked at for one message; more than a few share a code only where somebody tries.
_MOST: Final = 20
_COLUMNS: Final = ("page_id", "code", "purpose", "incident_id", "district", "officer_id", "agency", "body")


def settled_of(connection: sa.Connection, received: Received, *, source: str, now: datetime) -> Settled:
    """What comes of ``received``, by the pages and rosters that are stored. ``source`` is the part that asks."""
    return settle(
        received, lambda codes, page_id: asked_about(connection, codes, page_id, now), source=source, now=now
    )


def asked_about(connection: sa.Connection, codes: Sequence[str], page_id: UUID | None, now: datetime) -> list[Asked]:
    """The pages with one of ``codes``, or of this id, that can be answered at ``now``, the latest first."""
    named = pages.c.code.in_(list(codes)) if page_id is None else pages.c.page_id == str(page_id)
    wanted = (
        sa.select(*(pages.c[name] for name in _COLUMNS))
        .where(named, pages.c.due_at >= now - timedelta(seconds=ANSWER_SECONDS))
        .where(pages.c.purpose != Purpose.RETRACTION.value)
        .order_by(pages.c.due_at.desc())
        .limit(_MOST)
    )
    return [_asked(connection, row) for row in connection.execute(wanted)]


def _asked(connection: sa.Connection, row: Any) -> Asked:
    body = row.body
    about = tuple(UUID(told["incident_id"]) for told in body.get("incidents", ())) or (UUID(row.incident_id),)
    roster = _roster(connection, row.district, row.officer_id)
    officer = None if roster is None else roster.officer(row.officer_id)
    unit = None if roster is None or officer is None else roster.agency(officer.agency)
    return Asked(
        page_id=UUID(row.page_id),
        code=row.code,
        purpose=Purpose(row.purpose),
        incidents=about,
        district=row.district,
        officer_id=row.officer_id,
        language=Language(body.get("language", Language.INDONESIAN)),
        addresses=()
        if officer is None
        else tuple((ChannelKind(channel.kind), channel.address) for channel in officer.channels),
        barred=is_conflicted(row.agency, row.agency if unit is None else unit.kind, _accused(connection, about)),
    )


def _roster(connection: sa.Connection, district: str, officer_id: str) -> Roster | None:
    """The roster that knows the officer: that of the smallest area that holds the district, else of any."""
    table = registry.c
    areas = [f"{Entity.ROSTER}/{area}" for area in (district, district[:5], district[:2])]
    for key in areas:
        value = connection.scalar(sa.select(table.value).where(table.key == key, table.value.is_not(None)))
        found = _read(value)
        if found is not None and found.officer(officer_id) is not None:
            return found
    others = sa.select(table.value).where(
        table.key.startswith(f"{Entity.ROSTER}/"), table.key.not_in(areas), table.value.is_not(None)
    )
    read = (_read(value) for value in connection.scalars(others))
    return next((roster for roster in read if roster is not None and roster.officer(officer_id) is not None), None)


def officer_of(connection: sa.Connection, sender: str) -> tuple[str, Language] | None:
    """Whose telephone ``sender`` is: their id and language; None where no roster has it, or two officers have it."""
    table = registry.c
    asked = sa.select(table.value).where(table.key.startswith(f"{Entity.ROSTER}/"), table.value.is_not(None))
    found = {
        officer.officer_id: officer.language
        for value in connection.scalars(asked)
        if (roster := _read(value)) is not None
        for officer in roster.entry.officers
        for channel in officer.channels
        if channel.kind in TELEPHONES and is_same_telephone(channel.address, sender)
    }
    return next(iter(found.items())) if len(found) == 1 else None


def _read(value: bytes | None) -> Roster | None:
    if value is None:
        return None
    try:
        return Roster(RosterEntry.model_validate_json(bytes(value)))
    except ValueError:
        return None


def _accused(connection: sa.Connection, about: Iterable[UUID]) -> list[str]:
    wanted = sa.select(incidents.c.body).where(incidents.c.incident_id.in_([str(one) for one in about]))
    return [unit for body in connection.scalars(wanted) for unit in accused_units_of(body)]
