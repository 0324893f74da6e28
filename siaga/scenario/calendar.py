"""The calendar that a scenario is played by: the one that is loaded, or one of its own for as long as it is played.

Input: the scenario and the calendar that is loaded. Output: the speed of the one it is played by. State: the
registry, which has the calendar of before again at the end, whatever happens.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Final

from siaga.contracts.registry import Calendar, StageEntry
from siaga.scenario import look
from siaga.scenario.parts import Parts, Unplayable
from siaga.scenario.script import Scenario
from siaga.waiting import wait_for
from siaga.wire.registry_tail import publish_entries

#: Election minutes in a real one, where a scenario chooses for itself.
_OWN_SPEED: Final = 30.0
_LOOK_EVERY: Final = 0.15
_STORED_SECONDS: Final = 20.0
#: From a calendar's being stored until every process surely follows it: none of them tells that it does.
_SETTLE: Final = 1.5


@contextmanager
def played_by(
    parts: Parts, scenario: Scenario, before: Calendar | None, *, speed: float | None, may_change: bool
) -> Iterator[float]:
    """Have the scenario's stage while it is played, and give the speed.

    Args:
        parts: what it is played against.
        scenario: what is played.
        before: the calendar that is loaded.
        speed: play it by another calendar, which is so fast.
        may_change: play it by another calendar, at a speed of its own, also where the one that is loaded is of
            another stage or of the real day.

    Raises:
        Unplayable: the calendar that is loaded does not fit, or another one did not reach the database.
    """
    misfit = _misfit(scenario, before)
    if speed is None and may_change and (misfit is not None or before is None or before.speed <= 1.0):
        speed = _OWN_SPEED
    if speed is None:
        if before is None or misfit is not None:
            raise Unplayable(f"{misfit}; or play it in a demonstration")
        yield before.speed
        return
    try:
        _load(parts, _calendar_of(scenario, speed))
        yield speed
    finally:
        _load(parts, before or Calendar(schema_version=1, election="none", name="-", stages=()))


def _calendar_of(scenario: Scenario, speed: float) -> Calendar:
    now, every = datetime.now(UTC), scenario.checkin_minutes
    return Calendar(
        schema_version=1,
        election="latihan",
        name="Latihan / Drill",
        speed=speed,
        stages=(
            StageEntry(
                stage=scenario.stage,
                starts_at=now,
                ends_at=now + timedelta(hours=6),
                checkin_every=None if every is None else timedelta(minutes=every / speed),
            ),
        ),
    )


def _misfit(scenario: Scenario, calendar: Calendar | None) -> str | None:
    """Why the scenario cannot be played by what is loaded, or None."""
    if not scenario.is_drill:
        return "stations: silence cannot be marked as a drill"
    now = datetime.now(UTC)
    stages = () if calendar is None else calendar.stages
    stage = next((entry.stage for entry in stages if entry.starts_at <= now < entry.ends_at), None)
    if stage is scenario.stage:
        return None
    return f"stage: it is {stage or 'none'}, and the scenario is of {scenario.stage}; load a calendar that has it now"


def _load(parts: Parts, calendar: Calendar) -> None:
    publish_entries(parts.settings, [calendar])

    def is_stored() -> bool:
        with parts.reading() as connection:
            return look.calendar(connection) == calendar

    if not wait_for(is_stored, _STORED_SECONDS, every=_LOOK_EVERY):
        raise Unplayable("calendar: did not reach the database; see that the sinks run")
    time.sleep(_SETTLE)
