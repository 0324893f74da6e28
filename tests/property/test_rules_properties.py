"""What holds of every decision and of every correlation, whatever is reported."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from siaga.rules.agency import agencies, is_accused
from siaga.rules.correlation import Candidate, correlate
from siaga.rules.ruleset import EFFECTS, builtin_ruleset
from siaga.rules.severity import Context, classify
from siaga.rules.subject import WEAPONS, Standing, Subject
from siaga.rules.taxonomy import builtin_taxonomy
from siaga.rules.vocabulary import VARIABLES
from siaga.types import Stage, Vulnerability

KINDS = tuple(builtin_taxonomy().kinds)
DAY = 86_400.0
RULES = {rule.id: rule for rule in builtin_ruleset().rules}


def maybe(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | strategy


@st.composite
def standings(draw: st.DrawFn) -> list[Standing]:
    """Reports of one incident: of one family, from few people, phones and texts, so that they are often the same."""
    family = draw(st.sampled_from(KINDS)).partition(".")[0]
    kinds = [kind for kind in KINDS if kind.startswith(f"{family}.")]
    received = st.floats(0, DAY)
    return [
        Standing(
            report_id=str(number),
            kind=draw(st.sampled_from(kinds)),
            role=draw(st.sampled_from(("officer", "committee", "witness", "public", "sensor"))),
            person=draw(st.sampled_from("abcd")),
            device=draw(st.sampled_from("1234")),
            text=draw(st.sampled_from(("", "", "x", "y"))),
            at=(at := draw(received)),
            received=at + draw(st.floats(0, DAY)),
            injured=draw(maybe(st.integers(0, 7))),
            dead=draw(maybe(st.integers(0, 2))),
            crowd=draw(maybe(st.integers(0, 700))),
            weapons=draw(maybe(st.sampled_from(WEAPONS))),
            ballots_threatened=draw(maybe(st.booleans())),
            voting_stopped=draw(maybe(st.booleans())),
            accused_unit=draw(maybe(st.sampled_from(("polsek-kajen", "polres")))),
            skewed=draw(st.booleans()),
        )
        for number in range(draw(st.integers(1, 6)))
    ]


@st.composite
def contexts(draw: st.DrawFn) -> Context:
    word = draw(st.sampled_from(("", "verified", "refuted")))
    return Context(
        stage=draw(maybe(st.sampled_from(list(map(str, Stage))))),
        vulnerability=str(draw(st.sampled_from(Vulnerability))),
        clustered=draw(st.booleans()),
        verified=word == "verified",
        refuted=word == "refuted",
        outage=draw(st.booleans()),
    )


@given(standings(), contexts(), st.randoms(use_true_random=False))
def test_the_order_and_repetition_of_reports_change_no_decision(
    reports: list[Standing], context: Context, rng: Any
) -> None:
    again = [*reports, *rng.choices(reports, k=3)]
    rng.shuffle(again)

    first, second = Subject.of(reports), Subject.of(again)
    assert classify(first, context, builtin_ruleset()) == classify(second, context, builtin_ruleset())
    assert (first.facts(), first.report_count, first.reporter_count) == (
        second.facts(),
        second.report_count,
        second.reporter_count,
    )


@st.composite
def harm(draw: st.DrawFn, standing: Standing) -> Standing:
    """The same report with one thing in it worse."""
    weapons = WEAPONS[WEAPONS.index(standing.weapons or "none") :]
    worse: dict[str, st.SearchStrategy[Any]] = {
        "injured": st.integers(standing.injured or 0, 10),
        "dead": st.integers(standing.dead or 0, 3),
        "crowd": st.integers(standing.crowd or 0, 900),
        "weapons": st.sampled_from(weapons),
        "ballots_threatened": st.just(True),
        "voting_stopped": st.just(True),
    }
    name = draw(st.sampled_from(sorted(worse)))
    return replace(standing, **{name: draw(worse[name])})


@given(st.data(), standings(), contexts())
def test_more_harm_never_makes_an_incident_less_grave(
    data: st.DataObject, reports: list[Standing], context: Context
) -> None:
    worse = [data.draw(harm(reports[0])), *reports[1:]]

    before = classify(Subject.of(reports), context, builtin_ruleset()).severity
    assert classify(Subject.of(worse), context, builtin_ruleset()).severity <= before


@given(standings(), contexts())
def test_a_decision_lists_its_base_first_and_then_every_rule_that_fired_once(
    reports: list[Standing], context: Context
) -> None:
    reasons = classify(Subject.of(reports), context, builtin_ruleset()).reasons
    names = [reason.rule for reason in reasons]

    assert names[0] == "base"
    assert len(set(names)) == len(names)
    assert set(names[1:]) <= RULES.keys()
    moving = [RULES[name] for name in names[1:] if RULES[name].moves_severity]
    assert [EFFECTS.index(r.effects[0][0]) for r in moving] == sorted(EFFECTS.index(r.effects[0][0]) for r in moving)


@given(standings(), contexts())
def test_a_reason_that_asks_what_is_confidential_is_marked(reports: list[Standing], context: Context) -> None:
    for reason in classify(Subject.of(reports), context, builtin_ruleset()).reasons[1:]:
        asks = any(VARIABLES[name].confidential for name in RULES[reason.rule].variables)
        assert reason.confidential or not asks


@given(standings(), contexts())
def test_without_its_confidential_reasons_a_decision_does_not_tell_a_vulnerable_station(
    reports: list[Standing], context: Context
) -> None:
    prone, safe = replace(context, vulnerability="rawan"), replace(context, vulnerability="aman")
    shown = [
        {r for r in classify(Subject.of(reports), there, builtin_ruleset()).reasons if not r.confidential}
        for there in (prone, safe)
    ]
    # The severity may differ, and with it what is said of urgency: never a reason that names the class.
    assert {reason.rule for reason in shown[0] ^ shown[1]} <= {"grave"}


@given(standings(), contexts())
def test_somebody_dead_is_always_sev1(reports: list[Standing], context: Context) -> None:
    dead = [replace(reports[0], dead=1), *reports[1:]]
    assert classify(Subject.of(dead), context, builtin_ruleset()).severity == 1


@given(standings())
def test_reporters_are_never_more_than_reports_people_or_phones(reports: list[Standing]) -> None:
    subject = Subject.of(reports)
    people, phones = {r.person for r in reports}, {r.device for r in reports}
    assert 1 <= subject.reporter_count <= min(len(reports), len(people), len(phones))


@given(st.sampled_from(KINDS), maybe(st.sampled_from(("polsek", "polsek-kajen", "polres", "propam", "inspektorat"))))
def test_nobody_deals_with_an_incident_that_accuses_him(kind: str, accused: str | None) -> None:
    lead, support = agencies(builtin_taxonomy().kinds[kind], accused)
    assert not any(is_accused(agency, accused) for agency in (lead, *support))


# -- correlation --------------------------------------------------------------------------------------------------


@st.composite
def candidates(draw: st.DrawFn) -> list[Candidate]:
    times = st.integers(0, 20_000)
    return [
        Candidate(f"i{number}", first := draw(times), first + draw(st.integers(0, 3_000)), draw(st.booleans()))
        for number in range(draw(st.integers(0, 6)))
    ]


@given(candidates(), st.integers(-5_000, 30_000), st.integers(0, 5_000), st.randoms(use_true_random=False))
def test_which_incident_a_report_joins_does_not_depend_on_their_order(
    here: list[Candidate], at: int, window: int, rng: Any
) -> None:
    found = correlate(here, at, window)
    rng.shuffle(here)

    assert correlate(here, at, window) == found
    reachable = [c for c in here if c.first_at - window <= at <= c.last_at + window]
    assert (found is None) == (not reachable)
    if any(c.is_open for c in reachable):
        assert next(c for c in here if c.incident_id == found).is_open
