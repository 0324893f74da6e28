"""What is remembered about a district: its incidents, the reports in them, and when each station was last heard.

Nothing here lives longer than the rules need it (see :func:`expire`), so that the state does not grow with the
number of past reports. Times are epoch seconds (UTC).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from siaga.contracts.incident import Change, IncidentState
from siaga.contracts.rejection import RejectReason
from siaga.rules.subject import Standing, Subject

#: An incident that nobody closed is forgotten after this many real seconds without a report (it stays in the store).
RETAIN_OPEN: Final = 7 * 86_400.0
#: Person and device of what Siaga itself notices.
ITSELF: Final = "siaga"
#: How much of the newest history is kept to be told again with a repeated report.
RETOLD: Final = 20

Place = tuple[str, str, bool]


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why the fold cannot use an item, in words that say what to do."""

    reason: RejectReason
    field: str
    message: str
    remedy: str


class Told(NamedTuple):
    """What the neighbouring districts know of an incident."""

    first_at: float
    last_at: float
    cluster_id: str | None
    over: bool


class Silent(NamedTuple):
    """A silent station: the incident its silence is part of, and when its check-in should have come at the latest."""

    incident_id: str
    since: float


def unknown_station(station_id: str) -> Refusal:
    """The refusal of what names a station that the registry does not know."""
    return Refusal(
        RejectReason.UNKNOWN_STATION,
        "station_id",
        f"unknown station {station_id}",
        "load it with 'siaga registry load', or correct the number; then 'siaga rejected replay'",
    )


@dataclass(slots=True)
class IncidentRecord:
    """One incident as triage remembers it."""

    incident_id: str
    district: str
    station_id: str | None
    family: str
    drill: bool
    opened_at: float
    version: int = 0
    generation: int = 1
    state: IncidentState = IncidentState.OPEN
    closed_at: float = 0.0
    updated_at: float = 0.0
    kind: str = ""
    verified_by: str | None = None
    refuted_by: str | None = None
    assigned_to: str | None = None
    acknowledged_by: str | None = None
    outcome: str | None = None
    override: dict[str, Any] | None = None
    #: The facts when the override was made: it ends when they get worse.
    override_harm: tuple[int, ...] | None = None
    override_kinds: tuple[str, ...] = ()
    cluster_id: str | None = None
    severity: int = 0
    computed: int = 0
    certainty: str = ""
    urgency: str = ""
    #: The rules that fired, to see whether a new ruleset decides differently.
    rules: tuple[str, ...] = ()
    #: Stations that are silent, where the incident is the outage of a district.
    outage: tuple[str, ...] | None = None
    #: The last commands that were carried out, so that one repeated is not carried out twice.
    commands: list[str] = field(default_factory=list)
    #: Report -> the report that replaced or withdrew it.
    superseded: dict[str, str] = field(default_factory=dict)
    #: The last report that stood, where all were withdrawn: what the incident was about.
    ghost: Standing | None = None
    #: History of the newest version, told again with it.
    told_history: list[dict[str, Any]] = field(default_factory=list)
    told: Told | None = None
    #: The incident that has its reports now, where it was merged.
    merged_into: str | None = None
    #: Places of incidents that were merged into it: later reports of them are its own.
    also: list[Place] = field(default_factory=list)
    #: Report -> its station, where that is not the incident's; report -> how often it has moved to another incident.
    stations: dict[str, str] = field(default_factory=dict)
    moves: dict[str, int] = field(default_factory=dict)
    #: Units accused by reports that moved away in a merge, or by those of the incident they moved to.
    accused: tuple[str, ...] = ()
    #: Commands that were refused and why: one repeated is refused alike, however things are by then.
    refusals: dict[str, tuple[str, ...]] = field(default_factory=dict)
    # --- not in the record's own row: the reports travel beside it, the rest lives until the next flush
    standings: dict[str, Standing] = field(default_factory=dict)
    subject: Subject = field(default_factory=Subject, compare=False)
    history: list[dict[str, Any]] = field(default_factory=list, compare=False)
    report_ids: list[str] = field(default_factory=list, compare=False)
    changed: bool = field(default=False, compare=False)
    #: To be told again though nothing changed.
    repeat: bool = field(default=False, compare=False)
    #: When a change of the registry had it decided anew.
    reexamined: float | None = field(default=None, compare=False)

    @property
    def is_open(self) -> bool:
        """Whether somebody still has to deal with it."""
        return self.state.is_open

    @property
    def place(self) -> Place:
        """Where and what it is about: the key of correlation. A drill never joins the real thing."""
        return (self.station_id or self.district, self.family, self.drill)

    @property
    def places(self) -> tuple[Place, ...]:
        """Every place whose reports find it: none where it was merged."""
        if self.merged_into is not None:
            return ()
        return (self.place, *self.also) if self.also else (self.place,)

    def note(self, change: Change, at: float, *, by: str | None = None, detail: str = "") -> None:
        """Write down what happened; it travels with the next snapshot.

        Reports that join one after the other are one entry with their number, so that a snapshot stays small.
        """
        self.changed = True
        self.updated_at = max(self.updated_at, at)
        if change is Change.REPORT_JOINED and not detail:
            last = self.history[-1] if self.history else None
            if last is not None and "reports" in last:
                last["reports"] += 1
                last["at"] = max(last["at"], at)
            else:
                self.history.append({"change": change.value, "at": at, "by": by, "detail": "", "reports": 1})
            return
        self.history.append({"change": change.value, "at": at, "by": by, "detail": detail})

    def close(self, state: IncidentState, at: float, outcome: str | None) -> None:
        """End it. Who acknowledged it stays known."""
        self.state, self.closed_at, self.outcome = state, at, outcome
        self.changed = True

    def reopen(self, at: float, *, by: str | None = None, detail: str = "") -> None:
        """Start it anew: a new generation, nobody has taken it yet."""
        self.generation += 1
        self.state, self.closed_at, self.outcome = IncidentState.OPEN, 0.0, None
        self.acknowledged_by = self.refuted_by = None
        self.note(Change.REOPENED, at, by=by, detail=detail)


@dataclass(frozen=True, slots=True)
class Foreign:
    """Trouble in a neighbouring district, as it was told."""

    incident_id: str
    version: int
    station_id: str
    family: str
    lat: float
    lon: float
    first_at: float
    last_at: float
    cluster_id: str | None
    drill: bool
    #: Dismissed over there. Kept, so that what was told before it and comes again is known to be old.
    over: bool = False


@dataclass(frozen=True, slots=True)
class Early:
    """A correction that came before the report it corrects."""

    by: str
    received: float
    person: str
    device: str
    withdraws: bool


@dataclass(slots=True)
class DistrictState:
    """All that triage remembers of one district."""

    code: str
    incidents: dict[str, IncidentRecord] = field(default_factory=dict)
    #: report_id -> incident_id, for 48 hours at least: what was heard already.
    reports: dict[str, str] = field(default_factory=dict)
    #: Corrections that came before the report they correct, by that report's id.
    early: dict[str, Early] = field(default_factory=dict)
    foreign: dict[str, Foreign] = field(default_factory=dict)
    #: When each station last checked in, by the gateway's clock.
    seen: dict[str, float] = field(default_factory=dict)
    #: When each station was first known to be watched, or last sent a report: the later.
    since: dict[str, float] = field(default_factory=dict)
    #: Stations that said they closed, and when.
    closed: dict[str, float] = field(default_factory=dict)
    silent: dict[str, Silent] = field(default_factory=dict)
    #: The incident that is the outage of the whole district.
    outage_id: str | None = None
    #: Since when the district is watched for silence.
    watch_from: float | None = None
    # --- found again from the above
    places: dict[Place, list[str]] = field(default_factory=dict, compare=False)
    families: dict[tuple[str, bool], dict[str, IncidentRecord]] = field(default_factory=dict, compare=False)
    # --- what the next flush tells and writes. A row is written as things are then, or deleted where there is nothing
    dirty: dict[str, IncidentRecord] = field(default_factory=dict)
    gone: dict[str, None] = field(default_factory=dict)
    new_reports: dict[str, None] = field(default_factory=dict)
    new_early: dict[str, None] = field(default_factory=dict)
    new_foreign: dict[str, None] = field(default_factory=dict)
    #: Families (and whether a drill) whose spread has to be looked at.
    spreading: set[tuple[str, bool]] = field(default_factory=set)
    #: ``seen`` changed.
    seen_changed: bool = False
    #: What else is remembered of the stations changed: written at the next flush.
    watch_changed: bool = False
    # --- so that asking for deadlines is cheap: nothing can come due before these times
    silence_look_at: float = field(default=0.0, compare=False)
    silence_looked: tuple[object, object] = field(default=(None, None), compare=False)
    expiry_look_at: float = field(default=0.0, compare=False)

    def touch(self, incident: IncidentRecord) -> None:
        """Have the incident decided, told and written at the next flush."""
        self.dirty[incident.incident_id] = incident

    def tell_again(self, incident_id: str, report_id: str | None = None) -> None:
        """Tell the present snapshot once more: a state can outlive a crash that its output did not."""
        incident = self.incidents.get(incident_id)
        if incident is not None:
            if report_id is not None and report_id not in incident.report_ids:
                incident.report_ids.append(report_id)
            incident.repeat = True
            self.touch(incident)

    def add(self, incident: IncidentRecord) -> None:
        """Take in an incident, new or read back."""
        self.incidents[incident.incident_id] = incident
        self.families.setdefault((incident.family, incident.drill), {})[incident.incident_id] = incident
        for place in incident.places:
            self.add_place(incident, place)

    def add_place(self, incident: IncidentRecord, place: Place) -> None:
        """Have reports of ``place`` find the incident."""
        ids = self.places.setdefault(place, [])
        if incident.incident_id not in ids:
            ids.append(incident.incident_id)

    def drop_place(self, incident: IncidentRecord, place: Place) -> None:
        """Have reports of ``place`` find it no more."""
        ids = self.places.get(place, [])
        if incident.incident_id in ids:
            ids.remove(incident.incident_id)
            if not ids:
                del self.places[place]

    def add_standing(self, incident: IncidentRecord, standing: Standing) -> None:
        """A report joins an incident. What Siaga itself noticed is none that the store could know."""
        if incident.ghost is not None:
            incident.subject, incident.ghost = Subject(), None
        incident.standings[standing.report_id] = standing
        incident.subject.add(standing)
        self.reports[standing.report_id] = incident.incident_id
        self.new_reports[standing.report_id] = None
        if standing.person != ITSELF:
            incident.report_ids.append(standing.report_id)

    def drop_standing(self, incident: IncidentRecord, report_id: str, by: str) -> None:
        """A report no longer stands: ``by`` replaced or withdrew it."""
        gone = incident.standings.pop(report_id)
        incident.stations.pop(report_id, None)
        incident.superseded[report_id] = by
        incident.changed = True
        self.new_reports[report_id] = None
        incident.subject = Subject.of(incident.standings.values() or (gone,))
        if not incident.standings:
            incident.ghost = gone

    def supersede(self, incident: IncidentRecord, report_id: str, by: str) -> None:
        """A report belongs to the incident and does not stand in it."""
        incident.superseded[report_id] = by
        self.reports[report_id] = incident.incident_id
        self.new_reports[report_id] = None
        incident.report_ids.append(report_id)

    def forget(self, incident: IncidentRecord) -> None:
        """Drop an incident and its reports."""
        self.incidents.pop(incident.incident_id, None)
        self.dirty.pop(incident.incident_id, None)
        self.gone[incident.incident_id] = None
        self.families.get((incident.family, incident.drill), {}).pop(incident.incident_id, None)
        for place in incident.places:
            self.drop_place(incident, place)
        for report_id in (*incident.standings, *incident.superseded):
            if self.reports.get(report_id) == incident.incident_id:
                del self.reports[report_id]
                self.new_reports[report_id] = None


def last_activity(incident: IncidentRecord) -> float:
    """When the incident was last heard of or changed."""
    return max(incident.subject.last_received, incident.updated_at)
