"""People decide: their word stands, is kept with its reason, and ends when the facts get worse."""

from __future__ import annotations

import uuid

import pytest

from siaga.contracts.incident import Change, IncidentState
from siaga.contracts.rejection import RejectReason
from siaga.types import Certainty, Severity
from tests.support.builders import command
from tests.support.world import World


@pytest.fixture
def world() -> World:
    return World()


def test_an_override_stands_while_the_facts_stay_as_they_were(world: World) -> None:
    world.report("violence.brawl")
    world.command("override", severity=5)
    world.report("violence.brawl", by="anggota-2")

    assert (world.incident.severity, world.incident.computed_severity) == (Severity.SEV5, Severity.SEV3)
    assert world.incident.override is not None
    assert (world.incident.override.by, world.incident.override.computed) == ("komandan-1", Severity.SEV3)


@pytest.mark.parametrize("in_one_batch", [False, True])
def test_an_override_ends_when_the_facts_get_worse(world: World, in_one_batch: bool) -> None:
    world.report("violence.brawl")
    if in_one_batch:
        with world.batch():
            world.command("override", severity=5)
            world.report(by="anggota-2", facts={"injured": 1})
    else:
        world.command("override", severity=5)
        world.report(by="anggota-2", facts={"injured": 1})

    assert (world.incident.severity, world.incident.override) == (Severity.SEV2, None)
    assert Change.OVERRIDE_ENDED in world.changes()


def test_worse_facts_never_take_back_an_override_that_is_graver_than_they_are(world: World) -> None:
    world.report("violence.brawl")
    world.command("override", severity=1)
    world.report(by="anggota-2", facts={"injured": 1})

    assert (world.incident.severity, world.incident.computed_severity) == (Severity.SEV1, Severity.SEV2)


def test_a_person_takes_an_override_back(world: World) -> None:
    world.report("violence.brawl")
    world.command("override", severity=5)
    world.command("override")

    assert (world.incident.severity, world.incident.override) == (Severity.SEV3, None)


def test_what_an_officer_verified_is_observed_and_asks_for_no_verification(world: World) -> None:
    world.report("violence.weapon", role="public", by="warga-1")
    before = world.incident
    world.command("verify")

    assert (before.certainty, before.needs_verification) == (Certainty.POSSIBLE, True)
    assert (world.incident.certainty, world.incident.needs_verification) == (Certainty.OBSERVED, False)
    assert Change.CERTAINTY_CHANGED in world.changes()


def test_what_an_officer_refuted_is_dismissed_until_it_is_verified(world: World) -> None:
    world.report("information.hoax")
    world.command("refute")
    refuted = world.incident
    world.command("verify", by="komandan-2")

    assert (refuted.state, refuted.certainty) == (IncidentState.DISMISSED, Certainty.UNLIKELY)
    assert (world.incident.state, world.incident.refuted_by) == (IncidentState.OPEN, None)


def test_a_command_told_twice_is_carried_out_once(world: World) -> None:
    world.report()
    once = str(uuid.uuid4())
    world.command("resolve", command_id=once)
    world.command("reopen")
    world.command("resolve", command_id=once)

    assert world.incident.state is IncidentState.OPEN
    assert world.told[-1] == world.told[-2]


def test_a_command_about_an_incident_nobody_remembers_is_refused(world: World) -> None:
    world.report()
    stranger = world.incident.model_copy(update={"incident_id": command("note", uuid.uuid4()).incident_id})
    world.command("acknowledge", stranger)

    assert [refusal.reason for refusal in world.refused] == [RejectReason.UNKNOWN_INCIDENT]
    assert world.incident.state is IncidentState.OPEN


def test_assigning_and_noting_are_kept_in_the_history(world: World) -> None:
    world.report()
    world.command("assign", assignee="anggota-7")
    world.command("note", reason="menunggu bantuan")
    world.command("acknowledge", by="anggota-7")

    assert (world.incident.assigned_to, world.incident.acknowledged_by) == ("anggota-7", "anggota-7")
    assert world.changes() == [Change.OPENED, Change.ASSIGNED, Change.NOTED, Change.ACKNOWLEDGED]
