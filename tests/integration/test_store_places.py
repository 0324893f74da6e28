"""Where the store goes on, by what the broker says of its topics, on both databases and without a broker."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest

from siaga.contracts.topics import CHECKINS, REPORTS
from tests.support import builders
from tests.support.databases import Database
from tests.support.stored import AT, Fed

_FIRST = {REPORTS: "00000000-0000-4000-8000-000000000001", CHECKINS: "00000000-0000-4000-8000-000000000002"}
_ANEW = {**_FIRST, REPORTS: "00000000-0000-4000-8000-000000000003"}


@pytest.fixture
def fed(database: Database) -> Iterator[Fed]:
    """Three reports and a check-in, stored when nobody knew the topics' ids."""
    made = Fed(database.url)
    made.reports(*(builders.accepted(builders.report()) for _ in range(3)))
    made.checkins(builders.accepted_checkin(builders.checkin()))
    yield made
    made.close()


def begun(fed: Fed, topic_ids: Mapping[str, str]) -> tuple[int, dict[tuple[str, int], int]]:
    """The cluster's number, and where its partitions are read on."""
    positions = fed.writer.begin("pertama", AT, topic_ids)
    return fed.writer.epoch, positions


def test_a_position_is_one_of_the_topic_that_was_seen_first(fed: Fed) -> None:
    as_it_was = {(REPORTS, 0): 1, (CHECKINS, 0): 1}
    assert begun(fed, _FIRST) == (1, as_it_was)

    assert begun(fed, {}) == (1, as_it_was)
    fed.checkins(builders.accepted_checkin(builders.checkin()))

    # The broker that said nothing for a while is believed to have had the same.
    assert begun(fed, _ANEW) == (2, {(CHECKINS, 0): 2})
    assert begun(fed, _ANEW) == (2, {(CHECKINS, 0): 2})


def test_a_place_that_is_taken_back_is_newer_than_what_is_stored_and_one_moved_on_is_not(fed: Fed) -> None:
    begun(fed, _FIRST)

    fed.writer.go_on_at({(REPORTS, 0): 40}, AT, anew=False)
    assert begun(fed, _FIRST) == (1, {(REPORTS, 0): 40, (CHECKINS, 0): 1})

    fed.writer.go_on_at({(REPORTS, 0): 0}, AT, anew=True)
    assert begun(fed, _FIRST) == (2, {(REPORTS, 0): 0, (CHECKINS, 0): 1})
    assert fed.scalar("SELECT caught_up_at FROM clusters") is None
