"""Looks a ruleset or a taxonomy over, beyond what reading it finds: rules that can never fire or never matter.

Input: TOML. Output: problems, each with its place and its remedy. State: none. Takes a second or so.

What is looked into, besides everything :func:`~siaga.rules.ruleset.parse_ruleset` refuses:

- **A text that is no value.** ``stage == "vote"``: neither a value of any variable nor a kind or family of the
  taxonomy. Not looked into where a condition searches in texts (``contains``, ``matches`` and so on).
- **A rule that can never fire.** Its condition is tried on every combination of the values that its variables can
  have together (see :mod:`siaga.rules.probing`). Nothing is said where the combinations are too many to try them all,
  or where the condition reckons with ``*``, ``/`` or ``%``, whose results trying cannot foresee.
- **A rule that never matters.** On the severity: it fires, and the severity is the same without it, alone and with
  one or two other rules firing beside it. On certainty or urgency: whenever it fires, another word counts. Interplay
  of four and more rules is not tried, so that a rule which matters only there is called one that does not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import combinations, islice, product
from typing import Any, Final

import cel

from siaga.contracts.decode import Problem
from siaga.rules.errors import Findings, RulesError, suggestion
from siaga.rules.probing import MOST, Situation, literals, representatives, trials_of, values_of
from siaga.rules.ruleset import Rule, Ruleset, parse_ruleset
from siaga.rules.severity import decide, severity_of
from siaga.rules.taxonomy import Taxonomy, parse_taxonomy
from siaga.rules.vocabulary import SEVERITY, VARIABLES
from siaga.types import Severity

#: Situations in which a rule fires that are tried first, and beside other rules.
_WITNESSES: Final = 48
_HELPERS: Final = 6
_RECKONS: Final = frozenset({"_*_", "_/_", "_%_"})
_SEARCHES: Final = frozenset({"contains", "startsWith", "endsWith", "matches", "string"})


def check_ruleset(toml: str, taxonomy: Taxonomy) -> list[Problem]:
    """Everything that is wrong with a ruleset that decides with ``taxonomy``; empty where it is good."""
    try:
        ruleset = parse_ruleset(toml, taxonomy)
    except RulesError as error:
        return list(error.problems)
    found = Findings()
    for rule in ruleset.rules:
        _texts(rule, taxonomy, found)
    witnesses = {rule.id: _fires(rule, taxonomy, found) for rule in ruleset.rules}
    if not found.problems:
        # A rule that a misspelt text keeps from firing says nothing about the others.
        for rule in ruleset.rules:
            _matters(rule, ruleset, witnesses, found)
    return found.problems


def check_taxonomy(toml: str) -> list[Problem]:
    """Everything that is wrong with a taxonomy, a kind without a level for one; empty where it is good."""
    try:
        parse_taxonomy(toml)
    except RulesError as error:
        return list(error.problems)
    return []


def _texts(rule: Rule, taxonomy: Taxonomy, found: Findings) -> None:
    if _SEARCHES.intersection(rule.program.functions()):
        return
    known = {value for name in rule.variables for value in VARIABLES[name].values}
    if rule.variables & {"kind", "kinds"}:
        known |= taxonomy.kinds.keys()
    if rule.variables & {"family", "families"}:
        known |= set(taxonomy.families)
    for text in literals(rule.when):
        if text not in known:
            remedy = f"{suggestion(text, known)}see docs/reference/rules.md for the values of each variable"
            found.add(f"rule {rule.id}.when", f"{text!r} is no value of a variable it asks for", remedy)


# -- can it fire? ---------------------------------------------------------------------------------------------------


def _fires(rule: Rule, taxonomy: Taxonomy, found: Findings) -> list[Situation]:
    """Situations in which the rule fires; which severity comes about in them is for :func:`_matters` to see."""
    trials = trials_of(rule.when, rule.variables, taxonomy)
    levels = tuple(Severity) if SEVERITY in rule.variables else (Severity.SEV5,)
    most = MOST // len(levels)
    witnesses: list[Situation] = [
        situation for situation in islice(trials, most) if _holds(rule, values_of(situation, taxonomy), levels)
    ]
    if not witnesses and trials.count <= most and not _RECKONS.intersection(rule.program.functions()):
        found.add(
            f"rule {rule.id}.when",
            "can never be true: no values that its variables can have together make it so",
            "correct the condition, or remove the rule",
        )
    return witnesses


def _holds(rule: Rule, values: dict[str, Any], levels: Iterable[Severity]) -> bool:
    for level in levels:
        asked = {**values, SEVERITY: int(level)}
        try:
            if rule.program.execute(cel.Context({name: asked[name] for name in rule.variables})) is True:
                return True
        except Exception:  # noqa: S112 - as in a decision, what cannot be evaluated does not fire
            continue
    return False


# -- does it matter? ------------------------------------------------------------------------------------------------


def _matters(rule: Rule, ruleset: Ruleset, witnesses: dict[str, list[Situation]], found: Findings) -> None:
    own = witnesses[rule.id]
    if not own or any(_counts(rule, ruleset, situation) for situation in _situations(rule, ruleset, witnesses)):
        return
    found.add(
        f"rule {rule.id}",
        "never matters: whenever it fires, the other rules decide the same without it",
        "remove it, give it a stronger effect, or correct its condition",
    )


def _situations(rule: Rule, ruleset: Ruleset, witnesses: dict[str, list[Situation]]) -> Iterator[Situation]:
    """Where to try whether the rule matters: alone, then beside one other rule, then beside two."""
    own = witnesses[rule.id]
    yield from _with_kinds(_spread(own, _WITNESSES), ruleset.taxonomy)
    helpers = {r.id: _spread(witnesses[r.id], _HELPERS) for r in ruleset.moving if r is not rule}
    few = _spread(own, _HELPERS)
    for helper in helpers.values():
        yield from _with_kinds([{**beside, **mine} for beside in helper for mine in few], ruleset.taxonomy)
    for one, two in combinations(helpers.values(), 2):
        pairs = product(one[:2], two[:2], few)
        yield from _with_kinds([{**first, **second, **mine} for first, second, mine in pairs], ruleset.taxonomy)


def _with_kinds(situations: Iterable[Situation], taxonomy: Taxonomy) -> Iterator[Situation]:
    """Each situation with the kinds it names, or with one kind of each family and level."""
    for situation in situations:
        if "kinds" in situation:
            yield situation
        else:
            for kinds in representatives(taxonomy):
                yield {**situation, "kinds": kinds}


def _counts(rule: Rule, ruleset: Ruleset, situation: Situation) -> bool:
    """Whether the rule fires here and something of the decision is its doing."""
    values = values_of(situation, ruleset.taxonomy)
    kind = ruleset.taxonomy.gravest(values["kinds"])
    decision = decide(ruleset, values, kind)
    fired = {reason.rule for reason in decision.reasons}
    if rule.id not in fired:
        return False
    if rule.moves_severity:
        others = [other for other in ruleset.moving if other is not rule and other.id in fired]
        if severity_of(kind.base, others, values["dead"] > 0) != decision.severity:
            return True
    return decision.certainty is rule.certainty or decision.urgency is rule.urgency


def _spread(situations: list[Situation], most: int) -> list[Situation]:
    """At most so many of them, evenly from the first to the last."""
    if len(situations) <= most:
        return situations
    return [situations[number * len(situations) // most] for number in range(most)]
