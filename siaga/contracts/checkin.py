"""A check-in: a routine report that a station is as it should be. Its absence is a signal."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from siaga.contracts.base import UUID, Contract, SchemaVersion, Time, Token
from siaga.contracts.report import Channel, Count, Location, Reporter
from siaga.types import StationField


class Phase(StrEnum):
    """What the station is doing."""

    OPEN = "open"
    VOTING = "voting"
    COUNTING = "counting"
    CLOSED = "closed"


class CheckIn(Contract):
    """A check-in as the device sends it."""

    schema_version: SchemaVersion = Field(description="The contract's version")
    report_id: UUID = Field(
        description="Made by the device, once, before it sends; sent again with the same id it is one check-in"
    )
    station_id: StationField = Field(
        description="The polling station: Kemendagri code of the village, `-` and the station's number"
    )
    phase: Phase = Field(description="What the station is doing")
    occurred_at: Time = Field(description="When it was so, with an offset")
    sent_at: Time | None = Field(default=None, description="When the device sent it, with an offset")
    reporter: Reporter = Field(description="Who reports. CONFIDENTIAL")
    turnout: Count | None = Field(default=None, description="Voters who have voted so far")
    queue: Count | None = Field(default=None, description="Voters who wait")
    personnel: Count | None = Field(default=None, description="Officers and Linmas at the station")
    location: Location | None = Field(default=None, description="Where the device was")
    channel: Channel = Field(default=Channel.APP, description="How it came in")
    drill: bool = Field(default=False, description="An exercise; it never counts as real")


class AcceptedCheckIn(CheckIn):
    """A check-in in ``siaga.checkins``: with the time it was accepted and the device that proved itself."""

    received_at: Time
    device_id: Token
