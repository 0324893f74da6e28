"""The few pieces of Markdown that the generated pages of the reference are made of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; a bar in a cell does not end it, and no line ends with a new line."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def plain(docstring: str) -> str:
    """A docstring as one paragraph: its lines joined, its code marked as Markdown marks it."""
    return " ".join(docstring.replace("``", "`").split())


def codes(words: Iterable[str]) -> str:
    """Words as code, separated by commas."""
    return ", ".join(f"`{word}`" for word in words)
