"""However often workers die and clocks are set meanwhile, an incident climbs within one deadline, each page once."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from siaga.contracts.page import Page
from tests.support.pager import World

HOUR = 3600.0
#: Minutes that a level has to answer about SEV1.
DEADLINE = 2.0


@given(st.lists(st.tuples(st.floats(0.0, 5.0), st.sampled_from([-HOUR, -1.0, 0.0, 1.0, HOUR])), max_size=6))
@settings(max_examples=40)
def test_whatever_the_clock_is_set_to_an_incident_climbs_within_a_deadline_and_no_page_is_doubled(
    outages: list[tuple[float, float]],
) -> None:
    world = World()
    incident = world.report("violence.mass_clash")
    for minutes, step in outages:
        world.advance(minutes=minutes)
        before = world.now_of(incident)
        world.now += step
        world.restart()
        world.book.draw_near(world.duties, world.now)
        world.settle()
        world.advance(minutes=DEADLINE)
        after = world.now_of(incident)
        assert (after.round, after.level) > (before.round, before.level)

    told: dict[str, Page] = {}
    for page in world.pages:
        assert told.setdefault(str(page.page_id), page) == page
