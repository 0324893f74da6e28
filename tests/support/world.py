"""A small world that drives triage with a clock advanced by hand: no Kafka, no process, no waiting.

Each step is settled by itself unless steps are taken within :meth:`World.batch`.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from siaga.contracts.command import Command
from siaga.contracts.incident import Change, Incident
from siaga.contracts.neighbour import NeighbourTrouble
from siaga.contracts.registry import Calendar, RegistryEntry, key_of
from siaga.contracts.timer import Timer, TimerKind
from siaga.election.registry import Registry
from siaga.triage.checkins import take_checkin
from siaga.triage.commands import take_command
from siaga.triage.merging import forwarded
from siaga.triage.neighbours import take_trouble
from siaga.triage.reports import take_report
from siaga.triage.rows import restore
from siaga.triage.settle import settle
from siaga.triage.state import ITSELF, DistrictState, Refusal
from siaga.triage.timers import due, take_timer
from tests.support.builders import (
    DEVICE,
    DISTRICT,
    OTHER_DISTRICT,
    STATION,
    accepted,
    accepted_checkin,
    calendar,
    checkin,
    command,
    district,
    report,
)

#: When every world begins: the morning of the vote.
MORNING: Final = datetime(2022, 2, 23, 1, 0, tzinfo=UTC)


@dataclass(slots=True)
class Clock:
    """A clock that only tests move."""

    now: datetime = MORNING

    def advance(self, **duration: float) -> datetime:
        """Move on by so many ``minutes``, ``hours``, ``seconds`` or ``days``; answers the new time."""
        self.now += timedelta(**duration)
        return self.now


def stations(code: str = DISTRICT, count: int = 3) -> list[str]:
    """The numbers of a district's stations."""
    return [f"{code}.2001-{number:03d}" for number in range(1, count + 1)]


@dataclass
class World:
    """Two neighbouring districts on a voting day. ``near`` puts them 2 km apart instead of 6.8."""

    count: int = 3
    near: bool = False
    day: Calendar | None = None
    clock: Clock = field(default_factory=Clock)
    registry: Registry = field(default_factory=Registry)
    states: dict[str, DistrictState] = field(default_factory=dict)
    #: Every snapshot told, in order.
    told: list[Incident] = field(default_factory=list)
    #: Every trouble told to a neighbour, in order; those not handled yet.
    troubles: list[NeighbourTrouble] = field(default_factory=list)
    waiting: list[NeighbourTrouble] = field(default_factory=list)
    #: The rows as a changelog keeps them.
    rows: dict[str, bytes] = field(default_factory=dict)
    refused: list[Refusal] = field(default_factory=list)
    #: Every item folded, with its fold and its district, in order.
    folded: list[tuple[Callable[..., Any], str, Any]] = field(default_factory=list)
    _batches: int = 0

    def __post_init__(self) -> None:
        self.load(self.day or calendar(starts=MORNING - timedelta(hours=1)))
        here, there = (-7.026, 109.517), (-7.026, 109.535) if self.near else (-7.059, 109.576)
        for code, other, at in ((DISTRICT, OTHER_DISTRICT, here), (OTHER_DISTRICT, DISTRICT, there)):
            self.load(district(code, stations=self.count, neighbours=(other,), at=at))
            self.states[code] = DistrictState(code)

    # -- what happens -----------------------------------------------------------------------------------------------

    def load(self, entry: RegistryEntry) -> None:
        """Tell an entry of the registry."""
        self.registry.apply(key_of(entry), entry.to_json())

    def report(
        self,
        kind: str = "violence.brawl",
        *,
        station: str = STATION,
        ago: float = 0,
        received: datetime | None = None,
        device: str | None = None,
        **more: Any,
    ) -> str:
        """A report of what happened ``ago`` minutes ago; answers its id. Each reporter has a device of their own."""
        by = more.setdefault("by", "anggota-1")
        item = report(kind, station=station, at=self.clock.now - timedelta(minutes=ago), **more)
        self.take(accepted(item, received=received or self.clock.now, device=device or f"hp-{by}"))
        return str(item["report_id"])

    def checkin(self, *, station: str = STATION, received: datetime | None = None, **more: Any) -> None:
        """A check-in that just arrived."""
        item = accepted_checkin(
            checkin(station=station, at=self.clock.now, **more), received=received or self.clock.now
        )
        self.fold(take_checkin, station[:8], item)
        self.settle()

    def command(self, action: str, incident: Incident | None = None, **more: Any) -> None:
        """A person's decision about an incident: the only one unless it is named."""
        about = incident or self.incident
        item = command(action, about.incident_id, district=about.district, at=self.clock.now, **more)
        self.fold(_take_command, about.district, item)
        self.settle()

    def merge(self, merged: Incident, *, into: Incident, **more: Any) -> None:
        """Somebody sees that two incidents are one."""
        self._decide("merge", merged, into=into.incident_id, **more)

    def split(self, about: Incident, *report_ids: str, **more: Any) -> None:
        """Somebody sees that some reports are about something else."""
        self._decide("split", about, report_ids=report_ids, **more)

    def _decide(self, action: str, about: Incident, *, command_id: str | None = None, **more: Any) -> None:
        base = command("note", about.incident_id, district=about.district, at=self.clock.now, command_id=command_id)
        item = Command.model_validate({**base.model_dump(), "action": action, **more})
        self.fold(_take_command, about.district, item)
        self.settle()

    def standing(self, about: Incident) -> list[str]:
        """The reports that an incident has now, as people sent them."""
        incident = self.states[about.district].incidents.get(str(about.incident_id))
        standings = incident.standings.values() if incident is not None else ()
        return [standing.report_id for standing in standings if standing.person != ITSELF]

    def changed_registry(self) -> None:
        """The registry's change reaches every district."""
        for code in self.states:
            now = self.clock.now
            timer = Timer(schema_version=1, district=code, kind=TimerKind.REGISTRY, due_at=now, at=now)
            self.fold(take_timer, code, timer)
        self.settle()

    def pass_time(self, **duration: float) -> list[TimerKind]:
        """Advance the clock and handle what came due; answers what that was."""
        self.clock.advance(**duration)
        handled = []
        for state in self.states.values():
            for timer in due(state, self.registry, self.clock.now.timestamp()):
                self.fold(take_timer, state.code, timer)
                handled.append(timer.kind)
        self.settle()
        return handled

    def take(self, accepted_report: Any) -> None:
        """One accepted report, as it is."""
        self.fold(take_report, accepted_report.station_id[:8], accepted_report)
        self.settle()

    def replay(self) -> None:
        """Everything that ever happened comes once more, in one batch."""
        with self.batch():
            for take, code, item in list(self.folded):
                self.fold(take, code, item)

    # -- how it is handled ------------------------------------------------------------------------------------------

    @contextmanager
    def batch(self) -> Iterator[None]:
        """Settle what happens within only once, at the end."""
        self._batches += 1
        try:
            yield
        finally:
            self._batches -= 1
        self.settle()

    def settle(self) -> None:
        """Settle every district, until no neighbour has anything more to say."""
        if self._batches:
            return
        while True:
            for state in self.states.values():
                settled = settle(state, self.registry)
                self.told += settled.incidents
                self.troubles += settled.troubles
                self.waiting += settled.troubles
                self.remember(settled.rows)
            if not self.waiting:
                return
            waiting, self.waiting = self.waiting, []
            for trouble in waiting:
                if trouble.to_district in self.states:
                    self.fold(take_trouble, trouble.to_district, trouble)

    def remember(self, rows: list[tuple[str, bytes | None]]) -> None:
        """Keep the newest row of each key, as the changelog does."""
        for key, value in rows:
            if value is None:
                self.rows.pop(key, None)
            else:
                self.rows[key] = value

    def restart(self) -> None:
        """The worker starts anew from what it wrote."""
        restored = restore(self.rows.items())
        self.states = {code: restored.get(code, DistrictState(code)) for code in self.states}

    def fold(self, take: Callable[..., Any], code: str, item: Any) -> None:
        """Fold one item into a district's state; a refusal is kept for the test to look at."""
        self.folded.append((take, code, item))
        refusal = take(self.states[code], item, self.registry)
        if refusal is not None:
            self.refused.append(refusal)

    # -- what is seen -----------------------------------------------------------------------------------------------

    @property
    def incidents(self) -> list[Incident]:
        """The newest snapshot of every incident, in the order they were opened."""
        newest: dict[uuid.UUID, Incident] = {}
        for incident in self.told:
            if incident.incident_id not in newest or newest[incident.incident_id].version <= incident.version:
                newest[incident.incident_id] = incident
        return list(newest.values())

    @property
    def open(self) -> list[Incident]:
        """The incidents that somebody has to deal with."""
        return [incident for incident in self.incidents if incident.state.is_open]

    @property
    def incident(self) -> Incident:
        """The only incident there is."""
        (only,) = self.incidents
        return only

    def at(self, station: str | None) -> Incident:
        """The only incident at a station (None: of a whole district)."""
        (only,) = [incident for incident in self.incidents if incident.station_id == station]
        return only

    def changes(self, incident: Incident | None = None) -> list[Change]:
        """Everything that happened to an incident, in order."""
        about = (incident or self.incident).incident_id
        versions = {i.version: i for i in self.told if i.incident_id == about}
        return [entry.change for version in sorted(versions) for entry in versions[version].history]


def _take_command(state: DistrictState, item: Command, registry: Registry) -> Refusal | None:
    return take_command(state, forwarded(state, item), registry)


__all__ = ["DEVICE", "MORNING", "Clock", "World", "stations"]
