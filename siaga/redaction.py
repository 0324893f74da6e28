"""What each role sees. The one place where that is decided; everything that leaves the command centre passes here.

In: rows as plain mappings, and who asks. Out: new dictionaries with what they may see, ``None`` where they may not
know that it exists. Pure: no clock, no database. Every view is a list of what is let through, so that a column added
somewhere else stays inside until it is named here.

What is confidential: a station's vulnerability and every reason that would tell it, who reported, the officers' names
outside the command centre, personal data in free text, and an incident for the unit that it accuses.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from lokal import mask_pii

from siaga.contracts.incident import Change
from siaga.escalation.conflict import is_conflicted

Row = Mapping[str, Any]


class UserRole(StrEnum):
    """What somebody may see and do."""

    #: Anybody at all, without signing in.
    PUBLIC = "public"
    #: Looks on: no people, no personal data.
    VIEWER = "viewer"
    #: Works at the command centre.
    OPERATOR = "operator"
    #: Commands: sees the security plan and who reported.
    COMMANDER = "commander"
    #: Looks into what was done; sees who reported only with a reason, which is written down.
    AUDITOR = "auditor"
    #: Looks after the system, and sees what a commander sees.
    ADMIN = "admin"


_CLEARED: Final = frozenset({UserRole.COMMANDER, UserRole.ADMIN})
_STAFF: Final = frozenset({UserRole.OPERATOR, UserRole.COMMANDER, UserRole.ADMIN})


@dataclass(frozen=True, slots=True)
class Audience:
    """Who looks.

    ``agency`` and ``districts`` narrow what they see to what concerns their unit; ``reason`` is why an auditor has to
    know who reported, and the caller has logged it.
    """

    role: UserRole
    agency: str | None = None
    districts: tuple[str, ...] = ()
    reason: str | None = None

    @property
    def unbounded(self) -> Audience:
        """Who sees all there is as this one sees what they may see at all: unit and areas say which incidents, the
        role says what of them."""
        return self if self.agency is None and not self.districts else Audience(self.role, reason=self.reason)

    @property
    def sees_vulnerability(self) -> bool:
        """Whether they see a station's class, the reasons that tell it and the force posture."""
        return self.role in _CLEARED

    @property
    def sees_reporters(self) -> bool:
        """Whether they see who reported."""
        return self.role in _CLEARED or (self.role is UserRole.AUDITOR and bool(self.reason and self.reason.strip()))

    @property
    def sees_officers(self) -> bool:
        """Whether they see which officer was called, took it or decided."""
        return self.role in _STAFF or self.role is UserRole.AUDITOR

    @property
    def sees_text(self) -> bool:
        """Whether free text is shown as it was written, with the personal data in it."""
        return self.role in _STAFF or self.sees_reporters

    @property
    def may_act(self) -> bool:
        """Whether they may send commands."""
        return self.role in _STAFF


PUBLIC: Final = Audience(UserRole.PUBLIC)

# -- free text ----------------------------------------------------------------------------------------------------

#: What tells who somebody is or where to reach them. Health, names of places and the like stay: they are the report.
_PERSONAL: Final = (
    *("NIK", "KK", "NPWP", "PASSPORT", "SIM", "NIP", "BPJS", "NISN"),
    *("PHONE", "EMAIL", "BANK_ACCOUNT", "CARD", "PLATE"),
)
#: Nine digits or more, however they are strung together: no count of people is so long, most numbers of people are.
#: A station's number and a date are nobody's.
_LONG_NUMBER: Final = re.compile(
    r"(?P<kept>(?<!\d)[1-9]\d\.\d{2}\.\d{2}(?:\.\d{4}(?:-\d{3})?)?(?![ .\-]{0,3}\d)"
    r"|(?<!\d)(?:[0-3]?\d[-/][01]?\d[-/](?:19|20)\d{2}|(?:19|20)\d{2}-[01]?\d-[0-3]?\d)(?![ .\-/]{0,3}\d{3}))"
    r"|(?<!\d)\+?\d(?:[ .\-/()]{0,3}\d){8,}(?!\d)"
)
#: What the library misses: an address without a proper domain.
_ADDRESS: Final = re.compile(r"[\w.+\-]+@[\w\-]+(?:\.[\w\-]+)*")


def mask_text(text: str) -> str:
    """Free text without the numbers and addresses that tell who somebody is."""
    if not text:
        return text
    masked: str = mask_pii(text, types=_PERSONAL).text
    masked = _LONG_NUMBER.sub(lambda found: found["kept"] or "[NOMOR]", masked)
    return _ADDRESS.sub("[EMAIL]", masked)


def text_for(audience: Audience, text: str | None) -> str | None:
    """Free text as ``audience`` may read it."""
    return text if text is None or audience.sees_text else mask_text(text)


# -- which incidents ----------------------------------------------------------------------------------------------


def accuses(audience: Audience, accused_units: Iterable[str]) -> bool:
    """Whether ``audience`` belongs to an accused unit: no judge in his own cause."""
    return audience.agency is not None and is_conflicted(audience.agency, audience.agency, accused_units)


def in_scope(audience: Audience, district: str | None, agencies: Iterable[str]) -> bool:
    """Whether something of ``district`` that ``agencies`` deal with concerns them.

    A code of an agency names all of its units: ``polsek`` concerns ``polsek-kajen``.
    """
    if audience.districts and not any(district == d or str(district).startswith(f"{d}.") for d in audience.districts):
        return False
    unit = audience.agency
    return unit is None or any(unit == code or unit.startswith(f"{code}-") for code in agencies)


def may_see(audience: Audience, incident: Row) -> bool:
    """Whether they may know that ``incident`` (a row with its agencies and facts) exists. The public may not."""
    if audience.role is UserRole.PUBLIC or accuses(audience, accused_units_of(incident)):
        return False
    agencies = (incident.get("lead_agency") or "", *(incident.get("support_agencies") or ()))
    return in_scope(audience, incident.get("district"), agencies)


def may_tell(audience: Audience, incident: Row) -> bool:
    """Whether a paper for ``audience`` tells of an incident by itself, and not in sums only.

    Paper is handed on, also to those whom the incident accuses: what accuses a unit is told to those alone who deal
    with it.
    """
    return audience.sees_officers or not accused_units_of(incident)


def accused_units_of(row: Row) -> tuple[str, ...]:
    """The units that an incident or a report accuses: those of an incident merged with it as well."""
    facts = row.get("facts")
    unit = facts.get("accused_unit") if isinstance(facts, Mapping) else row.get("accused_unit")
    units = {str(unit) for unit in (unit, *(row.get("accused_units") or ())) if unit is not None}
    return tuple(sorted(units))


# -- what of them -------------------------------------------------------------------------------------------------

_INCIDENT: Final = (
    *("incident_id", "version", "generation", "district", "station_id", "station_count", "kind", "family"),
    *("lead_agency", "support_agencies", "state", "severity", "computed_severity", "certainty", "urgency"),
    *("needs_verification", "report_count", "reporter_count", "cluster_id", "clock_skewed", "drill", "ruleset"),
    *("first_occurred_at", "last_occurred_at", "first_received_at", "opened_at", "updated_at", "facts"),
    "accused_units",
)
_INCIDENT_OFFICERS: Final = ("acknowledged_by", "assigned_to", "verified_by", "refuted_by")
_REPORT: Final = (
    *("report_id", "incident_id", "station_id", "district", "kind", "occurred_at", "received_at", "sent_at"),
    *("reporter_role", "facts", "channel", "evidence", "corrects", "withdraws", "drill", "clock_skewed"),
)
#: What leads to the person who reported: the phone and where it was, besides the name.
_REPORTER: Final = ("reporter_id", "device_id", "location")
_STATION: Final = ("station_id", "name", "district", "village", "lat", "lon", "voters")
_POSTURE: Final = ("district", "name", "stations", "classes", "officers", "linmas", "incidents", "demand")
_POSTURE_NOW: Final = ("shortfall", "reported")
_ESCALATION: Final = (
    *("incident_id", "generation", "version", "district", "state", "reason", "level", "round", "next_due_at"),
    *("next_timer", "lease_until", "handed_to", "verify", "opened_at", "updated_at", "drill", "policy", "roster"),
)
_PAGE: Final = (
    *(
        "page_id",
        "code",
        "purpose",
        "reason",
        "incident_id",
        "generation",
        "level",
        "round",
        "agency",
        "channel_kind",
    ),
    *(
        "channel_kind",
        "status",
        "status_reason",
        "due_at",
        "sent_at",
        "delivered_at",
        "answer_by",
        "updated_at",
        "drill",
        "attempts",
    ),
)
_PAGE_OFFICERS: Final = ("officer_id", "channel", "provider_id")
_COMMAND: Final = ("command_id", "incident_id", "action", "at", "severity", "agency", "minutes", "into")
_COMMAND_OFFICERS: Final = ("by", "assignee")
#: What the rules did. Its detail may name a rule, and a rule may be confidential.
_BY_RULES: Final = frozenset({Change.RAISED, Change.LOWERED, Change.CERTAINTY_CHANGED, Change.RECLASSIFIED})


def _only(row: Row, names: Iterable[str]) -> dict[str, Any]:
    return {name: row[name] for name in names if name in row}


def incident(audience: Audience, row: Row) -> dict[str, Any] | None:
    """An incident as ``audience`` may see it; ``None`` when they may not know of it."""
    if not may_see(audience, row):
        return None
    seen = _only(row, _INCIDENT)
    seen["reasons"] = reasons(audience, row.get("reasons") or ())
    seen["outcome"] = text_for(audience, row.get("outcome"))
    for name in _INCIDENT_OFFICERS:
        seen[name] = row.get(name) if audience.sees_officers else None
    override = row.get("override")
    seen["override"] = None
    if isinstance(override, Mapping):
        seen["override"] = {
            **_only(override, ("severity", "at", "computed")),
            "by": override.get("by") if audience.sees_officers else None,
            "reason": text_for(audience, override.get("reason")),
        }
    return seen


def reasons(audience: Audience, rows: Iterable[Row]) -> list[dict[str, Any]]:
    """The reasons for a severity; those that would tell a station's class are left out, not blotted out."""
    return [
        _only(row, ("rule", "effect", "id", "en", "confidential"))
        for row in rows
        if audience.sees_vulnerability or not row.get("confidential", True)
    ]


def history(audience: Audience, row: Row) -> dict[str, Any]:
    """One thing that happened to an incident they see."""
    seen = _only(row, ("change", "at", "version"))
    seen["by"] = row.get("by") if audience.sees_officers else None
    rules = row.get("change") in _BY_RULES and not audience.sees_vulnerability
    seen["detail"] = "" if rules else text_for(audience, row.get("detail") or "")
    return seen


def report(audience: Audience, row: Row) -> dict[str, Any] | None:
    """A report of an incident they see; ``None`` when it accuses their own unit."""
    if audience.role is UserRole.PUBLIC or accuses(audience, accused_units_of(row)):
        return None
    seen = _only(row, _REPORT)
    seen["text"] = text_for(audience, row.get("text") or "")
    if audience.sees_reporters:
        seen.update(_only(row, _REPORTER))
    return seen


def station(audience: Audience, row: Row) -> dict[str, Any] | None:
    """A station; ``None`` for those whose unit has nothing to do with its district."""
    if audience.role is UserRole.PUBLIC or not in_scope(audience, row.get("district"), (audience.agency or "",)):
        return None
    seen = _only(row, (*_STATION, "last_seen_at", "phase", "silent", "incidents", "severity"))
    if audience.sees_vulnerability:
        seen["vulnerability"] = row.get("vulnerability")
    return seen


def posture(audience: Audience, row: Row) -> dict[str, Any] | None:
    """Who stands at a district's stations and who should: it tells their classes. ``None`` for who may not know."""
    if not audience.sees_vulnerability or not in_scope(audience, row.get("district"), (audience.agency or "",)):
        return None
    return _only(row, (*_POSTURE, *_POSTURE_NOW))


def escalation(audience: Audience, row: Row) -> dict[str, Any]:
    """Where an incident they see stands on its policy."""
    seen = _only(row, _ESCALATION)
    seen["acknowledged_by"] = row.get("acknowledged_by") if audience.sees_officers else None
    return seen


def step(audience: Audience, row: Row) -> dict[str, Any]:
    """One thing that happened to an escalation of an incident they see."""
    seen = _only(row, ("at", "reason", "level", "round", "desk", "page_id"))
    if audience.sees_officers:
        seen.update(_only(row, ("officer_id", "channel")))
    return seen


def page(audience: Audience, row: Row) -> dict[str, Any]:
    """One call to an officer about an incident they see."""
    seen = _only(row, _PAGE)
    if audience.sees_officers:
        seen.update(_only(row, _PAGE_OFFICERS))
    return seen


def command(audience: Audience, row: Row) -> dict[str, Any]:
    """One person's decision about an incident they see."""
    seen = _only(row, _COMMAND)
    seen["reason"] = text_for(audience, row.get("reason") or "")
    for name in _COMMAND_OFFICERS:
        seen[name] = row.get(name) if audience.sees_officers else None
    return seen
