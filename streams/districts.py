"""The districts of this worker: what is remembered of each, and which of them the present batch changed."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from siaga.contracts.topics import partition_of
from siaga.escalation.book import EscalationBook, restore_books
from siaga.escalation.rows import LETTERS
from siaga.triage.rows import restore
from siaga.triage.settle import Settled
from siaga.triage.state import DistrictState


@dataclass(slots=True)
class District:
    """One district: its incidents, its escalations, and the time of the last record about it (epoch seconds)."""

    state: DistrictState
    book: EscalationBook
    at: float = 0.0
    #: Settled before the batch was over, because something in it depended on that.
    settled: list[Settled] = field(default_factory=list)

    @property
    def code(self) -> str:
        """The district's code."""
        return self.state.code


class Districts:
    """Districts by code, for the partitions a worker has among ``partitions``.

    One comes into being when it is first heard of, and is dropped with its partition.
    """

    def __init__(self, partitions: int) -> None:
        self._partitions = partitions
        self._where: dict[str, int] = {}
        self.all: dict[str, District] = {}
        self.owned: frozenset[int] = frozenset()
        #: Changed since the last batch was settled, in the order of change.
        self.touched: dict[str, District] = {}

    def partition(self, district: str) -> int:
        """The partition a district's records have."""
        where = self._where.get(district)
        if where is None:
            where = self._where[district] = partition_of(district, self._partitions)
        return where

    def touch(self, code: str, at: float) -> District:
        """A district that is about to change by a record of the time ``at``."""
        district = self.all.get(code)
        if district is None:
            district = self.all[code] = District(DistrictState(code), EscalationBook(code))
        district.at = max(district.at, at)
        self.touched[code] = district
        return district

    def take_touched(self) -> list[District]:
        """The districts that changed since this was last asked."""
        districts = list(self.touched.values())
        self.touched.clear()
        return districts

    def assign(self, owned: Iterable[int], rows: Iterable[tuple[str, bytes]], known: Collection[str]) -> None:
        """Begin with these partitions: what ``rows`` remember, and every ``known`` district among them.

        A district nobody ever reported from is one too: its silence must be noticed.
        """
        self.owned = frozenset(owned)
        self.touched.clear()
        kept = [row for row in rows if self.partition(row[0].partition("/")[0]) in self.owned]
        escalation = [row for row in kept if row[0].split("/", 2)[1] in LETTERS]
        states = restore(row for row in kept if row[0].split("/", 2)[1] not in LETTERS)
        books = restore_books(escalation)
        self.all = {
            code: District(states.get(code) or DistrictState(code), books.get(code) or EscalationBook(code))
            for code in (*states, *(code for code in books if code not in states))
        }
        self.know(known)

    def know(self, districts: Collection[str]) -> None:
        """Have each of ``districts`` that lies in this worker's partitions."""
        for code in districts:
            if code not in self.all and self.partition(code) in self.owned:
                self.all[code] = District(DistrictState(code), EscalationBook(code))
