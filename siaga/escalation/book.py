"""A district's escalations as a fold: inputs change cases, :meth:`EscalationBook.settle` tells what came of them.

Input: incidents, commands, timers and page results of one district, one after the other, each with the time of its
record, never the machine's clock: a replay decides the same. Output: snapshots, pages and rows to write. State:
cases, storms, and the versions of policy and roster that something is frozen with.

An input that was handled before changes nothing and has the present snapshot, and the pages that no provider has
taken yet, told again: a state can outlive a crash that its output did not.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Final

from siaga.contracts.command import Action, Command
from siaga.contracts.escalation import Escalation, EscalationReason, EscalationState
from siaga.contracts.incident import Incident, IncidentState
from siaga.contracts.page import Page
from siaga.contracts.page_result import PageResult
from siaga.contracts.rejection import RejectReason
from siaga.contracts.timer import Timer, TimerKind
from siaga.escalation import rows
from siaga.escalation.case import Answered, Call, CallOut, CallStatus, Cancel, Case, Event, EventKind, Note, Seen
from siaga.escalation.cluster import holder_of, is_called_already, mates
from siaga.escalation.digests import Digests
from siaga.escalation.duties import Duties
from siaga.escalation.inputs import STATUS, answer_of, digest_timer, due_of, sent_of, timer_of, took_in
from siaga.escalation.machine import advance, begins_anew, kind_of
from siaga.escalation.moves import bars
from siaga.escalation.nearness import drawn_near
from siaga.escalation.policy import Policy
from siaga.escalation.roster import Roster
from siaga.escalation.rows import Entry, Row
from siaga.escalation.snapshot import escalation_of, face_of, page_of
from siaga.escalation.storm import Gathering
from siaga.escalation.versions import Versions
from siaga.triage.state import Refusal

#: Ids of commands remembered for each case.
_COMMANDS: Final = 100
_TAKES: Final = (EventKind.TAKEN, EventKind.ON_MY_WAY, EventKind.ACTED)


@dataclass(slots=True)
class Settled:
    """What a batch came to."""

    escalations: list[Escalation] = field(default_factory=list)
    pages: list[Page] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)


class EscalationBook:
    """All escalations of one district."""

    def __init__(self, district: str) -> None:
        self.district = district
        self.entries: dict[str, Entry] = {}
        self._digests = Digests()
        self._versions = Versions(district)
        self._clusters: dict[str, set[str]] = {}
        self._due: list[tuple[float, str]] = []
        # --- what the next settling tells and writes
        #: Incidents whose case changed, and whether a snapshot has to tell it.
        self._changed: dict[str, bool] = {}
        self._again: dict[str, None] = {}
        self._out: set[str] = set()
        self._gone: list[Row] = []

    # -- what comes in ----------------------------------------------------------------------------------------------

    def refusal(self, command: Command, duties: Duties) -> Refusal | None:
        """Why a command must not be carried out at all, by triage neither: asked before either takes it."""
        entry = self.entries.get(str(command.incident_id))
        if entry is None:
            return None
        today = duties.roster(self.district)
        into = self.entries.get(str(command.into))
        cases = [entry.case] if into is None else [entry.case, into.case]
        if any(bars(case, roster, command.by) for case in cases for roster in (today, self._versions.of(case)[1])):
            return Refusal(
                RejectReason.UNAUTHORISED,
                "by",
                "the incident accuses the officer's own unit",
                "leave it to Propam or Inspektorat; nobody is a judge in his own cause",
            )
        if command.action is Action.HAND_OFF and not today.units(command.agency or "", self.district):
            return Refusal(
                RejectReason.INVALID,
                "agency",
                f"no agency {command.agency} covers district {self.district}",
                "name one of the roster; 'siaga oncall' shows them",
            )
        return None

    def take_incident(self, incident: Incident, duties: Duties, now: float) -> None:
        """Take in a snapshot of an incident. ``now`` is the time of the record that it came of (epoch seconds)."""
        incident_id = str(incident.incident_id)
        entry = self.entries.get(incident_id)
        if entry is not None and incident.version <= entry.incident_version:
            self._again[incident_id] = None
            return
        seen = Seen(EventKind.CHANGED, duties.subject(incident), incident.generation)
        outcome = EventKind.RESOLVED
        if incident.state is IncidentState.MERGED:
            outcome = EventKind.MERGED
        elif incident.state is IncidentState.DISMISSED:
            outcome = EventKind.DISMISSED if incident.refuted_by is None else EventKind.REFUTED
        is_queued = entry is None or entry.case.state is EscalationState.QUEUED
        policy = duties.policy if entry is None or is_queued else self._versions.of(entry.case)[0]
        case = None if entry is None else entry.case
        kind = kind_of(case, seen, is_open=incident.state.is_open, outcome=outcome, policy=policy)
        if kind is not None:
            self._advance(incident_id, replace(seen, kind=kind), duties, now)
        entry = self.entries.get(incident_id)
        if entry is None:
            return
        entry.incident_version = incident.version
        self._changed.setdefault(incident_id, False)
        if kind in (EventKind.OPENED, EventKind.REOPENED) and incident.acknowledged_by is not None:
            self._advance(incident_id, Answered(EventKind.TAKEN, incident.acknowledged_by), duties, now)
        if kind is EventKind.MERGED and case is not None:
            self._advance(str(incident.merged_into), took_in(case), duties, now)
        joined = case is None or case.subject.cluster_id != entry.case.subject.cluster_id
        if joined or kind in (EventKind.ROSE, EventKind.REOPENED):
            self._join(entry, duties, now)

    def take_command(self, command: Command, duties: Duties, now: float) -> None:
        """Take in what a person did, which :meth:`refusal` has nothing against.

        What closes or reopens an incident comes as its snapshot.
        """
        incident_id, command_id = str(command.incident_id), str(command.command_id)
        entry = self.entries.get(incident_id)
        if entry is None:
            return
        if command_id in entry.commands:
            self._again[incident_id] = None
            return
        event = answer_of(command, entry.case, duties.roster(self.district), duties.policy.speed)
        if event is None:
            return
        entry.commands = [*entry.commands, command_id][-_COMMANDS:]
        self._changed.setdefault(incident_id, False)
        if self._advance(incident_id, event, duties, now) and event.kind in _TAKES:
            self._carry_over(entry.case, duties, now)

    def take_timer(self, timer: Timer, duties: Duties) -> None:
        """Take in a deadline that passed. One of a round that is over, or told twice, changes nothing."""
        now = timer.at.timestamp()
        if timer.kind is TimerKind.DIGEST:
            self._flush(duties, now)
        elif timer.kind is TimerKind.EXPIRY:
            self._expire(now - duties.registry.windows.dedupe.total_seconds())
        elif timer.kind.is_of_incident and str(timer.incident_id) in self.entries:
            incident_id = str(timer.incident_id)
            if not self._advance(incident_id, due_of(timer), duties, now):
                self._again[incident_id] = None

    def take_result(self, result: PageResult, duties: Duties, now: float) -> None:
        """Take in what became of a page."""
        event = sent_of(result)
        incident_id = str(result.incident_id)
        if event is None:
            return
        if self._digests.knows(event.page_id):
            self._digests.mark(event.page_id, STATUS[event.kind], duties.roster(self.district), now)
        elif incident_id in self.entries and not self._advance(incident_id, event, duties, now):
            self._again[incident_id] = None

    # -- what is due ------------------------------------------------------------------------------------------------

    def due(self, now: float) -> list[Timer]:
        """What has come due by ``now`` (epoch seconds), for the worker's clock; asking changes nothing."""
        found: dict[str, Timer] = {}
        kept: list[tuple[float, str]] = []
        while self._due and self._due[0][0] <= now:
            due_at, incident_id = heapq.heappop(self._due)
            entry = self.entries.get(incident_id)
            if entry is None or entry.case.due_at != due_at or incident_id in found:
                continue
            timer = timer_of(entry.case, now)
            if timer is not None:
                found[incident_id] = timer
                kept.append((due_at, incident_id))
        for item in kept:
            heapq.heappush(self._due, item)
        timers = list(found.values())
        digest_at = self._digests.due_at
        if digest_at is not None and digest_at <= now:
            timers.append(digest_timer(self.district, digest_at, now))
        return timers

    @property
    def next_at(self) -> float | None:
        """When something may come due next (epoch seconds); it may have come due already, or be over."""
        times = [at for at in (self._due[0][0] if self._due else None, self._digests.due_at) if at is not None]
        return min(times, default=None)

    def take_over(self, duties: Duties, now: float) -> None:
        """Have cases whose policy or roster no row keeps go on with the present ones (epoch seconds).

        Where topics were made anew under a worker, those rows went with the ones before.
        """
        for incident_id, entry in self.entries.items():
            case = self._versions.adopt(entry.case, duties, now)
            if case is not entry.case:
                entry.case = case
                self._changed.setdefault(incident_id, False)

    def draw_near(self, duties: Duties, now: float) -> None:
        """Let nothing be due later than it could be if it had been set now (epoch seconds)."""
        for incident_id, entry in self.entries.items():
            case = drawn_near(entry.case, self._versions.of(entry.case)[0], now)
            if case is not entry.case and case.due_at is not None:
                entry.case = case
                self._begin_version(incident_id, entry)
                heapq.heappush(self._due, (case.due_at, incident_id))
        self._digests.draw_near(duties.policy.storm, now)

    # -- what goes out ----------------------------------------------------------------------------------------------

    def settle(self) -> Settled:
        """Snapshots, pages and rows of all that happened since; each incident at most once."""
        settled = Settled(rows=[*self._versions.settle(), *self._gone])
        for incident_id in dict.fromkeys((*self._changed, *self._again)):
            entry = self.entries.get(incident_id)
            if entry is not None:
                self._tell(incident_id, entry, settled)
        gatherings, digests = self._digests.settle()
        settled.rows += [rows.gathering_row(self.district, gathering) for gathering in gatherings]
        for gathering, call in digests:
            cases = [self.entries[i].case for i in gathering.told if i in self.entries]
            told = [case for case in cases if not self._bars(case, gathering.officer_id)]
            if told:
                settled.pages.append(page_of(told[0], call, self._versions.of(told[0])[0], told=told))
        self._changed, self._again, self._out, self._gone = {}, {}, set(), []
        return settled

    def _tell(self, incident_id: str, entry: Entry, settled: Settled) -> None:
        case, again = entry.case, incident_id in self._again
        policy, roster = self._versions.of(case)
        if again or self._changed.get(incident_id):
            settled.escalations.append(
                escalation_of(
                    case,
                    policy,
                    roster,
                    version=entry.version,
                    notes=entry.notes,
                    cancelled=entry.cancelled,
                    digest_due_at=self._digests.due_for(case, self._bars),
                )
            )
        for call in case.calls:
            if call.status is CallStatus.MADE and (again or call.page_id in self._out):
                settled.pages.append(page_of(case, call, policy))
        if incident_id in self._changed:
            settled.rows.append(rows.entry_row(self.district, entry))

    # -- how it moves -----------------------------------------------------------------------------------------------

    def _advance(self, incident_id: str, event: Event, duties: Duties, now: float) -> bool:
        """Let an event happen to a case; answers whether it changed anything."""
        entry = self.entries.get(incident_id)
        before = None if entry is None else entry.case
        if before is None or begins_anew(before, event):
            policy, roster = self._versions.present(duties, now)
        else:
            policy, roster = self._versions.of(before)
        after, effects = advance(before, event, policy, roster, now)
        if after is None or (after == before and not effects):
            return False
        self._versions.freeze(policy, roster)
        if entry is None:
            entry = self.entries[incident_id] = Entry(after)
        entry.case = after
        if effects or before is None or face_of(before) != face_of(after):
            self._begin_version(incident_id, entry)
        self._changed.setdefault(incident_id, False)
        if after.subject.cluster_id is not None:
            self._clusters.setdefault(after.subject.cluster_id, set()).add(incident_id)
        for effect in effects:
            match effect:
                case Note():
                    entry.notes.append((now, effect))
                case Cancel():
                    entry.cancelled.append(effect.page_id)
                case CallOut():
                    self._deliver(entry, effect.call, policy, now)
        if after.due_at is not None and (before is None or before.due_at != after.due_at):
            heapq.heappush(self._due, (after.due_at, incident_id))
        return True

    def _begin_version(self, incident_id: str, entry: Entry) -> None:
        if not self._changed.get(incident_id):
            entry.version += 1
            entry.notes, entry.cancelled = [], []
            self._changed[incident_id] = True

    def _deliver(self, entry: Entry, call: Call, policy: Policy, now: float) -> None:
        """Send a call, or say why it is not sent: the cluster was called for, or it waits for the storm's digest."""
        case = entry.case
        if is_called_already(case, call, self._cluster_of(case)):
            status, reason = CallStatus.CLUSTERED, EscalationReason.ALREADY_PAGED_FOR_CLUSTER
        elif self._digests.fold(case, call, policy, now):
            status, reason = CallStatus.FOLDED, EscalationReason.FOLDED_INTO_DIGEST
        else:
            self._out.add(call.page_id)
            return
        entry.mark(call.page_id, status)
        about = {"officer_id": call.officer_id, "channel": call.channel, "page_id": call.page_id}
        entry.notes.append((now, Note(reason, call.level, call.round, **about)))

    def _cluster_of(self, case: Case) -> Iterable[Case]:
        ids = sorted(self._clusters.get(case.subject.cluster_id or "", ()))
        return [self.entries[i].case for i in ids if i in self.entries]

    def _join(self, entry: Entry, duties: Duties, now: float) -> None:
        """An incident that became part of a cluster which somebody has taken is theirs, unless it is graver."""
        case = entry.case
        holder = holder_of(case, self._cluster_of(case))
        if holder is not None and case.state in (EscalationState.PAGING, EscalationState.EXHAUSTED):
            taken = Answered(EventKind.TAKEN, holder, with_cluster=True)
            self._advance(case.subject.incident_id, taken, duties, now)

    def _carry_over(self, case: Case, duties: Duties, now: float) -> None:
        """Whoever takes one incident of a cluster takes the others that are no graver; an act renews them all."""
        if case.state is not EscalationState.ACKNOWLEDGED or case.holder is None:
            return
        for other in mates(case, self._cluster_of(case)):
            kind = None
            if other.state is EscalationState.ACKNOWLEDGED and other.holder == case.holder:
                kind = EventKind.ACTED
            elif other.state in (EscalationState.PAGING, EscalationState.EXHAUSTED):
                kind = EventKind.TAKEN if other.subject.severity >= min(case.gravest, case.subject.severity) else None
            if kind is not None:
                event = Answered(kind, case.holder, with_cluster=kind is EventKind.TAKEN)
                self._advance(other.subject.incident_id, event, duties, now)

    def _flush(self, duties: Duties, now: float) -> None:
        told = self._digests.flush(now, self._waiting_of, duties.policy)
        for incident_id, officer_id, digest_id in told:
            entry = self.entries[incident_id]
            for call in entry.case.this_round():
                if call.officer_id == officer_id and call.status is CallStatus.FOLDED:
                    entry.mark(call.page_id, CallStatus.DIGESTED, digest_id)
                    self._begin_version(incident_id, entry)
                    about = {"officer_id": officer_id, "channel": call.channel, "page_id": digest_id}
                    note = Note(EscalationReason.STORM_DIGEST, call.level, call.round, **about)
                    entry.notes.append((now, note))

    def _waiting_of(self, incident_id: str, officer_id: str) -> Call | None:
        """The folded call of an officer that still waits for an answer and may be told, or None."""
        entry = self.entries.get(incident_id)
        if entry is None or not entry.case.state.is_paging or self._bars(entry.case, officer_id):
            return None
        for call in entry.case.this_round():
            if call.officer_id == officer_id and call.status in (CallStatus.FOLDED, CallStatus.DIGESTED):
                return call
        return None

    def _bars(self, case: Case, officer_id: str) -> bool:
        return bars(case, self._versions.of(case)[1], officer_id)

    # -- what is kept -----------------------------------------------------------------------------------------------

    def _expire(self, before: float) -> None:
        """Forget what was over before ``before``, and the versions that nothing is decided with any more."""
        for incident_id, entry in list(self.entries.items()):
            if entry.case.state.is_over and entry.case.updated_at < before and incident_id not in self._changed:
                del self.entries[incident_id]
                self._again.pop(incident_id, None)
                self._gone.append(rows.gone(self.district, rows.CASE, incident_id))
                members = self._clusters.get(entry.case.subject.cluster_id or "")
                if members is not None:
                    members.discard(incident_id)
        self._versions.drop_unused([entry.case for entry in self.entries.values()])

    def restore(self, kept: Entry | Gathering | Policy | Roster) -> None:
        """Take in what a row held."""
        match kept:
            case Entry():
                subject = kept.case.subject
                self.entries[subject.incident_id] = kept
                if subject.cluster_id is not None:
                    self._clusters.setdefault(subject.cluster_id, set()).add(subject.incident_id)
                if kept.case.due_at is not None:
                    heapq.heappush(self._due, (kept.case.due_at, subject.incident_id))
            case Gathering():
                self._digests.restore(kept)
            case _:
                self._versions.restore(kept)


def restore_books(kept: Iterable[tuple[str, bytes]]) -> dict[str, EscalationBook]:
    """Every district's book of the rows that stand; rows of other parts are passed over."""
    books: dict[str, EscalationBook] = {}
    for key, value in kept:
        row = rows.parse_row(key, value)
        if row is not None:
            district = key.partition("/")[0]
            books.setdefault(district, EscalationBook(district)).restore(row)
    return books
