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

    injured: Count | None = Field(default=None, description="People who are hurt")
    dead: Count | None = Field(default=None, description="People who died")
    crowd: Count | None = Field(default=None, description="People in the crowd")
    weapons: Weapons | None = Field(default=None, description="The gravest weapon seen; `none` where there was none")
    ballots_threatened: bool | None = Field(default=None, description="Whether ballots or boxes are in danger")
    voting_stopped: bool | None = Field(default=None, description="Whether voting or counting stands still")
    accused_unit: Token | None = Field(default=None, description="Unit (agency code) that the report accuses")


class Reporter(Contract):
    """Who reports. CONFIDENTIAL: the id never leaves the need-to-know."""

    id: Token = Field(description="The same person, the same id: independent voices are counted by it. CONFIDENTIAL")
    role: Role = Field(description="As what they speak")


class Location(Contract):
    """Where the device was (WGS 84 degrees; accuracy in metres)."""

    lat: Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False)] = Field(description="Latitude in degrees")
    lon: Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)] = Field(description="Longitude in degrees")
    accuracy_m: Annotated[float, Field(ge=0, le=1_000_000, allow_inf_nan=False)] | None = Field(
        default=None, description="Metres within which it is right"
    )


class Evidence(Contract):
    """A photograph or recording that stays on the device until asked for; only its hash travels."""

    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] = Field(description="The file's SHA-256, in hexadecimal")
    media_type: Annotated[str, Field(pattern=r"^[a-z]+/[a-z0-9.+-]{1,80}$")] = Field(
        description="What it is, such as `image/jpeg`"
    )
    bytes: Annotated[int, Field(ge=1, le=1_000_000_000)] = Field(description="Its size")


class Report(Contract):
    """A report as the device sends it."""

    schema_version: SchemaVersion = Field(description="The contract's version")
    report_id: UUID = Field(
        description="Made by the device, once, before it sends; sent again with the same id it is one report"
    )
    kind: KindCode = Field(description="What it is about: one of the kinds of the election's taxonomy")
    station_id: StationField = Field(
        description="The polling station: Kemendagri code of the village, `-` and the station's number"
    )
    occurred_at: Time = Field(description="When it happened, with an offset")
    sent_at: Time | None = Field(default=None, description="When the device sent it, with an offset")
    reporter: Reporter = Field(description="Who reports. CONFIDENTIAL")
    facts: Facts = Field(default=Facts(), description="What was seen; what nobody counted is left out")
    text: Annotated[CleanText, Field(max_length=2000)] = Field(
        default="", description="In the reporter's own words. Personal data in it is masked for viewers"
    )
    location: Location | None = Field(default=None, description="Where the device was")
    evidence: Annotated[tuple[Evidence, ...], Field(max_length=20)] = Field(
        default=(), description="What stays on the device until it is asked for"
    )
    corrects: UUID | None = Field(default=None, description="The `report_id` of the earlier report that it replaces")
    withdraws: bool = Field(
        default=False, description="With `corrects`: the earlier report is withdrawn, not replaced"
    )
    channel: Channel = Field(default=Channel.APP, description="How it came in")
    drill: bool = Field(default=False, description="An exercise; it never counts as real")


class AcceptedReport(Report):
    """A report in ``siaga.reports``: with the time it was accepted and the device that proved who it is."""

    received_at: Time
    device_id: Token
