"""How grave an incident is, how sure we are and how soon to act, with every reason.

Source of the order: the design's "Severity". ``raise_by`` to the base of the gravest kind (two levels in all at
most), then the gravest ``raise_to`` as a floor, then ``lower_by``, then ``cap_at``; where somebody died neither of
these two applies. A level never leaves 1 to 5 on the way, so that a report too late lowers a SEV1 however much raised
it. Of several certainties or urgencies the first in :data:`CERTAINTIES` and :data:`URGENCIES` counts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, Final

import cel

from siaga.contracts.incident import Reason
from siaga.rules.ruleset import BASE, Rule, Ruleset
from siaga.rules.subject import Features, Subject, harm_of, is_worse
from siaga.rules.taxonomy import Kind
from siaga.rules.vocabulary import SEVERITY, Context, bind, late_minutes
from siaga.types import Certainty, Severity, Urgency

__all__ = ["Context", "Decision", "classify", "harm_of", "is_worse"]

#: Which certainty counts where rules disagree. A denial by name ends a rumour, whoever spreads it.
CERTAINTIES: Final = (Certainty.UNLIKELY, Certainty.OBSERVED, Certainty.LIKELY, Certainty.POSSIBLE)
#: Which urgency counts where rules disagree. What is over is over, however grave.
URGENCIES: Final = (Urgency.PAST, Urgency.IMMEDIATE, Urgency.EXPECTED, Urgency.FUTURE)
#: Where no rule says anything.
DEFAULT_CERTAINTY: Final = Certainty.POSSIBLE
DEFAULT_URGENCY: Final = Urgency.EXPECTED
#: Several ``raise_by`` never raise by more than this.
MOST_RAISED: Final = 2
#: Decisions a ruleset remembers; a few megabytes.
REMEMBERED: Final = 8192


@dataclass(frozen=True)
class Decision:
    """What the rules say about an incident, and why: the base first, then every rule that fired."""

    severity: Severity
    certainty: Certainty
    urgency: Urgency
    reasons: tuple[Reason, ...]
    kind: Kind
    #: Grave and unsure: level one is asked to verify first.
    needs_verification: bool
    #: A named officer refuted it.
    dismissed: bool


def classify(subject: Subject, context: Context, ruleset: Ruleset) -> Decision:
    """Decide an incident. Pure: the same reports in any order and number give the same answer.

    Raises:
        ValueError: the subject has no report.
    """
    features = subject.features()
    decide = ruleset.memo
    if decide is None:
        decide = ruleset.memo = lru_cache(maxsize=REMEMBERED)(partial(_decide, ruleset))
    # Lateness in whole minutes, apart from the other features: as a float it would make every decision a new one.
    return decide(features[:-1], late_minutes(features.lateness, context.speed), context)


def _decide(ruleset: Ruleset, features: tuple[Any, ...], late: int, context: Context) -> Decision:
    known = Features._make((*features, 0.0))
    kind = ruleset.taxonomy.gravest_or_unknown(known.kinds)
    return decide(ruleset, bind(known, late, context, kind), kind)


def decide(ruleset: Ruleset, values: Mapping[str, Any], kind: Kind) -> Decision:
    """Decide with the variables' values as they are (see :func:`siaga.rules.vocabulary.bind`)."""
    asked = cel.Context({name: values[name] for name in ruleset.variables if name != SEVERITY})
    fired = [rule for rule in ruleset.moving if _holds(rule, asked)]
    protected = values["dead"] > 0
    severity = severity_of(kind.base, fired, protected)
    if SEVERITY in ruleset.variables:
        asked.add_variable(SEVERITY, int(severity))
    fired += [rule for rule in ruleset.telling if _holds(rule, asked)]
    certainties = {rule.certainty for rule in fired}
    urgencies = {rule.urgency for rule in fired}
    certainty = next((c for c in CERTAINTIES if c in certainties), DEFAULT_CERTAINTY)
    refuted = bool(values["refuted"])
    return Decision(
        severity=severity,
        certainty=certainty,
        urgency=next((u for u in URGENCIES if u in urgencies), DEFAULT_URGENCY),
        reasons=(_base_reason(kind), *(rule.reason_protected if protected else rule.reason for rule in fired)),
        kind=kind,
        needs_verification=(
            severity <= Severity.SEV2
            and certainty in (Certainty.POSSIBLE, Certainty.UNLIKELY)
            and not refuted
            and not values["verified"]
        ),
        dismissed=refuted,
    )


def severity_of(base: Severity, fired: Sequence[Rule], protected: bool) -> Severity:
    """The severity after the effects of the rules that fired. ``protected``: somebody died, so nothing lowers it."""
    raised = sum(rule.raise_by for rule in fired if rule.raise_by)
    level = max(base - min(raised, MOST_RAISED), 1)
    level = min([level, *(rule.raise_to for rule in fired if rule.raise_to)])
    if not protected:
        level = min(level + sum(rule.lower_by for rule in fired if rule.lower_by), 5)
        level = max([level, *(rule.cap_at for rule in fired if rule.cap_at)])
    return Severity(level)


def _holds(rule: Rule, asked: cel.Context) -> bool:
    try:
        return rule.program.execute(asked) is True
    except (
        Exception
    ):  # an overflow or a division by nought in a condition that parsed: one rule is not worth the incident
        return False


@lru_cache(maxsize=1024)
def _base_reason(kind: Kind) -> Reason:
    return Reason(rule=BASE, effect=f"{BASE} {kind.base:d}", id=f"Jenis: {kind.id}", en=f"Kind: {kind.en}")
