"""The demonstration's registry: who votes where, and a day that begins now and runs as fast as asked."""

from __future__ import annotations

from datetime import datetime

from producers.simulate.places import play_districts
from siaga.contracts.registry import Calendar, RegistryEntry
from siaga.election.calendar import builtin_calendar_text, parse_calendar
from siaga.election.geo import neighbours
from siaga.rules.windows import Windows
from siaga.types import Stage


def demo_entries(
    *, villages: int | None, seed: int, speed: float, starting: datetime, expect_checkins: bool = True
) -> list[RegistryEntry]:
    """The calendar and the districts with their stations and neighbours, ready to be published.

    Args:
        villages: how many of the 285 villages vote; ``None`` means all.
        seed: decides positions, classes and which villages vote.
        speed: election hours in one real hour.
        starting: when voting begins, with an offset.
        expect_checkins: false where nobody plays the officers, so that no station is held to be silent.

    Raises:
        ValueError: there are not so many villages, or ``starting`` has no offset.
    """
    districts = play_districts(villages, seed)
    # Distances do not change with speed: the reach of a spread is the built-in one.
    near = neighbours(districts, Windows().spread_metres)
    stations = [d.model_copy(update={"neighbours": near.get(d.district, ())}) for d in districts]
    return [play_calendar(speed=speed, starting=starting, expect_checkins=expect_checkins), *stations]


def play_calendar(*, speed: float, starting: datetime, expect_checkins: bool = True) -> Calendar:
    """The built-in calendar, moved so that voting begins at ``starting``, at ``speed``.

    Raises:
        ValueError: ``starting`` has no offset, or the calendar has no voting.
    """
    if starting.tzinfo is None:
        raise ValueError(f"starting: {starting.isoformat()} has no offset; add one, such as +07:00")
    calendar = parse_calendar(builtin_calendar_text(), speed=speed, starting=starting)
    voting = next((entry for entry in calendar.stages if entry.stage is Stage.VOTING), None)
    if voting is None:
        raise ValueError("calendar: has no voting stage, so there is no day to play; add it")
    # "Starting" is the moment the first voter comes, whatever stages the calendar sets before it.
    shift = starting - voting.starts_at
    stages = tuple(
        entry.model_copy(
            update={
                "starts_at": entry.starts_at + shift,
                "ends_at": entry.ends_at + shift,
                "checkin_every": entry.checkin_every if expect_checkins else None,
            }
        )
        for entry in calendar.stages
    )
    return calendar.model_copy(update={"stages": stages})
