"""Makes the topics that are missing and checks those that are there.

In: the settings and :data:`siaga.contracts.topics.TOPICS`. Out: topics on the broker. State: none.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Final

from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import (
    AuthorizationError,
    InvalidReplicationFactorError,
    KafkaError,
    NoError,
    TopicAlreadyExistsError,
    UnknownTopicOrPartitionError,
    for_code,
)

from siaga.contracts.topics import STATE_CHANGELOG, TOPICS, Topic
from siaga.settings import Settings, SettingsError
from siaga.wire.client import connection, not_allowed
from siaga.wire.layout import misplaced

_CONNECT_MS: Final = 15_000
_REQUEST_MS: Final = 30_000
_INSYNC: Final = "min.insync.replicas"


@dataclass(frozen=True, slots=True)
class Ensured:
    """What was done: topics made now, and topics that were there and are right."""

    created: tuple[str, ...]
    present: tuple[str, ...]


def ensure_topics(settings: Settings) -> Ensured:
    """Create every topic that is missing, wait until each has its leaders, and check the ones that were there.

    Raises:
        SettingsError: Kafka cannot be reached or refuses, or a topic does not fit the settings; every such topic is
            named with its remedy. Partitions are chosen once: a topic with another number is never changed.
    """
    if settings.least_insync > settings.replication:
        raise SettingsError(
            f"min_insync: {settings.least_insync} replicas cannot have a record of which there are "
            f"{settings.replication}; set SIAGA_MIN_INSYNC to at most SIAGA_REPLICATION"
        )
    try:
        admin = KafkaAdminClient(
            **connection(settings, "siaga-topics"), bootstrap_timeout_ms=_CONNECT_MS, request_timeout_ms=_REQUEST_MS
        )
        with closing(admin):
            return _ensure(admin, settings)
    except AuthorizationError:
        act = f"look after the topics on {settings.kafka}"
        then = "set SIAGA_KAFKA_USER to siaga-admin, with its password"
        raise SettingsError(not_allowed(settings, act, then)) from None
    except KafkaError as error:
        raise SettingsError(
            f"kafka: {settings.kafka} does not do what is asked ({error}); start it, or correct SIAGA_KAFKA"
        ) from error


def _ensure(admin: Any, settings: Settings) -> Ensured:
    before = _described(admin)
    missing = [topic for topic in TOPICS if topic.name not in before]
    if missing:
        _create(admin, missing, settings)
        admin.wait_for_topics([topic.name for topic in missing], timeout_ms=_REQUEST_MS)
    there = _described(admin)
    wrong = [line for topic in TOPICS for line in misfits(topic, there[topic.name], settings)]
    wrong += ill_kept(admin, settings)
    if not wrong and STATE_CHANGELOG in before and (line := misplaced(settings)) is not None:
        wrong.append(line)
    if wrong:
        raise SettingsError("\n".join(wrong))
    made = tuple(topic.name for topic in missing)
    return Ensured(created=made, present=tuple(topic.name for topic in TOPICS if topic.name not in made))


def _described(admin: Any) -> dict[str, Mapping[str, Any]]:
    """What the broker says of those of our topics that it has, by name."""
    found: dict[str, Mapping[str, Any]] = {}
    for topic in admin.describe_topics([topic.name for topic in TOPICS]):
        error = for_code(topic["error_code"])
        if error is NoError:
            found[topic["name"]] = topic
        elif error is not UnknownTopicOrPartitionError:
            raise error(topic["name"])
    return found


def _create(admin: Any, missing: list[Topic], settings: Settings) -> None:
    wanted = {
        topic.name: {
            "num_partitions": _partitions(topic, settings),
            "replication_factor": settings.replication,
            "configs": {**topic.config(), _INSYNC: str(settings.least_insync)},
        }
        for topic in missing
    }
    for answer in admin.create_topics(wanted, timeout_ms=_REQUEST_MS, raise_errors=False)["topics"]:
        error = for_code(answer["error_code"])
        if error is InvalidReplicationFactorError:
            raise SettingsError(
                f"replication: Kafka cannot keep {settings.replication} replicas of {answer['name']}; "
                "set SIAGA_REPLICATION to at most the number of its brokers"
            )
        # Somebody else may make the same topics at the same moment; they are checked like any other.
        if error not in (NoError, TopicAlreadyExistsError):
            raise error(f"{answer['name']}: {answer.get('error_message') or 'was not created'}")


def _partitions(topic: Topic, settings: Settings) -> int:
    return 1 if topic.single_partition else settings.partitions


def misfits(topic: Topic, described: Mapping[str, Any], settings: Settings) -> list[str]:
    """What does not fit of a topic as the broker describes it: a line for its partitions, or none."""
    has, wants = len(described["partitions"]), _partitions(topic, settings)
    if has == wants:
        return []
    if topic.single_partition:
        return [
            f"partitions: {topic.name} has {has} partitions and needs exactly 1; delete it and run 'siaga topics'"
        ]
    # Partitions that are added take districts away from their history: see siaga/wire/layout.py.
    return [
        f"partitions: {topic.name} has {has} partitions, not {wants}; "
        f"set SIAGA_PARTITIONS={has}, or make the topics anew (docs/how-to/scale.md)"
    ]


def ill_kept(admin: Any, settings: Settings) -> list[str]:
    """What of how they are kept would lose records: deleting the only copy, or one broker. Not every one can say."""
    try:
        resources = [ConfigResource(ConfigResourceType.TOPIC, topic.name) for topic in TOPICS]
        answers = admin.describe_configs(resources, config_filter="all")
    except KafkaError:
        return []
    # The embedded broker answers, but with nothing.
    told = [(topic, answers.get("topic", {}).get(topic.name, {})) for topic in TOPICS]
    wants = settings.least_insync
    return [
        line for topic, config in told for line in (*_forgets(topic, config), *lost_with_one(topic, config, wants))
    ]


def _forgets(topic: Topic, config: Mapping[str, Any]) -> list[str]:
    policy = config.get("cleanup.policy", {}).get("value", "compact")
    if not topic.compacted or "compact" in policy:
        return []
    return [
        f"kafka: {topic.name} is kept by '{policy}' and would forget; "
        "set its cleanup.policy to compact, or delete it and run 'siaga topics'"
    ]


def lost_with_one(topic: Topic, config: Mapping[str, Any], wants: int) -> list[str]:
    """A line where Kafka acknowledges what fewer replicas than ``wants`` have; ``config`` is as it tells it."""
    has = int(config.get(_INSYNC, {}).get("value", wants))
    if has >= wants:
        return []
    return [
        f"min_insync: {topic.name} acknowledges what {has} of its replicas has, not only what {wants} have; "
        f"set its {_INSYNC} to {wants} (kafka-configs.sh --alter --entity-type topics --entity-name {topic.name} "
        f"--add-config {_INSYNC}={wants}), or set SIAGA_MIN_INSYNC={has}"
    ]
