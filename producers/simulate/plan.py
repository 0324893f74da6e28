"""The day as a pure plan: what is sent when, in order of time, from a seed and a calendar alone.

The plan is made lazily, a quarter of an hour at a time, so that a country costs no more memory than its phones.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import count
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

from producers.simulate.cast import Casting, Place
from producers.simulate.chance import ID_BITS, chance, report_id
from producers.simulate.checkins import Phone, Said, Slot, content, phones, said_at, slots
from producers.simulate.script import Moment, Noise, Scene, Script, Step, builtin_script
from siaga.contracts.registry import Calendar, DistrictStations, StageEntry
from siaga.types import Stage

#: Phones the reports of a day are sent from; people of one scene have different ones. Check-ins have phone 0.
PHONES: Final = 8
#: Small troubles a station has in a day, on average.
NOISE_PER_STATION: Final = 0.08
#: The grain of the plan, in seconds of election time.
_SLICE: Final = 900.0
_REPORTERS: Final = {
    "officer": "anggota",
    "committee": "kpps",
    "witness": "saksi",
    "public": "warga",
    "sensor": "sensor",
}


@dataclass(frozen=True, slots=True)
class Event:
    """One message: when it is sent (epoch seconds), what it is, and from which phone (0 to ``PHONES``)."""

    at: float
    kind: Literal["report", "checkin"]
    item: dict[str, Any]
    phone: int
    scene: str | None = None


#: A message that waits for its turn: time, order among equals, and how to make it.
_Waiting = tuple[float, int, Callable[[], Event]]


def plan_day(
    districts: Sequence[DistrictStations], calendar: Calendar, seed: int, *, script: Script | None = None
) -> Iterator[Event]:
    """Everything that is sent on the voting day, in order of time.

    The same arguments give the same events, ids included. Ids hold the day's start, so that another day with the same
    seed has others. Times and durations are the calendar's, divided by its speed.

    Args:
        districts: the stations that vote.
        calendar: must have a voting and a counting stage; check-ins follow their schedules.
        seed: decides everything that is left to chance.
        script: the troubles; the built-in script by default.

    Raises:
        ValueError: there is no station, or a stage is missing.
    """
    return _Day(districts, calendar, seed, script or builtin_script()).events()


class _Day:
    def __init__(self, districts: Sequence[DistrictStations], calendar: Calendar, seed: int, script: Script) -> None:
        self._voting, self._counting = _stage(calendar, Stage.VOTING), _stage(calendar, Stage.COUNTING)
        self._zone = ZoneInfo(calendar.timezone)
        self._speed = calendar.speed
        self._script = script
        # Another day with the same seed plays the same, but its messages are not the same messages.
        self._ids = chance(seed, "ids", self._voting.starts_at.isoformat())
        self._salt = self._ids.getrandbits(ID_BITS)
        self._rng = chance(seed, "day")
        self._places = [Place(s, d.name) for d in districts for s in d.stations]
        self._phones = phones([place.station for place in self._places], seed)
        casting = Casting(districts, seed)
        self._order = count()
        self._steps = [self._scene(scene, casting.cast(scene), i) for i, scene in enumerate(script.scene)]
        self._outages: dict[str, list[tuple[float, float, bool]]] = {}
        for outage in script.outage:
            stretch = (self._moment(outage.starts), self._moment(outage.ends), outage.queued)
            for station in casting.silenced(outage):
                self._outages.setdefault(station, []).append(stretch)

    def events(self) -> Iterator[Event]:
        waiting: list[_Waiting] = [step for scene in self._steps for step in scene]
        heapq.heapify(waiting)
        due = slots([self._voting, self._counting])
        start, end = self._voting.starts_at.timestamp(), self._counting.ends_at.timestamp()
        width = _SLICE / self._speed
        slices = max(1, round((end - start) / width))
        upcoming = 0
        for number in range(slices + 1):
            until = start + number * width
            yield from _until(waiting, until)
            while upcoming < len(due) and due[upcoming].at < until + width - 1e-3:
                self._say(due[upcoming], waiting)
                upcoming += 1
            if number < slices:
                self._trouble(until, width, slices, waiting)
        yield from _until(waiting, float("inf"))

    # ------------------------------------------------------------------------------------------------ check-ins
    def _say(self, slot: Slot, waiting: list[_Waiting]) -> None:
        for said in said_at(slot, len(self._phones), self._rng):
            phone = self._phones[said.phone]
            first: float | None = None
            for at in said.sent:
                sent = self._release(phone.station.station_id, at)
                if sent is not None:
                    first = sent if first is None else first
                    # Made only when its turn comes: most of a quarter's messages wait as a few numbers.
                    make: Callable[[], Event] = partial(self._checkin, phone, slot, said, first, sent)
                    heapq.heappush(waiting, (sent, next(self._order), make))

    def _checkin(self, phone: Phone, slot: Slot, said: Said, first: float, sent: float) -> Event:
        """A check-in; one that is sent twice is the same to the last letter."""
        occurred = self._clock(said.happened, phone.clock)
        item = {
            "schema_version": 1,
            "report_id": str(report_id(said.bits ^ self._salt, occurred)),
            "station_id": phone.station.station_id,
            "occurred_at": occurred.isoformat(timespec="milliseconds"),
            "sent_at": self._clock(first, phone.clock).isoformat(timespec="milliseconds"),
            "reporter": {"id": f"anggota-{phone.station.station_id}", "role": "officer"},
            **content(phone, slot),
            "channel": "simulation",
        }
        return Event(sent, "checkin", item, 0)

    def _release(self, station: str, at: float) -> float | None:
        """When a message of ``at`` gets through: at once, after an outage, or never."""
        for start, end, queued in self._outages.get(station, ()):
            if start <= at < end:
                # The phones of a district do not all find the network again in the same second.
                return end + self._rng.random() * 240 / self._speed if queued else None
        return at

    # --------------------------------------------------------------------------------------------------- scenes
    def _scene(self, scene: Scene, cast: dict[str, Place], number: int) -> list[_Waiting]:
        people: dict[tuple[str, int], int] = {}
        named: dict[str, str] = {}
        events: list[_Waiting] = []
        for step in scene.step:
            phone = 1 + (number + people.setdefault(step.by, len(people))) % PHONES
            happened = self._moment(step.at)
            item = self._report(step, cast, scene.name, happened)
            if step.corrects is not None:
                item |= {"corrects": named[step.corrects], "withdraws": step.withdraws}
            if step.id is not None:
                named[step.id] = item["report_id"]
            for copy in range(step.copies):
                at = happened + (step.delay + 60.0 * copy) / self._speed
                events.append((at, next(self._order), partial(Event, at, "report", item, phone, scene.name)))
        return events

    def _report(self, step: Step, cast: dict[str, Place], scene: str, happened: float) -> dict[str, Any]:
        place = cast[step.station]
        facts = step.facts.model_dump(mode="json", exclude_none=True)
        if step.accuses:
            facts["accused_unit"] = place.unit
        role, person = step.by
        return self._item(
            step.kind,
            place,
            happened=self._clock(happened, step.clock),
            sent=self._clock(happened + step.delay / self._speed, step.clock),
            reporter={"id": f"{_REPORTERS[role]}-{scene}-{person}", "role": str(role)},
            facts=facts,
            text=step.text.format_map(cast),
            drill=step.drill,
        )

    # ---------------------------------------------------------------------------------------------------- noise
    def _trouble(self, start: float, width: float, slices: int, waiting: list[_Waiting]) -> None:
        stage = "voting" if start < self._counting.starts_at.timestamp() else "counting"
        choices = [noise for noise in self._script.noise if noise.stage in (stage, "both")]
        if not choices:
            return
        rng = self._rng
        expected = len(self._places) * NOISE_PER_STATION / slices
        for _ in range(int(expected) + (rng.random() < expected % 1)):
            noise = rng.choices(choices, [choice.weight for choice in choices])[0]
            place = rng.choice(self._places)
            happened = start + rng.random() * width
            sent = self._release(place.station.station_id, happened + rng.uniform(20, 300) / self._speed)
            if sent is not None:
                item = self._small(noise, place, happened, sent)
                phone = 1 + rng.randrange(PHONES)
                make: Callable[[], Event] = partial(Event, sent, "report", item, phone)
                heapq.heappush(waiting, (sent, next(self._order), make))

    def _small(self, noise: Noise, place: Place, happened: float, sent: float) -> dict[str, Any]:
        role = self._rng.choice(noise.by)
        return self._item(
            noise.kind,
            place,
            happened=self._clock(happened, 0.0),
            sent=self._clock(sent, 0.0),
            reporter={"id": f"{_REPORTERS[role]}-{place.station.station_id}", "role": str(role)},
            facts=noise.facts.model_dump(mode="json", exclude_none=True),
            text=self._rng.choice(noise.texts).format(a=place),
        )

    # ---------------------------------------------------------------------------------------------------- parts
    def _item(
        self,
        kind: str,
        place: Place,
        *,
        happened: datetime,
        sent: datetime,
        reporter: dict[str, str],
        facts: dict[str, Any],
        text: str,
        drill: bool = False,
    ) -> dict[str, Any]:
        station = place.station
        return {
            "schema_version": 1,
            "report_id": str(report_id(self._ids.getrandbits(ID_BITS), happened)),
            "kind": kind,
            "station_id": station.station_id,
            "occurred_at": happened.isoformat(timespec="milliseconds"),
            "sent_at": sent.isoformat(timespec="milliseconds"),
            "reporter": reporter,
            "facts": facts,
            "text": text,
            "location": {"lat": station.lat, "lon": station.lon, "accuracy_m": 25.0},
            "channel": "simulation",
            "drill": drill,
        }

    def _moment(self, moment: Moment) -> float:
        stage, offset = moment
        start = (self._voting if stage == "voting" else self._counting).starts_at.timestamp()
        return start + offset / self._speed

    def _clock(self, at: float, ahead: float) -> datetime:
        """What a phone's clock shows; a wrong clock is wrong in election time, like everything."""
        return datetime.fromtimestamp(at + ahead / self._speed, self._zone)


def _stage(calendar: Calendar, wanted: Stage) -> StageEntry:
    for entry in calendar.stages:
        if entry.stage is wanted:
            return entry
    raise ValueError(f"calendar: has no {wanted} stage, so there is no day to play; add it")


def _until(waiting: list[_Waiting], until: float) -> Iterator[Event]:
    while waiting and waiting[0][0] < until:
        yield heapq.heappop(waiting)[2]()
