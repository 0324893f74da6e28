"""A report in a line: ``LAPOR 33.26.08.2001-003 perkelahian luka 2``.

Input: the text of a message, the kinds there are. Output: a :class:`Compact`, or what is missing. Pure; the words are
data (``siaga/data/answers.toml``), the kinds' names are the taxonomy's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Any, Final
from uuid import UUID, uuid5

from siaga.answers.data import answers_data
from siaga.contracts.report import Channel, Facts, Report, Reporter, Role, Weapons
from siaga.rules.taxonomy import Kind, Taxonomy
from siaga.types import StationId

_NAMESPACE: Final = UUID("6f6c8f0e-0d51-5a55-8a7e-4f2b1f6d3c90")
_TOKEN: Final = re.compile(r"[^\W_]+")
#: With or without its dots and its zeros: 33.26.08.2001-003, 3326082001-3, 33.26.08.2001 TPS 3.
_STATION: Final = re.compile(
    r"(?<!\d)(\d{2})[. ]?(\d{2})[. ]?(\d{2})[. ]?(\d{4})\s*(?:[-/]|\s*tps\s*|\s)\s*(?:tps\s*)?(\d{1,3})(?!\d)"
)
_LONGEST_TEXT: Final = 1000
_MOST: Final = 1_000_000
_COUNTS: Final = ("injured", "dead", "crowd")
_FILLERS: Final = frozenset({"atau", "dan", "or", "and", "di", "of", "a", "an", "the"})


class Missing(StrEnum):
    """What a report in a line lacks."""

    STATION = "no_station"
    KIND = "no_kind"


@dataclass(frozen=True, slots=True)
class Compact:
    """A report in a line. What it counts is None where it does not say."""

    station_id: str
    kind: Kind
    injured: int | None = None
    dead: int | None = None
    crowd: int | None = None
    weapons: Weapons | None = None
    drill: bool = False
    text: str = field(repr=False, default="")

    def report(self, reporter: str, message_id: str, at: datetime) -> Report:
        """The report as a device would send it; ``message_id`` makes its id."""
        return Report(
            schema_version=1,
            report_id=uuid5(_NAMESPACE, message_id),
            kind=self.kind.code,
            station_id=StationId(self.station_id),
            occurred_at=at,
            reporter=Reporter(id=reporter, role=Role.OFFICER),
            facts=Facts(injured=self.injured, dead=self.dead, crowd=self.crowd, weapons=self.weapons),
            text=self.text,
            channel=Channel.SMS,
            drill=self.drill,
        )


def is_report(text: str) -> bool:
    """Whether a message means to be a report."""
    first = _TOKEN.search(text)
    return first is not None and first[0].casefold() in answers_data()["reports"]["begin"]


def read_report(text: str, taxonomy: Taxonomy) -> Compact | Missing:
    """What a message that :func:`is_report` says."""
    told = text.casefold()[:_LONGEST_TEXT]
    place = _STATION.search(told)
    if place is None:
        return Missing.STATION
    station = f"{place[1]}.{place[2]}.{place[3]}.{place[4]}-{int(place[5]):03}"
    before, after = _TOKEN.findall(told[: place.start()])[1:], _TOKEN.findall(told[place.end() :])
    tokens = [*before, *after]
    drill = bool(set(tokens) & set(_words()["drill"]))
    tokens = [token for token in tokens if (token,) not in _phrases("drill")]
    kind = _kind(tokens, taxonomy)
    if kind is None:
        return Missing.KIND
    armed = [weapon for weapon in (Weapons.FIREARM, Weapons.SHARP) if _names(tokens, weapon)]
    clean = "".join(character for character in text if character.isprintable())[:_LONGEST_TEXT]
    counts = _counts(tokens)
    return Compact(
        station,
        kind,
        injured=counts.get("injured"),
        dead=counts.get("dead"),
        crowd=counts.get("crowd"),
        weapons=armed[0] if armed else None,
        drill=drill,
        text=clean,
    )


def _words() -> Mapping[str, Any]:
    words: Mapping[str, Any] = answers_data()["reports"]
    return words


@cache
def _phrases(name: str) -> frozenset[tuple[str, ...]]:
    return frozenset(tuple(_TOKEN.findall(phrase)) for phrase in _words()[name])


def _names(tokens: list[str], weapon: Weapons) -> bool:
    return any(_found(tokens, phrase) for phrase in _phrases(weapon.value))


def _found(tokens: list[str], phrase: tuple[str, ...]) -> bool:
    length = len(phrase)
    return any(tuple(tokens[start : start + length]) == phrase for start in range(len(tokens) - length + 1))


def _counts(tokens: list[str]) -> dict[str, int]:
    """What is counted. A number stands behind its word or before it, alike in the whole message: ``luka 2 tewas 1``,
    ``2 luka 1 tewas``; where one is left over, the other side counts as well. No number counts twice.
    """
    persons = {word for (word,) in _phrases("persons")}
    # Where each word is, without those that only say that people are meant.
    kept = [(place, token) for place, token in enumerate(tokens) if token not in persons]
    words = [token for _, token in kept]
    facts = sorted(
        (start, start + len(phrase), name)
        for name in _COUNTS
        for phrase in _phrases(name)
        for start in range(len(words) - len(phrase) + 1)
        if tuple(words[start : start + len(phrase)]) == phrase
    )
    counts: dict[str, int] = {}
    free = {place: int(word) for place, word in enumerate(words) if _is_count(word)}
    is_before = bool(facts) and facts[0][0] - 1 in free
    for start, end, name in facts:
        sides = (start - 1, end) if is_before else (end, start - 1)
        number = next((free.pop(side) for side in sides if side in free), None)
        if number is not None:
            counts[name] = max(number, counts.get(name, 0))
    crowds = [number for place, number in free.items() if persons & {*tokens[kept[place][0] + 1 :][:1]}]
    if crowds and "crowd" not in counts:
        counts["crowd"] = max(crowds)
    return counts


def _is_count(word: str) -> bool:
    return word.isascii() and word.isdecimal() and len(word) < len(str(_MOST))


def _kind(tokens: list[str], taxonomy: Taxonomy) -> Kind | None:
    """The kind that a message names: by its longest name; else by a first word that only one kind has."""
    said = set(tokens)
    whole = [(len(name), kind) for kind in taxonomy.kinds.values() for name in _names_of(kind) if set(name) <= said]
    if whole:
        longest = max(length for length, _ in whole)
        found = {kind.code: kind for length, kind in whole if length == longest}
        return next(iter(found.values())) if len(found) == 1 else None
    begun: dict[str, set[str]] = {}
    for kind in taxonomy.kinds.values():
        for name in _names_of(kind):
            begun.setdefault(name[0], set()).add(kind.code)
    codes = {code for token in tokens if len(begun.get(token, ())) == 1 for code in begun[token]}
    return taxonomy.get(codes.pop()) if len(codes) == 1 else None


def _names_of(kind: Kind) -> Iterator[tuple[str, ...]]:
    """What a kind is called; "A atau B" is called A as well as B."""
    for name in (kind.id, kind.en, kind.code.partition(".")[2].replace("_", " ")):
        for part in re.split(r"\b(?:atau|or)\b", name.casefold()):
            words = tuple(word for word in _TOKEN.findall(part) if word not in _FILLERS)
            if words:
                yield words
