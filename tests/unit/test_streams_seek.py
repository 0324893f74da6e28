"""Where a worker's connection begins to read once the state was read back."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from pathlib import Path
from typing import Any

import pytest
from faust.types import TP

from siaga.contracts.topics import COMMANDS, REPORTS, STATE_CHANGELOG
from siaga.settings import Settings
from streams.app import make_app
from streams.topics import Topics

NEVER, AT_NOTHING, SOMEWHERE = TP(REPORTS, 0), TP(REPORTS, 1), TP(COMMANDS, 0)
REMEMBERED = TP(STATE_CHANGELOG, 0)


@pytest.fixture
def consumer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Faust's consumer as the worker has it, not connected; what it was told to seek is in ``sought``."""
    settings = Settings(kafka="127.0.0.1:1", data_dir=tmp_path)
    topics = Topics(settings, "siaga-streams-0")
    monkeypatch.setattr(topics, "left_behind", _none)
    made = make_app(settings, "siaga-streams-0", topics).app.consumer
    made.sought = []

    async def committed() -> dict[TP, int | None]:
        return {NEVER: None, AT_NOTHING: 0, SOMEWHERE: 7, REMEMBERED: None}

    async def sought(tp: TP, offset: int) -> None:
        made.sought.append((tp, offset))

    monkeypatch.setattr(made, "assignment", lambda: {NEVER, AT_NOTHING, SOMEWHERE, REMEMBERED})
    monkeypatch.setattr(made, "seek_to_committed", committed)
    monkeypatch.setattr(made, "_seek", sought)
    return made


def _none(assigned: Collection[tuple[str, int]]) -> list[tuple[str, int]]:
    return []


def test_inputs_of_which_nothing_was_committed_are_read_from_their_beginning(consumer: Any) -> None:
    asyncio.run(consumer.perform_seek())

    # A fetch that was under way may have moved them on, and what it brought is thrown away while the flow is stopped.
    assert sorted(consumer.sought) == [(NEVER, 0), (AT_NOTHING, 0)]


def test_a_topic_that_was_made_anew_is_read_from_its_beginning_whatever_was_committed(
    consumer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumer.app.siaga_topics, "left_behind", lambda assigned: [SOMEWHERE])

    asyncio.run(consumer.perform_seek())

    assert sorted(consumer.sought) == [(SOMEWHERE, 0), (NEVER, 0), (AT_NOTHING, 0)]
    assert SOMEWHERE not in consumer._committed_offset


def test_the_flow_stands_still_until_whoever_asked_has_it_resumed(consumer: Any) -> None:
    consumer.resume_flow()

    asyncio.run(consumer.perform_seek())

    assert not consumer.flow_active
