"""The plan of a day: deterministic, in order, and with every fault that phones have."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from datetime import datetime, timedelta

import pytest

from producers.simulate.places import play_districts
from producers.simulate.plan import PHONES, Event, plan_day
from producers.simulate.script import builtin_script, parse_script
from siaga.contracts.checkin import CheckIn
from siaga.contracts.report import Report
from tests.support.simulated import OPENING, day, voting_day

NO_TROUBLE = parse_script("version = 1")


@pytest.fixture(scope="module")
def events() -> list[Event]:
    return day()


def test_the_same_seed_plays_the_same_day_to_the_last_letter(events: list[Event]) -> None:
    assert day() == events


def test_another_seed_plays_another_day(events: list[Event]) -> None:
    ids = {event.item["report_id"] for event in events}
    assert not ids & {event.item["report_id"] for event in day(seed=2)}


def test_another_day_with_the_same_seed_has_other_messages(events: list[Event]) -> None:
    later = day(starting=OPENING + timedelta(days=1))

    assert len(later) == len(events)
    assert not {e.item["report_id"] for e in events} & {e.item["report_id"] for e in later}


def test_events_come_in_order_of_time(events: list[Event]) -> None:
    times = [event.at for event in events]
    assert times == sorted(times)
    assert times[0] >= OPENING.timestamp()


def test_every_event_fits_its_contract(events: list[Event]) -> None:
    for event in events:
        model = Report if event.kind == "report" else CheckIn
        model.model_validate_json(json.dumps(event.item))


def test_a_plan_costs_nothing_until_it_is_read() -> None:
    plan = plan_day(play_districts(None, 1), voting_day(), 1)
    first = next(plan)
    assert first.at < OPENING.timestamp() + 60


def test_a_tenfold_speed_divides_every_time_by_ten(events: list[Event]) -> None:
    start = OPENING.timestamp()
    slow, fast = events, day(speed=600.0)

    assert len(slow) == len(fast)
    for a, b in zip(slow, fast, strict=True):
        assert (a.at - start) / 10 == pytest.approx(b.at - start, abs=2e-3)
        assert a.item["station_id"] == b.item["station_id"]


def test_every_family_of_the_script_is_played(events: list[Event]) -> None:
    played = {event.item["kind"].partition(".")[0] for event in events if event.kind == "report"}
    assert played >= builtin_script().families


@pytest.mark.parametrize("villages", [1, 2, 5, 33])
def test_the_whole_script_is_played_however_small_the_round(villages: int) -> None:
    scenes = {event.scene for event in day(villages=villages)} - {None}
    assert scenes == {scene.name for scene in builtin_script().scene}


def test_undisturbed_stations_check_in_at_every_slot() -> None:
    events = [event for event in day(villages=3, script=NO_TROUBLE) if event.kind == "checkin"]
    told: dict[str, set[str]] = defaultdict(set)
    for event in events:
        told[event.item["station_id"]].add(event.item["report_id"])

    assert {len(ids) for ids in told.values()} == {12 * 4 + 1}


def test_a_check_in_without_trouble_is_never_so_late_that_its_station_seems_silent() -> None:
    grace = timedelta(minutes=30 + 15).total_seconds() / 60
    heard: dict[str, float] = {}
    for event in day(villages=33, script=NO_TROUBLE):
        if event.kind == "checkin":
            before = heard.get(event.item["station_id"], event.at)
            assert event.at - before < grace
            heard[event.item["station_id"]] = event.at


def test_turnout_only_grows_and_never_passes_the_voters() -> None:
    voters = {s.station_id: s.voters for d in play_districts(3, 1) for s in d.stations}
    turnout: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for event in day(villages=3, script=NO_TROUBLE):
        if event.kind == "checkin":
            turnout[event.item["station_id"]].append((event.item["report_id"], event.item["turnout"]))

    for station, told in turnout.items():
        by_time = [count for _, count in sorted(set(told))]
        right_clock = len(by_time) > 1 and by_time == sorted(by_time)
        assert right_clock, station
        assert by_time[-1] <= (voters[station] or 0)


def test_phases_go_from_open_through_voting_and_counting_to_closed() -> None:
    phases = [e.item["phase"] for e in day(villages=1, script=NO_TROUBLE) if e.kind == "checkin"]
    assert [phase for n, phase in enumerate(phases) if phase not in phases[:n]] == [
        "open", "voting", "counting", "closed",
    ]  # fmt: skip


def test_a_message_sent_twice_is_the_same_to_the_last_letter(events: list[Event]) -> None:
    by_id: dict[str, list[Event]] = defaultdict(list)
    for event in events:
        by_id[event.item["report_id"]].append(event)
    twice = [same for same in by_id.values() if len(same) > 1]

    assert {same[0].kind for same in twice} == {"report", "checkin"}
    assert all(same[0].item == again.item for same in twice for again in same)


def test_some_messages_overtake_earlier_ones(events: list[Event]) -> None:
    latest: dict[str, str] = {}
    overtaken = 0
    for event in events:
        if event.kind == "checkin":
            station, happened = event.item["station_id"], event.item["occurred_at"]
            overtaken += happened < latest.get(station, "")
            latest[station] = max(happened, latest.get(station, ""))
    assert overtaken > 0


def test_a_few_clocks_are_half_a_day_or_days_ahead_and_some_behind() -> None:
    ahead = Counter[str]()
    for event in day(villages=285):
        gap = (datetime.fromisoformat(event.item["occurred_at"]).timestamp() - event.at) * 60
        if gap > 11 * 3600:
            ahead["ahead"] += 1
        elif gap < -12 * 60 and event.kind == "report":
            ahead["behind or late"] += 1
    assert ahead["ahead"] > 0
    assert ahead["behind or late"] > 0


def test_a_district_whose_tower_fails_is_silent_and_then_sends_what_it_kept(events: list[Event]) -> None:
    start = OPENING.timestamp()
    silent, back = start + 130.0, start + 250.0  # 2 h 10 min to 4 h 10 min at speed 60
    sent = [e for e in events if e.kind == "checkin" and e.item["station_id"].startswith("33.26.01")]
    stations = {e.item["station_id"] for e in sent}

    assert not [e for e in sent if silent <= e.at < back]
    kept = [e for e in sent if back <= e.at < back + 5 and _happened(e) < back]
    assert len(kept) >= 7 * len(stations)


def test_one_station_is_not_heard_of_again() -> None:
    end = OPENING.timestamp() + 12 * 60
    heard: dict[str, float] = {e.item["station_id"]: e.at for e in day() if e.kind == "checkin"}
    lost = [station for station, at in heard.items() if at < end - 200]
    assert len(lost) == 1


def test_a_correction_names_the_report_it_corrects_and_comes_from_the_same_phone(events: list[Event]) -> None:
    sent = {event.item["report_id"]: event for event in events if event.kind == "report"}
    corrections = [event for event in events if event.item.get("corrects")]

    assert {event.item["withdraws"] for event in corrections} == {True, False}
    for event in corrections:
        earlier = sent[event.item["corrects"]]
        assert (earlier.at, earlier.phone) < (event.at, event.phone + 1)
        assert earlier.item["reporter"] == event.item["reporter"]


def test_people_of_a_scene_speak_from_phones_of_their_own(events: list[Event]) -> None:
    phones: dict[tuple[str, str], set[int]] = defaultdict(set)
    people: dict[str, set[str]] = defaultdict(set)
    for event in events:
        if event.scene is not None:
            phones[event.scene, event.item["reporter"]["id"]].add(event.phone)
            people[event.scene].add(event.item["reporter"]["id"])

    assert all(len(used) == 1 for used in phones.values())
    for scene, ids in people.items():
        assert len({min(phones[scene, who]) for who in ids}) == len(ids)
    assert all(0 <= event.phone <= PHONES for event in events)


def test_the_accused_unit_is_the_stations_own_polsek(events: list[Event]) -> None:
    accused = [e.item for e in events if e.item.get("facts", {}).get("accused_unit")]
    assert {item["facts"]["accused_unit"] for item in accused} == {"polsek-kajen"}
    assert {item["station_id"][:8] for item in accused} == {"33.26.08"}


def test_a_brawl_reaches_three_villages_and_crosses_a_border_in_a_round_of_33(events: list[Event]) -> None:
    stations = {e.item["station_id"] for e in events if e.scene == "cekcok-menjalar"}
    assert len({station[:13] for station in stations}) >= 3
    assert len({station[:8] for station in stations}) == 2


def test_nothing_that_is_sent_follows_from_a_stations_vulnerability() -> None:
    districts = play_districts(5, 1)
    levelled = [
        d.model_copy(update={"stations": tuple(s.model_copy(update={"vulnerability": "aman"}) for s in d.stations)})
        for d in districts
    ]
    assert list(plan_day(districts, voting_day(), 1)) == list(plan_day(levelled, voting_day(), 1))


def test_without_a_schedule_only_the_troubles_are_played() -> None:
    events = list(plan_day(play_districts(5, 1), voting_day(every=None), 1))
    assert {event.kind for event in events} == {"report"}


def test_a_calendar_without_counting_says_so() -> None:
    calendar = voting_day()
    with pytest.raises(ValueError, match="no counting stage"):
        plan_day(play_districts(1, 1), calendar.model_copy(update={"stages": calendar.stages[:1]}), 1)


def test_a_round_without_stations_says_so() -> None:
    with pytest.raises(ValueError, match="at least one village"):
        plan_day([], voting_day(), 1)


def _happened(event: Event) -> float:
    return datetime.fromisoformat(event.item["occurred_at"]).timestamp()
