"""What is going on now, in memory: the incidents that matter today, the places, and the day's pulse.

In: rows of the database, as the feed reads them. Out: what a page shows, for each audience. State: every open
incident and the latest closed ones. No database and no clock: time comes in. One thread writes; what is handed out
is never changed afterwards.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from json import dumps
from operator import attrgetter
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

_UNTAKEN: Final = IncidentState.OPEN.value
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


class Card:
    """An incident as the queue and the map show it to all who are shown the same; written as JSON once."""

    __slots__ = ("_json", "basis", "rank", "row", "shown")

    def __init__(self, row: Mapping[str, Any], basis: int, shown: dict[str, Any]) -> None:
        """``basis`` is :attr:`Board.basis` as it was when ``shown`` was made of ``row``."""
        self.row, self.basis, self.shown = row, basis, shown
        #: Its place in the queue.
        self.rank = urgency(shown)
        self._json: bytes | None = None

    def json(self) -> bytes:
        """The card as it travels."""
        if self._json is None:
            self._json = dumps(self.shown, separators=(",", ":")).encode()
        return self._json


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
        self._cards: dict[Audience, tuple[int, list[Card]]] = {}
        #: The numbers of each audience, for the revision and the second that they were counted in.
        self._pulses: dict[Audience, tuple[tuple[int, int], dict[str, Any]]] = {}
        #: Rises with what changes all cards. What was worked out of each state of an incident is kept: the cards by
        #: what is shown, and by audience whether they may see it.
        self.basis = 0
        self._shown: dict[Audience, dict[str, Card]] = {}
        self._seen: dict[Audience, dict[str, tuple[Mapping[str, Any], bool]]] = {}
        self._centres: dict[str, tuple[float | None, float | None]] = {}

    # -- told -----------------------------------------------------------------------------------------------------

    def put(self, row: Mapping[str, Any], seq: int) -> Changed:
        """Take in an incident as it stands now; gives it with what it was."""
        kept = {**row, "seq": seq, "opened": _epoch(row["opened_at"])}
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
        self._shown, self._seen = {}, {}
        self.seq = self.floor = 0
        self.revision += 1

    def renew(self) -> None:
        """Say that something changed which every card may say: the places, or what is known of the election."""
        self.basis += 1
        self.revision += 1

    # -- asked ----------------------------------------------------------------------------------------------------

    def rows(self) -> list[dict[str, Any]]:
        """Every incident on the board, whoever may see it."""
        return list(self._rows.values())

    def since(self, seq: int) -> list[dict[str, Any]]:
        """The incidents that changed after ``seq``."""
        return [row for row in self.rows() if row["seq"] > seq]

    def seen_by(self, audience: Audience) -> list[dict[str, Any]]:
        """The incidents on the board that ``audience`` may know of; each state of one is decided about once."""
        rows = self.rows()
        known = self._seen.get(audience)
        if known is None or len(known) > len(rows) + CLOSED_KEPT:
            if len(self._seen) >= _AUDIENCES:
                self._seen.clear()
            known = self._seen[audience] = {}
        found = []
        for row in rows:
            decided = known.get(row["incident_id"])
            if decided is None or decided[0] is not row:
                decided = known[row["incident_id"]] = (row, redaction.may_see(audience, row))
            if decided[1]:
                found.append(row)
        return found

    def card(self, audience: Audience, row: Mapping[str, Any]) -> dict[str, Any] | None:
        """An incident as the queue and the map show it; ``None`` where ``audience`` may not know of it. Not to be
        changed: it is shared."""
        found = self.written_card(audience, row)
        return None if found is None else found.shown

    def written_card(self, audience: Audience, row: Mapping[str, Any]) -> Card | None:
        """The same, as it travels."""
        return self._card(audience.unbounded, row) if redaction.may_see(audience, row) else None

    def _card(self, audience: Audience, row: Mapping[str, Any]) -> Card:
        incident_id, basis = str(row["incident_id"]), self.basis
        kept = self._shown.setdefault(audience, {})
        card = kept.get(incident_id)
        if card is None or card.row is not row or card.basis != basis:
            card = Card(row, basis, self._show(audience, row))
            if self._rows.get(incident_id) is row:
                kept[incident_id] = card
        return card

    def _show(self, audience: Audience, row: Mapping[str, Any]) -> dict[str, Any]:
        seen = redaction.incident(audience, row) or {}
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
            "opened": _opened(row),
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
        return None if deadline is None else _opened(row) + deadline

    def cards(self, audience: Audience) -> list[Card]:
        """Every incident ``audience`` may see, in the order of the queue. Not to be changed: it is shared."""
        revision = self.revision
        known = self._cards.get(audience)
        if known is not None and known[0] == revision:
            return known[1]
        view = audience.unbounded
        cards = [self._card(view, row) for row in self.seen_by(audience)]
        cards.sort(key=attrgetter("rank"))
        kept = self._shown.get(view, {})
        if len(kept) > len(self._rows) + CLOSED_KEPT:  # those that have left the board
            self._shown[view] = {str(card.row["incident_id"]): card for card in cards}
        if len(self._cards) >= _AUDIENCES:
            self._cards.clear()
        self._cards[audience] = (revision, cards)
        return cards

    def centre(self, district: str) -> tuple[float | None, float | None]:
        """The middle of a district's stations, for what concerns all of it."""
        return self._centres.get(district, (None, None))

    def pulse(self, audience: Audience, now: float) -> dict[str, Any]:
        """The day's pulse: the numbers of the strip. They are counted anew after a change, and each second."""
        key, kept = (self.revision, int(now)), self._pulses.get(audience)
        if kept is None or kept[0] != key:
            if len(self._pulses) >= _AUDIENCES:
                self._pulses.clear()
            kept = self._pulses[audience] = (key, self._count(audience, now))
        return {**kept[1], "at": now, "seq": self.seq, "read_at": self.vitals.read_at}

    def _count(self, audience: Audience, now: float) -> dict[str, Any]:
        by_severity, overdue, drills, silent = dict.fromkeys(range(1, 6), 0), 0, 0, set[str]()
        silent_elsewhere = 0
        deadlines = {level: self.knowledge.deadline(level) for level in by_severity}
        for row in self.seen_by(audience):
            state = row["state"]
            if state not in _OPEN:
                continue
            if row["drill"]:
                drills += 1
                continue
            severity = row["severity"]
            by_severity[severity] += 1
            deadline = deadlines[severity]
            overdue += state == _UNTAKEN and deadline is not None and now > row["opened"] + deadline
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
        self.renew()


_CARD: Final = (
    *("incident_id", "version", "severity", "state", "kind", "family", "lead_agency", "district", "station_id"),
    *("station_count", "certainty", "urgency", "needs_verification", "report_count", "reporter_count"),
    *("cluster_id", "drill", "clock_skewed", "acknowledged_by", "assigned_to"),
)


def urgency(card: Mapping[str, Any]) -> tuple[Any, ...]:
    """Sorts the queue: what is open before what is over, drills last; first what somebody has to take and nobody has,
    then what is taken or waits at the posko; the grave first, and of these what has waited longest."""
    return (card["state"] not in _OPEN, card["drill"], card["due"] is None, card["severity"], card["opened"])


def _opened(row: Mapping[str, Any]) -> float:
    """When an incident was opened (epoch seconds); on the board it is there already."""
    return row["opened"] if "opened" in row else _epoch(row["opened_at"])


def _epoch(at: Any) -> float:
    return (at if isinstance(at, datetime) else datetime.fromisoformat(at)).timestamp()
