"""One of Siaga's processes as a child of the supervisor. Only the main thread starts children: see ``tether``."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path

from siaga.supervisor.backoff import Backoff
from siaga.supervisor.tether import tethered

#: A process ends with this when a setting is wrong: starting it again cannot help.
WRONG_SETTING = 2


def siaga_argv(*arguments: str) -> list[str]:
    """The command line of a ``siaga`` command, by this interpreter."""
    return [sys.executable, "-m", "siaga", *arguments]


def pid_file(log: Path) -> Path:
    """Where the id of the process that writes to ``log`` is while it runs."""
    return log.with_suffix(".pid")


class State(StrEnum):
    """What a child is doing."""

    STOPPED = "stopped"
    STARTING = "starting"
    READY = "ready"
    WAITING = "waiting"
    DONE = "done"


class Child:
    """Started, watched and started again; the caller asks :meth:`poll` a few times a second.

    Args:
        name: as the status shows it.
        argv: the program and its arguments; :func:`siaga_argv` for one of Siaga's commands.
        log: receives what it writes; the log of the run before is kept beside it, with ``.1`` added. Its process id
            is beside it too while it runs, as ``.pid``: for whoever wants to signal this one, and no other Siaga's.
        environment: added to this process's own.
        once: it may end with 0 and is then done, such as a simulated day.
    """

    def __init__(
        self, name: str, argv: Sequence[str], *, log: Path, environment: Mapping[str, str], once: bool = False
    ) -> None:
        self.name = name
        self.log = log
        self.state = State.STOPPED
        self.restarts = 0
        self.exit_code: int | None = None
        self._argv = list(argv)
        self._environment = dict(environment)
        self._once = once
        self._backoff = Backoff()
        self._child: subprocess.Popen[bytes] | None = None
        self._started = 0.0
        self._again_at = 0.0
        self._logged = False

    @property
    def pid(self) -> int | None:
        """Its process id while it runs."""
        return self._child.pid if self._child is not None and self._child.poll() is None else None

    def start(self) -> None:
        """Start it now; nothing happens while it runs."""
        if self.pid is not None:
            return
        self.log.parent.mkdir(parents=True, exist_ok=True)
        if not self._logged and self.log.exists():
            self.log.replace(self.log.with_name(self.log.name + ".1"))
        self._logged = True
        with self.log.open("ab") as out:
            self._child = subprocess.Popen(
                tethered(self._argv),
                stdout=out,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                env={**os.environ, **self._environment, "PYTHONUNBUFFERED": "1"},
                # Its own group: Ctrl-C goes to the supervisor alone, which ends everything in order.
                start_new_session=True,
            )
        pid_file(self.log).write_text(f"{self._child.pid}\n")
        self._started = time.monotonic()
        self.exit_code = None
        self.state = State.STARTING

    def poll(self) -> bool:
        """Look after it: start it again when its pause is over. True when it ended since the last look."""
        if self.state in (State.STOPPED, State.DONE):
            return False
        if self.state is State.WAITING:
            if time.monotonic() >= self._again_at:
                self.restarts += 1
                self.start()
            return False
        code = self._child.poll() if self._child is not None else None
        if code is None:
            return False
        self.exit_code = code
        self._forget_pid()
        if self._once and code == 0:
            self.state = State.DONE
            return True
        pause = self._backoff.after(time.monotonic() - self._started)
        self._again_at = time.monotonic() + pause
        self.state = State.WAITING
        return True

    def ready(self) -> None:
        """It does its work: somebody has seen it answer."""
        if self.state is State.STARTING:
            self.state = State.READY

    def tell(self, number: int) -> None:
        """Pass a signal on, once it does its work: one that has just begun would end of it."""
        if self.state is State.READY and self._child is not None and self._child.poll() is None:
            self._child.send_signal(number)

    def ask_to_stop(self) -> None:
        """SIGTERM it, and do not start it again."""
        self.state = State.STOPPED
        if self._child is not None and self._child.poll() is None:
            self._child.send_signal(signal.SIGTERM)

    def wait_stopped(self, timeout: float) -> bool:
        """Wait for its end; killed (and false) when it takes longer than ``timeout`` seconds."""
        if self._child is None:
            return True
        try:
            self._child.wait(timeout)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
            return False
        finally:
            self._forget_pid()
        return True

    def kill(self) -> None:
        """SIGKILL it, and do not start it again."""
        self.state = State.STOPPED
        if self._child is not None:
            self._child.kill()
            self._forget_pid()

    def stop(self, timeout: float) -> bool:
        """SIGTERM, then SIGKILL after ``timeout`` seconds. False when it had to be killed."""
        self.ask_to_stop()
        return self.wait_stopped(timeout)

    def _forget_pid(self) -> None:
        """It has ended: its number may soon be somebody else's."""
        pid_file(self.log).unlink(missing_ok=True)

    def last_words(self) -> str:
        """The last line it wrote, empty when it wrote none."""
        try:
            with self.log.open("rb") as file:
                file.seek(max(0, self.log.stat().st_size - 4096))
                lines = file.read().decode(errors="replace").split("\n")
        except OSError:
            return ""
        return next((line.strip() for line in reversed(lines) if line.strip()), "")

    def why_ended(self) -> str:
        """One sentence on its last end."""
        code = self.exit_code
        if code is None:
            return "has not ended"
        how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with {code}"
        said = self.last_words()
        return f"{how}: {said}" if said and code > 0 else how
