"""Situations to try a rule on: what its variables can hold, and what they can hold together.

Input: a condition and the taxonomy. Output: situations, and the variables' values in each. State: none.

Variables hang together: the family follows from the kinds, an incident's kinds are of one family, an officer among
the reporters is no general public, nobody both verified and refuted it. A situation is therefore made of *freedoms*,
and every variable follows from them; what cannot be is never tried.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations, product
from typing import Any, Final

from siaga.rules.subject import Features
from siaga.rules.taxonomy import Taxonomy
from siaga.rules.vocabulary import NEUTRAL, SEVERITY, VARIABLES, Context, Type, bind

#: More situations than this are not all tried, and then nothing is said about the rule.
MOST: Final = 200_000
#: Counts in a report go up to here; nothing else has a limit.
_LARGEST: Final = 1_000_000

#: Which freedom a variable follows from; those not named follow from one of their own name.
_FREEDOM: Final = {
    **dict.fromkeys(("kind", "family", "kinds", "families"), "kinds"),
    **dict.fromkeys(("officer", "public_only"), "role"),
    **dict.fromkeys(("verified", "refuted"), "word"),
}
_ROLES: Final = ("public", "officer", "other")
_WORDS: Final = ("", "verified", "refuted")
_LITERAL: Final = re.compile(r'"([^"]*)"|\'([^\']*)\'')
_NUMBER: Final = re.compile(r"(?<![\w.])\d+(?![\w.])")

#: Values by freedom; what is missing is as in a quiet report of one member of the public.
Situation = Mapping[str, Any]


@dataclass(frozen=True)
class Trials:
    """The situations that a condition distinguishes."""

    freedoms: Mapping[str, tuple[Any, ...]]

    @cached_property
    def count(self) -> int:
        """How many there are."""
        count = 1
        for values in self.freedoms.values():
            count *= len(values)
        return count

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for values in product(*self.freedoms.values()):
            yield dict(zip(self.freedoms, values, strict=True))


def trials_of(when: str, variables: Iterable[str], taxonomy: Taxonomy) -> Trials:
    """The situations that the condition ``when`` distinguishes.

    Numbers are tried at, just below and just above each number the condition names, besides nothing, one and very
    many: enough for comparisons. Kinds are tried one by one, in pairs of one family, and together as they are named.
    """
    texts = literals(when)
    numbers = sorted({int(number) for number in _NUMBER.findall(_LITERAL.sub("", when))})
    freedoms: dict[str, tuple[Any, ...]] = {}
    for name in sorted(set(variables) - {SEVERITY}):
        freedom = _FREEDOM.get(name, name)
        if freedom not in freedoms:
            freedoms[freedom] = _values(freedom, numbers, texts, taxonomy)
    return Trials(freedoms)


def values_of(situation: Situation, taxonomy: Taxonomy) -> dict[str, Any]:
    """The value of every variable but ``severity`` in this situation."""
    told = dict(situation)
    role, word, late = told.pop("role", "public"), told.pop("word", ""), told.pop("late_minutes", 0)
    context = Context(
        stage=told.pop("stage", "") or None,
        vulnerability=told.pop("vulnerability", "aman"),
        clustered=told.pop("clustered", False),
        verified=word == "verified",
        refuted=word == "refuted",
        outage=told.pop("outage", False),
    )
    kinds = told.pop("kinds", None) or NEUTRAL.kinds
    features: Features = NEUTRAL._replace(
        kinds=kinds, officer=role == "officer", public_only=role == "public", **told
    )
    return bind(features, late, context, taxonomy.gravest_or_unknown(kinds))


def literals(when: str) -> tuple[str, ...]:
    """The texts a condition names."""
    return tuple(dict.fromkeys(double or single for double, single in _LITERAL.findall(when)))


def representatives(taxonomy: Taxonomy) -> tuple[tuple[str, ...], ...]:
    """One kind of each family and level: all that a rule which does not ask for the kind can tell apart."""
    first: dict[tuple[str, int], tuple[str, ...]] = {}
    for kind in taxonomy.kinds.values():
        first.setdefault((kind.family, kind.base), (kind.code,))
    return tuple(first.values())


def _values(freedom: str, numbers: list[int], texts: tuple[str, ...], taxonomy: Taxonomy) -> tuple[Any, ...]:
    if freedom == "kinds":
        return _kinds(texts, taxonomy)
    if freedom == "role":
        return _ROLES
    if freedom == "word":
        return _WORDS
    variable = VARIABLES[freedom]
    if variable.type is Type.BOOL:
        return (False, True)
    if variable.type is Type.STRING:
        return variable.values
    least = 1 if freedom == "reporters" else 0
    near = {number + step for number in numbers for step in (-1, 0, 1)}
    return tuple(sorted(n for n in {0, 1, _LARGEST} | near if least <= n <= _LARGEST))


def _kinds(texts: tuple[str, ...], taxonomy: Taxonomy) -> tuple[tuple[str, ...], ...]:
    families: dict[str, list[str]] = {}
    for code, kind in taxonomy.kinds.items():
        families.setdefault(kind.family, []).append(code)
    together: dict[tuple[str, ...], None] = dict.fromkeys((code,) for code in taxonomy.kinds)
    for codes in families.values():
        together.update(dict.fromkeys(map(_sorted, combinations(codes, 2))))
        named = [code for code in codes if code in texts]
        together.update(dict.fromkeys(_sorted(some) for some in (named, codes) if len(some) > 2))
    return tuple(together)


def _sorted(codes: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(codes))
