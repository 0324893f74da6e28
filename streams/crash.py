"""Points at which a test may have a stream worker die, with pages to be told: see :mod:`siaga.crash`."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from siaga.contracts.topics import PAGES
from siaga.crash import ARMED, pass_by
from streams.outputs import Outgoing


class Point(StrEnum):
    """Where it may die."""

    #: It remembers that somebody is called, and told nobody.
    AFTER_STATE = "after_state"
    #: It told, and what it was told itself is not acknowledged.
    AFTER_OUTPUTS = "after_outputs"


def pass_by_with(point: Point, records: Iterable[Outgoing]) -> None:
    """Go on, or die here where there are pages among ``records``."""
    if ARMED and any(record.topic == PAGES for record in records):
        pass_by(point)
