"""What the page has to know of the election besides its incidents: names, deadlines, stages and who is on duty.

In: entries of the registry. Out: answers. An entry that cannot be used is passed over; what was known stays.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, Final

from siaga.contracts.registry import Entity, PostureEntry, StageEntry, parse_entry
from siaga.contracts.roster import PolicyEntry, RosterEntry
from siaga.election.posture import Posture, builtin_posture, parse_posture
from siaga.election.registry import Registry
from siaga.escalation.policy import Policy, builtin_policy, parse_policy
from siaga.rules.taxonomy import Taxonomy
from siaga.types import Severity

log = logging.getLogger(__name__)

#: The entities read from the database; stations and devices are not among them.
ENTITIES: Final = (Entity.CALENDAR, Entity.TAXONOMY, Entity.POLICY, Entity.ROSTER, Entity.POSTURE)


class Knowledge:
    """What is known of the election; the built-in rules until others are loaded."""

    def __init__(self) -> None:
        self._registry = Registry((Entity.CALENDAR, Entity.TAXONOMY))
        self._written: Policy = builtin_policy()
        self._policy: Policy = self._written
        self.rosters: dict[str, RosterEntry] = {}
        self.posture: Posture = builtin_posture()
        self._applied: dict[str, int] = {}

    @property
    def taxonomy(self) -> Taxonomy:
        """The kinds there are."""
        return self._registry.taxonomy

    @property
    def speed(self) -> float:
        """Election hours in one real hour."""
        return self._registry.windows.speed

    @property
    def election(self) -> str | None:
        """What the election is called."""
        calendar = self._registry.calendar
        return None if calendar is None else calendar.name

    def stage_at(self, at: float) -> StageEntry | None:
        """The stage of the election at ``at`` (epoch seconds)."""
        return self._registry.stage_at(at)

    def reporting_window(self, at: float) -> float | None:
        """For how many seconds a check-in counts; ``None`` where none is expected."""
        stage = self.stage_at(at)
        if stage is None or stage.checkin_every is None:
            return None
        return stage.checkin_every.total_seconds() + self._registry.windows.silence_grace.total_seconds()

    def deadline(self, severity: int) -> float | None:
        """Seconds within which somebody has to take an incident; ``None`` where nobody is called."""
        return self._policy.deadlines.get(Severity(severity))

    def apply(self, entries: Mapping[str, bytes | None]) -> bool:
        """Take in entries by key; whether anything changed."""
        changed = False
        for key, value in entries.items():
            if self._applied.get(key) == hash(value):
                continue
            self._applied[key] = hash(value)
            try:
                self._take(key, value)
                changed = True
            except ValueError:
                # Its words may hold what is confidential; whoever loaded it was told.
                log.warning("registry: %s cannot be used here and is passed over; load it again", key[:100])
        return changed

    def _take(self, key: str, value: bytes | None) -> None:
        entity, _, name = key.partition("/")
        if entity == Entity.ROSTER:
            entry: Any = parse_entry(key, value) if value is not None else None
            self.rosters = {k: v for k, v in self.rosters.items() if k != name}
            if isinstance(entry, RosterEntry):
                self.rosters[name] = entry
            return
        if entity == Entity.POSTURE:
            entry = parse_entry(key, value) if value is not None else None
            self.posture = parse_posture(entry.toml) if isinstance(entry, PostureEntry) else builtin_posture()
            return
        if entity == Entity.POLICY:
            entry = parse_entry(key, value) if value is not None else None
            self._written = parse_policy(entry.toml) if isinstance(entry, PolicyEntry) else builtin_policy()
        else:
            self._registry.apply(key, value)
        self._policy = self._written.at_speed(self.speed)
