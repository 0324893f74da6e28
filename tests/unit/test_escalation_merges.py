"""Two incidents become one: whoever was called about either stays called, and nothing serious falls silent."""

from __future__ import annotations

import pytest

from siaga.contracts.escalation import EscalationReason as R
from siaga.contracts.escalation import EscalationState as S
from tests.support.pager import World

KAJEN, OPS = "polsek-kajen", "ops-desk"


@pytest.fixture
def world() -> World:
    return World()


def called_since(world: World, before: int) -> list[tuple[str, str]]:
    """Who was called from there on, and about which incident."""
    return [(page.officer_id, str(page.incident_id)) for page in world.pages[before:]]


def noted(world: World, incident: str, reason: R) -> list[str | None]:
    """Officers of whom the last snapshot says so."""
    return [step.officer_id for step in world.now_of(incident).steps if step.reason is reason]


def test_what_waited_at_the_posko_is_called_about_once_it_is_graver_and_the_merged_one_ends(world: World) -> None:
    clash, crowd = world.report("violence.mass_clash"), world.report("order.crowd")
    before = len(world.pages)
    world.merge(clash, crowd)

    assert world.now_of(clash).state is S.MERGED
    assert world.now_of(crowd).state is S.PAGING
    assert {incident for _, incident in called_since(world, before)} == {crowd}
    world.advance(minutes=2)
    assert (OPS, crowd) in called_since(world, before)
    assert (OPS, clash) not in called_since(world, before)


def test_the_other_one_goes_on_from_the_level_that_was_reached_for_either(world: World) -> None:
    clash = world.report("violence.mass_clash")
    world.advance(minutes=2)  # nobody answered: the operations desk was called
    other = world.report("violence.arson")
    before = len(world.pages)
    world.merge(clash, other)

    assert (world.now_of(other).level, world.now_of(other).reason) == (2, R.TOOK_IN)
    assert [officer for officer, _ in called_since(world, before)] == [OPS]
    world.advance(minutes=2)
    assert world.now_of(other).level == 3


def test_where_every_level_was_called_in_vain_it_is_as_loud_for_the_other(world: World) -> None:
    clash = world.report("violence.mass_clash")
    world.advance(minutes=9)
    other = world.report("violence.arson")
    world.merge(clash, other)

    assert world.now_of(other).state is S.EXHAUSTED


def test_who_has_taken_the_merged_one_is_called_about_the_other(world: World) -> None:
    brawl, other = world.report("violence.brawl"), world.report("violence.brawl")
    world.say("acknowledge", brawl, "kodim")
    before = len(world.pages)
    world.merge(brawl, other)

    # Their word was about something else: until they take this one as well, it climbs.
    assert called_since(world, before) == [("kodim", other)]
    assert world.now_of(other).state is S.PAGING


def test_where_somebody_has_the_other_one_they_keep_it_and_the_rest_are_listed(world: World) -> None:
    clash, other = world.report("violence.mass_clash"), world.report("health.emergency", severity=1)
    world.say("acknowledge", other, KAJEN)
    before = len(world.pages)
    world.merge(clash, other)

    assert called_since(world, before) == []
    assert (world.now_of(other).state, world.now_of(other).acknowledged_by) == (S.ACKNOWLEDGED, KAJEN)
    assert noted(world, other, R.TOOK_IN) == ["polres"]


def test_what_becomes_graver_than_it_was_taken_as_is_called_about_anew(world: World) -> None:
    clash, brawl = world.report("violence.mass_clash"), world.report("violence.brawl")
    world.say("acknowledge", brawl, KAJEN)
    world.merge(clash, brawl)

    assert (world.now_of(brawl).state, world.now_of(brawl).level) == (S.PAGING, 2)


def test_all_who_were_told_of_either_are_told_that_it_was_not_so(world: World) -> None:
    clash, other = world.report("violence.mass_clash"), world.report("health.emergency", severity=1)
    world.say("acknowledge", other, KAJEN)
    world.merge(clash, other)
    world.refute(other)

    assert sorted(set(world.retracted())) == ["dinkes", "polres", KAJEN]


def test_nobody_of_a_unit_that_either_accuses_is_called_or_may_merge(world: World) -> None:
    neutral = world.report("neutrality.officer", accused="polres")
    clash = world.report("violence.mass_clash", accused="polsek-kajen")
    refusal = world.say("merge", clash, "ops-desk", into=neutral)
    before = len(world.pages)
    world.merge(clash, neutral)
    world.advance(minutes=30)

    assert refusal is not None
    called = {officer for officer, incident in called_since(world, before) if incident == neutral}
    assert called
    assert not called & {KAJEN, "polres", OPS, "wakapolres", "kapolres"}


def test_a_snapshot_told_again_calls_nobody_again(world: World) -> None:
    clash, crowd = world.report("violence.mass_clash"), world.report("order.crowd")
    world.merge(clash, crowd)
    world.restart()
    entries = dict(world.book.entries)
    for incident in (clash, crowd):
        world.tell(incident)

    assert world.book.entries == entries
