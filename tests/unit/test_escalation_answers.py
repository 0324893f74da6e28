"""What people answer, and what follows."""

from __future__ import annotations

from datetime import timedelta

import pytest

from siaga.contracts.escalation import EscalationReason as R
from siaga.contracts.escalation import EscalationState as S
from siaga.contracts.page import Purpose
from siaga.contracts.rejection import RejectReason
from tests.support.pager import PEOPLE, World, roster


@pytest.fixture
def world() -> World:
    return World()


def test_acknowledging_stops_the_climb_and_calls_back_what_still_waits(world: World) -> None:
    incident = world.report("violence.mass_clash")
    world.say("acknowledge", incident, "polsek-kajen")
    cancelled = world.now_of(incident).cancelled
    world.advance(minutes=29)

    assert world.paged == ["polsek-kajen", "polres"]
    assert set(cancelled) == {page.page_id for page in world.pages}


def test_an_acknowledgement_that_nothing_renews_pages_again(world: World) -> None:
    incident = world.report("violence.brawl")
    world.say("acknowledge", incident, "polsek-kajen")
    world.forget()
    world.advance(minutes=30)

    assert world.paged == ["polsek-kajen"]
    assert world.pages[0].reason is R.LEASE_ENDED
    assert world.now_of(incident).state is S.PAGING


@pytest.mark.parametrize("action", ["note", "verify"])
def test_any_act_on_the_incident_renews_the_lease(world: World, action: str) -> None:
    incident = world.report("violence.brawl")
    world.say("acknowledge", incident, "polsek-kajen")
    world.advance(minutes=20)
    world.say(action, incident, "komandan-1")
    world.forget()
    world.advance(minutes=29)

    assert world.paged == []


def test_whoever_took_it_above_is_called_again_at_the_level_that_answered(world: World) -> None:
    incident = world.report("violence.mass_clash")
    world.advance(minutes=4)
    world.say("acknowledge", incident, "kodim")
    world.forget()
    world.advance(minutes=30)

    assert world.paged == ["wakapolres", "kodim"]


def test_on_my_way_with_more_minutes_than_the_lease_has_them(world: World) -> None:
    incident = world.report("violence.brawl")
    world.say("on_my_way", incident, "polsek-kajen", minutes=45)
    snapshot = world.now_of(incident)

    assert snapshot.reason is R.ON_MY_WAY
    assert snapshot.lease_until == world.moment() + timedelta(minutes=45)


def test_whoever_cannot_leaves_it_to_the_others_of_the_level(world: World) -> None:
    incident = world.report("violence.mass_clash")
    world.say("cannot", incident, "polsek-kajen")
    assert world.paged == ["polsek-kajen", "polres"]

    world.say("cannot", incident, "polres")
    assert world.paged == ["polsek-kajen", "polres", "ops-desk"]
    assert world.pages[-1].reason is R.EVERYBODY_DECLINED


def test_whoever_took_it_and_then_cannot_is_not_called_again_at_once(world: World) -> None:
    incident = world.report("violence.mass_clash")
    world.say("acknowledge", incident, "polres")
    world.forget()
    world.say("cannot", incident, "polres")

    assert world.paged == ["polsek-kajen"]


def test_asking_to_escalate_calls_the_next_level_at_once(world: World) -> None:
    incident = world.report("violence.brawl")
    world.say("acknowledge", incident, "polsek-kajen")
    world.say("escalate", incident, "polsek-kajen")

    assert world.paged == ["polsek-kajen", "ops-desk"]
    assert world.now_of(incident).state is S.PAGING


def test_a_minor_incident_can_be_escalated_by_hand(world: World) -> None:
    incident = world.report("order.crowd")
    world.say("escalate", incident, "posko")
    world.change(incident, report_count=2)
    world.advance(minutes=15)

    assert world.paged == ["polsek-kajen", "ops-desk"]


def test_handing_over_does_not_stop_the_senders_clock(world: World) -> None:
    incident = world.report("violence.brawl")
    world.say("acknowledge", incident, "polsek-kajen")
    world.forget()
    world.say("hand_off", incident, "polsek-kajen", agency="dinkes")
    assert [(p.officer_id, p.purpose) for p in world.pages] == [("dinkes", Purpose.HANDOFF)]
    assert world.now_of(incident).state is S.HANDED_OFF

    world.advance(minutes=15)
    assert world.paged == ["dinkes", "polsek-kajen"]
    assert world.now_of(incident).state is S.PAGING


def test_a_climb_goes_on_while_an_agency_is_asked_to_take_over(world: World) -> None:
    incident = world.report("violence.brawl")
    world.advance(minutes=10)
    world.say("hand_off", incident, "polsek-kajen", agency="dinkes")
    world.advance(minutes=5)

    assert world.paged == ["polsek-kajen", "dinkes", "ops-desk"]


def test_the_receiver_who_accepts_leads_from_then_on(world: World) -> None:
    incident = world.report("violence.brawl")
    world.say("hand_off", incident, "polsek-kajen", agency="dinkes")
    world.say("accept", incident, "dinkes")
    snapshot = world.now_of(incident)

    assert (snapshot.state, snapshot.reason) == (S.ACKNOWLEDGED, R.ACCEPTED)
    assert (snapshot.lead_agency, snapshot.handed_to, snapshot.acknowledged_by) == ("dinkes", None, "dinkes")


def test_the_receiver_who_cannot_gives_it_back_at_once(world: World) -> None:
    incident = world.report("violence.brawl")
    world.say("acknowledge", incident, "polsek-kajen")
    world.say("hand_off", incident, "polsek-kajen", agency="dinkes")
    world.forget()
    world.say("cannot", incident, "dinkes")

    assert world.paged == ["polsek-kajen"]


def test_an_agency_with_nobody_on_duty_is_not_handed_anything() -> None:
    world = World(roster([p for p in PEOPLE if p != "dinkes"]))
    incident = world.report("violence.brawl")
    refused = world.say("hand_off", incident, "polsek-kajen", agency="dinkes")

    assert refused is not None
    assert refused.reason is RejectReason.INVALID
    assert world.now_of(incident).state is S.PAGING


def test_whoever_is_assigned_is_asked_and_can_take_it(world: World) -> None:
    incident = world.report("order.crowd")
    world.say("assign", incident, "komandan-1", assignee="panitia")
    assert [(p.officer_id, p.purpose) for p in world.pages] == [("panitia", Purpose.HANDOFF)]

    world.say("acknowledge", incident, "panitia")
    assert world.now_of(incident).acknowledged_by == "panitia"


def test_a_minor_incident_that_nobody_accepts_waits_at_the_command_centre_again(world: World) -> None:
    incident = world.report("order.crowd")
    world.say("assign", incident, "komandan-1", assignee="panitia")
    world.advance(minutes=60)

    assert world.paged == ["panitia"]
    assert world.now_of(incident).state is S.QUEUED


def test_what_is_snoozed_pages_again_when_it_ends_and_no_later_than_the_policy_allows(world: World) -> None:
    incident = world.report("violence.brawl")
    world.say("snooze", incident, "polsek-kajen", minutes=600)
    world.forget()
    world.advance(minutes=59)
    assert world.paged == []

    world.advance(minutes=1)
    assert world.paged == ["polsek-kajen"]
    assert world.pages[0].reason is R.SNOOZE_ENDED


def test_a_command_told_twice_is_carried_out_once(world: World) -> None:
    incident = world.report("violence.mass_clash")
    for _ in range(2):
        world.say("escalate", incident, "polres", command_id="00000000-0000-0000-0000-0000000000ff")

    assert set(world.paged) == {"polsek-kajen", "polres", "ops-desk"}
    assert world.now_of(incident).version == 2


def test_a_mediator_is_offered_for_disputes_and_brawls_only(world: World) -> None:
    brawl, crowd = world.report("violence.brawl"), world.report("health.case")

    assert world.now_of(brawl).mediators == ("bhabin",)
    assert world.now_of(crowd).mediators == ()
