"""A check-in: a routine report that a station is as it should be. Its absence is a signal."""

from __future__ import annotations

from enum import StrEnum

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

    schema_version: SchemaVersion
    report_id: UUID
    station_id: StationField
    phase: Phase
    occurred_at: Time
    sent_at: Time | None = None
    reporter: Reporter
    turnout: Count | None = None
    queue: Count | None = None
    personnel: Count | None = None
    location: Location | None = None
    channel: Channel = Channel.APP
    drill: bool = False


class AcceptedCheckIn(CheckIn):
    """A check-in in ``siaga.checkins``: with the time it was accepted and the device that proved itself."""

    received_at: Time
    device_id: Token
