"""The policies and the parts of rosters that a district's cases are decided with.

Input: what is loaded now. State: the versions that some case is frozen with. Output: rows that keep them, so that a
climb goes on unchanged after a restart although the registry holds only the latest.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from siaga.escalation import rows
from siaga.escalation.case import Case
from siaga.escalation.duties import Duties
from siaga.escalation.policy import Policy
from siaga.escalation.roster import Roster
from siaga.escalation.rows import Row

#: How long a shift that is over stays in the part of a roster that is kept, in seconds.
_PAST_SHIFTS: Final = 24 * 3600.0


class Versions:
    """What a district's cases are decided with."""

    def __init__(self, district: str) -> None:
        self._district = district
        self._policies: dict[str, Policy] = {}
        self._rosters: dict[str, Roster] = {}
        #: The part of the present roster, until something is frozen with it.
        self._today: Roster | None = None
        self._rows: list[Row] = []

    def of(self, case: Case) -> tuple[Policy, Roster]:
        """What a case is decided with."""
        return self._policies[case.policy], self._rosters[case.roster]

    def present(self, duties: Duties, now: float) -> tuple[Policy, Roster]:
        """What a case is decided with that begins ``now`` (epoch seconds)."""
        return duties.policy, self._part(duties.roster(self._district), now)

    def adopt(self, case: Case, duties: Duties, now: float) -> Case:
        """The case; on the present versions where those it is decided with are kept no more (epoch seconds)."""
        if case.policy in self._policies and case.roster in self._rosters:
            return case
        policy, roster = self.present(duties, now)
        self.freeze(policy, roster)
        return replace(case, policy=policy.version, roster=roster.version)

    def _part(self, whole: Roster, now: float) -> Roster:
        """As much of a roster as concerns the district, from ``now`` (epoch seconds) on and a day before."""
        known = self._rosters.get(whole.version)
        if known is not None:
            return known
        if self._today is None or self._today.version != whole.version:
            self._today = whole.part(self._district, now - _PAST_SHIFTS)
        return self._today

    def freeze(self, policy: Policy, roster: Roster) -> None:
        """Keep what something was just decided with."""
        if policy.version not in self._policies:
            self._policies[policy.version] = policy
            self._rows.append(rows.policy_row(self._district, policy))
        if roster.version not in self._rosters:
            self._rosters[roster.version] = roster
            self._rows.append(rows.roster_row(self._district, roster))

    def drop_unused(self, cases: Iterable[Case]) -> None:
        """Forget the versions that none of ``cases`` is decided with."""
        used = {version for case in cases for version in (case.policy, case.roster)}
        for version in [version for version in self._policies if version not in used]:
            del self._policies[version]
            self._rows.append(rows.gone(self._district, rows.POLICY, version))
        for version in [version for version in self._rosters if version not in used]:
            del self._rosters[version]
            self._rows.append(rows.gone(self._district, rows.ROSTER, version))

    def settle(self) -> list[Row]:
        """Rows to write."""
        written, self._rows = self._rows, []
        return written

    def restore(self, kept: Policy | Roster) -> None:
        """Take in what a row held."""
        if isinstance(kept, Policy):
            self._policies[kept.version] = kept
        else:
            self._rosters[kept.version] = kept
