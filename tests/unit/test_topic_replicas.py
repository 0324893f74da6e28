"""How many replicas must have a record before it is acknowledged, and topics that ask for fewer."""

from __future__ import annotations

import pytest

from siaga.contracts.topics import STATE_CHANGELOG, TOPICS
from siaga.settings import Settings, SettingsError
from siaga.wire.topics_admin import ensure_topics, lost_with_one


@pytest.mark.parametrize(("replication", "chosen", "least"), [(1, 0, 1), (2, 0, 1), (3, 0, 2), (5, 0, 2), (3, 1, 1)])
def test_two_of_three_replicas_must_have_a_record_unless_somebody_says_otherwise(
    replication: int, chosen: int, least: int
) -> None:
    assert Settings(replication=replication, min_insync=chosen).least_insync == least


def test_more_replicas_than_there_are_cannot_have_a_record() -> None:
    with pytest.raises(SettingsError, match=r"min_insync: 2 replicas .* SIAGA_MIN_INSYNC"):
        ensure_topics(Settings(kafka="127.0.0.1:1", replication=1, min_insync=2))


def test_a_topic_that_one_broker_could_take_records_from_is_named_with_the_remedy() -> None:
    (changelog,) = (topic for topic in TOPICS if topic.name == STATE_CHANGELOG)

    assert lost_with_one(changelog, {"min.insync.replicas": {"value": "2"}}, 2) == []
    assert lost_with_one(changelog, {}, 2) == []
    (line,) = lost_with_one(changelog, {"min.insync.replicas": {"value": "1"}}, 2)
    assert f"--entity-name {STATE_CHANGELOG} --add-config min.insync.replicas=2" in line
