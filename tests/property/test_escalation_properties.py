"""Whatever happens, in whatever order: a serious incident always reaches somebody, and never the accused.

Random sequences of incidents, severity changes, answers, timers, page results, rosters and restarts.
"""

from __future__ import annotations

import uuid
from typing import Any
from unittest.mock import patch

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, multiple, rule

from siaga.contracts.escalation import Escalation
from siaga.contracts.escalation import EscalationState as S
from siaga.contracts.page import Page, Purpose
from siaga.contracts.page_result import PageStatus, ResultReason
from siaga.contracts.timer import Timer
from siaga.escalation.case import CallStatus, Case, Effect, Event
from siaga.escalation.conflict import is_conflicted
from siaga.escalation.machine import TABLE, advance
from tests.support.pager import PEOPLE, World, roster

KINDS = ("violence.brawl", "violence.mass_clash", "neutrality.officer", "health.emergency", "order.crowd")
UNITS = (None, "polsek-kajen", "polsek", "polres", "propam", "polres-reskrim")
CLUSTERS = (None, str(uuid.UUID(int=901)), str(uuid.UUID(int=902)))
ANSWERS = ("acknowledge", "cannot", "escalate", "on_my_way", "hand_off", "accept", "snooze", "note", "assign")
OFFICERS = (*PEOPLE, "komandan-1")
RESULTS = (
    (PageStatus.ACCEPTED, ResultReason.NONE),
    (PageStatus.FAILED, ResultReason.CLIENT_ERROR),
    (PageStatus.FAILED_TEMPORARILY, ResultReason.TIMEOUT),
    (PageStatus.SUPPRESSED, ResultReason.RATE_LIMITED),
    (PageStatus.SUPPRESSED, ResultReason.EXPIRED),
    (PageStatus.UNKNOWN, ResultReason.LEASE_RAN_OUT),
)


class Escalations(RuleBasedStateMachine):
    """A district on a bad day."""

    incidents = Bundle("incidents")

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.seen: dict[uuid.UUID, tuple[object, ...]] = {}
        self.timers: list[Timer] = []
        self.read = 0
        self.read_snapshots = 0
        self.versions: dict[uuid.UUID, int] = {}
        self.watched = patch("siaga.escalation.book.advance", advance_by_the_table)
        self.watched.start()

    def teardown(self) -> None:
        self.watched.stop()

    @initialize(target=incidents)
    def begin(self) -> str:
        return self.world.report("violence.mass_clash")

    @rule(
        target=incidents,
        kind=st.sampled_from(KINDS),
        severity=st.integers(1, 5),
        accused=st.sampled_from(UNITS),
        cluster=st.sampled_from(CLUSTERS),
        drill=st.booleans(),
        rumour=st.booleans(),
        number=st.sampled_from([1, 1, 1, 7]),
    )
    def report(
        self,
        *,
        kind: str,
        severity: int,
        accused: str | None,
        cluster: str | None,
        drill: bool,
        rumour: bool,
        number: int,
    ) -> object:
        made = [
            self.world.report(
                kind,
                severity=severity,
                accused=accused,
                cluster_id=cluster,
                drill=drill,
                needs_verification=rumour,
            )
            for _ in range(number)
        ]
        return multiple(*made)

    @rule(incident=incidents, severity=st.integers(1, 5))
    def grow_or_shrink(self, incident: str, severity: int) -> None:
        self.world.change(incident, severity=severity)

    @rule(incident=incidents, accused=st.sampled_from(UNITS))
    def accuse(self, incident: str, accused: str | None) -> None:
        self.world.change(incident, accused=accused)

    @rule(incident=incidents, cluster=st.sampled_from(CLUSTERS), verified=st.booleans())
    def spread_or_verify(self, incident: str, cluster: str | None, verified: bool) -> None:
        self.world.change(incident, cluster_id=cluster, needs_verification=not verified)

    @rule(incident=incidents, how=st.sampled_from(["resolve", "refute", "reopen"]))
    def close_or_reopen(self, incident: str, how: str) -> None:
        if self.world.incidents[incident].merged_into is None:
            getattr(self.world, how)(incident)

    @rule(merged=incidents, into=incidents)
    def merge(self, merged: str, into: str) -> None:
        one, other = (self.world.incidents[i] for i in (merged, into))
        if merged != into and one.state.is_open and other.state.is_open and one.drill == other.drill:
            paged = self.world.book.entries[merged].case.state.is_paging
            self.world.merge(merged, into)
            assert self.world.book.entries[merged].case.state is S.MERGED
            case = self.world.book.entries[into].case
            assert not paged or one.severity > 2 or case.state.is_paging or case.holder is not None

    @rule(
        incident=incidents,
        action=st.sampled_from(ANSWERS),
        by=st.sampled_from(OFFICERS),
        to=st.sampled_from(tuple(PEOPLE)),
        minutes=st.integers(1, 100),
    )
    def answer(self, incident: str, action: str, by: str, to: str, minutes: int) -> None:
        self.world.say(action, incident, by, agency=PEOPLE[to][0], assignee=to, minutes=minutes)

    @rule(minutes=st.sampled_from([0.5, 2.0, 5.0, 16.0, 35.0]))
    def time_passes(self, minutes: float) -> None:
        self.timers += self.world.book.due(self.world.now + minutes * 60.0)
        self.world.advance(minutes=minutes)

    @rule(minutes=st.sampled_from([3.0, 60.0]))
    def workers_are_away(self, minutes: float) -> None:
        levels = {i: e.case.level for i, e in self.world.book.entries.items() if e.case.state is S.PAGING}
        self.world.advance(minutes=minutes, watched=False)
        for timer in self.world.due():
            self.world.fire(timer)
        for incident, level in levels.items():
            case = self.world.book.entries[incident].case
            if case.state is S.PAGING:
                passed = [s.level for s in self.world.now_of(incident).steps if s.reason == "level_skipped"]
                assert case.level <= level + 1 + len(passed)

    @rule(pick=st.randoms(use_true_random=False), result=st.sampled_from(RESULTS))
    def notifier_reports(self, pick: object, result: tuple[PageStatus, ResultReason]) -> None:
        if self.world.pages:
            self.world.result(pick.choice(self.world.pages), *result)  # type: ignore[attr-defined]

    @rule(people=st.sets(st.sampled_from(tuple(PEOPLE))), number=st.integers(1, 1000))
    def roster_is_edited(self, people: set[str], number: int) -> None:
        self.world.load(roster(sorted(people), version=f"uji-{number}"))

    @rule()
    def worker_restarts(self) -> None:
        before = dict(self.world.book.entries)
        self.world.restart()
        assert self.world.book.entries == before

    @rule(data=st.data())
    def a_timer_is_told_again(self, data: st.DataObject) -> None:
        old = [t for t in self.timers if t.due_at <= self.world.moment() and t not in self.world.due()]
        if old:
            timer = data.draw(st.sampled_from(old)).model_copy(update={"at": self.world.moment()})
            if timer.incident_id is None or self._waits_for(timer):
                return
            before = {i: e.case for i, e in self.world.book.entries.items()}
            self.world.fire(timer)
            assert {i: e.case for i, e in self.world.book.entries.items()} == before

    def _waits_for(self, timer: Timer) -> bool:
        """Whether it is the very timer that a case waits for."""
        case = self.world.book.entries[str(timer.incident_id)].case
        named = (timer.kind, timer.generation, timer.level, timer.round)
        return named == (case.due_kind, case.generation, case.level, case.round)

    @rule(incident=incidents)
    def incident_is_told_again(self, incident: str) -> None:
        before = self.world.book.entries.get(incident)
        case = before and before.case
        self.world.tell(incident)
        after = self.world.book.entries.get(incident)
        assert (after and after.case) == case

    @rule(incident=consumes(incidents))
    def nothing_more_happens_to(self, incident: str) -> None:
        """Whatever it is, from now on only time passes for it."""

    # -- what must always hold --------------------------------------------------------------------------------------

    @invariant()
    def no_serious_open_incident_is_left_alone(self) -> None:
        for incident_id, incident in self.world.incidents.items():
            if not incident.state.is_open or incident.severity > 3:
                continue
            case = self.world.book.entries[incident_id].case
            assert not case.state.is_over
            assert case.state is not S.QUEUED
            assert case.due_at is not None
            waits = 35 * 60 if case.holder is not None else 15 * 60
            assert case.due_at <= self.world.now + max(waits, 100 * 60 if case.state is not S.PAGING else 0)
            if case.state is S.PAGING:
                assert case.current(), "it waits for an answer that nobody was asked for"

    @invariant()
    def what_is_due_is_noticed(self) -> None:
        timers = {str(t.incident_id) for t in self.world.due()}
        for incident_id, entry in self.world.book.entries.items():
            overdue = entry.case.due_at is not None and entry.case.due_at <= self.world.now
            assert overdue == (incident_id in timers)

    @invariant()
    def nobody_of_the_accused_unit_is_paged(self) -> None:
        for page in self._new_pages():
            unit, kind, _ = PEOPLE[page.officer_id]
            for incident_id in {str(page.incident_id), *(str(told.incident_id) for told in page.incidents)}:
                about = self.world.incidents[incident_id]
                accused = (about.facts.accused_unit, *about.accused_units)
                assert not is_conflicted(unit, kind, [one for one in accused if one is not None])

    def _new_pages(self) -> list[Page]:
        new = self.world.pages[self.read :]
        self.read = len(self.world.pages)
        for page in new:
            about = (page.incident_id, page.generation, page.level, page.round, page.officer_id, page.channel)
            purpose = page.purpose if page.purpose in (Purpose.RETRACTION, Purpose.DIGEST) else None
            assert self.seen.setdefault(page.page_id, (*about, purpose)) == (*about, purpose)
            assert page.purpose is not Purpose.DIGEST or page.severity >= 3
        return new

    @invariant()
    def only_sev3_waits_for_a_digest(self) -> None:
        for entry in self.world.book.entries.values():
            for call in entry.case.calls:
                assert call.status not in (CallStatus.FOLDED, CallStatus.DIGESTED) or call.severity >= 3

    @invariant()
    def versions_rise(self) -> None:
        for snapshot in self.world.snapshots[self.read_snapshots :]:
            known = self.versions.get(snapshot.incident_id, 0)
            assert snapshot.version in (known, known + 1)
            assert Escalation.model_validate_json(snapshot.to_json()) == snapshot
            self.versions[snapshot.incident_id] = snapshot.version
        self.read_snapshots = len(self.world.snapshots)


def advance_by_the_table(case: Case | None, event: Event, *rest: Any) -> tuple[Case | None, tuple[Effect, ...]]:
    """The machine, watched: it goes nowhere that its table does not say."""
    after, effects = advance(case, event, *rest)
    before = None if case is None else case.state
    if after is not None and after != case:
        assert after.state in TABLE[before, event.kind].targets
    return after, effects


Escalations.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestEscalations = Escalations.TestCase
