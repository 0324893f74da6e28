"""What stands where personal data stood, and how it is known again. Pure.

A person's name is replaced by a pseudonym that is random and written down nowhere, the same within one erasure, so
that independent voices can still be told apart.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

#: How a pseudonym begins.
PREFIX: Final = "terhapus-"
#: In place of a text.
TEXT: Final = "[dihapus]"


def is_erased(said: object) -> bool:
    """Whether something (a row's values, a body, one value) has had personal data erased."""
    return any(value == TEXT or value.startswith(PREFIX) for value in _texts(said))


def _texts(said: object) -> Iterator[str]:
    if isinstance(said, str):
        yield said
    elif isinstance(said, Mapping):
        for value in said.values():
            yield from _texts(value)
    elif isinstance(said, list | tuple):
        for value in said:
            yield from _texts(value)


def replaced(said: object, old: str, new: str) -> object:
    """The same, with ``new`` wherever a value is ``old``."""
    if isinstance(said, Mapping):
        return {key: replaced(value, old, new) for key, value in said.items()}
    if isinstance(said, list | tuple):
        return [replaced(value, old, new) for value in said]
    return new if said == old else said
