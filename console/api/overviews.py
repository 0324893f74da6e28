"""Overviews as they go out of the API, for its OpenAPI document: the board and its pulse, stations, trends, duty,
posture and the public's sums. What is let out is decided in the redaction.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from siaga.contracts.escalation import EscalationState
from siaga.contracts.incident import IncidentState
from siaga.types import Certainty, Severity, Stage, Urgency


class Out(BaseModel):
    """An answer."""

    model_config = ConfigDict(extra="forbid")


# -- the board ----------------------------------------------------------------------------------------------------


class CardOut(Out):
    """An incident as the queue and the map show it. Its times are epoch seconds."""

    incident_id: UUID = Field(description="The incident")
    version: int = Field(description="Rises by one with every change")
    severity: Severity = Field(description="1 is the gravest, 5 for information")
    state: IncidentState = Field(description="Where it stands")
    kind: str = Field(description="One of the kinds of the election's taxonomy")
    family: str = Field(description="The kind's family")
    lead_agency: str = Field(description="Who deals with it")
    district: str = Field(description="Kemendagri code of the district (kecamatan)")
    station_id: str | None = Field(description="The polling station; null where the whole district is meant")
    station_count: int = Field(description="Stations that it is about")
    certainty: Certainty = Field(description="How sure it is (CAP 1.2)")
    urgency: Urgency = Field(description="How soon somebody must act (CAP 1.2)")
    needs_verification: bool = Field(description="Somebody should look before it is believed")
    report_count: int = Field(description="Reports that stand")
    reporter_count: int = Field(description="Independent reporters")
    cluster_id: UUID | None = Field(description="Shared by incidents that are one trouble at several stations")
    drill: bool = Field(description="An exercise; never counted as real")
    clock_skewed: bool = Field(description="A device's clock was wrong: its times are uncertain")
    acknowledged_by: str | None = Field(description="Who took it; null for viewers")
    assigned_to: str | None = Field(description="Whom it was given to; null for viewers")
    place: str | None = Field(description="The station's name")
    village: str | None = Field(description="The station's village")
    district_name: str = Field(description="The district's name")
    lat: float | None = Field(description="Latitude in degrees (WGS 84): the station's, else the district's middle")
    lon: float | None = Field(description="Longitude in degrees (WGS 84)")
    opened: float = Field(description="When it was opened")
    updated: float = Field(description="When it last changed")
    occurred: float = Field(description="When the first of its reports says that it happened")
    due: float | None = Field(description="Until when somebody has to take it; null where nobody is called for it")
    level: int = Field(description="Level of the policy that is called; 0 where none is")
    ladder: EscalationState | None = Field(description="Where it stands on the policy")
    raised: bool = Field(description="A person set its severity")


class PulseOut(Out):
    """The day's pulse: the numbers of the strip. Its times are epoch seconds, its stretches seconds."""

    at: float = Field(description="Now")
    seq: int = Field(description="The last change that it counts")
    read_at: float = Field(description="When the database was last read; long ago where it is away")
    canary_age: float | None = Field(description="Age of the last canary that came the whole way; null where unknown")
    window: float = Field(description="For how long a check-in counts")
    stations: int = Field(description="Stations that concern the caller")
    reporting: int = Field(description="Of them, those heard of within `window`")
    silent: int = Field(description="Of them, those of which an open incident says that they are silent")
    open: dict[str, int] = Field(description="Open incidents by severity, `1` to `5`; drills are not among them")
    overdue: int = Field(description="Open incidents that nobody took in time")
    drills: int = Field(description="Open drills")
    untriaged: int = Field(description="Reports that belong to no incident yet")
    reports_by_minute: list[int] = Field(description="Reports in each of the last 60 minutes, the present one last")
    stage: Stage | None = Field(description="The stage of the election")
    stage_ends: float | None = Field(description="When it ends")


class BoardOut(Out):
    """The queue: what has to be taken first first."""

    seq: int = Field(description="Where to go on from: `since` of `/api/events`")
    total: int = Field(description="Incidents in the whole queue that the caller may see")
    incidents: list[CardOut] = Field(description="Those asked for, in the queue's order")
    pulse: PulseOut = Field(description="The numbers of the moment")


# -- stations -----------------------------------------------------------------------------------------------------


class StationOut(Out):
    """A polling station. Its vulnerability is there for commanders and admins only."""

    station_id: str = Field(description="Kemendagri code of the village, `-` and the station's number")
    name: str = Field(description="What it is called")
    district: str = Field(description="Kemendagri code of its district (kecamatan)")
    village: str = Field(description="The village's name")
    lat: float = Field(description="Latitude in degrees (WGS 84)")
    lon: float = Field(description="Longitude in degrees (WGS 84)")
    voters: int | None = Field(None, description="Registered voters")
    last_seen_at: datetime | None = Field(None, description="When it was last heard of")
    vulnerability: str | None = Field(
        None, description="Its class in the security plan. CONFIDENTIAL: left out for who may not know it"
    )


class StationPage(Out):
    """A page of stations, by number."""

    stations: list[StationOut] = Field(description="The stations")
    next: str | None = Field(None, description="Give it back as `cursor`; null on the last page")


# -- trends -------------------------------------------------------------------------------------------------------


class TotalsOut(Out):
    """How much came in, whoever may see it."""

    reports: int = Field(description="Reports")
    checkins: int = Field(description="Check-ins")
    rejected: int = Field(description="Messages that could not be used")


class TimeOut(Out):
    """Incidents of one short stretch."""

    at: float = Field(description="When it began, in epoch seconds")
    families: dict[str, int] = Field(description="How many were opened, by family")


class DistrictTrend(Out):
    """Incidents of one district."""

    district: str = Field(description="Its code")
    name: str = Field(description="Its name")
    severities: dict[str, int] = Field(description="How many were opened, by severity, `1` to `5`")


class ResponseTrend(Out):
    """How fast one agency took incidents of one severity. Seconds."""

    agency: str = Field(description="The leading agency")
    severity: Severity = Field(description="The severity")
    taken: int = Field(description="How many were taken")
    median: float = Field(description="Half of them were taken within it")
    longest: float = Field(description="The slowest")


class TrendsOut(Out):
    """Incidents over a stretch of time. One that was merged is counted where its reports are."""

    since: datetime = Field(description="When the stretch begins")
    incidents: int = Field(description="Incidents opened since, without drills")
    drills: int = Field(description="Drills opened since")
    totals: TotalsOut = Field(description="How much came in since")
    step: int = Field(description="Seconds of each entry of `by_time`: more, the longer ago the first is")
    by_time: list[TimeOut] = Field(description="From the first until now, oldest first")
    by_district: list[DistrictTrend] = Field(description="By district, most incidents first")
    response: list[ResponseTrend] = Field(description="How fast they were taken")


# -- duty and posture ---------------------------------------------------------------------------------------------


class OnDutyOut(Out):
    """Somebody who sits at a desk now."""

    officer_id: str = Field(description="The officer")
    name: str = Field(description="Their name")
    stands_in: bool = Field(description="Whether they stand in for somebody")


class DeskOut(Out):
    """A desk of the rosters."""

    area: str = Field(description="Area that the roster is of")
    agency: str = Field(description="The desk's unit")
    name: str = Field(description="What the unit is called")
    role: str = Field(description="The desk's role in the unit, such as `duty`")
    officers: list[OnDutyOut] = Field(description="Who is on duty; empty for viewers")
    manned: int = Field(description="How many are on duty")
    until: datetime | None = Field(description="When the present shift ends")
    next: datetime | None = Field(description="When the next shift begins")
    gap: bool = Field(description="Nobody sits there, or nobody follows the present shift at once")


class DutyOut(Out):
    """Who is on call."""

    desks: list[DeskOut] = Field(description="Every desk, those that nobody sits at first")


class SaidOut(Out):
    """What stations said of their personnel in the last two hours."""

    stations: int = Field(description="Stations that said so")
    personnel: int = Field(description="Officers and Linmas whom they told of")
    planned: int = Field(description="Officers and Linmas that the plan has for those very stations")


class PostureSum(Out):
    """The force posture of all the districts together."""

    stations: int = Field(description="Stations")
    officers: int = Field(description="Officers by the plan")
    linmas: int = Field(description="Linmas by the plan")
    incidents: int = Field(description="Open incidents, without drills")
    demand: int = Field(description="Officers that those need")
    shortfall: int = Field(description="Those needed beyond the officers planned")
    reported: SaidOut = Field(description="What stations said")


class PostureDistrict(PostureSum):
    """The force posture of one district."""

    district: str = Field(description="Its code")
    name: str = Field(description="Its name")
    classes: dict[str, int] = Field(description="Stations by vulnerability. CONFIDENTIAL")


class PostureOut(Out):
    """The force posture. It tells the classes of stations: CONFIDENTIAL."""

    version: str = Field(description="Version of the plan")
    at: float = Field(description="Now, in epoch seconds")
    districts: list[PostureDistrict] = Field(description="The districts, by code")
    total: PostureSum = Field(description="Their sum")


# -- the public ---------------------------------------------------------------------------------------------------


class Summary(Out):
    """What the public may know: sums, no place smaller than a district, and nothing of drills."""

    election: str | None = Field(description="What the election is called")
    at: datetime = Field(description="When it was counted")
    stations: int = Field(description="Polling stations")
    stations_reporting: int = Field(description="Of them, those heard of lately")
    incidents_open: dict[str, int] = Field(description="By severity, `SEV1` to `SEV5`")
    incidents_closed: int = Field(description="Incidents that are over")
    by_family: dict[str, int] = Field(description="Open incidents by family")
    by_district: dict[str, int] = Field(description="Open incidents by the district's name")
