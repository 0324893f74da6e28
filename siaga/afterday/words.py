"""Words, numbers and times as a reader of either language writes them. Pure."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from datetime import datetime, tzinfo
from functools import cache
from importlib.resources import files
from typing import Any, Final

LANGUAGES: Final = ("id", "en")
#: What the Indonesian zones are called on paper.
_ZONES: Final = {"Asia/Jakarta": "WIB", "Asia/Pontianak": "WIB", "Asia/Makassar": "WITA", "Asia/Jayapura": "WIT"}


@cache
def _tables() -> Mapping[str, Mapping[str, str]]:
    return tomllib.loads((files("siaga.afterday") / "words.toml").read_text("utf-8"))


class Words:
    """What is said in one language, in one time zone."""

    def __init__(self, language: str, zone: tzinfo) -> None:
        """Raises :class:`ValueError` for a language there is none of."""
        if language not in LANGUAGES:
            raise ValueError(f"lang: there is no {language[:20]!r}; choose one of {', '.join(LANGUAGES)}")
        self.language = language
        self._zone = zone
        self._words = _tables()[language]

    def __call__(self, word: str, **parts: Any) -> str:
        """The words of this name, filled in; numbers are written as the language does."""
        return self._words[word].format(**{k: self.number(v) if isinstance(v, int) else v for k, v in parts.items()})

    def named(self, prefix: str, name: str) -> str:
        """What ``name`` is called; the name itself where nobody knows."""
        return self._words.get(f"{prefix}_{name}", name)

    def agency(self, code: str) -> str:
        """What an agency is called."""
        return _tables()["agencies"].get(code, code)

    def number(self, value: int) -> str:
        """A whole number with its thousands apart."""
        return f"{value:,}".replace(",", ".") if self.language == "id" else f"{value:,}"

    def long(self, seconds: float) -> str:
        """How long something took."""
        s = self._words
        if seconds < 10:
            said = f"{seconds:.1f}".replace(".", ",") if self.language == "id" else f"{seconds:.1f}"
            return f"{said} {s['span_s']}"
        whole = round(seconds)
        if whole < 60:
            return f"{whole} {s['span_s']}"
        if whole < 3600:
            return f"{whole // 60} {s['span_m']} {whole % 60:02} {s['span_s']}"
        if whole < 86400:
            return f"{whole // 3600} {s['span_h']} {whole % 3600 // 60:02} {s['span_m']}"
        return f"{whole // 86400} {s['span_d']} {whole % 86400 // 3600:02} {s['span_h']}"

    def short(self, seconds: float) -> str:
        """How long something took, for a table: minutes and seconds with a colon, two units at most."""
        if seconds < 0.5:
            return f"<1 {self._words['span_s']}"
        if seconds < 59.5:
            return f"{round(seconds)} {self._words['span_s']}"
        if seconds < 3599.5:
            return f"{round(seconds) // 60}:{round(seconds) % 60:02}"
        part, size, unit = (60, 60, "span_h") if seconds < 86370 else (3600, 24, "span_d")
        return f"{round(seconds / part) // size} {self._words[unit]} {round(seconds / part) % size:02}"

    def people(self, dead: int, injured: int) -> str:
        """How many came to harm; nothing where nobody did."""
        return ", ".join(self(word, n=n) for word, n in (("dead", dead), ("injured", injured)) if n)

    def slot(self, seconds: int) -> str:
        """What one column of a chart stands for."""
        if seconds < 3600:
            return self("slot_m1") if seconds == 60 else self("slot_m", n=seconds // 60)
        name, size = ("slot_h", 3600) if seconds < 86400 else ("slot_d", 86400)
        return self(name) if seconds == size else self(f"{name}s", n=seconds // size)

    def date(self, at: datetime) -> str:
        """A day, a date and a time."""
        local = at.astimezone(self._zone)
        day, month = self._words["days"].split()[local.weekday()], self._words["months"].split()[local.month - 1]
        return f"{day}, {local.day} {month} {local.year}, {self.clock(at)}"

    def clock(self, at: datetime, *, seconds: bool = False) -> str:
        """The time of day."""
        said = at.astimezone(self._zone).strftime("%H:%M:%S" if seconds else "%H:%M")
        return said.replace(":", ".") if self.language == "id" else said

    def day_and_clock(self, at: datetime) -> str:
        """The day of the month besides."""
        return f"{at.astimezone(self._zone):%d/%m} {self.clock(at)}"

    def zone(self, name: str) -> str:
        """What a time zone is called."""
        return _ZONES.get(name, name)
