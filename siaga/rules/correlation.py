"""Which incident a report belongs to.

Source of the rule: the design's "From reports to incidents". A report joins the incident of the same station and
family whose last report is within the window; an open one goes before a closed one, a nearer before a farther.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Candidate:
    """An incident at the report's station and of its family. Times are epoch seconds."""

    incident_id: str
    first_at: float
    last_at: float
    is_open: bool


def correlate(candidates: Iterable[Candidate], at: float, window: float) -> str | None:
    """The incident a report of the time ``at`` joins, or None where it opens a new one.

    Reports arrive out of order, so one that happened up to ``window`` seconds *before* the first report joins too.
    The answer does not depend on the order of the candidates.
    """
    best: tuple[bool, float, float, str] | None = None
    for candidate in candidates:
        distance = max(candidate.first_at - at, at - candidate.last_at, 0.0)
        if distance > window:
            continue
        rank = (not candidate.is_open, distance, -candidate.first_at, candidate.incident_id)
        if best is None or rank < best:
            best = rank
    return None if best is None else best[3]
