"""What escalation remembers of one incident, what can happen to it, and what follows.

Plain, immutable data: :func:`siaga.escalation.machine.advance` makes a new case of an old one and an event. Times are
epoch seconds; ids are UUIDs as text.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeAlias

from siaga.contracts.escalation import EscalationReason, EscalationState
from siaga.contracts.incident import Reason
from siaga.contracts.page import ChannelKind, Language, Purpose
from siaga.contracts.timer import TimerKind
from siaga.escalation.oncall import Query
from siaga.types import Certainty

#: Calls that a case remembers one by one; of older ones only who was told.
MOST_CALLS: Final = 120
#: Less grave than any severity: nobody was paged yet.
NOTHING: Final = 9


@dataclass(frozen=True, slots=True)
class Subject:
    """What has to be known of an incident to page about it. ``reasons`` holds none that is confidential."""

    incident_id: str
    district: str
    station_id: str | None
    place: str
    kind: str
    kind_id: str
    kind_en: str
    lead: str
    severity: int
    certainty: Certainty
    reasons: tuple[Reason, ...]
    confidential_reasons: bool
    accused_unit: str | None
    needs_verification: bool
    reporter_count: int
    cluster_id: str | None
    occurred_at: float
    opened_at: float
    drill: bool
    #: Every unit accused, where there are several.
    accused_units: tuple[str, ...] = ()

    @property
    def accused(self) -> tuple[str, ...] | None:
        """The units that it accuses; None where it accuses nobody."""
        units = {*self.accused_units, *(() if self.accused_unit is None else (self.accused_unit,))}
        return tuple(sorted(units)) or None


class CallStatus(StrEnum):
    """What became of a call, as far as the escalation minds."""

    MADE = "made"
    ACCEPTED = "accepted"
    #: It waits for its turn at the notifier; another channel was tried meanwhile.
    WAITING = "waiting"
    FAILED = "failed"
    #: Asked back: only the notifier knows whether it had gone out already.
    RECALLED = "recalled"
    #: Surely not sent.
    CANCELLED = "cancelled"
    #: Not sent: the officer was called for the cluster already.
    CLUSTERED = "clustered"
    #: Not sent yet: it waits for the storm's digest.
    FOLDED = "folded"
    #: Told in a digest.
    DIGESTED = "digested"
    RETRACTED = "retracted"

    @property
    def may_be_answered(self) -> bool:
        """Whether the officer can know of the incident through it, or will."""
        return self not in (CallStatus.FAILED, CallStatus.CANCELLED, CallStatus.RETRACTED)

    @property
    def has_told(self) -> bool:
        """Whether the officer can have read of this very incident through it."""
        return self in _TELLING


_TELLING: Final = frozenset(
    (CallStatus.MADE, CallStatus.ACCEPTED, CallStatus.WAITING, CallStatus.RECALLED, CallStatus.DIGESTED)
)


@dataclass(frozen=True, slots=True)
class Call:
    """One page, and all that is needed to make the very same one again."""

    page_id: str
    officer_id: str
    agency: str
    channel: str
    channel_kind: ChannelKind
    language: Language
    cleared: bool
    generation: int
    level: int
    round: int
    severity: int
    purpose: Purpose
    reason: EscalationReason
    at: float
    answer_by: float | None
    cluster_id: str | None = None
    status: CallStatus = CallStatus.MADE
    #: For a retraction, the page that told it; for one told in a digest, the digest.
    refers_to: str | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """One incident's escalation. ``round`` rises each time a level is called anew."""

    subject: Subject
    generation: int
    state: EscalationState
    reason: EscalationReason
    policy: str
    roster: str
    opened_at: float
    updated_at: float
    level: int = 0
    round: int = 0
    #: When it moves by itself, and as what.
    due_at: float | None = None
    due_kind: TimerKind | None = None
    #: Who has taken it.
    holder: str | None = None
    held_until: float | None = None
    #: Agency or officer that was asked to take over and has not accepted.
    handed_to: str | None = None
    #: Agency that accepted it: it leads from then on.
    led_by: str | None = None
    #: The gravest severity that somebody was paged about in this generation.
    gravest: int = NOTHING
    #: Who answered that they cannot, in this round.
    declined: tuple[str, ...] = ()
    calls: tuple[Call, ...] = ()
    #: The last call of each officer told in earlier generations, for a retraction.
    told: tuple[Call, ...] = ()

    @property
    def query(self) -> Query:
        """What the roster is asked."""
        return Query(self.subject.district, self.led_by or self.subject.lead, self.subject.accused)

    @property
    def purpose(self) -> Purpose:
        """What a page about it asks for now."""
        return Purpose.VERIFY if self.subject.needs_verification and self.subject.severity <= 2 else Purpose.PAGE

    def current(self) -> tuple[Call, ...]:
        """The calls of the present level and round."""
        return tuple(call for call in self.calls if (call.level, call.round) == (self.level, self.round))

    def this_round(self) -> tuple[Call, ...]:
        """The calls of the present round, at every level it has climbed."""
        return tuple(call for call in self.calls if call.round == self.round and call.generation == self.generation)


class EventKind(StrEnum):
    """What can happen to an escalation."""

    # --- the incident
    OPENED = "opened"
    REOPENED = "reopened"
    ROSE = "rose"
    FELL = "fell"
    ACCUSED = "accused"
    CHANGED = "changed"
    RESOLVED = "resolved"
    DISMISSED = "dismissed"
    REFUTED = "refuted"
    MERGED = "merged"
    TOOK_IN = "took_in"
    # --- people
    TAKEN = "taken"
    ON_MY_WAY = "on_my_way"
    ACTED = "acted"
    CANNOT = "cannot"
    ESCALATE = "escalate"
    HAND_OFF = "hand_off"
    SNOOZE = "snooze"
    # --- time
    DEADLINE_DUE = "deadline_due"
    LEASE_DUE = "lease_due"
    SNOOZE_DUE = "snooze_due"
    # --- the notifier
    PAGE_SENT = "page_sent"
    PAGE_WAITS = "page_waits"
    PAGE_FAILED = "page_failed"
    PAGE_DROPPED = "page_dropped"


@dataclass(frozen=True, slots=True)
class Seen:
    """The incident as it is now."""

    kind: EventKind
    subject: Subject
    generation: int


@dataclass(frozen=True, slots=True)
class Answered:
    """What a person did. ``to`` is an agency or officer; ``seconds`` how long, where that matters.

    ``with_cluster`` says that they took the cluster that the incident is part of.
    """

    kind: EventKind
    by: str
    to: str | None = None
    seconds: float = 0.0
    with_cluster: bool = False


@dataclass(frozen=True, slots=True)
class Due:
    """A deadline passed. It counts for the round that it names, and only once."""

    kind: EventKind
    generation: int
    level: int
    round: int


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of a page."""

    kind: EventKind
    page_id: str


@dataclass(frozen=True, slots=True)
class TookIn:
    """Another incident became part of this one; ``case`` is how that one stood."""

    kind: EventKind
    case: Case


Event: TypeAlias = Seen | TookIn | Answered | Due | Sent


@dataclass(frozen=True, slots=True)
class CallOut:
    """Effect: have a page sent."""

    call: Call


@dataclass(frozen=True, slots=True)
class Cancel:
    """Effect: have a page not sent, where it still waits."""

    page_id: str


@dataclass(frozen=True, slots=True)
class Note:
    """Effect: write down what was done, or not done, and why."""

    reason: EscalationReason
    level: int
    round: int
    officer_id: str | None = None
    channel: str | None = None
    page_id: str | None = None
    desk: str | None = None


Effect: TypeAlias = CallOut | Cancel | Note
