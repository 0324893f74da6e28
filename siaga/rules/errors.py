"""What is wrong with a file of rules: every problem at once, each with its place and its remedy."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterable, Mapping
from typing import Any, Final

from siaga.contracts.decode import Problem

#: The same as :data:`siaga.contracts.base.Token`, for what TOML files name.
TOKEN: Final = re.compile(r"^[A-Za-z0-9._:@-]{1,80}$")


class RulesError(ValueError):
    """A taxonomy or a ruleset that cannot be used. The message has a line for each problem."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems: tuple[Problem, ...] = tuple(problems)
        super().__init__("\n".join(f"{p.field}: {p.message}; {p.remedy}" for p in self.problems))


class Findings:
    """Gathers problems while a file is read, so that its author is told all of them in one go."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def add(self, field: str, message: str, remedy: str) -> None:
        """Write down one problem."""
        self.problems.append(Problem(field, message, remedy))

    def raise_any(self) -> None:
        """Raise what was found.

        Raises:
            RulesError: at least one problem was found.
        """
        if self.problems:
            raise RulesError(self.problems)

    def unknown(self, place: str, table: Mapping[str, Any], known: Iterable[str], what: str) -> None:
        """Report every key of ``table`` that is none of ``known``. ``what`` says what it should have been."""
        names = tuple(known)
        for key in table:
            if key not in names:
                self.add(_join(place, key), f"is no {what}", f"{suggestion(key, names)}known are {', '.join(names)}")

    def token(self, place: str, value: object, example: str) -> str | None:
        """``value`` as a short identifier, or None and a problem."""
        if isinstance(value, str) and TOKEN.match(value):
            return value
        told = "is missing" if value is None else "is no short identifier"
        self.add(place, told, f"write letters, digits and . _ : @ -, such as {example!r}")
        return None

    def text(self, place: str, value: object, remedy: str) -> str | None:
        """``value`` as text that is not blank, or None and a problem."""
        if isinstance(value, str) and value.strip():
            return value
        self.add(place, "is missing" if value is None else "is not text, or blank", remedy)
        return None


def suggestion(word: str, known: Iterable[str]) -> str:
    """``did you mean …?`` where a known name is near, else nothing."""
    near = difflib.get_close_matches(word, tuple(known), n=1)
    return f"did you mean {near[0]}? " if near else ""


def read_toml(text: str) -> dict[str, Any]:
    """The file's tables.

    Raises:
        RulesError: it is not TOML; the problem names the line. Or it holds what no database takes.
    """
    try:
        read = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise RulesError([Problem("file", f"is not TOML: {error}", "correct it at the place named")]) from None
    if _holds_nul(read):
        # An incident that gave such a text as a reason could not be stored.
        raise RulesError([Problem("file", "holds a NUL character", "take \\u0000 out of its texts")])
    return read


def _holds_nul(value: object) -> bool:
    match value:
        case str():
            return "\x00" in value
        case dict():
            return any(_holds_nul(part) for pair in value.items() for part in pair)
        case list():
            return any(map(_holds_nul, value))
        case _:
            return False


def _join(place: str, key: str) -> str:
    return f"{place}.{key}" if place else key
