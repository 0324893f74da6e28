"""A page: one request to reach one officer over one channel, in ``siaga.pages``.

Its ``page_id`` never changes, however often it is sent. Addresses are confidential and do not travel with it: the
notifier looks them up in the roster when it sends.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Final
from uuid import uuid5

from pydantic import Field

from siaga.contracts.base import UUID, CleanText, Contract, KindCode, SchemaVersion, Time, Token
from siaga.contracts.escalation import EscalationReason
from siaga.contracts.incident import Reason
from siaga.types import Certainty, DistrictField, Severity, StationField

_NAMESPACE: Final = UUID("a4c9a0de-2f57-5b8e-8d6b-9c1d0b6f7e23")
#: No letter or digit that is taken for another when it is read out or written by hand.
CODE_ALPHABET: Final = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
CODE_LENGTH: Final = 5
_DRILL_CALL: Final = b"siagaU"


class ChannelKind(StrEnum):
    """How an officer can be reached."""

    WEBHOOK = "webhook"
    EMAIL = "email"
    TELEGRAM = "telegram"
    WHATSAPP = "whatsapp"
    SMS = "sms"
    VOICE = "voice"
    NTFY = "ntfy"


class Language(StrEnum):
    """What a page is written in."""

    INDONESIAN = "id"
    ENGLISH = "en"


class Purpose(StrEnum):
    """What a page asks for."""

    PAGE = "page"
    VERIFY = "verify"
    HANDOFF = "handoff"
    RETRACTION = "retraction"
    DIGEST = "digest"
    DRILL_CALL = "drill_call"

    @property
    def wants_answer(self) -> bool:
        """Whether somebody must answer it."""
        return self is not Purpose.RETRACTION


class Told(Contract):
    """What a digest says of one incident."""

    incident_id: UUID
    station_id: StationField | None
    kind: KindCode


class Page(Contract):
    """A request to reach one officer over one channel."""

    schema_version: SchemaVersion
    page_id: UUID
    code: Annotated[str, Field(pattern=rf"^[{CODE_ALPHABET}]{{{CODE_LENGTH}}}$", description="Short, for people")]
    purpose: Purpose
    reason: EscalationReason = Field(description="Why it is made")
    incident_id: UUID = Field(description="For a digest, the first of its incidents; for a drill call, the drill")
    generation: Annotated[int, Field(ge=1)]
    level: Annotated[int, Field(ge=0)]
    round: Annotated[int, Field(ge=0)]
    district: DistrictField
    officer_id: Token = Field(description="CONFIDENTIAL")
    agency: Token = Field(description="The officer's unit")
    channel: Token = Field(description="Name of the channel among the officer's")
    channel_kind: ChannelKind
    language: Language
    cleared: bool = Field(
        default=False, description="The officer may be told confidential reasons, which the page does not hold"
    )
    severity: Severity
    certainty: Certainty
    kind: KindCode
    kind_id: Annotated[CleanText, Field(max_length=120)] = Field(description="What the kind is called, Indonesian")
    kind_en: Annotated[CleanText, Field(max_length=120)] = Field(description="The same in English")
    station_id: StationField | None
    place: Annotated[CleanText, Field(max_length=160)] = Field(description="Where, in words")
    reasons: tuple[Reason, ...] = Field(default=(), description="Why it is so grave; none that is confidential")
    confidential_reasons: bool = Field(default=False, description="There are reasons besides that are confidential")
    reporter_count: Annotated[int, Field(ge=0)]
    occurred_at: Time
    incidents: tuple[Told, ...] = Field(default=(), description="For a digest: all that it is about")
    retracts: UUID | None = Field(
        default=None, description="For a retraction: the page that told it; one never sent needs no retraction"
    )
    due_at: Time = Field(description="When it is to be sent")
    answer_by: Time | None = Field(default=None, description="When it moves on without an answer")
    expires_at: Time = Field(description="After this it is not sent any more")
    drill: bool = False


def page_id_of(
    *, incident: UUID, generation: int, level: int, round_: int, officer: str, channel: str, purpose: Purpose
) -> UUID:
    """The id of a page. The same request has the same id, whoever computes it and however often.

    ``round_`` rises each time a level is called anew, so that a repeated call is another page. A page, a request to
    verify and one to accept are never made of the same round; the others are told apart by their purpose.
    """
    name = f"{incident}|{generation}|{level}|{round_}|{officer}|{channel}"
    if purpose in (Purpose.RETRACTION, Purpose.DIGEST, Purpose.DRILL_CALL):
        name += f"|{purpose}"
    return uuid5(_NAMESPACE, name)


def drill_call_id(number: int) -> UUID:
    """The id that the calls of one test of the roster bear instead of an incident's; ``number`` is random, 80 bits.

    A UUID of version 8, whose bits are ours (RFC 9562, section 5.8): an answer to it is known for what it is by
    everybody, and no incident has such an id.
    """
    bits = int.from_bytes(_DRILL_CALL) << 80 | number & ((1 << 80) - 1)
    return UUID(int=bits & ~(0xF << 76) & ~(0x3 << 62) | 0x8 << 76 | 0x2 << 62)


def is_drill_call(incident_id: UUID) -> bool:
    """Whether this is no incident but a test of the roster."""
    return incident_id.version == 8 and incident_id.bytes[: len(_DRILL_CALL)] == _DRILL_CALL


def code_of(page_id: UUID) -> str:
    """The short code that people read out or send back; one in 24 million pages shares it."""
    number, letters = page_id.int, []
    for _ in range(CODE_LENGTH):
        number, place = divmod(number, len(CODE_ALPHABET))
        letters.append(CODE_ALPHABET[place])
    return "".join(letters)
