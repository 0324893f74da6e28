"""The routine: what every station's phone says on schedule, with the faults that phones have.

Nothing here follows from a station's vulnerability: how many guard it would tell everybody its class.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

from producers.simulate.chance import ID_BITS, chance
from siaga.contracts.registry import StageEntry, StationEntry
from siaga.types import Stage

#: Of an interval: how much later than due a check-in happens (at most), and how much later a late one is sent.
JITTER = 0.5
LATE = (1 / 3, 4 / 3)
#: Shares of check-ins that are late, that are sent twice, and of phones whose clock is wrong.
LATE_SHARE = 0.015
TWICE_SHARE = 0.01
WRONG_CLOCKS = 0.006
#: How wrong clocks are wrong, in seconds: half a day or days ahead, or some minutes behind.
CLOCKS = (12 * 3600.0, 24 * 3600.0, 3 * 86400.0, -12 * 60.0, -25 * 60.0)


@dataclass(frozen=True, slots=True)
class Phone:
    """One station's phone and the people who hold it."""

    station: StationEntry
    share: float
    queue: float
    personnel: int
    clock: float


@dataclass(frozen=True, slots=True)
class Slot:
    """A time at which check-ins are due, in epoch seconds; ``progress`` is how much of the stage is over, 0 to 1."""

    at: float
    every: float
    phase: str
    progress: float


@dataclass(frozen=True, slots=True)
class Said:
    """One check-in: when it happened and when the phone sends it. ``bits`` seed its id."""

    happened: float
    sent: tuple[float, ...]
    phone: int
    bits: int


def phones(stations: Sequence[StationEntry], seed: int) -> list[Phone]:
    """Each station's phone, in the order of the stations."""
    rng = chance(seed, "phones")
    return [
        Phone(
            station=station,
            share=rng.uniform(0.55, 0.86),
            queue=rng.uniform(4, 30),
            personnel=rng.choice((1, 1, 2, 2, 3)),
            clock=rng.choice(CLOCKS) if rng.random() < WRONG_CLOCKS else 0.0,
        )
        for station in stations
    ]


def slots(stages: Sequence[StageEntry]) -> list[Slot]:
    """Every time a check-in is due during ``stages``, once each; the last of the day says the station is closed."""
    found: dict[float, Slot] = {}
    for stage in stages:
        if stage.checkin_every is None:
            continue
        start, end = stage.starts_at.timestamp(), stage.ends_at.timestamp()
        every = stage.checkin_every.total_seconds()
        phase = stage.phase or ("voting" if stage.stage is Stage.VOTING else "counting")
        for k in range(int((end - start) / every + 1e-6) + 1):
            opening = stage.stage is Stage.VOTING and k == 0
            # Rounded to the millisecond, so that the end of one stage and the start of the next are one slot.
            at = round(start + k * every, 3)
            found[at] = Slot(at, every, "open" if opening else str(phase), k * every / (end - start))
    due = [found[at] for at in sorted(found)]
    if due:
        last = due[-1]
        due[-1] = Slot(last.at, last.every, "closed", 1.0)
    return due


def said_at(slot: Slot, count: int, rng: Random) -> Iterator[Said]:
    """What ``count`` phones say at one slot, in the order of the phones."""
    for phone in range(count):
        happened = slot.at + rng.random() * JITTER * slot.every
        fate = rng.random()
        sent = happened + 0.01 * slot.every * rng.random()
        again: tuple[float, ...] = ()
        if fate < LATE_SHARE:
            sent = happened + rng.uniform(*LATE) * slot.every
        elif fate < LATE_SHARE + TWICE_SHARE:
            again = (sent + rng.uniform(0.005, 0.3) * slot.every,)
        yield Said(happened, (sent, *again), phone, rng.getrandbits(ID_BITS))


def content(phone: Phone, slot: Slot) -> dict[str, object]:
    """What a check-in says: turnout only grows, the queue is longest in the morning."""
    voters = phone.station.voters or 400
    voting = slot.phase in ("open", "voting")
    # Most vote in the first half: a curve that rises fast and flattens.
    turnout = voters * phone.share * (1 - (1 - slot.progress) ** 1.7 if voting else 1.0)
    queue = phone.queue * math.exp(-(((slot.progress - 0.3) / 0.3) ** 2)) if voting else 0.0
    return {
        "phase": slot.phase,
        "turnout": int(turnout),
        "queue": int(queue),
        "personnel": phone.personnel,
    }
