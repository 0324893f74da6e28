"""A voting day for tests of the simulation: its calendar and its plan."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from producers.simulate.places import play_districts
from producers.simulate.plan import Event, plan_day
from producers.simulate.script import Script
from siaga.contracts.checkin import Phase
from siaga.contracts.registry import Calendar, StageEntry
from siaga.types import Stage

OPENING = datetime(2022, 2, 23, 0, 0, tzinfo=UTC)


def voting_day(
    speed: float = 60.0, starting: datetime = OPENING, every: timedelta | None = timedelta(minutes=15)
) -> Calendar:
    """Six hours of voting and six of counting, at ``speed``, with a check-in ``every`` so often."""

    def stage(stage: Stage, first: int, last: int, phase: Phase) -> StageEntry:
        return StageEntry(
            stage=stage,
            starts_at=starting + timedelta(hours=first) / speed,
            ends_at=starting + timedelta(hours=last) / speed,
            checkin_every=every / speed if every else None,
            phase=phase,
        )

    return Calendar(
        schema_version=1,
        election="pilkades-uji",
        name="Pilkades uji",
        speed=speed,
        stages=(stage(Stage.VOTING, 0, 6, Phase.VOTING), stage(Stage.COUNTING, 6, 12, Phase.COUNTING)),
    )


def day(
    *,
    villages: int = 33,
    seed: int = 1,
    speed: float = 60.0,
    starting: datetime = OPENING,
    script: Script | None = None,
) -> list[Event]:
    """The whole plan of a day."""
    return list(plan_day(play_districts(villages, seed), voting_day(speed, starting), seed, script=script))
