"""The force posture: who stands at stations of each class, and how many officers incidents draw away.

Input: TOML (``siaga/data/posture.toml``, or a regency's own of ``siaga.registry``). Output: numbers. State: none.
What is counted with it tells the classes of stations: CONFIDENTIAL.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final

from siaga.rules.errors import Findings, read_toml
from siaga.types import Severity, Vulnerability

_NUMBERS: Final = ("officers", "stations", "linmas")
_SEVERITIES: Final = {severity.name: severity for severity in Severity}
_KIND_PARTS: Final = 2
#: No pattern and no incident has more people than the regency's police.
_MOST: Final = 10_000


@dataclass(frozen=True, slots=True)
class Pattern:
    """So many officers and Linmas together secure so many stations."""

    officers: int
    stations: int
    linmas: int


@dataclass(frozen=True, slots=True)
class Posture:
    """Who stands where, and what incidents need."""

    version: str
    patterns: Mapping[str, Pattern]
    severities: Mapping[Severity, int]
    kinds: Mapping[str, int]

    def officers(self, stations: Mapping[str, int]) -> int:
        """Officers for so many ``stations`` of each class; a part of a team is a whole one."""
        return _teams((self.patterns[name], count) for name, count in stations.items())[0]

    def linmas(self, stations: Mapping[str, int]) -> int:
        """Linmas for so many ``stations`` of each class."""
        return _teams((self.patterns[name], count) for name, count in stations.items())[1]

    def demand(self, kind: str, severity: int) -> int:
        """Officers that an open incident needs."""
        known = self.kinds.get(kind)
        return self.severities.get(Severity(severity), 0) if known is None else known


def _teams(found: Any) -> tuple[int, int]:
    officers = linmas = 0
    for pattern, count in found:
        officers += -(-count * pattern.officers // pattern.stations)
        linmas += -(-count * pattern.linmas // pattern.stations)
    return officers, linmas


def parse_posture(toml: str) -> Posture:
    """Read a posture.

    Raises:
        RulesError: something is wrong with it; every problem is named with its remedy.
    """
    table, found = read_toml(toml), Findings()
    found.unknown("", table, ("version", "pattern", "demand"), "part of a posture")
    version = found.token("version", table.get("version"), "polri-2019-1")
    patterns = _patterns(_table("pattern", table, found), found)
    demand = dict(_table("demand", table, found))
    kinds = _table("kinds", demand, found, place="demand.kinds", needed=False)
    demand.pop("kinds", None)
    found.unknown("demand", demand, tuple(_SEVERITIES), "severity")
    severities = {
        _SEVERITIES[name]: _number(f"demand.{name}", value, 0, found)
        for name, value in demand.items()
        if name in _SEVERITIES
    }
    for kind in kinds:
        if len(kind.split(".")) != _KIND_PARTS:
            found.add(
                f"demand.kinds.{kind}"[:100], "is no kind", 'write it in quotation marks, such as "order.crowd"'
            )
    of_kinds = {kind: _number(f"demand.kinds.{kind}"[:100], value, 0, found) for kind, value in kinds.items()}
    found.raise_any()
    return Posture(version or "", patterns, severities, of_kinds)


def _table(
    name: str, table: Mapping[str, Any], found: Findings, *, place: str | None = None, needed: bool = True
) -> Mapping[str, Any]:
    value = table.get(name)
    if isinstance(value, dict):
        return value
    if value is not None or needed:
        found.add(place or name, "is missing or no table", f"add a table [{place or name}]")
    return {}


def _patterns(table: Mapping[str, Any], found: Findings) -> dict[str, Pattern]:
    classes = tuple(one.value for one in Vulnerability)
    found.unknown("pattern", table, classes, "class of a station")
    patterns = {}
    for name in classes:
        entry, place = table.get(name), f"pattern.{name}"
        if not isinstance(entry, dict):
            found.add(place, "is missing or no table", "write { officers = 2, stations = 4, linmas = 6 }")
            continue
        found.unknown(place, entry, _NUMBERS, "number of a pattern")
        officers, stations, linmas = (
            _number(f"{place}.{number}", entry.get(number), int(number == "stations"), found) for number in _NUMBERS
        )
        patterns[name] = Pattern(officers, stations, linmas)
    return patterns


def _number(place: str, value: object, least: int, found: Findings) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and least <= value <= _MOST:
        return value
    told = "is missing" if value is None else "is no such number"
    found.add(place, told, f"write a whole number from {least} to {_MOST:,}")
    return max(least, 1)


@cache
def builtin_posture() -> Posture:
    """The posture that comes with Siaga."""
    return parse_posture((files("siaga.data") / "posture.toml").read_text(encoding="utf-8"))
