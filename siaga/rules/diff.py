"""What another ruleset would have decided: stored reports replayed through two rulesets, and why they differ.

Input: incidents as cases (their standing reports and what was known besides), two rulesets. Output: one difference
for each incident that would have been decided otherwise. State: none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from siaga.contracts.incident import Reason
from siaga.contracts.report import AcceptedReport
from siaga.rules.ruleset import Ruleset
from siaga.rules.severity import Decision, classify
from siaga.rules.subject import Subject, standing_of
from siaga.rules.vocabulary import Context


@dataclass(frozen=True, slots=True)
class Case:
    """One incident to decide again. ``station_id`` is None for the outage of a district."""

    incident_id: str
    station_id: str | None
    subject: Subject
    context: Context


@dataclass(frozen=True, slots=True)
class Difference:
    """An incident that the two rulesets decide differently, and why: the reasons that only one of them has."""

    case: Case
    before: Decision
    after: Decision
    gone: tuple[Reason, ...]
    new: tuple[Reason, ...]

    @property
    def direction(self) -> str:
        """``raised``, ``lowered``, or ``otherwise`` where the severity is the same."""
        if self.after.severity == self.before.severity:
            return "otherwise"
        return "raised" if self.after.severity < self.before.severity else "lowered"


def diff(cases: Iterable[Case], old: Ruleset, new: Ruleset) -> Iterator[Difference]:
    """The cases whose severity, certainty, urgency, kind or need to be verified would differ, in their order.

    Each ruleset decides with the taxonomy it was compiled with. A case without a report is passed over.
    """
    for case in cases:
        if not case.subject.report_count:
            continue
        before, after = classify(case.subject, case.context, old), classify(case.subject, case.context, new)
        if _verdict(before) != _verdict(after):
            yield Difference(
                case,
                before,
                after,
                gone=tuple(reason for reason in before.reasons if reason not in after.reasons),
                new=tuple(reason for reason in after.reasons if reason not in before.reasons),
            )


def _verdict(decision: Decision) -> tuple[object, ...]:
    kind = decision.kind.code
    return decision.severity, decision.certainty, decision.urgency, kind, decision.needs_verification


def subject_of(reports: Iterable[AcceptedReport], skew_after: float) -> Subject:
    """The standing reports of one incident: those that their own reporter or device neither replaced nor withdrew.

    ``skew_after`` is how many seconds ahead of its acceptance a report may claim to have happened.
    """
    standings = {}
    later: dict[str, list[str]] = {}
    withdrawals = set()
    for report in reports:
        standing = standing_of(report, skew_after)
        standings[standing.report_id] = standing
        if report.corrects is not None:
            later.setdefault(str(report.corrects), []).append(standing.report_id)
            if report.withdraws:
                withdrawals.add(standing.report_id)
    replaced = {
        original
        for original, corrections in later.items()
        if (before := standings.get(original)) is not None
        and any(standings[by].person == before.person or standings[by].device == before.device for by in corrections)
    }
    return Subject.of(s for name, s in standings.items() if name not in replaced and name not in withdrawals)
