"""What a process logs: JSON for programs, lines for people, a trace where there is one, and a level that changes."""

from __future__ import annotations

import io
import json
import logging
import os
import subprocess
import sys

from siaga.logs import about, formatter


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def logged(chosen: str, stream: io.StringIO, trace_id: str | None = None) -> str:
    """What a warning with an error becomes."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter(chosen, "sinks", stream))
    logger = logging.Logger("sinks.store")
    logger.addHandler(handler)
    try:
        raise ValueError("rusak")
    except ValueError:
        if trace_id is None:
            logger.warning("the %s is back", "database", exc_info=True)
        else:
            with about(trace_id):
                logger.warning("the %s is back", "database")
    return stream.getvalue()


def test_a_line_is_an_object_with_all_that_a_program_asks_for() -> None:
    (line,) = logged("auto", io.StringIO()).splitlines()
    said = json.loads(line)
    assert said.pop("time").endswith("Z")
    assert "ValueError: rusak" in said.pop("exception")
    assert said == {
        "event": "the database is back",
        "level": "warning",
        "logger": "sinks.store",
        "process": "sinks",
    }


def test_a_line_about_a_report_names_its_trace_and_the_next_one_does_not() -> None:
    trace_id = "0af7651916cd43dd8448eb211c80319c"
    assert json.loads(logged("json", Terminal(), trace_id))["trace_id"] == trace_id
    assert "trace_id" not in json.loads(logged("json", Terminal()))


def test_people_at_a_terminal_read_lines_and_no_json() -> None:
    for chosen, stream in (("auto", Terminal()), ("text", io.StringIO())):
        said = logged(chosen, stream)
        assert "the database is back" in said
        assert "ValueError" in said
        assert '{"' not in said


def test_a_signal_has_a_process_say_everything_and_another_ends_that() -> None:
    program = """
import logging, os, signal
from siaga.logs import set_up
from siaga.settings import Settings
set_up(Settings(), "uji")
def say(word):
    logging.getLogger("siaga.uji").debug(word)
    logging.getLogger("kafka").info("pustaka")
say("satu")
os.kill(os.getpid(), signal.SIGUSR1)
say("dua")
os.kill(os.getpid(), signal.SIGUSR2)
say("tiga")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=clean())
    events = [json.loads(line)["event"] for line in done.stderr.splitlines()]
    assert events == ["the level of the log is DEBUG now", "dua", "the level of the log is INFO now"]


def clean() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("SIAGA_")}
