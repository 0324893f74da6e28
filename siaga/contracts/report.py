"""A report: one message from one device about one polling station at one time."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from siaga.contracts.base import UUID, CleanText, Contract, KindCode, SchemaVersion, Time, Token
from siaga.types import StationField


class Role(StrEnum):
    """Who speaks."""

    OFFICER = "officer"
    COMMITTEE = "committee"
    WITNESS = "witness"
    PUBLIC = "public"
    SENSOR = "sensor"


class Weapons(StrEnum):
    """The gravest weapon seen."""

    NONE = "none"
    BLUNT = "blunt"
    SHARP = "sharp"
    FIREARM = "firearm"
    EXPLOSIVE = "explosive"


class Channel(StrEnum):
    """How the report came in."""

    APP = "app"
    SMS = "sms"
    RADIO = "radio"
    WEB = "web"
    CSV = "csv"
    SENSOR = "sensor"
    SIMULATION = "simulation"


Count = Annotated[int, Field(ge=0, le=1_000_000, strict=True)]


class Facts(Contract):
    """What was seen. Everything is optional: an unknown number is ``null``, never a guessed 0."""

    injured: Count | None = None
    dead: Count | None = None
    crowd: Count | None = None
    weapons: Weapons | None = None
    ballots_threatened: bool | None = None
    voting_stopped: bool | None = None
    accused_unit: Token | None = Field(default=None, description="Unit (agency code) that the report accuses")


class Reporter(Contract):
    """Who reports. CONFIDENTIAL: the id never leaves the need-to-know."""

    id: Token
    role: Role


class Location(Contract):
    """Where the device was (WGS 84 degrees; accuracy in metres)."""

    lat: Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False)]
    lon: Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)]
    accuracy_m: Annotated[float, Field(ge=0, le=1_000_000, allow_inf_nan=False)] | None = None


class Evidence(Contract):
    """A photograph or recording that stays on the device until asked for; only its hash travels."""

    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    media_type: Annotated[str, Field(pattern=r"^[a-z]+/[a-z0-9.+-]{1,80}$")]
    bytes: Annotated[int, Field(ge=1, le=1_000_000_000)]


class Report(Contract):
    """A report as the device sends it."""

    schema_version: SchemaVersion
    report_id: UUID
    kind: KindCode
    station_id: StationField
    occurred_at: Time
    sent_at: Time | None = None
    reporter: Reporter
    facts: Facts = Facts()
    text: Annotated[CleanText, Field(max_length=2000)] = ""
    location: Location | None = None
    evidence: Annotated[tuple[Evidence, ...], Field(max_length=20)] = ()
    corrects: UUID | None = None
    withdraws: bool = Field(
        default=False, description="With `corrects`: the earlier report is withdrawn, not replaced"
    )
    channel: Channel = Channel.APP
    drill: bool = False


class AcceptedReport(Report):
    """A report in ``siaga.reports``: with the time it was accepted and the device that proved who it is."""

    received_at: Time
    device_id: Token
