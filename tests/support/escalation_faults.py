"""Faults while incidents climb: each is a function that has something go wrong and lets the climb go on.

Input: a :class:`~tests.support.watch.Watch` that is running. Afterwards everything is over, or still climbs where the
function says so; the two ledgers are the test's to look at.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any, Final, Protocol

from siaga.contracts.roster import RosterEntry
from streams.crash import Point
from tests.support import builders
from tests.support.provider import Mode
from tests.support.stack import SINKS, STREAMS, Stack
from tests.support.wait import until
from tests.support.watch import MINUTES, Watch, epoch

#: What is reported, with its facts, the gravest first: SEV1, SEV2 and SEV3. Of families that do not spread, so that
#: each incident is called about by itself.
TROUBLES: Final[tuple[tuple[str, dict[str, Any]], ...]] = (
    ("hazard.fire", {"dead": 1}),
    ("security.suspicious_object", {}),
    ("procedure.suspended", {}),
    ("dispute.count", {}),
    ("facility.school", {}),
)
GRAVE, *_, MODERATE = TROUBLES


class Breakable(Protocol):
    """A part outside of Siaga that comes back as it was."""

    def start(self) -> None: ...
    def kill(self) -> None: ...


def now() -> float:
    """The present in epoch seconds."""
    return builders.now().timestamp()


# -- processes that die ----------------------------------------------------------------------------------------------


def kill_everything_at_random(watch: Watch, outside: Sequence[Breakable], *, incidents: int, seed: int) -> None:
    """Every part of Siaga and what it stands on is killed, twice each, while reports come and incidents climb.

    Which one, between which two reports and for how many of them is drawn with ``seed``. Meanwhile the provider lets
    messages hang, so that they are on their way when somebody dies, refuses some and takes some without an answer.
    """
    rng = random.Random(seed)
    stations = builders.stations_of(watch.stack.registry)
    places = [(trouble, station) for station in stations for trouble in TROUBLES][:incidents]
    rng.shuffle(places)
    victims: list[str | Breakable] = [STREAMS, SINKS, *outside] * 2
    rng.shuffle(victims)
    moments = sorted(rng.sample(range(5, incidents - 5), len(victims)))
    sent = 0
    for victim, moment in zip(victims, moments, strict=True):
        for mode in rng.sample((Mode.HANG, Mode.HANG, Mode.DROP, Mode.FAIL, Mode.TWICE), 5):
            watch.provider.behave(mode, rng.randrange(1, 4))
        sent = _post(watch, places, sent, moment)
        _kill(watch.stack, victim)
        sent = _post(watch, places, sent, moment + rng.randrange(1, 4))
        _start(watch.stack, victim)
        watch.until_taken(rng.randrange(1, 8))
    _post(watch, places, sent, incidents)
    watch.say("acknowledge", watch.incidents(incidents)[::3])
    watch.until_taken(1)
    watch.settle()


def _post(watch: Watch, places: Sequence[tuple[tuple[str, dict[str, Any]], str]], start: int, end: int) -> int:
    for number in range(start, end):
        trouble, station = places[number]
        watch.report(trouble, station, by=f"anggota-{number}")
    return max(start, end)


def _kill(stack: Stack, victim: str | Breakable) -> None:
    if isinstance(victim, str):
        stack.kill(victim)
    else:
        victim.kill()


def _start(stack: Stack, victim: str | Breakable) -> None:
    if isinstance(victim, str):
        stack.restart(victim)
    else:
        victim.start()


def die_between_memory_and_telling(watch: Watch) -> None:
    """The worker dies where it remembers that somebody is called and told nobody, or told and does not know it."""
    for point, level in ((Point.AFTER_STATE, 1), (Point.AFTER_STATE, 2), (Point.AFTER_OUTPUTS, 3)):
        if watch.stack.is_running(STREAMS):
            watch.stack.kill(STREAMS)
        worker = watch.stack.processes[STREAMS]
        worker.env = {**watch.stack.environment, "SIAGA_TEST_CRASH_AT": point.value}
        watch.stack.launch(STREAMS)
        if level == 1:
            watch.report(GRAVE, builders.STATION)
        until(lambda: not worker.running, timeout=90, what=lambda: f"the worker to die {point}{watch.stack.tails()}")  # noqa: B023
        worker.env = watch.stack.environment
        watch.stack.restart(STREAMS)
        watch.until_accepted(level)


def open_grave(watch: Watch, count: int) -> list[dict[str, Any]]:
    """So many SEV1 incidents, each at a station of its own."""
    for number, station in enumerate(builders.stations_of(watch.stack.registry)[:count]):
        watch.report(GRAVE, station, by=f"anggota-{number}")
    return watch.incidents(count)


def kill_one_worker_of_two(watch: Watch, *, incidents: int) -> None:
    """The worker that has most of them dies between two levels; the other one climbs on; it comes back."""
    open_grave(watch, incidents)
    watch.until_taken(incidents)
    burdens = {name: watch.stack.metrics(name).get("siaga_streams_incidents", 0.0) for name in watch.stack.workers}
    victim = max(burdens, key=lambda name: burdens[name])
    watch.stack.kill(victim)
    watch.until_climbed(3)
    watch.stack.restart(victim)
    watch.until_climbed(4)


def kill_every_worker_while_deadlines_pass(watch: Watch) -> list[dict[str, Any]]:
    """More than one deadline of each incident passes with no worker alive; then one begins. How all stood before."""
    for name in watch.stack.workers:
        watch.stack.kill(name)
    before = watch.standing()
    latest = max(epoch(row["next_due_at"]) for row in before) + MINUTES[1] * 60.0 / watch.manned.speed
    until(
        lambda: now() > latest and watch.swept("deadline") >= 1,
        timeout=60,
        what=lambda: f"deadlines to pass and the sweeper to tell{watch.stack.tails()}",
    )
    watch.stack.restart(STREAMS)
    until(
        lambda: all((row["level"], row["round"]) != (b["level"], b["round"]) for row, b in _pairs(watch, before)),
        timeout=90,
        what=lambda: f"everything to climb{watch.stack.tails()}",
    )
    return before


def _pairs(watch: Watch, before: Sequence[dict[str, Any]]) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    return list(zip(watch.standing(), before, strict=True))


# -- people and time -------------------------------------------------------------------------------------------------


def answer_around_the_deadline(watch: Watch, *, incidents: int, seed: int) -> None:
    """Each is taken by somebody at a moment within two seconds of its first deadline."""
    rng = random.Random(seed)
    rows = open_grave(watch, incidents)
    plan = sorted(((epoch(row["next_due_at"]) + rng.uniform(-2.0, 2.0), row) for row in rows), key=lambda p: p[0])
    for moment, row in plan:
        until(lambda moment=moment: now() >= moment, timeout=60, what="the moment to answer")  # type: ignore[misc]
        watch.say("acknowledge", [row])
    watch.stack.until_count("escalations", 0, "state <> 'acknowledged'", timeout=60)


def contradictions(watch: Watch) -> list[str]:
    """What cannot be true of incidents that were taken: called on after that, or climbed though it was in time."""
    found = []
    for row in watch.standing():
        asked = "SELECT * FROM {} WHERE incident_id = :id"
        steps = watch.stack.rows(asked.format("escalation_steps"), id=row["incident_id"])
        pages = watch.stack.rows(asked.format("pages"), id=row["incident_id"])
        taken = min(epoch(step["at"]) for step in steps if step["reason"] == "taken")
        climbs = [epoch(step["at"]) for step in steps if step["reason"] == "deadline_passed"]
        first = min(epoch(page["answer_by"]) for page in pages if page["level"] == 1)
        highest = max(page["level"] for page in pages)
        if any(epoch(page["due_at"]) > taken for page in pages) or any(at > taken for at in climbs):
            found.append(f"{row['incident_id']}: called on after it was taken")
        if highest > 1 and (taken < first or not climbs):
            found.append(f"{row['incident_id']}: climbed though it was taken in time")
    return found


def climb_storm_and_lease(watch: Watch) -> None:
    """All that moves by itself: a SEV1 climbs, a storm is told in a digest, an acknowledgement runs out."""
    first, *others = builders.stations_of(watch.stack.registry)
    watch.report(GRAVE, first, by="anggota-1")
    watch.incidents(1)
    reports = [builders.report(MODERATE[0], station=station, by=f"anggota-{station}") for station in others[:7]]
    assert watch.stack.post_batch(reports).status in (200, 202, 207)
    watch.until_climbed(4, "severity = 1")
    watch.until_climbed(2)
    until(
        lambda: watch.stack.count("pages", "purpose = 'digest' AND status IN ('accepted', 'delivered')") >= 1,
        timeout=60,
        what=lambda: f"a digest{watch.stack.tails()}",
    )
    watch.say("acknowledge", watch.standing())
    until(
        lambda: watch.stack.count("escalation_steps", "reason = 'lease_ended'") >= 1,
        timeout=90,
        what=lambda: f"an acknowledgement to run out{watch.stack.tails()}",
    )


# -- what Siaga speaks to --------------------------------------------------------------------------------------------


def provider_away_for_ten_minutes(watch: Watch) -> list[dict[str, Any]]:
    """The webhooks' provider is away for ten election minutes; what it took after it came back, oldest first."""
    watch.provider.kill()
    gone = now()
    stations = builders.stations_of(watch.stack.registry)
    for number, station in enumerate(stations[:4]):
        for trouble in (MODERATE, TROUBLES[1], GRAVE):
            watch.report(trouble, station, by=f"anggota-{number}")
    watch.incidents(12)
    until(
        lambda: (
            now() > gone + 600.0 / watch.manned.speed
            and watch.stack.metrics(SINKS).get('siaga_channel_circuits_open{channel="webhook"}', 0) >= 1
        ),
        timeout=120,
        what=lambda: f"ten minutes and an open circuit{watch.stack.tails()}",
    )
    before = len(watch.provider.taken())
    waiting = set(watch.queued("webhook"))
    watch.provider.start()
    until(
        lambda: not waiting & set(watch.queued("webhook")),
        timeout=60,
        what=lambda: f"what waited to be sent{watch.stack.tails()}",
    )
    watch.settle()
    return watch.provider.taken()[before:]


def strike_off_the_operations_desk(watch: Watch) -> dict[str, Any]:
    """A SEV1 climbs past a desk that is in its roster and in nobody's any more. How it stood before."""
    watch.report(GRAVE, builders.STATION)
    (before,) = watch.incidents(1)
    loaded = "SELECT kafka_offset FROM registry WHERE key LIKE 'roster/%'"
    first = watch.stack.scalar(loaded)
    watch.stack.publish(_without_the_operations_desk(watch.manned.roster))
    until(lambda: watch.stack.scalar(loaded) > first, timeout=60, what="the roster to be loaded")
    watch.until_climbed(3)
    return before


def _without_the_operations_desk(roster: RosterEntry) -> RosterEntry:
    """The roster of another day: nobody of the operations desk is in it any more."""
    gone = {officer.officer_id for officer in roster.officers if officer.officer_id.startswith("polres-ops")}
    return roster.model_copy(
        update={
            "version": "baru",
            "officers": tuple(officer for officer in roster.officers if officer.officer_id not in gone),
            "shifts": tuple(shift for shift in roster.shifts if shift.officer_id not in gone),
        }
    )
