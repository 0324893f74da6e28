"""What the watchdog looks at, as data (``siaga/data/watchdog.toml``), and what a reading says of it. Pure.

Input: TOML; samples of a process. Output: checks; whether each is wrong, and its number.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any, Final

from siaga.rules.errors import Findings, read_toml

#: A process's samples: (metric, sorted labels) -> value.
Samples = Mapping[tuple[str, tuple[tuple[str, str], ...]], float]

ANY: Final = "*"
TAKES: Final = ("max", "min", "sum", "rise")
_FIELDS: Final = (
    *("id", "part", "metric", "labels", "take", "above", "below", "required", "for_seconds", "clear_seconds", "text"),
)
_ID: Final = re.compile(r"^[a-z][a-z0-9_]{0,39}$")
_LONGEST: Final = 86_400.0


@dataclass(frozen=True, slots=True)
class Check:
    """One thing to look at. Durations are seconds."""

    id: str
    part: str
    indonesian: str
    english: str
    lasting: float
    clearing: float
    metric: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    take: str = "max"
    above: float | None = None
    below: float | None = None
    required: bool = False

    def concerns(self, target: str) -> bool:
        """Whether it is about the process ``target``; ``streams-1`` is a worker of ``streams``."""
        return self.part in (ANY, target, target.partition("-")[0])


@dataclass(frozen=True, slots=True)
class Finding:
    """What a look says: ``value`` is None where there is no number."""

    is_wrong: bool
    value: float | None = None


def find(check: Check, now: Samples | None, before: Samples | None) -> Finding:
    """What the samples of a process (None where it does not answer) say about a check."""
    if check.metric is None:
        return Finding(now is None)
    if now is None:
        return Finding(False)  # that it does not answer is another check's
    value = _value(check, now)
    if value is not None and check.take == "rise":
        last = None if before is None else _value(check, before)
        # A process that was started again counts from nothing: all of it is new.
        value = None if last is None else value - last if value >= last else value
    if value is None:
        return Finding(check.required)
    wrong = (check.above is not None and value > check.above) or (check.below is not None and value < check.below)
    return Finding(wrong, value)


def _value(check: Check, samples: Samples) -> float | None:
    wanted = set(check.labels.items())
    values = [
        value
        for (name, labels), value in samples.items()
        if name == check.metric and wanted <= set(labels) and not math.isnan(value)
    ]
    if not values:
        return None
    return {"max": max, "min": min}[check.take](values) if check.take in ("max", "min") else sum(values)


# -- reading them ---------------------------------------------------------------------------------------------------


def builtin_checks() -> tuple[Check, ...]:
    """The checks that come with Siaga."""
    return parse_checks((files("siaga.data") / "watchdog.toml").read_text(encoding="utf-8"))


def parse_checks(toml: str) -> tuple[Check, ...]:
    """Read checks.

    Raises:
        siaga.rules.errors.RulesError: something is wrong; every problem is named with its remedy.
    """
    table = read_toml(toml)
    found = Findings()
    found.unknown("", table, ("check",), "part of the watchdog's file")
    entries = table.get("check")
    if not isinstance(entries, list) or not entries:
        found.add("check", "there is none", "add at least one [[check]]")
        entries = []
    checks = [_check(f"check {number}", entry, found) for number, entry in enumerate(entries, 1)]
    ids = [check.id for check in checks if check is not None]
    for id_ in sorted({id_ for id_ in ids if ids.count(id_) > 1}):
        found.add("check", f"two have the id {id_}", "give each an id of its own")
    found.raise_any()
    return tuple(check for check in checks if check is not None)


def _check(place: str, entry: object, found: Findings) -> Check | None:
    if not isinstance(entry, dict):
        found.add(place, "is not a table", "begin it with [[check]]")
        return None
    found.unknown(place, entry, _FIELDS, "field of a check")
    text = entry.get("text")
    words = text if isinstance(text, dict) else {}
    metric, labels, take = entry.get("metric"), entry.get("labels", {}), entry.get("take", "max")
    above, below = (_number(place, name, entry, found) for name in ("above", "below"))
    if not isinstance(labels, dict) or not all(isinstance(value, str) for value in labels.values()):
        found.add(f"{place}.labels", "are not labels", 'write { topic = "siaga.reports" }')
        labels = {}
    if take not in TAKES:
        found.add(f"{place}.take", "is unknown", f"write one of {', '.join(TAKES)}")
    if metric is not None and above is None and below is None:
        found.add(f"{place}.above", "nothing says what is wrong", "write above = 30 or below = 1")
    return Check(
        id=_matching(place, "id", entry, found, _ID),
        part=found.text(f"{place}.part", entry.get("part"), 'name a process, or "*"') or "",
        indonesian=found.text(f"{place}.text.id", words.get("id"), "say it in Indonesian") or "",
        english=found.text(f"{place}.text.en", words.get("en"), "say it in English") or "",
        lasting=_seconds(place, "for_seconds", entry, found),
        clearing=_seconds(place, "clear_seconds", entry, found),
        metric=None if metric is None else found.text(f"{place}.metric", metric, "name a metric"),
        labels=labels,
        take=str(take),
        above=above,
        below=below,
        required=entry.get("required") is True,
    )


def _matching(place: str, name: str, entry: Mapping[str, Any], found: Findings, pattern: re.Pattern[str]) -> str:
    value = entry.get(name)
    if isinstance(value, str) and pattern.match(value):
        return value
    found.add(f"{place}.{name}", "is missing or no id", "write small letters, digits and _, such as canary")
    return ""


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _number(place: str, name: str, entry: Mapping[str, Any], found: Findings) -> float | None:
    value = entry.get(name)
    if value is None:
        return None
    if not _is_number(value):
        found.add(f"{place}.{name}", "is no number", "write one such as 30")
        return None
    return float(value)


def _seconds(place: str, name: str, entry: Mapping[str, Any], found: Findings) -> float:
    value = entry.get(name)
    if not _is_number(value) or not 0 <= float(str(value)) <= _LONGEST:
        found.add(f"{place}.{name}", "is missing or no duration", "write seconds, 0 or more, such as 30")
        return 0.0
    return float(str(value))
