"""Plays a scenario against a running Siaga and watches what comes of it.

Input: a scenario, the gateway, Kafka and the database. Output: a :class:`Report`. What it began is dismissed at the
end, and a calendar that it changed is put back, whatever happens.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from operator import not_
from typing import Any, Final
from uuid import UUID

from siaga.contracts.command import Action, Command
from siaga.contracts.escalation import EscalationState
from siaga.device import Unanswered
from siaga.escalation.policy import Desk
from siaga.scenario import look
from siaga.scenario.calendar import played_by
from siaga.scenario.checkins import CheckIns
from siaga.scenario.judge import PageSeen, Seen, unmet
from siaga.scenario.look import Where
from siaga.scenario.parts import Parts, Unplayable
from siaga.scenario.script import PLACEHOLDER, Done, Expected, Said, Scenario, Step
from siaga.waiting import wait_for
from siaga.wire.commands import CommandError, publish_commands

_LOOK_EVERY: Final = 0.15
#: Seconds that the machinery itself may take, whatever the speed of the calendar.
_SLACK: Final = 6.0
#: A silence of fewer stations than this is no outage of a district.
_OUTAGE_STATIONS: Final = 5
_OVER: Final = tuple(state.value for state in EscalationState if state.is_over)


class _Failed(RuntimeError):
    """A step did not come as expected."""


@dataclass(frozen=True, slots=True)
class Line:
    """What one step came to, so many seconds after the beginning."""

    at: float
    ok: bool
    text: str


@dataclass(slots=True)
class Report:
    """What came of a scenario. ``pages`` are those of its incidents, oldest first, with the incident's name."""

    scenario: Scenario
    district: str
    speed: float
    began: float
    lines: list[Line] = field(default_factory=list)
    pages: list[tuple[str, PageSeen]] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether everything came as expected."""
        return all(line.ok for line in self.lines)


class Player:
    """Plays one scenario."""

    def __init__(
        self,
        parts: Parts,
        scenario: Scenario,
        *,
        speed: float | None = None,
        may_change: bool = False,
        district: str | None = None,
    ) -> None:
        """Without a ``speed`` of its own it is played by the calendar that is loaded.

        Args:
            parts: what it is played against.
            scenario: what is played.
            speed: play it by another calendar, which is so fast.
            may_change: play it by another calendar, at its own speed, also where the one that is loaded is of
                another stage or of the real day.
            district: its code; one with little trouble by default.
        """
        self._parts = parts
        self._scenario = scenario
        self._own_speed = speed
        self._may_change = may_change
        self._asked = district
        self._reports: dict[str, str] = {}
        #: Names of outages, and the districts they are of.
        self._outages: dict[str, str] = {}
        self._checkins: CheckIns | None = None
        self._began = time.monotonic()
        self._opened = datetime.now(UTC)
        self._speed = 1.0

    def play(self, narrate: Callable[[Line], None]) -> Report:
        """Play it to its end, or to the first step that does not come as expected.

        Raises:
            Unplayable: it cannot be played here.
        """
        with self._parts.reading() as connection:
            calendar = look.calendar(connection)
            where = look.choose_place(
                connection,
                self._scenario.places,
                district=self._asked,
                stations_at_least=1 if self._scenario.is_drill else _OUTAGE_STATIONS,
            )
        if where is None:
            raise Unplayable(
                f"stations: no district has {len(self._scenario.places)} calm villages with stations; "
                "load more stations, or name another --district"
            )
        by = played_by(self._parts, self._scenario, calendar, speed=self._own_speed, may_change=self._may_change)
        with by as self._speed:
            report = Report(self._scenario, where.district, self._speed, time.time())
            self._began, self._opened = time.monotonic(), datetime.now(UTC)
            try:
                self._check_in(where)
                for step in self._scenario.step:
                    line = self._line(step, where)
                    report.lines.append(line)
                    narrate(line)
                    if not line.ok:
                        break
                report.pages = self._pages()
            finally:
                self._clear()
        if self._checkins is not None and self._checkins.refused:
            text = f"check-ins: the gateway refused {self._checkins.refused}; give the device a greater rate"
            report.lines.append(Line(time.monotonic() - self._began, False, text))
        return report

    def _line(self, step: Step, where: Where) -> Line:
        try:
            text = self._step(step, where)
            return Line(time.monotonic() - self._began, True, text)
        except (_Failed, Unanswered, CommandError) as error:
            return Line(time.monotonic() - self._began, False, str(error))

    def _step(self, step: Step, where: Where) -> str:
        if step.report is not None:
            return self._report(step.report, where)
        if step.command is not None:
            return self._command(step.command, where)
        if step.stations is not None:
            return self._stations(step.stations, step.outage, where)
        if step.expect is None:  # the script holds one of the four
            raise _Failed("step: holds nothing to do")
        return self._expect(step.expect, step.within, step.throughout, where)

    # -- what is done ---------------------------------------------------------------------------------------------

    def _report(self, said: Said, where: Where) -> str:
        report_id = str(uuid.uuid4())
        facts = {name: self._filled(value, where) for name, value in said.facts.items()}
        self._parts.gateway.report(
            {
                "schema_version": 1,
                "report_id": report_id,
                "kind": said.kind,
                "station_id": where.places[said.place],
                "occurred_at": datetime.now(UTC).isoformat(),
                "reporter": {"id": said.by, "role": said.role.value},
                "facts": facts,
                "text": said.text,
                "drill": self._scenario.is_drill,
            }
        )
        self._reports[said.name] = report_id
        return f"{said.role.value} reports {said.kind} at {where.places[said.place]} ({said.name})"

    def _filled(self, value: Any, where: Where) -> Any:
        if not isinstance(value, str) or not PLACEHOLDER.match(value):
            return value
        return self._resolved(value, where, ())

    def _resolved(self, text: str, where: Where, names: Sequence[str]) -> str:
        found = self._resolve(text, where, self._seen(), names)
        if found is None:
            raise _Failed(f"{text}: there is no such unit here, or nobody is on duty at it")
        return found

    def _resolve(self, text: str, where: Where, seen: dict[str, Seen | None], names: Sequence[str]) -> str | None:
        """A unit for ``{polsek}``; for ``{polsek/duty}`` whoever was called there last, or else is on duty there."""
        match = PLACEHOLDER.match(text)
        if match is None:
            return text
        kind, role = match.groups()
        if role is not None:
            ones = [one for one in (seen.get(name) for name in names) if one is not None]
            at_desk = [page for one in ones for page in one.pages if page.desk == f"{kind}/{role}"]
            if at_desk:
                return at_desk[-1].officer_id
        with self._parts.reading() as connection:
            roster = look.roster_of(connection, where.district)
        if role is None:
            return next((unit.agency for unit in roster.units(kind, where.district)), None)
        seats = roster.on_duty(Desk(kind, role), where.district, time.time())
        return seats[0].officer.officer_id if seats else None

    def _command(self, done: Done, where: Where) -> str:
        seen = self._seen().get(done.incident)
        if seen is None:
            raise _Failed(f"{done.incident}: there is no incident of it yet")
        names = (done.incident, *self._reports, *self._outages)
        by = self._resolved(done.by, where, names)
        assignee = None if done.assignee is None else self._resolved(done.assignee, where, names)
        since = datetime.now(UTC)
        command = Command(
            schema_version=1,
            command_id=uuid.uuid4(),
            incident_id=UUID(seen.incident_id),
            district=seen.district,
            action=done.action,
            by=by,
            at=since,
            reason=done.reason,
            severity=done.severity,
            assignee=assignee,
            agency=done.agency,
            minutes=done.minutes,
        )
        publish_commands(self._parts.settings, [command], source="scenario")
        text = f"{by}: {done.action.value} ({done.incident})"
        if not done.refused:
            return text
        refused = self._until(lambda: self._refusal(command.command_id, since), _SLACK)
        if refused is None:
            raise _Failed(f"{text}: was not refused")
        return f"{text}: refused, {refused}"

    def _refusal(self, command_id: UUID, since: datetime) -> str | None:
        with self._parts.reading() as connection:
            return self._parts.refusal(connection, command_id, since)

    def _stations(self, what: str, outage: str | None, where: Where) -> str:
        if self._checkins is None:
            raise _Failed("stations: nobody checks in")
        if outage is not None:
            self._outages[outage] = where.district
        if what == "silent":
            self._checkins.silence(where.here)
        else:
            self._checkins.wake(where.here)
        return f"{len(where.here)} stations of {where.district} {'fall silent' if what == 'silent' else 'are back'}"

    # -- what is expected -----------------------------------------------------------------------------------------

    def _expect(self, expected: Expected, within: float | None, throughout: float | None, where: Where) -> str:
        began = time.monotonic()
        seconds = (within or throughout or 0.0) * 60.0 / self._speed
        problems: list[str] = []

        def look_again() -> bool:
            problems[:] = self._unmet(expected, where)
            return not problems

        if within is not None:
            if not self._until(look_again, seconds + _SLACK):
                raise _Failed(f"within {within:g} min: {'; '.join(problems)}")
            return f"{_told(expected)}: so after {time.monotonic() - began:.1f} s"
        # What was decided just before takes a moment to come through.
        if not self._until(look_again, _SLACK) or not wait_for(look_again, seconds, every=_LOOK_EVERY, enough=not_):
            raise _Failed(f"throughout {throughout:g} min: {'; '.join(problems)}")
        return f"{_told(expected)}: stayed so for {seconds:.1f} s"

    def _unmet(self, expected: Expected, where: Where) -> list[str]:
        seen = self._seen()
        names = list(expected.incidents)
        return unmet(expected, seen, lambda text: self._resolve(text, where, seen, names))

    def _until(self, asked: Callable[[], Any], seconds: float) -> Any:
        """What ``asked`` gives as soon as that is something, within so many seconds; else what it gave last."""
        return wait_for(asked, seconds, every=_LOOK_EVERY)

    def _seen(self) -> dict[str, Seen | None]:
        with self._parts.reading() as connection:
            of_report = look.incidents_of(connection, self._reports.values())
            named = {name: of_report.get(report) for name, report in self._reports.items()}
            for name in self._outages:
                named[name] = look.outage_of(connection, self._outages[name], self._opened)
            found = look.see(connection, {one for one in named.values() if one is not None})
        return {name: None if one is None else found.get(one) for name, one in named.items()}

    def _pages(self) -> list[tuple[str, PageSeen]]:
        by_incident: dict[str, tuple[str, Seen]] = {}
        for name, one in self._seen().items():
            if one is not None:
                by_incident.setdefault(one.incident_id, (name, one))
        pages = [(name, page) for name, one in by_incident.values() for page in one.pages]
        return sorted(pages, key=lambda pair: pair[1].due_at)

    def _check_in(self, where: Where) -> None:
        every = self._scenario.checkin_minutes
        if every is not None:
            stations = (*where.here, *where.elsewhere)
            self._checkins = CheckIns(self._parts.gateway, stations, every * 60.0 / self._speed)
            self._checkins.start()

    def _clear(self) -> None:
        """End what was begun, so that nobody is called about it any more."""
        if self._checkins is not None:
            self._checkins.stop()
        now = datetime.now(UTC)
        left = {
            one.incident_id: one for one in self._seen().values() if one is not None and one.escalation not in _OVER
        }
        commands = [
            Command(
                schema_version=1,
                command_id=uuid.uuid4(),
                incident_id=UUID(one.incident_id),
                district=one.district,
                action=Action.RESOLVE,
                by="posko",
                at=now,
                reason="latihan selesai / the drill is over",
            )
            for one in left.values()
        ]
        if commands:
            publish_commands(self._parts.settings, commands, source="scenario")


def _told(expected: Expected) -> str:
    """An expectation in a few words."""
    said = expected.model_dump(mode="json", exclude_defaults=True, exclude={"incidents", "called"})
    words = [name.replace("_", " ") if value is True else f"{name} {value}" for name, value in said.items()]
    words += [f"level {one.level}: {', '.join(one.desks)}" for one in expected.called]
    return f"{', '.join(expected.incidents)}: {'; '.join(words)}"
