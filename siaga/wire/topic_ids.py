"""What tells a topic from another of the same name that was there before it, or comes after it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final
from uuid import UUID

#: What a broker without ids says.
_NONE: Final = str(UUID(int=0))


def topic_ids(admin: Any, topics: Iterable[str]) -> dict[str, str]:
    """The ids of those of ``topics`` that there are; empty where the broker gives none.

    Raises:
        kafka.errors.KafkaError: the broker does not answer.
    """
    described = admin.describe_topics(list(topics))
    return {one["name"]: id_of(one.get("topic_id")) for one in described if not one["error_code"]}


def id_of(told: Any) -> str:
    """A topic's id as kafka-python has it, as text; empty where the broker gives none."""
    said = "" if told is None else str(told)
    return "" if said == _NONE else said
