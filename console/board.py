"""What is going on now, in memory: the incidents that matter today, the places, and the day's pulse.

In: rows of the database, as the feed reads them. Out: what a page shows, for each audience. State: every open
incident and the latest closed ones. No database and no clock: time comes in. One thread writes; what is handed out
is never changed afterwards.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, NamedTuple

from console.knowledge import Knowledge
from siaga import redaction
from siaga.contracts.escalation import EscalationState
from siaga.contracts.incident import IncidentState
from siaga.redaction import Audience

#: Closed incidents that stay on the board; older ones are in the database.
CLOSED_KEPT: Final = 2_000
#: A station counts as reporting for so long after its last check-in where the calendar expects none (seconds).
_REPORTING: Final = 3600.0
#: Audiences whose cards are kept ready.
_AUDIENCES: Final = 64
SILENT_KIND: Final = "facility.network"

_OPEN: Final = frozenset(state.value for state in IncidentState if state.is_open)


@dataclass(frozen=True, slots=True)
class Place:
    """A station as it is shown. ``vulnerability`` stays out: it is asked for in the database where it may be seen."""

    station_id: str
    name: str
    village: str
    district: str
    lat: float
    lon: float


class Changed(NamedTuple):
    """An incident as it is now, and as it was before (``None`` where it was not on the board)."""

    row: dict[str, Any]
    before: dict[str, Any] | None


@dataclass(slots=True)
class Vitals:
    """What is measured besides the incidents. Times are epoch seconds."""

    read_at: float = 0.0
    canary_age: float | None = None
    reports_by_minute: Mapping[int, int] = field(default_factory=dict)
    untriaged: int = 0
    #: When each station was last heard of.
    seen: dict[str, float] = field(default_factory=dict)
    #: What each station last said of the personnel there, and when.
    personnel: dict[str, tuple[float, int]] = field(default_factory=dict)

    def heard(self, station_id: str, at: float, personnel: int | None) -> None:
        """A station checked in."""
        self.seen[station_id] = max(self.seen.get(station_id, 0.0), at)
        if personnel is not None and at >= self.personnel.get(station_id, (0.0, 0))[0]:
            self.personnel[station_id] = (at, personnel)


class Board:
    """The state of the day."""

    def __init__(self) -> None:
        self.seq = 0
        #: Changes before this are not all on the board any more.
        self.floor = 0
        self.knowledge = Knowledge()
        self.vitals = Vitals()
        self.places: dict[str, Place] = {}
        self.districts: dict[str, str] = {}
        #: The classes of each district's stations. CONFIDENTIAL: for the force posture, and nothing else.
        self.classes: dict[str, dict[str, str]] = {}
        self._rows: dict[str, dict[str, Any]] = {}
        self._closed: dict[str, int] = {}
        #: Where the open incidents stand on their policies, by incident.
        self._ladders: dict[str, Mapping[str, Any]] = {}
        #: Rises with whatever changes what a card says; the cards of each audience, for the value it had then.
        self.revision = 0
        self._cards: dict[Audience, tuple[int, list[dict[str, Any]]]] = {}
        self._centres: dict[str, tuple[float | None, float | None]] = {}

    # -- told -----------------------------------------------------------------------------------------------------

    def put(self, row: Mapping[str, Any], seq: int) -> Changed:
        """Take in an incident as it stands now; gives it with what it was."""
        kept = {**row, "seq": seq}
        kept.pop("history", None)
        incident_id = str(row["incident_id"])
        before = self._rows.get(incident_id)
        self._rows[incident_id] = kept
        self.revision += 1
        self._closed.pop(incident_id, None)
        if row["state"] not in _OPEN:
            self._closed[incident_id] = seq
            if len(self._closed) > CLOSED_KEPT:
                oldest = next(iter(self._closed))
                self.floor = max(self.floor, self._closed.pop(oldest))
                del self._rows[oldest]
        return Changed(kept, before)

    def put_ladder(self, ladder: Mapping[str, Any]) -> Changed | None:
        """Take in where an incident stands on its policy; gives the incident, if it is on the board."""
        incident_id = str(ladder["incident_id"])
        if EscalationState(ladder["state"]).is_over:
            self._ladders.pop(incident_id, None)
        else:
            self._ladders[incident_id] = ladder
        row = self._rows.get(incident_id)
        self.revision += 1
        if row is None:
            return None
        kept = self._rows[incident_id] = {**row, "seq": ladder["seq"]}
        return Changed(kept, row)

    def clear(self) -> None:
        """Forget every incident: the database is another one now."""
        self._rows, self._closed, self._ladders = {}, {}, {}
        self.seq = self.floor = 0
        self.revision += 1

    # -- asked ----------------------------------------------------------------------------------------------------

    def rows(self) -> list[dict[str, Any]]:
        """Every incident on the board, whoever may see it."""
        return list(self._rows.values())

    def since(self, seq: int) -> list[dict[str, Any]]:
        """The incidents that changed after ``seq``."""
        return [row for row in self.rows() if row["seq"] > seq]

    def card(self, audience: Audience, row: Mapping[str, Any]) -> dict[str, Any] | None:
        """An incident as the queue and the map show it; ``None`` where ``audience`` may not know of it."""
        seen = redaction.incident(audience, row)
        if seen is None:
            return None
        place = self.places.get(seen["station_id"] or "")
        lat, lon = (place.lat, place.lon) if place else self.centre(seen["district"])
        ladder = self._ladders.get(str(row["incident_id"]))
        return {
            **{name: seen[name] for name in _CARD},
            "place": place.name if place else None,
            "village": place.village if place else None,
            "district_name": self.districts.get(seen["district"], seen["district"]),
            "lat": lat,
            "lon": lon,
            "opened": _epoch(seen["opened_at"]),
            "updated": _epoch(seen["updated_at"]),
            "occurred": _epoch(seen["first_occurred_at"]),
            "due": self.due(row),
            "level": ladder["level"] if ladder is not None else 0,
            "ladder": ladder["state"] if ladder is not None else None,
            "raised": row["computed_severity"] != row["severity"],
        }

    def due(self, row: Mapping[str, Any]) -> float | None:
        """Until when somebody has to take an incident (epoch seconds); ``None`` where nobody is called for it."""
        if row["state"] != IncidentState.OPEN:
            return None
        ladder = self._ladders.get(str(row["incident_id"]))
        if ladder is not None and ladder["next_due_at"] is not None and EscalationState(ladder["state"]).is_paging:
            return _epoch(ladder["next_due_at"])
        deadline = self.knowledge.deadline(row["severity"])
        return None if deadline is None else _epoch(row["opened_at"]) + deadline

    def late(self, row: Mapping[str, Any], now: float) -> bool:
        """Whether nobody took an incident within its first deadline."""
        deadline = self.knowledge.deadline(row["severity"]) if row["state"] == IncidentState.OPEN else None
        return deadline is not None and now > _epoch(row["opened_at"]) + deadline

    def cards(self, audience: Audience) -> list[dict[str, Any]]:
        """Every incident ``audience`` may see, in the order of the queue. Not to be changed: it is shared."""
        revision = self.revision
        known = self._cards.get(audience)
        if known is not None and known[0] == revision:
            return known[1]
        cards = [card for row in self.rows() if (card := self.card(audience, row)) is not None]
        cards.sort(key=urgency)
        if len(self._cards) >= _AUDIENCES:
            self._cards.clear()
        self._cards[audience] = (revision, cards)
        return cards

    def centre(self, district: str) -> tuple[float | None, float | None]:
        """The middle of a district's stations, for what concerns all of it."""
        return self._centres.get(district, (None, None))

    def pulse(self, audience: Audience, now: float) -> dict[str, Any]:
        """The day's pulse: the numbers of the strip."""
        by_severity, overdue, drills, silent = dict.fromkeys(range(1, 6), 0), 0, 0, set[str]()
        silent_elsewhere = 0
        for row in self.rows():
            if row["state"] not in _OPEN or not redaction.may_see(audience, row):
                continue
            if row["drill"]:
                drills += 1
                continue
            by_severity[row["severity"]] += 1
            overdue += self.late(row, now)
            if row["kind"] == SILENT_KIND:
                if row["station_id"] is None:
                    silent_elsewhere += row["station_count"]
                else:
                    silent.add(row["station_id"])
        stations = self.stations_of(audience)
        heard = self.vitals.seen
        window = self.knowledge.reporting_window(now) or _REPORTING
        minute = int(now // 60)
        spark = [self.vitals.reports_by_minute.get(minute - back, 0) for back in range(59, -1, -1)]
        stage = self.knowledge.stage_at(now)
        return {
            "at": now,
            "seq": self.seq,
            "read_at": self.vitals.read_at,
            "canary_age": self.vitals.canary_age,
            "window": window,
            "stations": len(stations),
            "reporting": sum(now - heard.get(place.station_id, 0.0) <= window for place in stations),
            "silent": min(len(silent) + silent_elsewhere, len(stations)),
            "open": by_severity,
            "overdue": overdue,
            "drills": drills,
            "untriaged": self.vitals.untriaged,
            "reports_by_minute": spark,
            "stage": stage.stage.value if stage else None,
            "stage_ends": stage.ends_at.timestamp() if stage else None,
        }

    def stations_of(self, audience: Audience) -> Sequence[Place]:
        """The stations that concern ``audience``."""
        scoped = (audience.agency or "",)
        if not audience.districts:
            return list(self.places.values())
        return [p for p in self.places.values() if redaction.in_scope(audience, p.district, scoped)]

    def load_places(self, districts: Mapping[str, str], places: Iterable[Place]) -> None:
        """Take in districts (code and name) with all of their stations."""
        kept = {key: place for key, place in self.places.items() if place.district not in districts}
        kept.update({place.station_id: place for place in places})
        by_district: dict[str, list[Place]] = {}
        for place in kept.values():
            by_district.setdefault(place.district, []).append(place)
        self._centres = {
            code: (sum(p.lat for p in found) / len(found), sum(p.lon for p in found) / len(found))
            for code, found in by_district.items()
        }
        self.places, self.districts = kept, {**self.districts, **districts}
        self.revision += 1


_CARD: Final = (
    *("incident_id", "version", "severity", "state", "kind", "family", "lead_agency", "district", "station_id"),
    *("station_count", "certainty", "urgency", "needs_verification", "report_count", "reporter_count"),
    *("cluster_id", "drill", "clock_skewed", "acknowledged_by", "assigned_to"),
)


def urgency(card: Mapping[str, Any]) -> tuple[Any, ...]:
    """Sorts the queue: what is open before what is over, drills last; first what somebody has to take and nobody has,
    then what is taken or waits at the posko; the grave first, and of these what has waited longest."""
    return (card["state"] not in _OPEN, card["drill"], card["due"] is None, card["severity"], card["opened"])


def _epoch(at: Any) -> float:
    return (at if isinstance(at, datetime) else datetime.fromisoformat(at)).timestamp()
