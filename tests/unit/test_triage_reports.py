"""Reports become incidents: which belong together, which count, and what a correction undoes."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest

from siaga.contracts.incident import Change, IncidentState
from siaga.contracts.rejection import RejectReason
from siaga.types import Certainty, Severity, Stage, Vulnerability
from tests.support.builders import (
    DISTRICT,
    OTHER_STATION,
    SECOND_STATION,
    STATION,
    THIRD_STATION,
    accepted,
    calendar,
    district,
    report,
)
from tests.support.world import MORNING, World


@pytest.fixture
def world() -> World:
    return World()


def test_reports_of_one_family_at_one_station_within_45_minutes_are_one_incident(world: World) -> None:
    first = world.report("violence.brawl")
    world.clock.advance(minutes=45)
    second = world.report("violence.vandalism", by="anggota-2")

    assert (world.incident.report_count, world.incident.reporter_count) == (2, 2)
    assert [[str(i) for i in told.report_ids] for told in world.told] == [[first], [second]]
    assert [told.version for told in world.told] == [1, 2]


@pytest.mark.parametrize(
    ("kind", "station", "minutes"),
    [
        ("violence.brawl", STATION, 46),
        ("order.crowd", STATION, 1),
        ("violence.brawl", SECOND_STATION, 1),
        ("violence.brawl", OTHER_STATION, 1),
    ],
    ids=["too late", "another family", "another station", "another district"],
)
def test_what_does_not_belong_together_is_two_incidents(world: World, kind: str, station: str, minutes: int) -> None:
    world.report("violence.brawl")
    world.clock.advance(minutes=minutes)
    world.report(kind, station=station)

    assert len(world.open) == 2


def test_the_gravest_kind_reported_names_the_incident_and_its_agencies(world: World) -> None:
    world.report("violence.vandalism")
    world.report("violence.arson", by="anggota-2")
    world.report("violence.brawl", by="anggota-3")

    assert (world.incident.kind, world.incident.severity) == ("violence.arson", Severity.SEV1)
    assert (world.incident.lead_agency, world.incident.support_agencies) == ("polres", ("bpbd", "polsek"))
    assert world.changes().count(Change.RAISED) == 1


def test_the_accused_unit_never_leads(world: World) -> None:
    world.report("violence.brawl", facts={"accused_unit": "polsek-kajen"})

    assert world.incident.lead_agency == "propam"


def test_a_late_report_of_earlier_trouble_joins_by_when_it_happened(world: World) -> None:
    world.report()
    world.clock.advance(hours=3)
    world.report(ago=170, by="anggota-2")

    assert world.incident.report_count == 2
    assert world.incident.first_occurred_at == MORNING


def test_a_report_from_a_clock_that_runs_ahead_counts_from_when_it_was_received(world: World) -> None:
    world.report(ago=-120)

    assert world.incident.clock_skewed
    assert world.incident.last_occurred_at == MORNING


def test_the_stage_that_counts_is_the_one_in_which_it_happened(world: World) -> None:
    voting = world.registry.calendar
    assert voting is not None
    counting = calendar(stage=Stage.COUNTING, starts=MORNING + timedelta(hours=1))
    both = voting.stages[0].model_copy(update={"ends_at": MORNING + timedelta(hours=1)})
    world.load(voting.model_copy(update={"stages": (both, *counting.stages)}))
    world.clock.advance(hours=2)
    world.report("facility.power", station=STATION, ago=90)
    world.report("facility.power", station=SECOND_STATION)

    assert world.at(STATION).severity == Severity.SEV4
    assert world.at(SECOND_STATION).severity == Severity.SEV3


def test_a_vulnerable_station_raises_for_a_reason_that_is_confidential(world: World) -> None:
    world.load(district(DISTRICT, vulnerability={STATION: Vulnerability.RAWAN}))
    world.report("violence.brawl")

    assert world.incident.severity == Severity.SEV2
    assert [reason.rule for reason in world.incident.reasons if reason.confidential] == ["vulnerable_station"]


def test_a_report_told_twice_is_one_report_and_tells_the_present_version_again(world: World) -> None:
    item = accepted(report(at=world.clock.now))
    world.take(item)
    world.take(item)

    first, again = world.told
    assert again == first
    assert world.incident.report_count == 1


def test_a_drill_never_joins_the_real_thing(world: World) -> None:
    world.report()
    world.report(by="anggota-2", drill=True)

    assert sorted(incident.drill for incident in world.open) == [False, True]


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"kind": "violence.duel"}, RejectReason.UNKNOWN_KIND),
        ({"station": f"{DISTRICT}.2001-099"}, RejectReason.UNKNOWN_STATION),
    ],
)
def test_what_the_registry_does_not_know_is_refused_with_a_remedy(
    world: World, more: dict[str, str], reason: RejectReason
) -> None:
    world.report(**more)

    (refusal,) = world.refused
    assert (refusal.reason, world.told) == (reason, [])
    assert "siaga registry load" in refusal.remedy


# -- closing and opening again ---------------------------------------------------------------------------------------


def test_what_was_resolved_and_is_seen_again_within_the_window_opens_again(world: World) -> None:
    world.report()
    world.command("acknowledge")
    world.command("resolve")
    world.clock.advance(minutes=20)
    world.report(by="anggota-2")

    assert (world.incident.state, world.incident.generation) == (IncidentState.OPEN, 2)
    assert world.incident.acknowledged_by is None


def test_a_late_report_of_what_was_dealt_with_does_not_open_it_again(world: World) -> None:
    world.report()
    world.clock.advance(minutes=10)
    world.command("resolve")
    world.clock.advance(minutes=5)
    world.report(ago=10, by="anggota-2")

    assert world.incident.state is IncidentState.RESOLVED


def test_a_late_report_that_somebody_died_opens_what_was_dealt_with(world: World) -> None:
    world.report()
    world.clock.advance(minutes=10)
    world.command("resolve")
    world.report(ago=10, by="anggota-2", facts={"dead": 1})

    assert (world.incident.state, world.incident.severity) == (IncidentState.OPEN, Severity.SEV1)


def test_what_was_dismissed_opens_again_on_an_officers_word_and_not_on_a_rumour(world: World) -> None:
    world.report()
    world.command("dismiss")
    world.clock.advance(minutes=5)
    world.report(by="warga-1", role="public")
    after_rumour = world.incident.state
    world.report(by="anggota-2")

    assert (after_rumour, world.incident.state) == (IncidentState.DISMISSED, IncidentState.OPEN)


# -- corrections -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("correction_first", [False, True])
def test_a_correction_takes_back_what_it_corrects_in_either_order(world: World, correction_first: bool) -> None:
    wrong, right = str(uuid.uuid4()), str(uuid.uuid4())
    steps = [
        lambda: world.report(report_id=wrong, facts={"dead": 3}),
        lambda: world.report(report_id=right, facts={"dead": 0}, corrects=wrong),
    ]
    for step in reversed(steps) if correction_first else steps:
        step()

    assert (world.incident.severity, world.incident.report_count) == (Severity.SEV3, 1)
    assert world.incident.facts.dead == 0


@pytest.mark.parametrize("withdrawal_first", [False, True])
def test_a_withdrawn_report_dismisses_the_incident_that_was_only_its_own(
    world: World, withdrawal_first: bool
) -> None:
    wrong = str(uuid.uuid4())
    steps = [
        lambda: world.report(report_id=wrong),
        lambda: world.report(corrects=wrong, withdraws=True),
    ]
    for step in reversed(steps) if withdrawal_first else steps:
        step()

    assert (world.incident.state, world.incident.outcome) == (IncidentState.DISMISSED, "withdrawn")
    assert (world.incident.report_count, world.incident.kind) == (0, "violence.brawl")


def test_a_correction_to_another_station_moves_the_report(world: World) -> None:
    wrong = world.report(station=STATION)
    moved = world.report(station=SECOND_STATION, corrects=wrong)
    world.report(station=THIRD_STATION, corrects=wrong)

    assert moved != wrong
    assert [incident.station_id for incident in world.open] == [THIRD_STATION]


def test_two_corrections_that_come_before_their_report_leave_one_standing(world: World) -> None:
    wrong = str(uuid.uuid4())
    world.report(corrects=wrong, facts={"injured": 9})
    world.report(corrects=wrong, facts={"injured": 1})
    world.report(report_id=wrong, facts={"dead": 1})

    assert (world.incident.report_count, world.incident.facts.injured, world.incident.facts.dead) == (1, 1, None)


def test_nobody_withdraws_anothers_report(world: World) -> None:
    others = world.report(by="saksi-1", role="witness")
    world.report(by="anggota-2", corrects=others, withdraws=True)
    world.report(by="anggota-2", corrects=others, facts={"injured": 1})

    assert [refusal.reason for refusal in world.refused] == [RejectReason.UNAUTHORISED]
    assert (world.incident.report_count, world.incident.severity) == (2, Severity.SEV2)


def test_what_an_officer_verified_stays_open_when_its_report_is_withdrawn(world: World) -> None:
    first = world.report()
    world.command("verify")
    world.report(corrects=first, withdraws=True)

    assert world.incident.state.is_open
    assert world.incident.certainty is Certainty.OBSERVED
