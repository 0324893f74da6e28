"""The kinds of incident: what they are called, how grave they are before any rule, and who deals with them.

Kept as TOML (``siaga/data/kinds.toml``), so that another election replaces the file and no code.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Final

from siaga.rules.errors import Findings, read_toml, suggestion
from siaga.types import Severity

_NAME: Final = re.compile(r"^[a-z_]{1,40}$")
_FIELDS: Final = ("id", "en", "base", "lead", "support")
_LEVELS: Final = "SEV1 (gravest) to SEV5: base = 1, 2, 3, 4 or 5"
#: A kind that the taxonomy does not know is neither paged about at night nor overlooked.
_UNKNOWN_BASE: Final = Severity.SEV3
_UNKNOWN_LEAD: Final = "polres"


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of incident, such as ``violence.brawl``. ``lead`` and ``support`` are codes of agencies."""

    code: str
    family: str
    id: str
    en: str
    base: Severity
    lead: str
    support: tuple[str, ...]


@dataclass(frozen=True)
class Taxonomy:
    """Every kind there is."""

    version: str
    kinds: Mapping[str, Kind]

    @cached_property
    def families(self) -> tuple[str, ...]:
        """The families, in the order of the file."""
        return tuple(dict.fromkeys(kind.family for kind in self.kinds.values()))

    def get(self, code: str) -> Kind | None:
        """The kind of this code, or None."""
        return self.kinds.get(code)

    def gravest(self, codes: Iterable[str]) -> Kind:
        """The kind of the lowest base severity; of several, the first by code. Unknown codes are passed over.

        Raises:
            ValueError: none of the codes is known.
        """
        known = [kind for code in codes if (kind := self.kinds.get(code)) is not None]
        if not known:
            raise ValueError("kinds: none is in the taxonomy; load one that has them with 'siaga registry load'")
        return min(known, key=lambda kind: (kind.base, kind.code))

    def gravest_or_unknown(self, codes: Iterable[str]) -> Kind:
        """As :meth:`gravest`; an incident whose every kind has left the taxonomy still gets a decision.

        Raises:
            ValueError: there is no code at all.
        """
        named = sorted(codes)
        if not named:
            raise ValueError("kinds: an incident without a report cannot be classified; add a report to it")
        if any(code in self.kinds for code in named):
            return self.gravest(named)
        code = named[0]
        return Kind(code, code.partition(".")[0], code, code, _UNKNOWN_BASE, _UNKNOWN_LEAD, ())


def parse_taxonomy(toml: str) -> Taxonomy:
    """Read a taxonomy.

    Raises:
        RulesError: something is wrong with it; every problem is named with its remedy.
    """
    table = read_toml(toml)
    found = Findings()
    found.unknown("", table, ("version", "kinds"), "part of a taxonomy")
    version = found.token("version", table.get("version"), "pilkades-2022-1")
    families = table.get("kinds")
    kinds: dict[str, Kind] = {}
    if not isinstance(families, dict) or not families:
        found.add("kinds", "is missing or empty", "add a table for each family, such as [kinds.violence]")
        families = {}
    for family, members in families.items():
        place = f"kinds.{family}"
        if not _NAME.match(family):
            found.add(place, "is no name of a family", "write lower-case letters and _ only")
        if not isinstance(members, dict) or not members:
            found.add(place, "has no kind", "add one, such as brawl = { id = …, en = …, base = 3, lead = … }")
            continue
        for name, entry in members.items():
            kind = _kind(f"{place}.{name}", family, name, entry, found)
            if kind is not None:
                kinds[kind.code] = kind
    found.raise_any()
    return Taxonomy(version or "", MappingProxyType(kinds))


def _kind(place: str, family: str, name: str, entry: Any, found: Findings) -> Kind | None:
    before = len(found.problems)
    if not _NAME.match(name):
        found.add(place, "is no name of a kind", "write lower-case letters and _ only")
    if not isinstance(entry, dict):
        found.add(place, "is not a table", "write { id = …, en = …, base = …, lead = …, support = […] }")
        return None
    found.unknown(place, entry, _FIELDS, "field of a kind")
    indonesian = found.text(f"{place}.id", entry.get("id"), "write its Indonesian name")
    english = found.text(f"{place}.en", entry.get("en"), "write its English name")
    lead = found.token(f"{place}.lead", entry.get("lead"), "polsek")
    base: Any = entry.get("base")
    if base is None:
        found.add(f"{place}.base", f"no level is defined for {family}.{name}", f"give it one of {_LEVELS}")
    elif isinstance(base, bool) or not isinstance(base, int) or not 1 <= base <= 5:
        found.add(f"{place}.base", "is no level", f"give it one of {_LEVELS}")
    support = entry.get("support", [])
    if not isinstance(support, list):
        found.add(f"{place}.support", "is not a list", 'write a list of agency codes, such as ["polres"]')
        support = []
    for index, agency in enumerate(support):
        found.token(f"{place}.support[{index}]", agency, "polres")
        if agency == lead or agency in support[:index]:
            found.add(f"{place}.support[{index}]", f"names {agency} twice", "name each agency once, the lead apart")
    if len(found.problems) > before:
        return None
    return Kind(
        f"{family}.{name}", family, indonesian or "", english or "", Severity(base), lead or "", tuple(support)
    )


def explain_unknown(code: str, taxonomy: Taxonomy) -> str:
    """The remedy for a kind that is not in the taxonomy."""
    return f"{suggestion(code, taxonomy.kinds)}correct it, or load a taxonomy that has it with 'siaga registry load'"


@cache
def builtin_taxonomy_text() -> str:
    """The taxonomy that comes with Siaga, as TOML."""
    return (files("siaga.data") / "kinds.toml").read_text(encoding="utf-8")


@cache
def builtin_taxonomy() -> Taxonomy:
    """The taxonomy that comes with Siaga."""
    return parse_taxonomy(builtin_taxonomy_text())
