"""No judge in his own cause: who may not be told of an incident, because it accuses their own unit."""

from __future__ import annotations

from collections.abc import Iterable

from siaga.rules.agency import is_accused


def is_conflicted(agency: str, kind: str, accused: str | Iterable[str] | None) -> bool:
    """Whether an officer of ``agency`` (a unit of ``kind``) belongs to the accused unit, or to one of several.

    A code names a unit with all of its parts: ``polsek`` every Polsek, ``polsek-kajen`` one and its sections.
    Accusing a section also bars the unit that it is a section of.
    """
    if accused is None:
        return False
    units = (accused,) if isinstance(accused, str) else accused
    return any(_is_of(agency, kind, unit) for unit in units)


def _is_of(agency: str, kind: str, accused_unit: str) -> bool:
    accused = accused_unit.casefold()
    unit = agency.casefold()
    return accused == kind.casefold() or is_accused(unit, accused) or unit.startswith(f"{accused}-")
