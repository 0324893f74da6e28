"""When a station is silent, and when the silence of many is one outage.

Source of the rule: the design's "From reports to incidents". Times are epoch seconds.
"""

from __future__ import annotations

from siaga.contracts.registry import StageEntry
from siaga.rules.windows import Windows


def allowance(stage: StageEntry | None, windows: Windows) -> float | None:
    """Seconds that a station may let pass between two check-ins, or None where the stage expects none."""
    if stage is None or stage.checkin_every is None:
        return None
    return stage.checkin_every.total_seconds() + windows.silence_grace.total_seconds()


def deadline(heard: float, stage: StageEntry | None, windows: Windows) -> float | None:
    """Until when a station that was ``heard`` then may stay quiet; None where nothing is expected of it."""
    allowed = allowance(stage, windows)
    if stage is None or allowed is None:
        return None
    return max(heard, stage.starts_at.timestamp()) + allowed


def is_outage(silent: int, expected: int, windows: Windows) -> bool:
    """Whether so many silent stations of those ``expected`` to check in are the outage of their district."""
    return silent >= windows.outage_stations and silent >= windows.outage_share * expected


def is_outage_still(silent: int, expected: int, windows: Windows) -> bool:
    """Whether an outage lasts.

    It ends at half of what it takes to begin one, so that a district on the brink does not begin and end one with
    every check-in. The stations silent then are looked at one by one: alone among their neighbours, they matter more.
    """
    return silent >= windows.outage_stations / 2 and silent >= windows.outage_share / 2 * expected
