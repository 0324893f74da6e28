"""Deciding about made-up reports with the built-in rules: one line to arrange, one to act."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from siaga.contracts.report import AcceptedReport
from siaga.rules.ruleset import Ruleset, builtin_ruleset
from siaga.rules.severity import Context, Decision, classify
from siaga.rules.subject import Subject, standing_of
from siaga.rules.windows import Windows
from tests.support.builders import accepted, report

#: In the middle of the voting of 23 February 2022.
AT: Final = datetime(2022, 2, 23, 2, 14, 5, tzinfo=UTC)
_SKEW: Final = Windows().clock_skew.total_seconds()


def said(
    kind: str = "other.other",
    *,
    by: str = "anggota-1",
    role: str = "officer",
    device: str | None = None,
    late: timedelta = timedelta(0),
    text: str = "",
    report_id: str | None = None,
    **facts: Any,
) -> AcceptedReport:
    """A report that was received ``late`` after it happened; ``facts`` are its facts. A device of their own each."""
    item = report(kind, by=by, role=role, text=text, facts=facts, at=AT, report_id=report_id)
    return accepted(item, received=AT + late, device=device or f"hp-{by}")


def subject(*reports: AcceptedReport) -> Subject:
    """What the rules see of these reports."""
    return Subject.of(standing_of(r, _SKEW) for r in reports)


def decide(*reports: AcceptedReport, ruleset: Ruleset | None = None, **context: Any) -> Decision:
    """The decision about one incident of these reports; ``context`` is the rest, voting unless said otherwise."""
    return classify(subject(*reports), Context(**context), ruleset or builtin_ruleset())


def rules(decision: Decision) -> list[str]:
    """The names of the reasons, in their order."""
    return [reason.rule for reason in decision.reasons]
