"""Rate limits of one contact, declared as data: how many messages they may get within how long.

Input: when messages were sent, and the time. Output: when the next may go. Pure; times are epoch seconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limit:
    """At most ``messages`` within any ``seconds``."""

    messages: int
    seconds: float


def free_at(sent: Iterable[float], limits: Sequence[Limit], now: float) -> float:
    """When another message may be sent: ``now``, or the first moment at which no limit is passed by it."""
    times = sorted(sent, reverse=True)
    free = now
    for limit in limits:
        # The one that has to leave the window before another fits.
        if len(times) >= limit.messages:
            free = max(free, times[limit.messages - 1] + limit.seconds)
    return free


def longest(limits: Sequence[Limit]) -> float:
    """For how many seconds a message counts."""
    return max((limit.seconds for limit in limits), default=0.0)
