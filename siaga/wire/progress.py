"""For how long records have waited while whoever reads them does not move. Pure."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Generic, TypeVar

Place = TypeVar("Place", bound=Hashable)


class Progress(Generic[Place]):
    """What was seen look by look; times in seconds of any clock that only goes forward.

    Partition by partition: that some districts are handled is no help to those whose reports wait.
    """

    def __init__(self) -> None:
        self._reached: dict[Place, int] = {}
        self._since: dict[Place, float] = {}

    def observe(self, ends: Mapping[Place, int], reached: Mapping[Place, int], now: float) -> float:
        """Take in one look; answers for how many seconds records have waited in vain where they waited longest."""
        for place, end in ends.items():
            offset = reached.get(place, 0)
            if offset >= end or self._reached.get(place) != offset:
                self._since.pop(place, None)
            else:
                self._since.setdefault(place, now)
        self._since = {place: since for place, since in self._since.items() if place in ends}
        self._reached = {place: reached.get(place, 0) for place in ends}
        return max((now - since for since in self._since.values()), default=0.0)
