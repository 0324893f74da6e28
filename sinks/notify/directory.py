"""Where officers are reached: the rosters as the database has them, looked up when a page is sent and not before.

Input: the table ``registry``. Output: contacts. State: the rosters read, and where in the registry each stood.
Addresses are CONFIDENTIAL: they are handed to a channel and to nothing else.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field

import sqlalchemy as sa

from siaga.contracts.page import Page
from siaga.contracts.registry import Entity
from siaga.contracts.roster import OfficerEntry, RosterEntry
from siaga.escalation.roster import Roster
from siaga.store.tables import registry

logger = logging.getLogger(__name__)

_PREFIX = f"{Entity.ROSTER}/"


@dataclass(frozen=True, slots=True)
class Contact:
    """An officer's channel as it stands now. ``address`` is None where the roster has no such channel any more."""

    officer_id: str
    address: str | None = field(repr=False)
    agency_kind: str
    #: Whether they may be told confidential reasons now, whatever they could be when the page was made.
    cleared: bool
    timezone: str


class Directory:
    """The rosters of all areas."""

    def __init__(self) -> None:
        self._rosters: dict[str, Roster] = {}
        self._read: dict[str, tuple[int, int]] = {}

    def refresh(self, connection: sa.Connection) -> None:
        """Read what changed since the last time. A roster that cannot be read leaves the one before it."""
        table = registry.c
        asked = sa.select(table.key, table.epoch, table.kafka_offset).where(
            table.key.startswith(_PREFIX), table.value.is_not(None)
        )
        there = {row.key: (row.epoch, row.kafka_offset) for row in connection.execute(asked)}
        for key in self._read.keys() - there.keys():
            del self._read[key]
            self._rosters.pop(key.removeprefix(_PREFIX), None)
        changed = [key for key, at in there.items() if self._read.get(key) != at]
        if not changed:
            return
        for key, value in connection.execute(sa.select(table.key, table.value).where(table.key.in_(changed))):
            self._read[key] = there[key]
            try:
                self._rosters[key.removeprefix(_PREFIX)] = Roster(RosterEntry.model_validate_json(bytes(value)))
            except ValueError:
                logger.error("%s cannot be used; the one before it holds", key)

    def contact(self, page: Page) -> Contact:
        """How the page's officer is reached over the page's channel."""
        roster, officer = self._officer(page)
        if roster is None or officer is None:
            return Contact(page.officer_id, None, page.agency, False, "Asia/Jakarta")
        unit = roster.agency(officer.agency)
        address = next((channel.address for channel in officer.channels if channel.name == page.channel), None)
        return Contact(
            page.officer_id,
            address,
            unit.kind if unit is not None else officer.agency,
            officer.cleared,
            roster.entry.timezone,
        )

    def _officer(self, page: Page) -> tuple[Roster | None, OfficerEntry | None]:
        """The officer in the roster of the smallest area that holds the district, else in any that knows them."""
        own = [page.district, page.district[:5], page.district[:2]]
        for area in (*own, *sorted(self._rosters.keys() - set(own))):
            roster = self._rosters.get(area)
            officer = None if roster is None else roster.officer(page.officer_id)
            if officer is not None:
                return roster, officer
        return None, None
