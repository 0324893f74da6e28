"""Whose rows a worker takes up when its topics may have been made anew. The broker's answers are written out."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from siaga.contracts.topics import STATE_CHANGELOG
from siaga.settings import Settings
from streams.topics import Topics

BEFORE, NOW = UUID(int=1), UUID(int=2)


class Told:
    """What an admin client is told of one changelog."""

    def __init__(self, changelog: UUID) -> None:
        self._changelog = changelog

    def describe_cluster(self) -> dict[str, Any]:
        return {"cluster_id": "uji"}

    def describe_topics(self, names: list[str]) -> list[dict[str, Any]]:
        return [{"name": STATE_CHANGELOG, "topic_id": self._changelog, "error_code": 0}]


def topics_of(changelog: UUID) -> Topics:
    topics = Topics(Settings(), "uji")
    topics.see(Told(changelog))
    return topics


def test_what_a_worker_of_topics_that_are_gone_remembered_does_not_count() -> None:
    before, now = topics_of(BEFORE), topics_of(NOW)
    now.read_back(b"33.26.08/S/1", before.mark)
    now.read_back(b"33.26.08/S/2", now.mark)
    now.read_back(b"33.26.08/S/3", before.mark)
    now.read_back(b"33.26.08/S/3", now.mark)  # written anew since

    assert now.take_strangers() == [b"33.26.08/S/1"]
    assert now.take_strangers() == []


@pytest.mark.parametrize("headers", [None, [], [("other", b"x")]])
def test_a_row_of_a_version_that_said_nothing_counts(headers: list[tuple[str, bytes]] | None) -> None:
    now = topics_of(NOW)
    now.read_back(b"33.26.08/S/1", headers)

    assert now.take_strangers() == []


def test_where_the_broker_has_no_ids_nothing_is_said_and_every_row_counts() -> None:
    nameless = topics_of(UUID(int=0))
    nameless.read_back(b"33.26.08/S/1", topics_of(BEFORE).mark)

    assert nameless.mark == []
    assert nameless.take_strangers() == []
