"""Why was this officer called, or not: an escalation's history told for one officer or for all.

Input: the snapshots of one incident's escalation (each with its steps), the results of its pages, and the policy and
roster it was decided with. Output: statements with their reasons, oldest first, in Indonesian and English.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from siaga.contracts.command import Command, Via
from siaga.contracts.escalation import Escalation, EscalationState, Step
from siaga.contracts.escalation import EscalationReason as R
from siaga.contracts.page import Language
from siaga.contracts.page_result import PageResult, PageStatus
from siaga.escalation.oncall import Query, oncall
from siaga.escalation.policy import Policy
from siaga.escalation.roster import Roster

#: How far the clocks of whoever decides and of the streams may be apart.
_CLOCKS: Final = timedelta(seconds=2)


class Verdict(StrEnum):
    """What a statement says of an officer, or of the incident."""

    CALLED = "called"
    NOT_CALLED = "not_called"
    ACTED = "acted"
    INCIDENT = "incident"


@dataclass(frozen=True, slots=True)
class Because:
    """One statement. ``results`` are what became of the page, in the order they came."""

    at: datetime
    verdict: Verdict
    reason: R
    level: int
    round: int
    officer_id: str | None = None
    desk: str | None = None
    channel: str | None = None
    page_id: UUID | None = None
    results: tuple[PageStatus, ...] = ()
    #: By which way it was decided, where somebody did.
    via: Via | None = None

    def text(self, language: Language) -> str:
        """The statement in words."""
        words = REASONS[self.reason][0 if language is Language.INDONESIAN else 1]
        head = _VERDICTS[self.verdict][0 if language is Language.INDONESIAN else 1]
        about = [part for part in (self.officer_id, self.desk, self.channel) if part is not None]
        level = f"L{self.level}.{self.round} " if self.level else ""
        became = f" [{', '.join(self.results)}]" if self.results else ""
        way = "" if self.via is None else f" ({WAYS[self.via][0 if language is Language.INDONESIAN else 1]})"
        return f"{level}{' '.join([head, *about]).strip()}: {words}{way}{became}"


_VERDICTS: Final = {
    Verdict.CALLED: ("dipanggil", "called"),
    Verdict.NOT_CALLED: ("tidak dipanggil", "not called"),
    Verdict.ACTED: ("tindakan", "act"),
    Verdict.INCIDENT: ("kejadian", "incident"),
}

#: By which way somebody decided, in Indonesian and English.
WAYS: Final[dict[Via, tuple[str, str]]] = {
    Via.CONSOLE: ("lewat posko", "at the command centre"),
    Via.CLI: ("lewat baris perintah", "by the command line"),
    Via.LINK: ("lewat tautan", "by the link"),
    Via.SMS: ("lewat SMS", "by SMS"),
    Via.WHATSAPP: ("lewat WhatsApp", "by WhatsApp"),
    Via.TELEGRAM: ("lewat Telegram", "by Telegram"),
}

#: What each reason means, in Indonesian and English.
REASONS: Final[dict[R, tuple[str, str]]] = {
    R.OPENED: ("kejadian baru", "the incident opened"),
    R.REOPENED: ("kejadian dibuka kembali", "the incident was opened again"),
    R.SEVERITY_ROSE: ("menjadi lebih gawat", "it became graver"),
    R.DEADLINE_PASSED: ("tingkat sebelumnya tidak menjawab pada waktunya", "the level before did not answer in time"),
    R.LEVEL_SKIPPED: ("tidak ada yang dapat dihubungi di tingkat ini", "nobody of the level can be reached"),
    R.EVERYBODY_DECLINED: ("semua di tingkat sebelumnya berhalangan", "everybody of the level before could not"),
    R.ASKED_TO_ESCALATE: ("diminta naik tingkat", "somebody asked for the next level"),
    R.CHANNEL_FAILED: ("saluran sebelumnya gagal atau menunggu", "the channel before failed or has to wait"),
    R.LEASE_ENDED: ("diterima, tetapi lama tanpa tindakan", "it was taken and nothing was done for too long"),
    R.SNOOZE_ENDED: ("waktu tunda habis", "the time it was postponed for is over"),
    R.HANDED_OFF: ("diminta mengambil alih", "asked to take it over"),
    R.UNIT_ACCUSED: ("sebuah kesatuan menjadi teradu", "a unit has been accused"),
    R.LEVELS_EXHAUSTED: ("semua tingkat tidak menjawab", "no level has answered"),
    R.UNACKNOWLEDGED: ("masih belum ada yang menerima", "still nobody has taken it"),
    R.REFUTED: ("kejadian dinyatakan tidak benar", "the incident was refuted"),
    R.STORM_DIGEST: ("rangkuman dari banyak panggilan", "a digest of many pages"),
    R.TOOK_IN: ("kejadian yang ditangani digabungkan ke sini", "what they were called about is part of this one"),
    R.DRILL_CALL: ("uji panggilan", "a call test"),
    R.SEVERITY_QUEUES: ("menunggu di posko tanpa panggilan", "it waits at the command centre unpaged"),
    R.SEVERITY_LOGGED: ("hanya dicatat", "it is only logged"),
    R.SEVERITY_FELL: ("tidak lagi cukup gawat", "it is not grave enough any more"),
    R.NOBODY_ON_DUTY: ("tidak ada yang piket", "nobody is on duty"),
    R.NO_SUCH_DESK: ("meja ini tidak ada dalam jadwal", "the roster has no such desk"),
    R.NO_CHANNEL: ("tidak punya saluran", "there is no channel to reach them"),
    R.EVERY_CHANNEL_FAILED: ("semua saluran gagal", "every channel failed"),
    R.ACCUSED_UNIT: ("kesatuannya yang diadukan", "their own unit is accused"),
    R.ALREADY_PAGED_FOR_CLUSTER: ("sudah dipanggil untuk rangkaian ini", "called for the cluster already"),
    R.FOLDED_INTO_DIGEST: ("menunggu rangkuman", "it waits for a digest"),
    R.PAGED_AT_ANOTHER_DESK: ("sudah dipanggil di meja lain", "called at another desk already"),
    R.DECLINED: ("menyatakan berhalangan", "said that they cannot"),
    R.TAKEN: ("menerima", "took it"),
    R.TAKEN_WITH_CLUSTER: ("menerima bersama rangkaiannya", "took it with its cluster"),
    R.ON_MY_WAY: ("dalam perjalanan", "is on the way"),
    R.RENEWED: ("bertindak", "acted on it"),
    R.SNOOZED: ("menunda", "postponed it"),
    R.ACCEPTED: ("menerima pengalihan", "accepted the hand-over"),
    R.RESOLVED: ("selesai", "resolved"),
    R.DISMISSED: ("diabaikan", "dismissed"),
    R.MERGED: ("digabungkan ke kejadian lain", "merged into another incident"),
    R.VERSIONS_RENEWED: ("memakai kebijakan dan jadwal terbaru", "the policy and roster of the day are used"),
}
_ACTS: Final = frozenset((R.TAKEN, R.TAKEN_WITH_CLUSTER, R.ON_MY_WAY, R.RENEWED, R.SNOOZED, R.ACCEPTED, R.DECLINED))
_SUPPRESSIONS: Final = frozenset((R.ALREADY_PAGED_FOR_CLUSTER, R.FOLDED_INTO_DIGEST))


def why(
    snapshots: Sequence[Escalation],
    results: Iterable[PageResult] = (),
    *,
    officer_id: str | None = None,
    decisions: Iterable[Command] = (),
) -> list[Because]:
    """What was done and not done, and why; of one officer where ``officer_id`` names one.

    Args:
        snapshots: of one incident's escalation, in any order, told twice or not.
        results: of its pages.
        officer_id: whom to tell it of; everything that concerns nobody in particular is told besides.
        decisions: what was decided about it, for the way by which it came.
    """
    became: dict[UUID, list[PageStatus]] = {}
    for result in sorted(results, key=lambda r: r.at):
        told = became.setdefault(result.page_id, [])
        if result.status not in told[-1:]:
            told.append(result.status)
    steps = [step for _, s in sorted({s.version: s for s in snapshots}.items()) for step in s.steps]
    suppressed = {step.page_id for step in steps if step.reason in _SUPPRESSIONS}
    decided = sorted(decisions, key=lambda command: command.at)
    return [
        _because(step, became, step.page_id in suppressed, decided)
        for step in steps
        if officer_id is None or step.officer_id in (officer_id, None)
    ]


def _because(
    step: Step, became: dict[UUID, list[PageStatus]], suppressed: bool, decided: Sequence[Command]
) -> Because:
    # Who asks for the next level acts; whom that calls has a page.
    if step.reason in _ACTS or (step.reason is R.ASKED_TO_ESCALATE and step.page_id is None and step.desk is None):
        verdict = Verdict.ACTED
    elif step.officer_id is None and step.desk is None:
        verdict = Verdict.INCIDENT
    elif step.page_id is None or suppressed or step.reason is R.EVERY_CHANNEL_FAILED:
        verdict = Verdict.NOT_CALLED
    else:
        verdict = Verdict.CALLED
    return Because(
        at=step.at,
        verdict=verdict,
        reason=step.reason,
        level=step.level,
        round=step.round,
        officer_id=step.officer_id,
        desk=step.desk,
        channel=step.channel,
        page_id=step.page_id,
        results=tuple(became.get(step.page_id, ())) if step.page_id is not None else (),
        via=_way(step, decided) if verdict is Verdict.ACTED else None,
    )


def _way(step: Step, decided: Sequence[Command]) -> Via | None:
    """By which way the officer's last decision came before the step."""
    own = [c for c in decided if c.by == step.officer_id and c.at <= step.at + _CLOCKS]
    return own[-1].via if own else None


@dataclass(frozen=True, slots=True)
class Standing:
    """Where an officer who was never called stood: at which levels they would have been, and how far it climbed."""

    levels: tuple[int, ...]
    climbed_to: int
    state: EscalationState
    acknowledged_by: str | None
    accused_unit: bool

    def text(self, language: Language) -> str:
        """Why not, in words."""
        english = language is Language.ENGLISH
        if self.accused_unit:
            return REASONS[R.ACCUSED_UNIT][1 if english else 0]
        if not self.levels:
            return (
                "sits at no desk that the policy calls at that time"
                if english
                else "tidak piket di meja mana pun yang dipanggil saat itu"
            )
        levels = ", ".join(str(level) for level in self.levels)
        if english:
            return f"is called at level {levels}; it has climbed to level {self.climbed_to} and is {self.state}"
        return f"dipanggil pada tingkat {levels}; kejadian naik sampai tingkat {self.climbed_to} ({self.state})"


def why_not(
    last: Escalation,
    policy: Policy,
    roster: Roster,
    *,
    officer_id: str,
    accused_unit: str | tuple[str, ...] | None = None,
) -> Standing:
    """Where an officer stood who is in no step: replays the policy and roster at the time of the last snapshot."""
    query = Query(last.district, last.lead_agency, accused_unit)
    answer = oncall(roster, policy, query, last.updated_at.timestamp(), severity=int(last.severity), kind=last.kind)
    levels = tuple(r.number for r in answer.levels if officer_id in {c.officer.officer_id for c in r.callees})
    passed = [s for r in (*answer.levels, answer.fallback) for s in r.skipped if s.officer_id == officer_id]
    return Standing(
        levels=levels,
        climbed_to=last.level,
        state=last.state,
        acknowledged_by=last.acknowledged_by,
        accused_unit=not levels and any(s.reason is R.ACCUSED_UNIT for s in passed),
    )
