"""A ruleset: CEL conditions, each with its effects and its reason, read from TOML and compiled once.

The default stands in ``siaga/data/severity.toml``. What the effects do, and in which order, is in
:mod:`siaga.rules.severity`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

import cel

from siaga.contracts.incident import Reason
from siaga.rules.errors import Findings, read_toml, suggestion
from siaga.rules.taxonomy import Taxonomy, builtin_taxonomy
from siaga.rules.vocabulary import FUNCTIONS, SEVERITY, VARIABLES, Context, Type
from siaga.types import Certainty, Urgency

if TYPE_CHECKING:
    from siaga.rules.severity import Decision

#: Effects on the severity and the least and greatest number each may have.
LEVEL_EFFECTS: Final = {"raise_by": (1, 2), "raise_to": (1, 4), "lower_by": (1, 4), "cap_at": (2, 5)}
#: Effects on how sure and how soon.
WORD_EFFECTS: Final = {"certainty": tuple(map(str, Certainty)), "urgency": tuple(map(str, Urgency))}
#: Effects that are withheld where somebody died.
LOWERING: Final = frozenset({"lower_by", "cap_at"})
#: In the order they apply.
EFFECTS: Final = (*LEVEL_EFFECTS, *WORD_EFFECTS)
#: The reason every decision begins with; no rule may be called so.
BASE: Final = "base"

_FIELDS: Final = ("id", "when", *EFFECTS, "reason", "confidential")
_RULE_ID: Final = re.compile(r"^[a-z][a-z0-9_]{0,59}$")
_MACRO: Final = re.compile(r"\.(?:all|exists|exists_one|map|filter)\(\s*([A-Za-z_]\w*)\s*,")
_STRINGS: Final = re.compile(r'"[^"]*"|\'[^\']*\'')
#: Two effects fit the contract's field for them (40 characters), three do not.
_MOST_EFFECTS: Final = 2


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """One rule. An effect that it does not have is None."""

    id: str
    when: str
    raise_by: int | None
    raise_to: int | None
    lower_by: int | None
    cap_at: int | None
    certainty: Certainty | None
    urgency: Urgency | None
    variables: frozenset[str]
    program: cel.Program = field(repr=False)
    #: Why, as it stands in a decision.
    reason: Reason
    #: The same where somebody died, so that what would lower the severity is withheld.
    reason_protected: Reason

    @property
    def effects(self) -> tuple[tuple[str, int | str], ...]:
        """Its effects, in the order they apply."""
        return tuple((name, value) for name in EFFECTS if (value := getattr(self, name)) is not None)

    @property
    def moves_severity(self) -> bool:
        """Whether it has an effect on the severity."""
        return any(name in LEVEL_EFFECTS for name, _ in self.effects)


class Ruleset:
    """A compiled ruleset and the taxonomy it decides with. Never changes; a new version is a new object."""

    def __init__(self, version: str, rules: Iterable[Rule], taxonomy: Taxonomy, source: str) -> None:
        self.version = version
        self.taxonomy = taxonomy
        #: The TOML it was read from, to be read again with another taxonomy.
        self.source = source
        # Sorted by the first effect to apply, then by id: the order in the file must not show anywhere.
        self.rules = tuple(sorted(rules, key=lambda rule: (EFFECTS.index(rule.effects[0][0]), rule.id)))
        #: Those that move the severity, and those that only say how sure and how soon.
        self.moving = tuple(rule for rule in self.rules if rule.moves_severity)
        self.telling = tuple(rule for rule in self.rules if not rule.moves_severity)
        #: Variables that some condition asks for; the others need no value.
        self.variables = frozenset(name for rule in self.rules for name in rule.variables)
        #: Decisions made, held by :func:`siaga.rules.severity.classify`.
        self.memo: Callable[[tuple[Any, ...], int, Context], Decision] | None = None


def parse_ruleset(toml: str, taxonomy: Taxonomy) -> Ruleset:
    """Read and compile a ruleset.

    That every rule can fire and matters is looked into by :mod:`siaga.rules.check`, which takes longer.

    Raises:
        RulesError: something is wrong with it; every problem is named with its remedy.
    """
    table = read_toml(toml)
    found = Findings()
    found.unknown("", table, ("version", "rule"), "part of a ruleset")
    version = found.token("version", table.get("version"), "kabupaten-1")
    entries = table.get("rule")
    if not isinstance(entries, list) or not entries:
        found.add("rule", "there is none", "add at least one [[rule]]")
        entries = []
    rules: list[Rule] = []
    seen: set[str] = set()
    for index, entry in enumerate(entries):
        place = f"rule[{index}]"
        if not isinstance(entry, dict):
            found.add(place, "is not a table", "begin it with [[rule]]")
            continue
        name = entry.get("id")
        if isinstance(name, str) and _RULE_ID.match(name) and name != BASE:
            place = f"rule {name}"
            if name in seen:
                found.add(place, "there are two of this id", "give each rule an id of its own")
            seen.add(name)
        else:
            told = "is missing" if name is None else "is no id of a rule"
            found.add(f"{place}.id", told, f"write lower-case letters, digits and _, other than {BASE!r}")
        rule = _rule(place, entry, found)
        if rule is not None:
            rules.append(rule)
    found.raise_any()
    return Ruleset(version or "", rules, taxonomy, toml)


def _rule(place: str, entry: dict[str, Any], found: Findings) -> Rule | None:
    before = len(found.problems)
    found.unknown(place, entry, _FIELDS, "field or effect of a rule")
    effects = {name: _effect(f"{place}.{name}", name, entry[name], found) for name in EFFECTS if name in entry}
    moving = [name for name in effects if name in LEVEL_EFFECTS]
    if not effects:
        found.add(place, "has no effect", f"give it one of {', '.join(EFFECTS)}")
    elif len(moving) > 1 or len(effects) > _MOST_EFFECTS:
        found.add(
            place,
            f"has too many effects: {', '.join(effects)}",
            "split it: one effect on the severity a rule, and two effects in all",
        )
    reason = entry.get("reason")
    words = dict.fromkeys(("id", "en"), "")
    if isinstance(reason, dict):
        found.unknown(f"{place}.reason", reason, ("id", "en"), "language of a reason")
        for language, name in (("id", "Indonesian"), ("en", "English")):
            remedy = f"say in {name} why the rule fired"
            words[language] = found.text(f"{place}.reason.{language}", reason.get(language), remedy) or ""
    else:
        found.add(f"{place}.reason", "is missing or not a table", "write { id = …, en = … }")
    confidential = entry.get("confidential", False)
    if not isinstance(confidential, bool):
        found.add(f"{place}.confidential", "is not true or false", "write true or leave it out")
    compiled = _compile(f"{place}.when", entry.get("when"), bool(moving), found)
    if compiled is None:
        return None
    program, variables = compiled
    if confidential is not True and any(VARIABLES[name].confidential for name in variables):
        found.add(
            f"{place}.confidential",
            "the condition asks what is confidential, so that its reason tells it",
            "add confidential = true",
        )
    if len(found.problems) > before:
        return None
    name, told = str(entry.get("id")), bool(confidential)
    return Rule(
        id=name,
        when=program.source,
        **{effect: effects.get(effect) for effect in EFFECTS},
        variables=variables,
        program=program,
        reason=Reason(rule=name, effect=_told(effects), confidential=told, **words),
        reason_protected=Reason(rule=name, effect=_told(effects, LOWERING), confidential=told, **words),
    )


def _told(effects: Mapping[str, object], withheld: Container[str] = ()) -> str:
    return ", ".join(
        f"{name} {effects[name]}{' withheld' if name in withheld else ''}" for name in EFFECTS if name in effects
    )


def _effect(place: str, name: str, value: object, found: Findings) -> Any:
    if name in LEVEL_EFFECTS:
        least, greatest = LEVEL_EFFECTS[name]
        if isinstance(value, int) and not isinstance(value, bool) and least <= value <= greatest:
            return value
        found.add(place, "is out of range or no whole number", f"write a whole number from {least} to {greatest}")
        return None
    known = WORD_EFFECTS[name]
    if isinstance(value, str) and value in known:
        return Certainty(value) if name == "certainty" else Urgency(value)
    found.add(place, f"is no {name}", f"{suggestion(str(value), known)}known are {', '.join(known)}")
    return None


def _compile(
    place: str, when: object, moves_severity: bool, found: Findings
) -> tuple[cel.Program, frozenset[str]] | None:
    before = len(found.problems)
    if not isinstance(when, str) or not when.strip():
        found.add(place, "is missing or not text", "write a CEL condition, such as 'injured >= 5'")
        return None
    try:
        program = cel.compile(when)
    except ValueError as error:
        found.add(place, f"is not CEL: {_one_line(error)}", "correct it at the place named")
        return None
    bound = set(_MACRO.findall(_STRINGS.sub('""', when)))
    named = frozenset(program.variables()) - bound
    for name in sorted(named - VARIABLES.keys()):
        found.add(place, f"there is no variable {name}", f"{suggestion(name, VARIABLES)}see docs/reference/rules.md")
    for name in sorted(bound & VARIABLES.keys()):
        found.add(place, f"{name} is bound anew, which hides the variable", "give the bound name another letter")
    for name in sorted(program.functions()):
        if name[0].isalpha() and name not in FUNCTIONS:
            found.add(place, f"there is no function {name}", f"known are {', '.join(sorted(FUNCTIONS))}")
    if moves_severity and SEVERITY in named:
        found.add(place, "asks for the severity that it helps to decide", "use it for certainty and urgency only")
    if len(found.problems) > before:
        return None
    for values in probes():
        try:
            answer = program.execute(values)
        except Exception as error:  # CEL raises TypeError, ValueError, RuntimeError and more: all mean the same here
            found.add(
                place, f"cannot be evaluated: {_one_line(error)}", "compare values of one type; see the reference"
            )
            return None
        if not isinstance(answer, bool):
            found.add(place, f"answers {type(answer).__name__} instead of bool", "write a comparison")
            return None
    return program, named


def _one_line(error: Exception) -> str:
    """What CEL says, which draws the place over several lines."""
    return " ".join(str(error).split())[:300]


@cache
def probes() -> tuple[cel.Context, ...]:
    """Two sets of values, all small and all large, on which every condition must answer true or false."""
    samples: dict[Type, tuple[Any, Any]] = {
        Type.BOOL: (False, True),
        Type.INT: (0, 1_000_000),
        Type.LIST: (["other"], ["other", "other.other"]),
    }
    contexts = []
    for large in (0, 1):
        values = {}
        for name, variable in VARIABLES.items():
            if variable.type is Type.STRING:
                values[name] = variable.values[-large] if variable.values else "other"
            else:
                values[name] = samples[variable.type][large]
        contexts.append(cel.Context(values))
    return tuple(contexts)


@cache
def builtin_ruleset_text() -> str:
    """The ruleset that comes with Siaga, as TOML."""
    return (files("siaga.data") / "severity.toml").read_text(encoding="utf-8")


@cache
def builtin_ruleset() -> Ruleset:
    """The ruleset that comes with Siaga, with the taxonomy that comes with it."""
    return parse_ruleset(builtin_ruleset_text(), builtin_taxonomy())
