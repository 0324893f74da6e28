"""How the sinks end when their parts do not."""

from __future__ import annotations

import time
from threading import Event

import pytest

from sinks import service


class Stuck:
    """A part that waits for a database that does not answer."""

    def __init__(self, name: str, forever: Event) -> None:
        self.name = name
        self._forever = forever

    def run(self) -> None:
        self._forever.wait()


def test_parts_that_do_not_end_are_waited_for_together_and_not_one_after_the_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(service, "_STOP_SECONDS", 0.5)
    forever, stop = Event(), Event()
    stop.set()
    began = time.monotonic()
    try:
        assert service._run([Stuck(f"part-{number}", forever) for number in range(8)], stop) == 0
    finally:
        forever.set()

    # One after the other they had four seconds.
    assert time.monotonic() - began < 3
