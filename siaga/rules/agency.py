"""Which agency leads an incident. Source of the rule: no judge in his own cause (the design's "Escalation").

An agency code such as ``polsek`` names every unit of it; ``polsek-kajen`` names one.
"""

from __future__ import annotations

from typing import Final

from siaga.rules.taxonomy import Kind

#: Who looks into an accused agency: the police's internal affairs, and the regency's inspectorate for them.
INTERNAL_AFFAIRS: Final = "propam"
INSPECTORATE: Final = "inspektorat"


def is_accused(agency: str, *accused_units: str | None) -> bool:
    """Whether ``agency`` is an accused unit, or the whole that one belongs to."""
    for unit in accused_units:
        if unit is not None:
            accused = unit.casefold()
            if accused == agency or accused.startswith(f"{agency}-"):
                return True
    return False


def agencies(kind: Kind, *accused_units: str | None) -> tuple[str, tuple[str, ...]]:
    """The leading and the supporting agencies of an incident of ``kind``, never an accused one."""
    lead = kind.lead
    if is_accused(lead, *accused_units):
        lead = INSPECTORATE if is_accused(INTERNAL_AFFAIRS, *accused_units) else INTERNAL_AFFAIRS
        if is_accused(lead, *accused_units) or lead == kind.lead:
            lead = INSPECTORATE if kind.lead != INSPECTORATE else INTERNAL_AFFAIRS
    support = tuple(a for a in kind.support if a != lead and not is_accused(a, *accused_units))
    return lead, support
