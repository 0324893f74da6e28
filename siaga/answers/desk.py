"""What comes of an answer: the commands it becomes, or why it does not, and what the officer is told.

Input: a message, and the pages that it may be about. Output: :class:`Settled`. Pure; what sends it is a shell around
this, and where pages and rosters are looked up is :mod:`siaga.store.answering`.

Who sent it is decided by the address that it came from: it has to be one of the officer's own that the page called.
A stranger learns nothing, not even whether there is such a page.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID, uuid5

from siaga.answers.data import answers_data
from siaga.answers.senders import TELEPHONES, is_same_telephone, masked, masked_text
from siaga.answers.words import Fault, Said, read_answer
from siaga.contracts.command import Action, Command, Via
from siaga.contracts.page import ChannelKind, Language, Purpose
from siaga.contracts.rejection import Rejection, RejectReason, rejection_id

#: Seconds after it was due for which a page can be answered by its code: as long as by its link.
ANSWER_SECONDS: Final = 12 * 3600.0
#: What is said of a tapped button that means nothing here, to whomever.
UNKNOWN: Final = " / ".join(dict.fromkeys(told["unknown"] for told in answers_data()["told"].values()))
_NAMESPACE: Final = UUID("5a1b9d2c-60d5-5c0b-a0a3-93f9a2a1c7de")


class Outcome(StrEnum):
    """What came of a message."""

    TAKEN = "taken"
    #: There is no code in it.
    NO_CODE = "no_code"
    #: Nobody can tell what is meant.
    UNCLEAR = "unclear"
    UNKNOWN_CODE = "unknown_code"
    #: The page is there, and called somebody else.
    WRONG_SENDER = "wrong_sender"
    #: Their unit is accused by now.
    BARRED = "barred"
    # --- of a report in a line
    REPORTED = "reported"
    UNKNOWN_SENDER = "unknown_sender"
    NO_STATION = "no_station"
    NO_KIND = "no_kind"
    #: The gateway of the devices does not take it.
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Received:
    """A message as it came. ``message_id`` is the same however often it is brought; the rest is CONFIDENTIAL."""

    via: Via
    message_id: str
    sender: str = field(repr=False)
    text: str = field(repr=False, default="")
    #: A button that was tapped: the page it stands under and what it says.
    page_id: UUID | None = None
    said: Said | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """A page that can be answered, with the addresses of the officer whom it called, which are CONFIDENTIAL."""

    page_id: UUID
    code: str
    purpose: Purpose
    incidents: tuple[UUID, ...]
    district: str
    officer_id: str
    language: Language
    addresses: tuple[tuple[ChannelKind, str], ...] = field(repr=False)
    barred: bool = False


@dataclass(frozen=True, slots=True)
class Settled:
    """What is to be done about a message. ``reply`` is for its sender; None tells them nothing."""

    outcome: Outcome
    commands: tuple[Command, ...] = ()
    reply: str | None = None
    #: The same where Kafka does not take the commands.
    reply_failed: str | None = None
    rejection: Rejection | None = None


Find = Callable[[Sequence[str], UUID | None], Iterable[Asked]]


def settle(received: Received, find: Find, *, source: str, now: datetime) -> Settled:
    """What comes of ``received``.

    Args:
        received: the message.
        find: gives the pages with one of some codes, or with an id, that can still be answered.
        source: the part that asks, for what is refused.
        now: the present.
    """
    said = received.said or read_answer(received.text)
    if said.fault is Fault.NO_CODE:
        return refuse(Outcome.NO_CODE, received, source=source, now=now)
    pages = list(find(said.codes, received.page_id))
    own = [page for page in pages if _is_from(received, page)]
    if not own:
        return refuse(Outcome.WRONG_SENDER if pages else Outcome.UNKNOWN_CODE, received, source=source, now=now)
    if said.action is None:
        return refuse(Outcome.UNCLEAR, received, source=source, now=now, reply=_told("unclear", own))
    open_ = [page for page in own if not page.barred]
    if not open_:
        return refuse(Outcome.BARRED, received, source=source, now=now, reply=_told("barred", own))
    commands = [
        _command(received, page, incident, said, now) for page in open_ for incident in dict.fromkeys(page.incidents)
    ]
    return Settled(
        Outcome.TAKEN,
        tuple(commands),
        reply=_told(said.action.value, open_),
        reply_failed=_told("failed", open_),
    )


def _is_from(received: Received, page: Asked) -> bool:
    if received.via is Via.TELEGRAM:
        return (ChannelKind.TELEGRAM, received.sender) in page.addresses
    return any(kind in TELEPHONES and is_same_telephone(address, received.sender) for kind, address in page.addresses)


def _command(received: Received, page: Asked, incident: UUID, said: Said, now: datetime) -> Command:
    action = said.action or Action.ACKNOWLEDGE
    if action is Action.ACKNOWLEDGE and page.purpose is Purpose.HANDOFF:
        action = Action.ACCEPT
    return Command(
        schema_version=1,
        command_id=uuid5(_NAMESPACE, f"{received.via}|{received.message_id}|{page.page_id}|{incident}|{action}"),
        incident_id=incident,
        district=page.district,
        action=action,
        by=page.officer_id,
        at=now,
        via=received.via,
        minutes=said.minutes,
    )


_WHY: Final = {
    Outcome.NO_CODE: (
        RejectReason.INVALID,
        "text",
        "holds no code of a page",
        "send the page's code with it",
    ),
    Outcome.UNCLEAR: (
        RejectReason.INVALID,
        "text",
        "cannot be understood",
        "send OK, TIDAK BISA, NAIKKAN or OTW 15 with the code",
    ),
    Outcome.UNKNOWN_CODE: (
        RejectReason.UNKNOWN_INCIDENT,
        "code",
        "is no page's that can be answered",
        "compare it with the message; after twelve hours call the command centre",
    ),
    Outcome.WRONG_SENDER: (
        RejectReason.UNAUTHORISED,
        "sender",
        "is not the officer whom the page called",
        "answer from the telephone or chat that the roster has; correct the roster where it is wrong",
    ),
    Outcome.BARRED: (
        RejectReason.UNAUTHORISED,
        "sender",
        "belongs to a unit that is accused by now",
        "let the command centre decide",
    ),
    Outcome.UNKNOWN_SENDER: (
        RejectReason.UNAUTHORISED,
        "sender",
        "is no one officer's telephone",
        "report from a telephone that the roster has; correct the roster where it is wrong",
    ),
    Outcome.NO_STATION: (
        RejectReason.INVALID,
        "text",
        "names no polling station",
        "write the number, such as 33.26.08.2001-003",
    ),
    Outcome.NO_KIND: (
        RejectReason.INVALID,
        "text",
        "names no kind of incident, or several",
        "write one of the kinds' names, such as perkelahian",
    ),
    Outcome.REFUSED: (
        RejectReason.INVALID,
        "text",
        "is not taken by the gateway: the station is not known, or not the device's",
        "correct the number; see the areas of the device that the messages come from",
    ),
}


def refuse(outcome: Outcome, received: Received, *, source: str, now: datetime, reply: str | None = None) -> Settled:
    """A message that becomes nothing: kept without the number. ``reply`` is for whoever proved to be an officer."""
    reason, name, message, remedy = _WHY[outcome]
    kept = {"via": received.via.value, "sender": masked(received.sender), "text": masked_text(received.text)[:1000]}
    if received.page_id is not None:
        kept |= {"page_id": str(received.page_id)}
    original = json.dumps(kept, ensure_ascii=False).encode(errors="replace")
    rejection = Rejection(
        schema_version=1,
        rejection_id=rejection_id(source, f"{received.via}|{received.message_id}", original),
        reason=reason,
        field=name,
        message=f"{name}: {message}",
        remedy=remedy,
        source=source,
        original=base64.b64encode(original).decode(),
        at=now,
    )
    return Settled(outcome, reply=reply, rejection=rejection)


def _told(word: str, pages: Sequence[Asked]) -> str:
    template: str = answers_data()["told"][pages[0].language.value][word]
    return template.format(codes=", ".join(dict.fromkeys(page.code for page in pages)))
