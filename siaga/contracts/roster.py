"""Who is on duty: agencies, officers, desks and shifts, as they travel in ``siaga.registry`` under ``roster/<area>``.

An area is a regency (or a district) and a roster is one record, so that it changes as a whole and its version can be
frozen while an escalation climbs. Shifts are explicit, in UTC; people write them in local time (TOML).
"""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from siaga.contracts.base import CleanText, Contract, SchemaVersion, Time, Token
from siaga.contracts.page import ChannelKind, Language
from siaga.types import VILLAGE_PATTERN, DistrictField

AreaField = Annotated[str, StringConstraints(pattern=r"^\d{2}(\.\d{2}){0,2}$")]
#: An agency's code or a role's: lower case, so that ``polsek-kajen/duty`` reads one way only.
CodeField = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,59}$")]


class AgencyEntry(Contract):
    """One unit, such as ``polsek-kajen``."""

    agency: CodeField
    kind: CodeField = Field(description="The taxonomy's code of it, such as `polsek`")
    name: Annotated[CleanText, Field(min_length=1, max_length=120)]
    districts: tuple[DistrictField, ...] = Field(default=(), description="What it covers; empty is the whole area")


class ChannelEntry(Contract):
    """One way to reach an officer. ``address`` is CONFIDENTIAL."""

    name: Token
    kind: ChannelKind
    address: Annotated[CleanText, Field(min_length=1, max_length=500, repr=False)]


class OfficerEntry(Contract):
    """One person who can be called. ``name`` is CONFIDENTIAL outside the command centre."""

    officer_id: Token
    name: Annotated[CleanText, Field(min_length=1, max_length=120, repr=False)]
    agency: CodeField
    language: Language = Language.INDONESIAN
    cleared: bool = Field(default=False, description="May be told confidential reasons")
    channels: tuple[ChannelEntry, ...] = Field(default=(), description="In the order they are tried")


class ShiftEntry(Contract):
    """One officer at one desk for one stretch of time. A handover is two shifts that overlap."""

    agency: CodeField
    role: CodeField
    officer_id: Token
    starts_at: Time
    ends_at: Time

    @model_validator(mode="after")
    def _forward(self) -> Self:
        if self.ends_at <= self.starts_at:
            raise ValueError("ends_at: the shift ends before it starts; swap or correct the times")
        return self


class OverrideEntry(Contract):
    """Somebody else sits at a desk for a while: instead of one officer, or of all."""

    agency: CodeField
    role: CodeField
    officer_id: Token
    instead_of: Token | None = None
    starts_at: Time
    ends_at: Time

    @model_validator(mode="after")
    def _forward(self) -> Self:
        if self.ends_at <= self.starts_at:
            raise ValueError("ends_at: the override ends before it starts; swap or correct the times")
        return self


class MediatorEntry(Contract):
    """The Bhabinkamtibmas of a village."""

    village: Annotated[str, StringConstraints(pattern=VILLAGE_PATTERN)]
    officer_id: Token


class RosterEntry(Contract):
    """``roster/<area>``: everybody on duty in a regency."""

    schema_version: SchemaVersion
    version: Token
    area: AreaField
    timezone: Annotated[str, Field(max_length=60)] = "Asia/Jakarta"
    agencies: tuple[AgencyEntry, ...]
    officers: tuple[OfficerEntry, ...]
    shifts: tuple[ShiftEntry, ...]
    overrides: tuple[OverrideEntry, ...] = ()
    mediators: tuple[MediatorEntry, ...] = ()

    @model_validator(mode="after")
    def _whole(self) -> Self:
        agencies = {a.agency for a in self.agencies}
        officers = {o.officer_id for o in self.officers}
        if len(agencies) < len(self.agencies):
            raise ValueError("agencies: one is named twice; give each a code of its own")
        if len(officers) < len(self.officers):
            raise ValueError("officers: one is named twice; give each an id of their own")
        for officer in self.officers:
            if officer.agency not in agencies:
                raise ValueError(f"officers: {officer.agency} is no agency of the roster; add it")
            if len({c.name for c in officer.channels}) < len(officer.channels):
                raise ValueError("officers: two channels of an officer have one name; give each a name of its own")
        manned = [(e.agency, e.officer_id) for e in self.shifts] + [(e.agency, e.officer_id) for e in self.overrides]
        for agency, officer_id in manned:
            if agency not in agencies:
                raise ValueError(f"shifts: {agency} is no agency of the roster; add it")
            if officer_id not in officers:
                raise ValueError("shifts: an officer is not in the roster; add them")
        if any(m.officer_id not in officers for m in self.mediators):
            raise ValueError("mediators: an officer is not in the roster; add them")
        return self


class PolicyEntry(Contract):
    """``policy/escalation``: the policy's TOML, whole."""

    schema_version: SchemaVersion
    version: Token
    toml: str
