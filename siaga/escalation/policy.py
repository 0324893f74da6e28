"""The policy: who is called, in which order, and how long each level has to answer. Read from TOML.

The default stands in ``siaga/data/policy.toml``. Durations are in seconds here, minutes in the file.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Final, Self

from siaga.rules.errors import Findings, read_toml
from siaga.types import Severity

#: The agency of a desk that stands for whoever leads incidents of the kind.
LEAD: Final = "lead"
_DESK: Final = re.compile(r"^[a-z][a-z0-9-]{0,59}/[a-z][a-z0-9-]{0,59}$")
_KINDS: Final = re.compile(r"^[a-z_]{1,40}\.([a-z_]{1,40}|\*)$")
_SEVERITIES: Final = tuple(severity.name for severity in Severity)
_PARTS: Final = (
    "version",
    "acknowledge_minutes",
    "minutes",
    "raised_level",
    "level",
    "desks",
    "storm",
    "mediators",
)
_MOST_MINUTES: Final = 7 * 24 * 60


@dataclass(frozen=True, slots=True)
class Desk:
    """A role at an agency. ``agency`` is a code of the taxonomy, of one unit, or :data:`LEAD`."""

    agency: str
    role: str

    def __str__(self) -> str:
        return f"{self.agency}/{self.role}"


@dataclass(frozen=True, slots=True)
class Level:
    """One level of the climb and what it is called."""

    id: str
    en: str
    desks: tuple[Desk, ...]


@dataclass(frozen=True, slots=True)
class Storm:
    """Past ``pages`` to one officer within ``window`` seconds, SEV3 pages wait for a digest ``every`` so often."""

    pages: int
    window: float
    every: float


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy. Never changes; a new version is a new object. Durations in seconds on the real clock."""

    #: Its version in the file with a few digits of its content, and of the speed where that is not the real day's.
    version: str
    deadlines: Mapping[Severity, float]
    lease: float
    snooze: float
    expiry: float
    raised: Mapping[Severity, int]
    levels: tuple[Level, ...]
    fallback: tuple[Desk, ...]
    oversight: tuple[Desk, ...]
    storm: Storm
    mediated: tuple[str, ...]
    #: The TOML it was read from, and by what its durations were divided since.
    source: str = field(repr=False, default="")
    speed: float = 1.0

    def pages(self, severity: int) -> bool:
        """Whether somebody is called about incidents of this severity."""
        return severity in self.deadlines

    def deadline(self, severity: int) -> float:
        """Seconds a level has to acknowledge; for what is not paged by itself, the slowest there is."""
        known = self.deadlines.get(Severity(severity))
        return max(self.deadlines.values()) if known is None else known

    def raised_level(self, severity: int) -> int:
        """The level that an incident deserves which grew to this severity."""
        return min(self.raised.get(Severity(severity), 1), len(self.levels))

    def mediates(self, kind: str) -> bool:
        """Whether a mediator is offered for incidents of ``kind``."""
        return kind in self.mediated or f"{kind.partition('.')[0]}.*" in self.mediated

    def at_speed(self, speed: float) -> Self:
        """The same policy with every duration divided by ``speed`` (1 is the real day)."""
        factor = speed / self.speed
        if factor == 1.0:
            return self
        return replace(
            self,
            deadlines=MappingProxyType({s: seconds / factor for s, seconds in self.deadlines.items()}),
            lease=self.lease / factor,
            snooze=self.snooze / factor,
            expiry=self.expiry / factor,
            storm=replace(self.storm, window=self.storm.window / factor, every=self.storm.every / factor),
            speed=speed,
            # Another version: what was frozen at one speed must not be taken for what climbs at another.
            version=label_of(
                self.version.rpartition("@")[0],
                (self.source if speed == 1.0 else f"{self.source}\nspeed = {speed!r}").encode(),
            ),
        )


def parse_policy(toml: str) -> Policy:
    """Read a policy.

    Raises:
        RulesError: something is wrong with it; every problem is named with its remedy.
    """
    table = read_toml(toml)
    found = Findings()
    found.unknown("", table, _PARTS, "part of a policy")
    version = found.token("version", table.get("version"), "kabupaten-1")
    deadlines = _deadlines(table.get("acknowledge_minutes"), found)
    levels = _levels(table.get("level"), found)
    minutes = _section("minutes", table, ("lease", "snooze", "expiry"), found)
    desks = _section("desks", table, ("fallback", "oversight"), found)
    storm = _section("storm", table, ("pages", "window_minutes", "digest_minutes"), found)
    mediators = _section("mediators", table, ("kinds",), found)
    policy = Policy(
        version=label_of(version or "", toml.encode()),
        deadlines=MappingProxyType(deadlines),
        lease=_minutes("minutes.lease", minutes.get("lease"), found),
        snooze=_minutes("minutes.snooze", minutes.get("snooze"), found),
        expiry=_minutes("minutes.expiry", minutes.get("expiry"), found),
        raised=MappingProxyType(_raised(table.get("raised_level", {}), len(levels), found)),
        levels=levels,
        fallback=_desks("desks.fallback", desks.get("fallback"), found),
        oversight=_desks("desks.oversight", desks.get("oversight"), found),
        storm=Storm(
            _count("storm.pages", storm.get("pages"), found),
            _minutes("storm.window_minutes", storm.get("window_minutes"), found),
            _minutes("storm.digest_minutes", storm.get("digest_minutes"), found),
        ),
        mediated=_kinds(mediators.get("kinds", []), found),
        source=toml,
    )
    if deadlines and policy.storm.every > min(
        deadlines.get(Severity.SEV3, _MOST_MINUTES * 60.0), policy.storm.window
    ):
        found.add(
            "storm.digest_minutes",
            "a digest would come later than the deadline of what it tells",
            "make it shorter than acknowledge_minutes.SEV3 and storm.window_minutes",
        )
    found.raise_any()
    return policy


def label_of(version: str, content: bytes) -> str:
    """A version with a few digits of what it names: an edit that forgot to raise the version is another one."""
    return f"{version[:70]}@{hashlib.sha256(content).hexdigest()[:8]}"


@cache
def builtin_policy() -> Policy:
    """The policy that comes with Siaga."""
    return parse_policy(builtin_policy_text())


@cache
def builtin_policy_text() -> str:
    """Its TOML."""
    return (files("siaga.data") / "policy.toml").read_text(encoding="utf-8")


def _section(name: str, table: Mapping[str, Any], known: tuple[str, ...], found: Findings) -> Mapping[str, Any]:
    section = table.get(name, {})
    if not isinstance(section, dict):
        found.add(name, "is not a table", f"begin it with [{name}]")
        return {}
    found.unknown(name, section, known, f"entry of [{name}]")
    return section


def _minutes(place: str, value: object, found: Findings) -> float:
    """A duration in minutes as seconds."""
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= _MOST_MINUTES:
        return float(value) * 60.0
    found.add(place, "is missing" if value is None else "is no duration", "write minutes, more than 0, such as 30")
    return 60.0


def _count(place: str, value: object, found: Findings) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and value >= 1:
        return value
    found.add(place, "is missing" if value is None else "is no count", "write a whole number, 1 or more")
    return 1


def _deadlines(table: object, found: Findings) -> dict[Severity, float]:
    place = "acknowledge_minutes"
    if not isinstance(table, dict) or not table:
        found.add(place, "is missing", "write [acknowledge_minutes] with SEV1 = 2 and so on")
        return {}
    found.unknown(place, table, _SEVERITIES, "severity")
    deadlines = {
        severity: _minutes(f"{place}.{severity.name}", table[severity.name], found)
        for severity in Severity
        if severity.name in table
    }
    for severity in (Severity.SEV1, Severity.SEV2):
        if severity not in deadlines:
            found.add(
                f"{place}.{severity.name}", "is missing", "a serious incident must reach somebody: give it minutes"
            )
    ordered = [deadlines[severity] for severity in sorted(deadlines)]
    if ordered != sorted(ordered):
        found.add(place, "a graver severity waits longer than a lesser one", "give the graver one fewer minutes")
    if deadlines and sorted(deadlines) != list(Severity)[: len(deadlines)]:
        found.add(place, "a severity is paged and a graver one is not", "name every severity from SEV1 on")
    return deadlines


def _raised(table: object, levels: int, found: Findings) -> dict[Severity, int]:
    if not isinstance(table, dict):
        found.add("raised_level", "is not a table", "begin it with [raised_level]")
        return {}
    found.unknown("raised_level", table, _SEVERITIES, "severity")
    raised = {}
    for name, value in table.items():
        if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= max(levels, 1):
            if name in _SEVERITIES:
                raised[Severity[name]] = value
        else:
            found.add(f"raised_level.{name}", "is no level", f"write a whole number from 1 to {max(levels, 1)}")
    return raised


def _levels(entries: object, found: Findings) -> tuple[Level, ...]:
    if not isinstance(entries, list) or not entries:
        found.add("level", "there is none", "add at least one [[level]] with its desks")
        return ()
    levels = []
    for number, entry in enumerate(entries, 1):
        place = f"level {number}"
        if not isinstance(entry, dict):
            found.add(place, "is not a table", "begin it with [[level]]")
            continue
        found.unknown(place, entry, ("id", "en", "desks"), "field of a level")
        names = [
            found.text(f"{place}.{key}", entry.get(key), f"say in {language} who is called")
            for key, language in (("id", "Indonesian"), ("en", "English"))
        ]
        levels.append(Level(names[0] or "", names[1] or "", _desks(f"{place}.desks", entry.get("desks"), found)))
    return tuple(levels)


def _desks(place: str, value: object, found: Findings) -> tuple[Desk, ...]:
    if not isinstance(value, list) or not value:
        found.add(place, "is missing or empty", 'write a list such as ["polres/ops"]')
        return ()
    desks = []
    for text in value:
        if isinstance(text, str) and _DESK.match(text):
            desks.append(Desk(*text.split("/")))
        else:
            found.add(place, "holds what is no desk", "write agency/role in lower case, such as polres/ops")
    return tuple(desks)


def _kinds(value: object, found: Findings) -> tuple[str, ...]:
    if isinstance(value, list) and all(isinstance(text, str) and _KINDS.match(text) for text in value):
        return tuple(value)
    found.add("mediators.kinds", "holds what is no kind", "write a list such as ['dispute.*', 'violence.brawl']")
    return ()
