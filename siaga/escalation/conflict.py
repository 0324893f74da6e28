"""No judge in his own cause: who may not be told of an incident, because it accuses their own unit."""

from __future__ import annotations

from siaga.rules.agency import is_accused


def is_conflicted(agency: str, kind: str, accused_unit: str | None) -> bool:
    """Whether an officer of ``agency`` (a unit of ``kind``) belongs to the accused unit.

    A code names a unit with all of its parts: ``polsek`` every Polsek, ``polsek-kajen`` one and its sections.
    Accusing a section also bars the unit that it is a section of.
    """
    if accused_unit is None:
        return False
    accused = accused_unit.casefold()
    unit = agency.casefold()
    return accused == kind.casefold() or is_accused(unit, accused) or unit.startswith(f"{accused}-")
