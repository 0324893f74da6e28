"""Stages, places and the registry: what an election is made of, asked and changed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from siaga.contracts.registry import Device, Entity, RulesetEntry, TaxonomyEntry, key_of
from siaga.contracts.roster import PolicyEntry
from siaga.election.calendar import builtin_calendar_text, parse_calendar, stage_at
from siaga.election.district import District
from siaga.election.geo import distance_m, neighbours
from siaga.election.registry import Applied, Registry
from siaga.rules.errors import RulesError
from siaga.rules.ruleset import builtin_ruleset, builtin_ruleset_text
from siaga.rules.taxonomy import builtin_taxonomy, builtin_taxonomy_text
from siaga.types import Stage, Vulnerability
from tests.support.builders import DISTRICT, OTHER_DISTRICT, STATION, calendar, district

VOTING = datetime(2022, 2, 23, 0, 0, tzinfo=UTC)  # 07.00 WIB


# -- stages -------------------------------------------------------------------------------------------------------


def stage_name(at: datetime, **play: object) -> Stage | None:
    entry = stage_at(parse_calendar(builtin_calendar_text(), **play), at.timestamp())  # type: ignore[arg-type]
    return entry.stage if entry is not None else None


@pytest.mark.parametrize(
    ("at", "stage"),
    [
        (datetime(2022, 1, 1, tzinfo=UTC), None),
        (datetime(2022, 2, 18, tzinfo=UTC), Stage.CAMPAIGN),
        (datetime(2022, 2, 21, tzinfo=UTC), Stage.QUIET),
        (VOTING - timedelta(microseconds=1), Stage.QUIET),
        (VOTING, Stage.VOTING),
        (VOTING + timedelta(hours=6), Stage.COUNTING),
        (VOTING + timedelta(days=7), Stage.DISPUTE),
        (VOTING + timedelta(days=40), Stage.INAUGURATION),
        (datetime(2023, 1, 1, tzinfo=UTC), None),
    ],
)
def test_the_built_in_calendar_knows_the_stages_of_the_round_of_2022(at: datetime, stage: Stage | None) -> None:
    assert stage_name(at) is stage


def test_every_stage_is_in_the_built_in_calendar() -> None:
    assert [entry.stage for entry in parse_calendar(builtin_calendar_text()).stages] == list(Stage)


def test_a_demonstration_begins_when_asked_and_runs_as_fast() -> None:
    start = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)

    assert stage_name(start, speed=60.0, starting=start) is Stage.VOTING
    assert stage_name(start + timedelta(minutes=6), speed=60.0, starting=start) is Stage.COUNTING
    assert stage_name(start - timedelta(minutes=1), speed=60.0, starting=start) is Stage.QUIET


def test_without_a_calendar_there_is_no_stage() -> None:
    assert stage_at(None, VOTING.timestamp()) is None


@pytest.mark.parametrize(
    ("was", "now", "told"),
    [
        ("07:00:00+07:00\nends_at = 2022-02-23T13", "07:00:00\nends_at = 2022-02-23T13", "stage[3].starts_at: "),
        ("checkin_minutes = 15", "checkin_minutes = 0", "checkin_minutes: is no number of minutes"),
        ("checkin_minutes = 15", "checkin_hours = 1", "checkin_hours: is no field of a stage; did you mean"),
        ('stage = "voting"', 'stage = "vote"', "stage[3].stage: Input should be"),
        ('"Asia/Jakarta"', '"Jakarta"', "timezone: is no time zone;"),
        ('"Asia/Jakarta"', '"../etc"', "timezone: is no time zone;"),
        (
            "2022-02-20T00:00:00+07:00\nends_at",
            "2022-02-19T00:00:00+07:00\nends_at",
            "quiet starts before campaign is",
        ),
        ("ends_at = 2022-04-24", "ends_at = 2022-03-20", "ends before it starts; swap or correct"),
        ('election = "pilkades-pekalongan-2022"', "", "election: is missing;"),
    ],
)
def test_a_wrong_calendar_says_where_and_what_to_do(was: str, now: str, told: str) -> None:
    text = builtin_calendar_text().replace(was, now)
    assert text != builtin_calendar_text()
    with pytest.raises(RulesError) as caught:
        parse_calendar(text)
    assert told in str(caught.value)


# -- places -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("a", "b", "metres"),
    [
        ((0, 0), (0, 0), 0),
        ((0, 0), (0, 1), 111_195),
        ((0, 0), (1, 0), 111_195),
        ((-7, 109), (-7, 110), 110_367),
        ((0, 179.5), (0, -179.5), 111_195),
        ((90, 0), (-90, 0), 20_015_115),
    ],
)
def test_distances_are_those_of_the_great_circle(
    a: tuple[float, float], b: tuple[float, float], metres: float
) -> None:
    assert distance_m(*a, *b) == pytest.approx(metres, abs=10)


def test_neighbours_have_a_station_within_reach_and_the_reach_is_exact() -> None:
    here, there = district("33.26.01", stations=1, at=(0.0, 0.0)), district("33.26.02", stations=1, at=(0.0, 0.04))
    apart = distance_m(0.001, 0.0, 0.001, 0.04)

    assert neighbours([here, there], apart + 0.01) == {"33.26.01": ("33.26.02",), "33.26.02": ("33.26.01",)}
    assert neighbours([here, there], apart - 0.01) == {"33.26.01": (), "33.26.02": ()}


def test_neighbours_reach_across_the_date_line() -> None:
    west, east = district("33.26.01", at=(0.0, 179.99)), district("33.26.02", at=(0.0, -179.99))
    assert neighbours([west, east], 5_000)["33.26.01"] == ("33.26.02",)


def test_a_station_does_not_show_how_vulnerable_it_is() -> None:
    home = District(district(vulnerability={STATION: Vulnerability.SANGAT_RAWAN}))
    station = home.station(STATION)

    assert station is not None
    assert station.vulnerability == "sangat_rawan"
    assert "rawan" not in f"{station} {station!r} {home!r}"


def test_a_district_knows_its_own_stations_only() -> None:
    home = District(district(stations=3, neighbours=(OTHER_DISTRICT,)))

    assert (len(home), home.station_ids[0], home.neighbours) == (3, STATION, (OTHER_DISTRICT,))
    assert STATION in home
    assert home.station(f"{DISTRICT}.2001-004") is None


# -- the registry -------------------------------------------------------------------------------------------------


def put(registry: Registry, entry: object) -> Applied:
    return registry.apply(key_of(entry), entry.to_json())  # type: ignore[arg-type, attr-defined]


def ruleset(text: str, version: str = "pilkades-2022-1") -> RulesetEntry:
    return RulesetEntry(schema_version=1, version=version, toml=text)


def taxonomy(text: str, version: str = "pilkades-2022-1") -> TaxonomyEntry:
    return TaxonomyEntry(schema_version=1, version=version, toml=text)


def test_until_something_is_loaded_the_built_in_rules_hold() -> None:
    registry = Registry()

    assert registry.ruleset is builtin_ruleset()
    assert registry.taxonomy is builtin_taxonomy()
    assert registry.calendar is None
    assert registry.station(STATION) is None


def test_a_station_is_known_once_its_district_is_loaded_and_no_longer_once_it_is_taken_back() -> None:
    registry = Registry()

    assert put(registry, district()).districts == {DISTRICT}
    station = registry.station(STATION)
    assert station is not None
    assert station.village == "Desa Uji"
    assert list(registry.district_codes) == [DISTRICT]

    assert registry.apply(f"stations/{DISTRICT}", None).districts == {DISTRICT}
    assert registry.station(STATION) is None


def test_the_same_records_again_change_no_decision() -> None:
    registry = Registry()
    entries = [
        district(),
        calendar(starts=VOTING),
        ruleset(builtin_ruleset_text() + "\n"),
        taxonomy(builtin_taxonomy_text()),
    ]
    for entry in entries:
        put(registry, entry)

    assert [put(registry, entry).districts for entry in entries] == [frozenset()] * 4


def test_a_calendar_sets_the_stage_and_the_speed_of_every_window_everywhere() -> None:
    registry = Registry()
    applied = put(registry, calendar(stage=Stage.COUNTING, starts=VOTING, speed=60.0))

    assert applied.districts is None
    stage = registry.stage_at(VOTING.timestamp())
    assert stage is not None
    assert stage.stage is Stage.COUNTING
    assert registry.windows.correlate == timedelta(seconds=45)

    registry.apply("calendar/election", None)
    assert registry.windows.correlate == timedelta(minutes=45)
    assert registry.stage_at(VOTING.timestamp()) is None


def test_new_kinds_are_what_the_ruleset_decides_with_from_then_on() -> None:
    registry = Registry()
    put(registry, ruleset(builtin_ruleset_text() + "# ours\n"))
    graver = builtin_taxonomy_text().replace('en = "brawl", base = 3', 'en = "brawl", base = 1')

    assert put(registry, taxonomy(graver)).districts is None
    assert registry.ruleset.taxonomy is registry.taxonomy
    assert registry.ruleset.source.endswith("# ours\n")
    assert registry.taxonomy.kinds["violence.brawl"].base == 1

    registry.apply("taxonomy/kinds", None)
    assert registry.ruleset.taxonomy is builtin_taxonomy()


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("parliament/x", b"{}", "key: 'parliament/x' is no registry entity; known are stations"),
        (f"stations/{DISTRICT}", b"{", "Invalid JSON"),
        (f"stations/{DISTRICT}", district(OTHER_DISTRICT).to_json(), "publish it under its own key"),
        ("ruleset/severity", ruleset("version = 1").to_json(), "version: is no short identifier"),
        ("ruleset/severity", ruleset(builtin_ruleset_text(), "other-1").to_json(), "the entry says 'other-1'"),
        ("taxonomy/kinds", taxonomy("").to_json(), "kinds: is missing or empty"),
        ("calendar/election", b'{"schema_version": 1}', "stages: Field required; add the field"),
        ("device/hp-1", b'{"schema_version": 1}', "secret_sha256: Field required"),
    ],
)
def test_an_entry_that_cannot_be_used_says_why_and_what_was_there_stays(key: str, value: bytes, told: str) -> None:
    registry = Registry()
    put(registry, district())
    put(registry, calendar(starts=VOTING))
    put(registry, ruleset(builtin_ruleset_text() + "# ours\n"))

    with pytest.raises(ValueError, match=r"; ") as caught:
        registry.apply(key, value)

    assert told in str(caught.value)
    assert registry.station(STATION) is not None
    assert registry.calendar is not None
    assert registry.ruleset.source.endswith("# ours\n")


def test_a_wrong_class_of_vulnerability_is_not_repeated_in_the_error() -> None:
    value = district().to_json().replace(b'"aman"', b'"rahasia-benar"')
    with pytest.raises(ValueError, match="vulnerability") as caught:
        Registry().apply(f"stations/{DISTRICT}", value)
    assert "rahasia-benar" not in str(caught.value)


def device(*, active: bool = True) -> Device:
    return Device(schema_version=1, device_id="hp-1", secret_sha256="ab" * 32, districts=(DISTRICT,), active=active)


def test_a_device_that_is_revoked_is_revoked_at_once() -> None:
    registry = Registry()
    assert put(registry, device()).districts == frozenset()
    assert registry.device("hp-1") == device()

    put(registry, device(active=False))
    assert registry.device("hp-1") == device(active=False)
    registry.apply("device/hp-1", None)
    assert registry.device("hp-1") is None


def test_a_process_keeps_only_what_it_needs() -> None:
    registry = Registry(keep={Entity.STATIONS})
    put(registry, district())

    assert put(registry, device()) == Applied(Entity.DEVICE, "hp-1", frozenset())
    assert registry.device("hp-1") is None
    assert registry.station(STATION) is not None


def test_what_only_others_need_passes_by() -> None:
    policy = PolicyEntry(schema_version=1, version="uji-1", toml="")
    assert put(Registry(), policy).districts == frozenset()
