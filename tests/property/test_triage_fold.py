"""Whatever happens in whatever order, triage tells one consistent story."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from siaga.contracts.incident import Incident, IncidentState
from siaga.contracts.rejection import RejectReason
from siaga.contracts.report import AcceptedReport
from siaga.types import Stage
from tests.support.builders import DISTRICT, OTHER_DISTRICT, accepted, calendar, report
from tests.support.world import MORNING, World, stations

PLACES = [*stations(DISTRICT, 6), *stations(OTHER_DISTRICT, 6)]
KINDS = ["violence.brawl", "violence.arson", "order.crowd", "order.blockade", "information.hoax", "facility.power"]
FACTS = st.fixed_dictionaries(
    {},
    optional={
        "injured": st.integers(0, 6),
        "dead": st.integers(0, 1),
        "crowd": st.sampled_from([0, 50, 150, 600]),
        "weapons": st.sampled_from(["none", "sharp", "firearm"]),
        "voting_stopped": st.booleans(),
    },
)
PEOPLE = st.tuples(st.sampled_from(["a", "b", "c", "d"]), st.sampled_from(["officer", "witness", "public"]))

CALENDARS = [
    calendar(starts=MORNING - timedelta(hours=1), hours=40, checkin_every=timedelta(minutes=15)),
    calendar(starts=MORNING - timedelta(hours=1), hours=40),
    calendar(stage=Stage.COUNTING, starts=MORNING, hours=40, checkin_every=timedelta(minutes=5)),
]

REPORT = st.tuples(
    st.just("report"),
    st.fixed_dictionaries(
        {
            "kind": st.sampled_from(KINDS),
            "station": st.sampled_from(PLACES),
            "ago": st.integers(-15, 90),
            "drill": st.sampled_from([False, False, False, True]),
            "facts": FACTS,
        }
    ),
    PEOPLE,
    st.none() | st.integers(0, 9),
    st.booleans(),
)
STEP = st.one_of(
    REPORT,
    st.tuples(st.just("checkin"), st.sampled_from(PLACES), st.sampled_from(["voting", "voting", "closed"])),
    st.tuples(
        st.just("command"),
        st.sampled_from(["acknowledge", "resolve", "dismiss", "reopen", "verify", "refute", "override", "note"]),
        st.integers(0, 20),
        st.none() | st.integers(1, 5),
    ),
    st.tuples(st.just("merge"), st.integers(0, 20), st.integers(0, 20)),
    st.tuples(st.just("split"), st.integers(0, 20), st.lists(st.integers(0, 20), min_size=1, max_size=4)),
    st.tuples(st.just("wait"), st.integers(0, 70)),
    st.tuples(st.just("calendar"), st.integers(0, len(CALENDARS) - 1)),
)


def play(world: World, steps: Sequence[Any]) -> None:
    """Have the steps happen."""
    ids: list[str] = []
    for step in steps:
        match step:
            case ("report", fields, (by, role), original, withdraws):
                more = {}
                if original is not None and ids:
                    # The correction of a report that was made, or of one that never arrives.
                    named = ids[original % len(ids)] if original < 8 else "01938d0e-0000-7000-8000-000000000001"
                    more = {"corrects": named, "withdraws": withdraws}
                name = f"01938d0e-0000-7000-9000-{len(ids):012d}"
                ids.append(world.report(**fields, report_id=name, by=by, role=role, **more))
            case ("checkin", station, phase):
                world.checkin(station=station, phase=phase)
            case ("command", action, index, severity):
                known = world.incidents
                if known:
                    world.command(action, known[index % len(known)], severity=severity)
            case ("merge", one, other):
                if (known := world.open) and known[one % len(known)] != known[other % len(known)]:
                    world.merge(known[one % len(known)], into=known[other % len(known)])
            case ("split", index, which):
                if known := world.open:
                    about = known[index % len(known)]
                    world.split(about, *_some(world.standing(about), which))
            case ("wait", minutes):
                world.pass_time(minutes=minutes)
            case ("calendar", which):
                world.load(CALENDARS[which])
                world.changed_registry()


def _some(reports: Sequence[str], which: Sequence[int]) -> list[str]:
    """Some of the reports; one that nobody knows where there are none."""
    unknown = ["01938d0e-0000-7000-8000-000000000001"]
    return [reports[index % len(reports)] for index in which] if reports else unknown


@given(st.lists(STEP, max_size=25))
def test_what_was_written_is_what_is_remembered(steps: list[Any]) -> None:
    world = World(count=6, near=True, day=CALENDARS[0])
    play(world, steps)
    before = dict(world.states)
    world.restart()

    assert world.states == before


@given(st.lists(STEP, max_size=25))
def test_every_report_is_of_exactly_one_incident_and_what_is_merged_has_none(steps: list[Any]) -> None:
    world = World(count=6, near=True, day=CALENDARS[0])
    play(world, steps)

    for state in world.states.values():
        homes: dict[str, str] = {}
        for incident in state.incidents.values():
            for report_id in (*incident.standings, *incident.superseded):
                assert homes.setdefault(report_id, incident.incident_id) == incident.incident_id
            assert set(incident.stations) <= set(incident.standings)
            assert set(incident.moves) <= {*incident.standings, *incident.superseded}
            if incident.state is IncidentState.MERGED:
                assert not incident.standings
                assert not any(incident.incident_id in ids for ids in state.places.values())
            assert set(incident.places) == {p for p, ids in state.places.items() if incident.incident_id in ids}
        assert state.reports == homes
    # As the store has it: of two claims, the one of the report that moved more often.
    claims: dict[Any, tuple[int, Any]] = {}
    for told in world.told:
        for index, report_id in enumerate(told.report_ids):
            moves = told.report_moves[index] if told.report_moves else 0
            claims[report_id] = max(claims.get(report_id, (-1, None)), (moves, told.incident_id))
    homes = {r: home for state in world.states.values() for r, home in state.reports.items()}
    assert {str(r): str(incident_id) for r, (_, incident_id) in claims.items() if str(r) in homes} == {
        str(r): homes[str(r)] for r in claims if str(r) in homes
    }


@given(st.lists(STEP, max_size=15), st.integers(0, 20), st.integers(0, 20))
def test_a_merge_never_leaves_something_grave_that_nobody_is_called_for(
    steps: list[Any], one: int, other: int
) -> None:
    world = World(count=6, near=True, day=CALENDARS[0])
    play(world, steps)
    known = world.open
    if not known:
        return
    merged, target = known[one % len(known)], known[other % len(known)]
    if merged != target:
        world.merge(merged, into=target)
        now = next(i for i in world.incidents if i.incident_id == target.incident_id)
        gone = next(i for i in world.incidents if i.incident_id == merged.incident_id)
        if gone.state is IncidentState.MERGED and min(merged.severity, target.severity) <= 2:
            assert now.state.is_open
            assert now.severity <= 3


@given(st.lists(STEP, max_size=25))
def test_every_snapshot_is_valid_with_its_reasons_and_versions_rise_by_one(steps: list[Any]) -> None:
    world = World(count=6, near=True, day=CALENDARS[0])
    play(world, steps)

    versions: dict[Any, int] = {}
    for told in world.told:
        before = versions.get(told.incident_id, 0)
        assert told.version - before in ({0, 1} if before else {1})
        assert told.reasons[0].rule == "base"
        assert Incident.model_validate_json(told.to_json()) == told
        versions[told.incident_id] = told.version


@given(st.lists(STEP, max_size=25), st.booleans())
def test_a_replay_of_everything_tells_nothing_new(steps: list[Any], restarted: bool) -> None:
    world = World(count=6, near=True, day=CALENDARS[0])
    play(world, [step for step in steps if step[0] != "calendar"])
    newest, remembered = {i.incident_id: i for i in world.incidents}, dict(world.rows)
    if restarted:
        world.restart()
    told = len(world.told)
    world.replay()

    for again in world.told[told:]:
        known = newest[again.incident_id]
        told_with = {"report_ids": (), "report_moves": (), "history": ()}
        assert again.model_copy(update=told_with) == known.model_copy(update=told_with)
    if not any(refusal.reason is RejectReason.UNAUTHORISED for refusal in world.refused):
        # Who may not withdraw a report is told so while it stands, and changes nothing once it is withdrawn.
        assert world.rows == remembered


# -- order, repetition and batches -----------------------------------------------------------------------------------

WITHIN_ONE_WINDOW = st.lists(
    st.builds(
        lambda report_id, kind, station, minute, facts, who, drill, delay: accepted(
            report(
                kind,
                report_id=report_id,
                station=station,
                at=MORNING + timedelta(minutes=minute),
                by=who[0],
                role=who[1],
                facts=facts,
                drill=drill,
            ),
            received=MORNING + timedelta(minutes=minute + delay),
            device=f"hp-{who[0]}",
        ),
        st.uuids(version=4),
        st.sampled_from(KINDS),
        st.sampled_from(PLACES),
        st.integers(0, 40),
        FACTS,
        PEOPLE,
        st.sampled_from([False, False, True]),
        st.sampled_from([0, 1, 30, 400]),
    ),
    max_size=14,
    unique_by=lambda item: item.report_id,
)


def story(world: World) -> dict[Any, Any]:
    """What does not depend on who came first: all but ids, versions and histories."""
    return {
        (i.station_id, i.family, i.drill): (
            *(i.kind, i.state, i.severity, i.certainty, i.urgency, i.facts, i.report_count, i.reporter_count),
            *(i.cluster_id is not None, i.first_occurred_at, i.last_occurred_at, i.needs_verification, i.reasons),
        )
        for i in world.incidents
    }


def groups(world: World) -> set[frozenset[Any]]:
    """Which incidents are in one cluster; its name may be that of another earliest member."""
    found: dict[Any, set[Any]] = {}
    for incident in world.incidents:
        if incident.cluster_id is not None:
            found.setdefault(incident.cluster_id, set()).add(incident.incident_id)
    return {frozenset(members) for members in found.values()}


@given(WITHIN_ONE_WINDOW, st.data())
def test_order_repetition_and_batches_do_not_matter(reports: list[AcceptedReport], data: st.DataObject) -> None:
    one_by_one = World(count=6, near=True)
    for item in reports:
        one_by_one.take(item)
    again = data.draw(st.lists(st.sampled_from(reports), max_size=5) if reports else st.just([]))
    shuffled = data.draw(st.permutations([*reports, *again]))
    other = World(count=6, near=True)
    size = data.draw(st.integers(1, 8))
    for start in range(0, len(shuffled), size):
        with other.batch():
            for item in shuffled[start : start + size]:
                other.take(item)
        if data.draw(st.booleans()):
            other.restart()

    assert story(other) == story(one_by_one)


@given(WITHIN_ONE_WINDOW)
def test_the_same_first_report_makes_the_same_incident_however_batches_are_cut(reports: list[AcceptedReport]) -> None:
    one_by_one, batched = World(count=6, near=True), World(count=6, near=True)
    for item in reports:
        one_by_one.take(item)
    with batched.batch():
        for item in reports:
            batched.take(item)

    assert {i.incident_id for i in batched.incidents} == {i.incident_id for i in one_by_one.incidents}
    assert groups(batched) == groups(one_by_one)


@given(WITHIN_ONE_WINDOW.filter(bool), FACTS, st.none() | st.integers(1, 5), st.data())
@settings(deadline=None)
def test_a_report_of_harm_never_makes_an_incident_less_grave(
    reports: list[AcceptedReport], harm: dict[str, Any], override: int | None, data: st.DataObject
) -> None:
    world = World(count=6, near=True)
    for item in reports:
        world.take(item)
    about = data.draw(st.sampled_from(world.incidents))
    if override is not None:
        world.command("override", about, severity=override)
    before = {i.incident_id: i.severity for i in world.incidents}
    world.take(
        accepted(
            report(
                about.kind, station=about.station_id or "", at=about.last_occurred_at, facts=harm, drill=about.drill
            ),
            received=about.last_occurred_at,
        )
    )

    assert all(i.severity <= before[i.incident_id] for i in world.incidents)
