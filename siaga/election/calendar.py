"""The stages of an election: read from TOML, moved and sped up for a demonstration, and asked which one it is.

Input: a calendar as TOML (``siaga/data/calendar.toml`` unless another is loaded). Output: the contract
:class:`~siaga.contracts.registry.Calendar`. State: none.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cache
from importlib.resources import files
from itertools import pairwise
from typing import Any, Final
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from siaga.contracts.decode import problems_of
from siaga.contracts.registry import Calendar, StageEntry
from siaga.rules.errors import Findings, read_toml
from siaga.types import Stage

_FIELDS: Final = ("election", "name", "timezone", "stage")
_STAGE_FIELDS: Final = ("stage", "starts_at", "ends_at", "checkin_minutes", "phase")
_MINUTES: Final = "write minutes, such as 15"


def parse_calendar(text: str, *, speed: float = 1.0, starting: datetime | None = None) -> Calendar:
    """Read a calendar.

    Args:
        text: TOML; ``siaga/data/calendar.toml`` says how it is written.
        speed: election hours in one real hour; every duration of the calendar is divided by it.
        starting: when voting begins (the first stage, where there is no voting), with an offset; as written by
            default. The other stages keep their distances from it.

    Raises:
        RulesError: something is wrong with it; every problem is named with its remedy.
        ValueError: ``speed`` or ``starting`` cannot be used.
    """
    if not 0 < speed <= 100_000:
        raise ValueError(f"speed: {speed} is out of range; choose one above 0 and up to 100,000")
    if starting is not None and starting.tzinfo is None:
        raise ValueError(f"starting: {starting.isoformat()} has no offset; add one, such as +07:00")
    table = read_toml(text)
    found = Findings()
    found.unknown("", table, _FIELDS, "part of a calendar")
    found.token("election", table.get("election"), "pilkades-2022")
    found.text("name", table.get("name"), "write the name of the election")
    timezone = table.get("timezone", "Asia/Jakarta")
    if not _is_timezone(timezone):
        found.add("timezone", "is no time zone", "write one of the IANA names, such as 'Asia/Jakarta'")
    entries = table.get("stage")
    if not isinstance(entries, list) or not entries:
        found.add("stage", "there is none", "add at least one [[stage]]")
        entries = []
    stages = [_stage(f"stage[{index}]", entry, found) for index, entry in enumerate(entries)]
    found.raise_any()
    told = [stage for stage in stages if stage is not None]
    _in_order(told, found)
    found.raise_any()
    return Calendar(
        schema_version=1,
        election=table["election"],
        name=table["name"],
        timezone=timezone,
        speed=speed,
        stages=tuple(_played(told, speed, starting)),
    )


def _is_timezone(name: object) -> bool:
    try:
        return isinstance(name, str) and ZoneInfo(name) is not None
    except (KeyError, ValueError, OSError):  # not found, not a name at all, or the name of a folder
        return False


def _stage(place: str, entry: Any, found: Findings) -> StageEntry | None:
    if not isinstance(entry, dict):
        found.add(place, "is not a table", "begin it with [[stage]]")
        return None
    found.unknown(place, entry, _STAGE_FIELDS, "field of a stage")
    fields = {name: entry[name] for name in _STAGE_FIELDS if name in entry}
    minutes = fields.pop("checkin_minutes", None)
    if minutes is not None:
        if isinstance(minutes, bool) or not isinstance(minutes, int | float) or not 0 < minutes <= 24 * 60:
            found.add(f"{place}.checkin_minutes", "is no number of minutes from above 0 to a day", _MINUTES)
            return None
        fields["checkin_every"] = timedelta(minutes=minutes)
    try:
        return StageEntry.model_validate(fields)
    except ValidationError as error:
        for problem in problems_of(error):
            found.add(f"{place}.{problem.field}", problem.message, problem.remedy)
        return None


def _in_order(stages: list[StageEntry], found: Findings) -> None:
    for index, (before, after) in enumerate(pairwise(stages), 1):
        if after.starts_at < before.ends_at:
            found.add(
                f"stage[{index}].starts_at",
                f"{after.stage} starts before {before.stage} is over",
                "put the stages in order and have none overlap",
            )


def _played(stages: list[StageEntry], speed: float, starting: datetime | None) -> list[StageEntry]:
    """The stages moved to ``starting`` and ``speed`` times as fast."""
    anchor = next((entry for entry in stages if entry.stage is Stage.VOTING), stages[0]).starts_at
    origin = anchor if starting is None else starting
    return [
        StageEntry(
            stage=entry.stage,
            starts_at=origin + (entry.starts_at - anchor) / speed,
            ends_at=origin + (entry.ends_at - anchor) / speed,
            checkin_every=entry.checkin_every / speed if entry.checkin_every is not None else None,
            phase=entry.phase,
        )
        for entry in stages
    ]


class Timetable:
    """A calendar made ready to be asked for every message."""

    __slots__ = ("_spans",)

    def __init__(self, calendar: Calendar | None) -> None:
        stages = calendar.stages if calendar is not None else ()
        self._spans = tuple((entry.starts_at.timestamp(), entry.ends_at.timestamp(), entry) for entry in stages)

    def at(self, at: float) -> StageEntry | None:
        """The stage at ``at`` (epoch seconds), or None between stages. The end of a stage is no longer in it."""
        for starts, ends, entry in self._spans:
            if starts <= at < ends:
                return entry
        return None


def stage_at(calendar: Calendar | None, at: float) -> StageEntry | None:
    """The stage at ``at`` (epoch seconds), or None where there is none."""
    return Timetable(calendar).at(at)


@cache
def builtin_calendar_text() -> str:
    """The calendar that comes with Siaga, as TOML."""
    return (files("siaga.data") / "calendar.toml").read_text(encoding="utf-8")
