"""Writes the message: the texts of :mod:`siaga.escalation.message` with their links, for one page or several at once.

Input: pages of one contact, the contact, the incidents' confidential reasons. Output: a message. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID, uuid5

from siaga.answers.telegram import keyboard_of
from siaga.contracts.command import Action
from siaga.contracts.incident import Reason
from siaga.contracts.page import Language, Page, Purpose
from siaga.escalation.gsm7 import ONE_SMS, fit, plain, septets
from siaga.escalation.message import sms_of, text_of
from siaga.links import Link, Links
from sinks.notify.channels import BRIEF
from sinks.notify.directory import Contact
from sinks.notify.outcome import Message

_NAMESPACE: Final = UUID("5f0f1c56-6a39-5a0c-93c0-0f6a6f6f2a7d")
#: Seconds for which the link in a message answers its page.
LINK_SECONDS: Final = 12 * 3600.0
#: Most pages that one long message tells.
_MOST: Final = 20
_BUNDLE: Final = {Language.INDONESIAN: "{} panggilan, balas kode:", Language.ENGLISH: "{} pages, reply with a code:"}
_DRILL: Final = {Language.INDONESIAN: "[LATIHAN]", Language.ENGLISH: "[DRILL]"}
#: What may be told together, and the word for what it asks besides taking it. The rest goes by itself.
_ASKS: Final = {
    Purpose.PAGE: {Language.INDONESIAN: "", Language.ENGLISH: ""},
    Purpose.VERIFY: {Language.INDONESIAN: " verifikasi", Language.ENGLISH: " verify"},
    Purpose.HANDOFF: {Language.INDONESIAN: " ambil alih", Language.ENGLISH: " take over"},
    Purpose.DIGEST: {Language.INDONESIAN: " rangkuman", Language.ENGLISH: " digest"},
}
#: What an incident's page says of it, in one line of a bundled SMS, at least.
_LEAST_LINE: Final = 24

Reasons = Mapping[str, Sequence[Reason]]


def key_of(pages: Sequence[Page]) -> str:
    """The key of the message that tells these pages: the page's own id, or one made of all."""
    if len(pages) == 1:
        return str(pages[0].page_id)
    return str(uuid5(_NAMESPACE, "|".join(sorted(str(page.page_id) for page in pages))))


def compose(pages: Sequence[Page], contact: Contact, key: str, links: Links, reasons: Reasons) -> Message:
    """The message of one or more pages to one contact over one channel.

    ``reasons`` are the confidential ones, by incident; they are told to whoever is cleared.
    """
    brief = pages[0].channel_kind in BRIEF
    answers = [answer_link(page, links) for page in pages]
    texts = [_text(page, contact, link, reasons, brief=brief) for page, link in zip(pages, answers, strict=True)]
    if len(pages) == 1:
        text = texts[0]
    elif brief:
        text = bundled(pages)
    else:
        text = "\n\n".join(texts)
    long = zip(pages, answers, strict=True) if brief else ()
    whole = "\n\n".join(_text(page, contact, link, reasons, brief=False) for page, link in long) or text
    return Message(
        key=key,
        address=contact.address or "",
        title=whole.partition("\n")[0][:200],
        text=text,
        body={
            "message_id": key,
            "text": whole,
            "drill": any(_is_drill(page) for page in pages),
            "pages": [_body(page, link) for page, link in zip(pages, answers, strict=True)],
        },
        buttons=keyboard_of(pages[0]) if len(pages) == 1 else (),
    )


def _text(page: Page, contact: Contact, link: str | None, reasons: Reasons, *, brief: bool) -> str:
    told = page.model_copy(update={"cleared": page.cleared and contact.cleared})
    confidential = tuple(reasons.get(str(page.incident_id), ())) if told.cleared else ()
    if brief:
        return sms_of(told, link=link, confidential=confidential)
    return text_of(told, link=link, confidential=confidential, timezone=contact.timezone)


def answer_link(page: Page, links: Links) -> str | None:
    """The link that takes what the page is about, where it wants an answer."""
    if not page.purpose.wants_answer:
        return None
    action = Action.ACCEPT if page.purpose is Purpose.HANDOFF else Action.ACKNOWLEDGE
    return links.url(Link(page.page_id, page.officer_id, action, page.due_at.timestamp() + LINK_SECONDS))


def _is_drill(page: Page) -> bool:
    return page.drill or page.purpose is Purpose.DRILL_CALL


def _body(page: Page, link: str | None) -> dict[str, Any]:
    """A page for programs: what its text says and nothing besides, and nothing of the officer."""
    told = page.model_dump(
        mode="json",
        include={
            *("page_id", "code", "purpose", "incident_id", "district", "station_id", "severity", "certainty"),
            *("kind", "place", "reporter_count", "occurred_at", "due_at", "answer_by", "drill"),
        },
    )
    return {**told, "kind_name": _kind(page), "answer_url": link}


def _kind(page: Page) -> str:
    return page.kind_id if page.language is Language.INDONESIAN else page.kind_en


# -- bundles -------------------------------------------------------------------------------------------------------


def that_fit(pages: Sequence[Page]) -> list[Page]:
    """As many of a contact's pages, from the first on, as one message can tell; at least the first.

    Drills and what is real are never told in one breath.
    """
    chosen: list[Page] = list(pages[:1])
    if chosen and chosen[0].purpose not in _ASKS:
        return chosen
    for page in pages[1:]:
        alike = page.purpose in _ASKS and _is_drill(page) is _is_drill(chosen[0])
        if not alike or len(chosen) >= _MOST:
            continue
        if pages[0].channel_kind in BRIEF and not _leaves_room([*chosen, page]):
            break
        chosen.append(page)
    return chosen


def _leaves_room(pages: Sequence[Page]) -> bool:
    needed = sum(septets(plain(_mark(page))) + 1 + _LEAST_LINE for page in pages)
    return septets(plain(_head(pages))) + needed <= ONE_SMS


def bundled(pages: Sequence[Page]) -> str:
    """Several pages in one SMS, a line each: code, severity, what and where. The links would not fit; codes do."""
    text = plain(_head(pages))
    for number, page in enumerate(pages):
        rest = pages[number + 1 :]
        kept = sum(septets(plain(_mark(other))) + 1 + _LEAST_LINE for other in rest)
        room = ONE_SMS - septets(text) - kept - 1
        line = plain(f"{_mark(page)} {_kind(page)}, {page.place}")
        text += f"\n{fit(line, room)}"
    return text


def _head(pages: Sequence[Page]) -> str:
    first = pages[0]
    head = _BUNDLE[first.language].format(len(pages))
    return f"{_DRILL[first.language]} {head}" if _is_drill(first) else head


def _mark(page: Page) -> str:
    return f"{page.code} SEV{int(page.severity)}{_ASKS[page.purpose][page.language]}"
