"""Every duration that a rule uses, in one place, so that a demo can run a whole day faster."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from datetime import timedelta
from typing import Self


@dataclass(frozen=True, slots=True)
class Windows:
    """Durations on the real clock. Distances do not change with speed."""

    #: A report joins an open incident whose last report is within this time.
    correlate: timedelta = timedelta(minutes=45)
    #: Reports of the same id are one report for this long.
    dedupe: timedelta = timedelta(hours=48)
    #: A time further ahead than this is a wrong clock.
    clock_skew: timedelta = timedelta(minutes=10)
    #: Troubles of one family within this time may be one spread.
    spread: timedelta = timedelta(minutes=30)
    #: How much later than due a check-in may come before its station is silent.
    silence_grace: timedelta = timedelta(minutes=30)
    #: Troubled stations of one family that make a cluster.
    spread_stations: int = 3
    #: How near stations across a border are, in metres.
    spread_metres: float = 5_000.0
    #: Share of a district's expected stations whose silence is an outage of the district.
    outage_share: float = 0.5
    #: Fewer silent stations than this are never an outage.
    outage_stations: int = 5
    #: Election hours in one real hour: 1, or a demo's speed.
    speed: float = 1.0

    def at_speed(self, speed: float) -> Self:
        """The same windows with every duration divided by ``speed`` (1 is the real day)."""
        faster = {
            f.name: getattr(self, f.name) / speed
            for f in fields(self)
            if isinstance(getattr(self, f.name), timedelta)
        }
        return replace(self, **faster, speed=speed)
