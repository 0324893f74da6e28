"""The text of a page: what, where, how grave and why, how many reporters, and how to answer.

Input: a page, the link that answers it and, for an officer who is cleared, the confidential reasons. Output: text in
the officer's language, long or as one SMS. What is confidential never enters the text of somebody not cleared.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from zoneinfo import ZoneInfo

from siaga.contracts.escalation import EscalationReason
from siaga.contracts.incident import Reason
from siaga.contracts.page import Language, Page, Purpose
from siaga.escalation.gsm7 import ONE_SMS, fit, plain, septets
from siaga.types import Certainty

#: Least room for the message itself in an SMS; a link that leaves less is left out, and the code answers.
_LEAST_ROOM: Final = 70
#: Why a page says that nobody at all has answered.
_LOUD: Final = (EscalationReason.LEVELS_EXHAUSTED, EscalationReason.UNACKNOWLEDGED)


@dataclass(frozen=True, slots=True)
class _Words:
    drill: str
    unanswered: str
    purposes: dict[Purpose, str]
    severities: tuple[str, ...]
    certainties: dict[Certainty, str]
    place: str
    why: str
    reporters: str
    at: str
    by: str
    answer: str
    reply: str
    incidents: str
    test: str


_WORDS: Final = {
    Language.INDONESIAN: _Words(
        drill="LATIHAN",
        unanswered="BELUM ADA YANG MENERIMA",
        purposes={
            Purpose.PAGE: "",
            Purpose.VERIFY: "MOHON VERIFIKASI",
            Purpose.HANDOFF: "MOHON AMBIL ALIH",
            Purpose.RETRACTION: "DIBATALKAN, TIDAK BENAR",
            Purpose.DIGEST: "RANGKUMAN",
            Purpose.DRILL_CALL: "UJI PANGGILAN",
        },
        severities=("sangat gawat", "gawat", "sedang", "ringan", "informasi"),
        certainties={
            Certainty.OBSERVED: "terverifikasi",
            Certainty.LIKELY: "kemungkinan besar benar",
            Certainty.POSSIBLE: "belum pasti",
            Certainty.UNLIKELY: "diragukan",
        },
        place="Lokasi",
        why="Alasan",
        reporters="{} pelapor",
        at="Waktu kejadian",
        by="Mohon dijawab sebelum",
        answer="Terima",
        reply="Balas {}",
        incidents="{} kejadian",
        test="Mohon dijawab supaya kami tahu Anda dapat dihubungi.",
    ),
    Language.ENGLISH: _Words(
        drill="DRILL",
        unanswered="STILL UNANSWERED",
        purposes={
            Purpose.PAGE: "",
            Purpose.VERIFY: "PLEASE VERIFY",
            Purpose.HANDOFF: "PLEASE TAKE OVER",
            Purpose.RETRACTION: "RETRACTED, NOT SO",
            Purpose.DIGEST: "DIGEST",
            Purpose.DRILL_CALL: "CALL TEST",
        },
        severities=("extreme", "severe", "moderate", "minor", "information"),
        certainties={
            Certainty.OBSERVED: "verified",
            Certainty.LIKELY: "likely",
            Certainty.POSSIBLE: "not certain",
            Certainty.UNLIKELY: "doubtful",
        },
        place="Place",
        why="Because",
        reporters="{} reporting",
        at="Happened",
        by="Please answer before",
        answer="Acknowledge",
        reply="Reply {}",
        incidents="{} incidents",
        test="Please answer, so that we know you can be reached.",
    ),
}


def sms_of(page: Page, *, link: str | None, confidential: Iterable[Reason] = ()) -> str:
    """The page as one SMS of at most 160 characters of the SMS alphabet, the link included.

    A link that would leave too little room is left out; the code that can be sent back is always there.
    """
    words = _WORDS[page.language]
    end = _sms_end(page, link, words)
    head = plain(" ".join(part for part in (*_marks(page, words), page.code) if part))
    room = ONE_SMS - septets(head) - septets(end) - 1
    if page.purpose is Purpose.DRILL_CALL:
        return f"{head} {fit(plain(words.test), room)}{end}"
    what, where = plain(_what(page, words)), plain(page.place)
    # Where comes before what is cut: an officer who knows the place can go.
    where = fit(where, min(septets(where), room // 2))
    text = f"{fit(what, room - septets(where) - 1)} {where}"
    for more in _more(page, words, confidential):
        longer = f"{text}, {plain(more)}"
        if septets(longer) <= room:
            text = longer
    return f"{head} {text}{end}"


def text_of(
    page: Page, *, link: str | None, confidential: Iterable[Reason] = (), timezone: str = "Asia/Jakarta"
) -> str:
    """The page in full, in lines. ``timezone`` is the one that times are written in."""
    words = _WORDS[page.language]
    zone = ZoneInfo(timezone)
    lines = [" ".join(part for part in _marks(page, words) if part)]
    if page.purpose is Purpose.DRILL_CALL:
        lines.append(words.test)
    else:
        lines[0] += f" ({words.severities[page.severity - 1]}): {_what(page, words)}"
        lines.append(f"{words.place}: {page.place}")
        why = _reasons(page, confidential)
        if why and page.purpose is not Purpose.RETRACTION:
            lines.append(f"{words.why}: {'; '.join(why)}")
        lines.append(f"{words.reporters.format(page.reporter_count)}, {words.certainties[page.certainty]}")
        lines.append(f"{words.at}: {page.occurred_at.astimezone(zone):%d-%m-%Y %H:%M %Z}")
    if page.purpose.wants_answer:
        if page.answer_by is not None:
            lines.append(f"{words.by}: {page.answer_by.astimezone(zone):%H:%M %Z}")
        if link is not None:
            lines.append(f"{words.answer}: {link}")
        lines.append(words.reply.format(page.code))
    else:
        lines.append(page.code)
    return "\n".join(lines)


def _marks(page: Page, words: _Words) -> tuple[str, ...]:
    """What has to be seen first: that it is a drill, that nobody has answered, what is asked, how grave it is."""
    is_drill = page.drill or page.purpose is Purpose.DRILL_CALL
    severity = "" if page.purpose is Purpose.DRILL_CALL else f"SEV{int(page.severity)}"
    drill = f"[{words.drill}]" if is_drill else ""
    return (drill, words.unanswered if page.reason in _LOUD else "", words.purposes[page.purpose], severity)


def _what(page: Page, words: _Words) -> str:
    kind = page.kind_id if page.language is Language.INDONESIAN else page.kind_en
    return kind if page.purpose is not Purpose.DIGEST else f"{words.incidents.format(len(page.incidents))}: {kind}"


def _more(page: Page, words: _Words, confidential: Iterable[Reason]) -> list[str]:
    if page.purpose is Purpose.RETRACTION:
        return []
    return [words.reporters.format(page.reporter_count), *_reasons(page, confidential)]


def _reasons(page: Page, confidential: Iterable[Reason]) -> list[str]:
    """Why it is so grave, the base severity apart: the kind says that already."""
    reasons = [reason for reason in page.reasons if reason.rule != "base" and not reason.confidential]
    if page.cleared:
        reasons += confidential
    return [reason.id if page.language is Language.INDONESIAN else reason.en for reason in reasons]


def _sms_end(page: Page, link: str | None, words: _Words) -> str:
    if not page.purpose.wants_answer:
        return ""
    if link is not None and plain(link) == link:
        end = f" {words.answer}: {link}"
        head = septets(plain(" ".join(part for part in (*_marks(page, words), page.code) if part)))
        if septets(end) + head + _LEAST_ROOM <= ONE_SMS + 1:
            return end
        if septets(link) + 1 + head + _LEAST_ROOM // 2 <= ONE_SMS:
            return f" {link}"
    return f" {words.reply.format(page.code)}"
