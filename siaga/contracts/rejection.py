"""A rejection: what could not be used, kept whole, with the reason and what to do about it."""

from __future__ import annotations

import base64
import hashlib
from enum import StrEnum
from typing import Final
from uuid import UUID, uuid5

from pydantic import Field

from siaga.contracts.base import Contract, SchemaVersion, Time, Token

_NAMESPACE: Final = UUID("7b0c2f0e-98c1-5a53-8a1c-2f4d6f0a5b11")


class RejectReason(StrEnum):
    """Why something could not be used."""

    NOT_JSON = "not_json"
    INVALID = "invalid"
    UNSUPPORTED_VERSION = "unsupported_version"
    UNKNOWN_KIND = "unknown_kind"
    UNKNOWN_STATION = "unknown_station"
    WRONG_DISTRICT = "wrong_district"
    TOO_LARGE = "too_large"
    TOO_MANY = "too_many"
    UNAUTHORISED = "unauthorised"
    CONFLICTING_ID = "conflicting_id"
    UNKNOWN_INCIDENT = "unknown_incident"
    UNSTORABLE = "unstorable"
    INTERNAL = "internal"


class Rejection(Contract):
    """One item that could not be used. ``original`` is base64 of the very bytes that came."""

    schema_version: SchemaVersion
    rejection_id: UUID
    reason: RejectReason
    field: str | None = Field(default=None, max_length=200)
    message: str = Field(max_length=1000)
    remedy: str = Field(max_length=1000)
    source: str = Field(max_length=100, description="Part that refused it, such as `streams.intake`")
    topic: str | None = None
    partition: int | None = None
    offset: int | None = None
    index: int | None = Field(default=None, description="Place in the record's array")
    key: Token | None = None
    original: str = Field(description="Base64 of the original bytes")
    at: Time

    def original_bytes(self) -> bytes:
        """The bytes that came."""
        return base64.b64decode(self.original)


def rejection_id(source: str, place: str, original: bytes) -> UUID:
    """The id of a rejection: the same item refused again by the same part gets the same id.

    Args:
        source: the part that refuses.
        place: where the item came from, such as ``siaga.reports-3@912#4``; empty where that is unknown.
        original: the bytes that came.
    """
    return uuid5(_NAMESPACE, f"{source}|{place}|{hashlib.sha256(original).hexdigest()}")
