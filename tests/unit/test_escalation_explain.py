"""Why was this officer called, or not."""

from __future__ import annotations

from pathlib import Path

import pytest

from siaga.contracts.command import Via
from siaga.contracts.escalation import EscalationReason
from siaga.contracts.page import Language
from siaga.contracts.page_result import PageStatus
from siaga.escalation.diagram import state_diagram
from siaga.escalation.explain import REASONS, Verdict, why, why_not
from siaga.escalation.machine import TABLE
from tests.support import builders
from tests.support.pager import PEOPLE, World, roster

GUIDE = Path(__file__).parents[2] / "docs" / "explanation" / "escalation.md"


@pytest.fixture
def world() -> World:
    return World()


def test_a_call_is_explained_by_its_reason_desk_and_result(world: World) -> None:
    incident = world.report("violence.mass_clash")
    world.advance(minutes=2)
    (told,) = (b for b in why(world.snapshots, officer_id="ops-desk") if b.officer_id)

    assert (told.verdict, told.level, told.desk) == (Verdict.CALLED, 2, "polres/ops")
    assert (
        told.text(Language.ENGLISH) == "L2.1 called ops-desk polres/ops sms: the level before did not answer in time"
    )
    assert str(world.now_of(incident).incident_id) == incident


def test_an_answer_is_told_with_the_way_by_which_it_came(world: World) -> None:
    incident = world.report("violence.mass_clash")
    officer = world.paged[0]
    answer = builders.command("acknowledge", incident, by=officer, at=world.moment())
    answer = answer.model_copy(update={"via": Via.SMS})
    world.say("acknowledge", incident, officer)

    (told,) = (b for b in why(world.snapshots, decisions=[answer]) if b.verdict is Verdict.ACTED)

    assert told.text(Language.ENGLISH) == f"L1.1 act {officer}: took it (by SMS)"
    assert told.text(Language.INDONESIAN).endswith("menerima (lewat SMS)")


def test_results_are_told_with_the_call(world: World) -> None:
    world.report("violence.brawl")
    result = world.pages[0]
    world.result(result, PageStatus.FAILED)
    failed = next(b for b in why(world.snapshots, world.results) if b.page_id == result.page_id)

    assert failed.results == (PageStatus.FAILED,)
    assert failed.text(Language.INDONESIAN).endswith("[failed]")


def test_an_officer_of_the_accused_unit_was_not_called_for_that(world: World) -> None:
    world.report("neutrality.officer", accused="polsek-kajen")
    told = [b for b in why(world.snapshots, officer_id="polsek-kajen") if b.officer_id]

    assert [(b.verdict, b.reason) for b in told] == [(Verdict.NOT_CALLED, EscalationReason.ACCUSED_UNIT)]


def test_a_call_that_the_cluster_or_a_storm_kept_back_was_not_made(world: World) -> None:
    for _ in range(6):
        last = world.report("violence.brawl")
    snapshots = [s for s in world.snapshots if str(s.incident_id) == last]

    assert {b.verdict for b in why(snapshots, officer_id="polsek-kajen") if b.officer_id} == {Verdict.NOT_CALLED}


def test_an_officer_whom_it_did_not_reach_is_told_where_they_would_have_been(world: World) -> None:
    incident = world.report("violence.mass_clash")
    world.say("acknowledge", incident, "polsek-kajen")
    last, duty = world.now_of(incident), world.duties
    standing = why_not(last, duty.policy, duty.roster(last.district), officer_id="kapolres")

    assert standing.text(Language.ENGLISH) == "is called at level 4; it has climbed to level 1 and is acknowledged"
    world.load(roster([p for p in PEOPLE if p != "kapolres"], version="uji-2"))
    nowhere = why_not(last, duty.policy, duty.roster(last.district), officer_id="kapolres")
    assert nowhere.text(Language.ENGLISH) == "sits at no desk that the policy calls at that time"


def test_every_reason_has_words_in_both_languages() -> None:
    assert set(REASONS) == set(EscalationReason)
    assert all(words.strip() for pair in REASONS.values() for words in pair)


def test_the_diagram_in_the_guide_is_the_table() -> None:
    text = GUIDE.read_text(encoding="utf-8")

    assert state_diagram(TABLE) in text, "run: python -m siaga.escalation.diagram docs/explanation/escalation.md"
