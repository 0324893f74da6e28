"""Whether silence means anything: a station is silent only where it would have been heard.

Input: canaries and positions, partition by partition. Output: whether an absent check-in is the station's doing.
Pure; times are seconds of a clock that is never set (monotonic).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from siaga.contracts.topics import COMMANDS

#: A canary that is absent for so long means that reports do not come through either.
BROKEN: Final = 15.0
#: After a break, what was spooled is waited for as long as the break lasted, but no longer than this.
MOST_PATIENCE: Final = 300.0


class Where(NamedTuple):
    """A partition of an input topic."""

    topic: str
    partition: int


class Hearing:
    """What was heard of each partition."""

    def __init__(self) -> None:
        self._canary: dict[int, float] = {}
        self._deaf_until: dict[int, float] = {}
        self._handled: dict[Where, int] = {}

    def canary(self, partition: int, now: float) -> None:
        """A canary came. After a gap, what the gateways spooled meanwhile is still on its way."""
        gap = now - self._canary.get(partition, now)
        if gap > BROKEN:
            self._deaf_until[partition] = now + min(gap, MOST_PATIENCE)
        self._canary[partition] = now

    def handled(self, where: Where, next_offset: int) -> None:
        """Records up to ``next_offset`` were handled."""
        self._handled[where] = next_offset

    def forget(self) -> None:
        """Partitions were given out anew: what was heard before says nothing about them."""
        self._canary.clear()
        self._deaf_until.clear()
        self._handled.clear()

    def caught_up(self, partition: int, waiting: Mapping[Where, tuple[int, int]] | None) -> bool:
        """Whether everything that stood in this partition's inputs when they were last looked at was handled.

        ``waiting`` is, for each input, what the group has committed and where the log ended; None where nobody could
        see it lately.
        """
        return waiting is not None and all(
            max(committed, self._handled.get(where, 0)) >= end
            for where, (committed, end) in waiting.items()
            if where.partition == partition and where.topic != COMMANDS
        )

    def can_tell(self, partition: int, waiting: Mapping[Where, tuple[int, int]] | None, now: float) -> bool:
        """Whether a missing check-in in this partition is really missing.

        ``waiting`` is as :meth:`caught_up` has it, ``now`` the present.
        """
        if now < self._deaf_until.get(partition, 0.0):
            return False
        # Without any canary there is no gateway to break down: devices write to Kafka themselves.
        if now - self._canary.get(partition, now) > BROKEN:
            return False
        return self.caught_up(partition, waiting)
