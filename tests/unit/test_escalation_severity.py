"""What an incident that changes does to its escalation: graver, lesser, accusing, refuted, reopened."""

from __future__ import annotations

import pytest

from siaga.contracts.escalation import EscalationReason as R
from siaga.contracts.escalation import EscalationState as S
from siaga.contracts.page import Purpose
from siaga.contracts.page_result import PageStatus, ResultReason
from siaga.contracts.rejection import RejectReason
from tests.support.pager import PEOPLE, World, roster


@pytest.fixture
def world() -> World:
    return World()


def test_what_grew_is_called_again_at_the_level_it_now_deserves(world: World) -> None:
    incident = world.report("violence.brawl")
    world.forget()
    world.change(incident, severity=1)

    assert world.paged == ["ops-desk"]
    assert world.pages[0].reason is R.SEVERITY_ROSE
    world.advance(minutes=2)
    assert world.paged == ["ops-desk", "wakapolres", "kodim"]


def test_what_grew_after_it_was_taken_pages_again_and_whoever_has_it_as_well(world: World) -> None:
    incident = world.report("violence.brawl")
    world.say("acknowledge", incident, "polsek-kajen")
    world.forget()
    world.change(incident, severity=1)

    assert world.paged == ["ops-desk", "polsek-kajen"]


def test_what_waited_unpaged_and_grew_starts_at_the_first_level(world: World) -> None:
    incident = world.report("order.crowd")
    world.change(incident, severity=1)

    assert world.paged == ["polsek-kajen"]


def test_what_became_less_grave_does_not_page_again(world: World) -> None:
    incident = world.report("violence.weapon")
    world.forget()
    world.change(incident, severity=3)
    world.change(incident, severity=2)

    assert world.paged == []


def test_what_is_not_grave_any_more_waits_unpaged_and_pages_when_it_grows_again(world: World) -> None:
    incident = world.report("violence.weapon")
    world.change(incident, severity=4)
    world.forget()
    world.advance(minutes=60)
    assert world.paged == []

    world.change(incident, severity=3)
    assert world.paged == ["polsek-kajen", "polres"]


def test_a_rumour_asks_the_first_level_to_verify_and_climbs_like_any_other(world: World) -> None:
    incident = world.report("violence.mass_clash", certainty="possible", needs_verification=True)
    world.advance(minutes=2)

    assert world.paged == ["polsek-kajen", "polres", "ops-desk"]
    assert {page.purpose for page in world.pages} == {Purpose.VERIFY}
    assert world.now_of(incident).verify


def test_a_refuted_rumour_is_retracted_from_exactly_those_who_were_paged(world: World) -> None:
    incident = world.report("violence.mass_clash", certainty="possible", needs_verification=True)
    world.advance(minutes=2)
    told = {page.officer_id: page.page_id for page in world.pages}
    world.refute(incident)

    assert world.retracted() == ["polsek-kajen", "polres", "ops-desk"]
    assert {p.officer_id: p.retracts for p in world.pages if p.purpose is Purpose.RETRACTION} == told


def test_whoever_a_page_never_reached_gets_no_retraction(world: World) -> None:
    incident = world.report("violence.mass_clash")
    for page in world.pages[:1]:
        world.result(page, PageStatus.FAILED)
    world.result(world.pages[-1], PageStatus.SUPPRESSED, ResultReason.CANCELLED)
    world.refute(incident)

    assert world.retracted() == ["polres"]


def test_those_told_before_it_was_reopened_get_the_retraction_too_and_nobody_twice(world: World) -> None:
    incident = world.report("violence.brawl")
    world.resolve(incident)
    world.advance(minutes=1)
    world.reopen(incident)
    world.advance(minutes=15)
    world.refute(incident)
    world.change(incident)

    assert world.retracted() == ["polsek-kajen", "ops-desk"]


def test_dismissing_retracts_nothing(world: World) -> None:
    incident = world.report("violence.brawl")
    world.change(incident, state="dismissed")

    assert world.retracted() == []
    assert world.now_of(incident).state is S.DISMISSED


def test_nobody_of_the_accused_unit_is_paged_and_propam_is(world: World) -> None:
    incident = world.report("neutrality.officer", accused="polres")
    world.advance(minutes=90)

    assert not {"polres", "ops-desk", "wakapolres", "kapolres"} & set(world.paged)
    assert world.paged[:2] == ["polsek-kajen", "propam"]
    assert {s.reason for s in world.snapshots[1].steps if s.officer_id == "ops-desk"} == {R.ACCUSED_UNIT}
    assert str(world.now_of(incident).incident_id) == incident


def test_where_propam_is_accused_it_goes_to_the_inspectorate(world: World) -> None:
    world.report("neutrality.officer", accused="propam")

    assert world.paged == ["polsek-kajen", "inspektorat"]


def test_an_accusation_that_comes_later_takes_it_from_the_accused_and_calls_oversight(world: World) -> None:
    incident = world.report("violence.brawl")
    world.say("acknowledge", incident, "polsek-kajen")
    world.forget()
    world.change(incident, accused="polsek-kajen")

    assert world.paged == ["propam"]
    assert world.pages[0].reason is R.UNIT_ACCUSED
    assert world.now_of(incident).acknowledged_by is None


def test_nobody_of_the_accused_unit_can_take_it_or_act_on_it(world: World) -> None:
    incident = world.report("neutrality.officer", accused="polsek-kajen")
    refused = [world.say(action, incident, "polsek-kajen") for action in ("acknowledge", "resolve", "refute")]

    assert [refusal and refusal.reason for refusal in refused] == [RejectReason.UNAUTHORISED] * 3
    assert world.now_of(incident).state is S.PAGING


def test_the_accused_are_not_told_that_it_was_refuted(world: World) -> None:
    incident = world.report("violence.mass_clash")
    world.change(incident, accused="polsek-kajen")
    world.refute(incident)

    assert "polsek-kajen" not in world.retracted()
    assert "polres" in world.retracted()


def test_accusing_every_polsek_bars_each_of_them() -> None:
    world = World(roster([p for p in PEOPLE if p != "propam"]))
    world.report("neutrality.officer", accused="polsek")

    assert world.paged == ["inspektorat"]
