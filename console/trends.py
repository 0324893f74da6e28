"""Incidents over time, as bars of a chart: as many as can be looked at, however long the day has lasted.

In: when each incident opened and its family. Out: how long a bar is, and every bar. Pure: the time comes in.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

#: How long a bar may be (seconds), and how many there are at most: a drill of ten minutes has bars as a day has.
STEPS: Final = (60, 300, 900, 1800, 3600, 7200, 14_400, 28_800, 86_400)
MOST: Final = 24
#: Seconds by which the day of western Indonesia, whose clock the page shows, begins before that of UTC.
_WIB: Final = 7 * 3600


def over_time(opened: Sequence[tuple[float, str]], now: float) -> tuple[int, list[dict[str, Any]]]:
    """The length of a bar in seconds, and the bars from the first incident until ``now``, empty ones among them.

    Args:
        opened: when (epoch seconds), and of which family, in any order.
        now: epoch seconds.
    """
    first = min((at for at, _ in opened), default=now)
    last = max(now, *(at for at, _ in opened), first)
    step = next((s for s in STEPS if _place(last, s) - _place(first, s) < MOST), STEPS[-1])
    if not opened:
        return step, []
    begin = _place(first, step)
    bars: list[Counter[str]] = [Counter() for _ in range(_place(last, step) - begin + 1)]
    for at, family in opened:
        bars[_place(at, step) - begin][family] += 1
    return step, [{"at": (begin + n) * step - _WIB, "families": dict(bar)} for n, bar in enumerate(bars)]


def _place(at: float, step: int) -> int:
    return math.floor((at + _WIB) / step)
