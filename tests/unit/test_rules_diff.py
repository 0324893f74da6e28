"""What another ruleset would have decided: which incidents differ, how, and why."""

from __future__ import annotations

import uuid
from typing import Any

from siaga.contracts.report import AcceptedReport
from siaga.rules.diff import Case, diff, subject_of
from siaga.rules.ruleset import Ruleset, builtin_ruleset, builtin_ruleset_text, parse_ruleset
from siaga.rules.subject import Subject
from siaga.rules.taxonomy import builtin_taxonomy, builtin_taxonomy_text, parse_taxonomy
from siaga.rules.vocabulary import Context
from tests.support.deciding import said, subject

SKEW = 600.0


def changed(was: str, now: str) -> Ruleset:
    text = builtin_ruleset_text().replace(was, now)
    assert text != builtin_ruleset_text()
    return parse_ruleset(text, builtin_taxonomy())


def case(*reports: AcceptedReport, name: str = "k", **context: Any) -> Case:
    return Case(name, "33.26.08.2001-001", subject(*reports), Context(**context))


def corrected(original: AcceptedReport, *, by: str = "anggota-1", withdraws: bool = False) -> AcceptedReport:
    again = said("violence.brawl", by=by, injured=0)
    return again.model_copy(update={"corrects": original.report_id, "withdraws": withdraws})


def test_a_ruleset_decides_as_itself() -> None:
    cases = [case(said(injured=1)), case(said(crowd=600)), case(said("information.hoax"))]
    assert list(diff(cases, builtin_ruleset(), builtin_ruleset())) == []


def test_only_incidents_that_would_be_decided_otherwise_are_told_with_the_reason() -> None:
    small, large = (
        case(said("order.crowd", crowd=60), name="small"),
        case(said("order.crowd", crowd=200), name="large"),
    )
    (difference,) = diff([small, large], builtin_ruleset(), changed("crowd >= 100", "crowd >= 50"))

    assert (difference.case.incident_id, difference.direction) == ("small", "raised")
    assert (difference.before.severity, difference.after.severity) == (4, 3)
    assert [reason.rule for reason in difference.new] == ["crowd"]
    assert difference.gone == ()


def test_an_incident_can_be_lowered_and_the_reason_that_is_gone_is_told() -> None:
    (difference,) = diff([case(said(injured=1))], builtin_ruleset(), changed("injured > 0", "injured > 1"))

    assert difference.direction == "lowered"
    assert "injured" in [reason.rule for reason in difference.gone]


def test_a_certainty_that_differs_is_a_difference_too() -> None:
    public = [said(role="public", by=f"warga-{n}") for n in range(2)]
    (difference,) = diff([case(*public)], builtin_ruleset(), changed("reporters >= 3", "reporters >= 2"))

    assert difference.direction == "otherwise"
    assert (difference.before.certainty, difference.after.certainty) == ("possible", "likely")


def test_another_taxonomy_is_a_difference_of_the_base() -> None:
    kinds = parse_taxonomy(builtin_taxonomy_text().replace('en = "brawl", base = 3', 'en = "brawl", base = 2'))
    graver = parse_ruleset(builtin_ruleset_text(), kinds)
    (difference,) = diff([case(said("violence.brawl"))], builtin_ruleset(), graver)

    assert [reason.effect for reason in difference.new] == ["base 2", "urgency immediate"]


def test_an_incident_without_a_report_is_passed_over() -> None:
    nothing = Case("k", None, Subject.of(()), Context())
    assert list(diff([nothing], builtin_ruleset(), changed("crowd >= 100", "crowd >= 50"))) == []


def test_a_report_that_its_reporter_replaced_or_withdrew_does_not_stand() -> None:
    first = said("violence.brawl", injured=6)

    assert subject_of([first, corrected(first)], SKEW).injured == 0
    assert subject_of([corrected(first), first], SKEW).report_count == 1
    assert subject_of([first, corrected(first, withdraws=True)], SKEW).report_count == 0


def test_nobody_withdraws_the_report_of_another() -> None:
    first = said("violence.brawl", injured=6)
    stranger = corrected(first, by="warga-9")

    assert subject_of([first, stranger], SKEW).injured == 6
    assert subject_of([first, stranger], SKEW).report_count == 2


def test_a_correction_of_what_is_not_here_stands() -> None:
    lonely = said("violence.brawl", injured=1).model_copy(update={"corrects": uuid.uuid4()})
    assert subject_of([lonely], SKEW).injured == 1
