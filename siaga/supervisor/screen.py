"""Where a run speaks: one live status at a terminal, plain lines anywhere else."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Final, Protocol, Self, TextIO

from rich.console import Console
from rich.live import Live
from rich.text import Text

from siaga.supervisor.status import Status, as_line, as_table

#: Seconds between two status lines where there is no terminal.
LINE_EVERY: Final = 10.0


class Screen(Protocol):
    """Notes are what happened, the status what is."""

    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
    def note(self, text: str) -> None:
        """Something happened."""

    def show(self, status: Status) -> None:
        """The present status; may be called several times a second."""


def screen_on(out: TextIO, heading: str) -> Screen:
    """The screen that fits ``out``."""
    console = Console(file=out, highlight=False)
    return _Live(console, heading) if console.is_terminal else _Plain(out)


class _Live:
    def __init__(self, console: Console, heading: str) -> None:
        self._live = Live(console=console, auto_refresh=False)
        self._heading = heading

    def __enter__(self) -> Self:
        self._live.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.__exit__(kind, error, trace)

    def note(self, text: str) -> None:
        self._live.console.print(Text(text), soft_wrap=True)

    def show(self, status: Status) -> None:
        self._live.update(as_table(status, self._heading), refresh=True)


class _Plain:
    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._shown = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def note(self, text: str) -> None:
        self._out.write(text + "\n")
        self._out.flush()

    def show(self, status: Status) -> None:
        if time.monotonic() - self._shown >= LINE_EVERY:
            self._shown = time.monotonic()
            self.note(as_line(status))
