"""How every process logs: one JSON object a line, or lines for people where somebody watches a terminal.

In: the settings, and what is logged with the standard library. Out: standard error. State: the level, which two
signals change while the process runs: SIGUSR1 has it say everything (DEBUG), SIGUSR2 what the setting says again.

A line has `time` (UTC), `level`, `logger`, `process`, `event`, and `trace_id` where it is about one report or page.
Nothing confidential is logged by anybody; the formats only arrange what there is.
"""

from __future__ import annotations

import logging
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final, TextIO

import structlog

from siaga.settings import Settings

#: Kafka's clients and Faust otherwise write a line for every reconnection, and build records that nobody reads.
QUIET: Final = ("aiokafka", "faust", "mode", "kafka", "httpx", "httpcore", "uvicorn.access", "alembic", "urllib3")

_trace: ContextVar[str | None] = ContextVar("siaga_trace", default=None)
logger = logging.getLogger(__name__)


@contextmanager
def about(trace_id: str | None) -> Iterator[None]:
    """What is logged within is about the report or page of this trace."""
    token = _trace.set(trace_id)
    try:
        yield
    finally:
        _trace.reset(token)


def set_up(settings: Settings, process: str) -> None:
    """Send the logs to standard error as the settings say. ``process`` is what each line calls this one.

    Call it once, in the main thread, before anything is logged.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter(settings.log_format, process, sys.stderr))
    root = logging.getLogger()
    for old in root.handlers[:]:
        root.removeHandler(old)
    root.addHandler(handler)
    _set_level(settings.log_level)
    for number, level in ((signal.SIGUSR1, "DEBUG"), (signal.SIGUSR2, settings.log_level)):
        signal.signal(number, lambda *_, level=level: _change(level))


def formatter(chosen: str, process: str, stream: TextIO) -> structlog.stdlib.ProcessorFormatter:
    """The formatter of ``log_format``; ``auto`` is text on a terminal and JSON elsewhere."""
    is_terminal = stream.isatty()
    for_people = chosen == "text" or (chosen == "auto" and is_terminal)

    def named(_: Any, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
        event["process"] = process
        return event

    arrange: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=not for_people, key="time"),
        _with_trace,
    ]
    last: list[structlog.typing.Processor]
    if for_people:
        shown = structlog.dev.ConsoleRenderer(colors=is_terminal, timestamp_key="time", pad_event_to=0)
        last = [structlog.stdlib.ProcessorFormatter.remove_processors_meta, shown]
    else:
        last = [
            named,
            structlog.processors.format_exc_info,
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ]
    return structlog.stdlib.ProcessorFormatter(foreign_pre_chain=arrange, processors=last)


def _with_trace(_: Any, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    trace_id = _trace.get()
    if trace_id is not None:
        event["trace_id"] = trace_id
    return event


def _set_level(level: str) -> None:
    logging.getLogger().setLevel(level)
    for library in QUIET:
        logging.getLogger(library).setLevel(max(logging.WARNING, logging.getLevelNamesMapping()[level]))


def _change(level: str) -> None:
    _set_level(level)
    logger.warning("the level of the log is %s now", level)
