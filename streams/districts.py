"""The districts of this worker: what triage remembers of each, and which of them the present batch changed."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from siaga.contracts.topics import partition_of
from siaga.triage.rows import restore
from siaga.triage.state import DistrictState


class Districts:
    """States by district code, for the partitions a worker has among ``partitions``.

    A state comes into being when its district is first heard of, and is dropped with its partition.
    """

    def __init__(self, partitions: int) -> None:
        self._partitions = partitions
        self._where: dict[str, int] = {}
        self.states: dict[str, DistrictState] = {}
        self.owned: frozenset[int] = frozenset()
        #: Changed since the last batch was settled, in the order of change.
        self.touched: dict[str, DistrictState] = {}

    def partition(self, district: str) -> int:
        """The partition a district's records have."""
        where = self._where.get(district)
        if where is None:
            where = self._where[district] = partition_of(district, self._partitions)
        return where

    def touch(self, district: str) -> DistrictState:
        """The state of a district that is about to change."""
        state = self.states.get(district)
        if state is None:
            state = self.states[district] = DistrictState(district)
        self.touched[district] = state
        return state

    def take_touched(self) -> list[DistrictState]:
        """The states that changed since this was last asked."""
        states = list(self.touched.values())
        self.touched.clear()
        return states

    def assign(self, owned: Iterable[int], rows: Iterable[tuple[str, bytes]], known: Collection[str]) -> None:
        """Begin with these partitions: states from ``rows``, and one for every ``known`` district among them.

        A district nobody ever reported from has a state too: its silence must be noticed.
        """
        self.owned = frozenset(owned)
        self.touched.clear()
        self.states = {code: state for code, state in restore(rows).items() if self.partition(code) in self.owned}
        self.know(known)

    def know(self, districts: Collection[str]) -> None:
        """Have a state for each of ``districts`` that lies in this worker's partitions."""
        for code in districts:
            if code not in self.states and self.partition(code) in self.owned:
                self.states[code] = DistrictState(code)
