"""Processes of a test: started with their output in a file, stopped, killed, and never left behind."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import socket
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

from tests.support.wait import until


def free_port() -> int:
    """A loopback port that nobody listens on at this moment."""
    return free_ports(1)


def free_ports(count: int) -> int:
    """The first of ``count`` loopback ports in a row that nobody listens on at this moment."""
    for _ in range(1000):
        # Below what the system gives to outgoing connections: one of those would take the port of a process that a
        # test kills, before it is started again.
        first = random.randrange(15_000, 32_000)
        if all(_is_free(port) for port in range(first, first + count)):
            return first
    raise RuntimeError(f"no {count} free ports in a row on the loopback address")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except (OSError, OverflowError):
            return False
    return True


def listens(port: int) -> bool:
    """Whether somebody answers on a loopback port."""
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Process:
    """One child process, in a group of its own so that a kill takes its children too."""

    def __init__(
        self,
        name: str,
        argv: Sequence[str],
        *,
        log: Path,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        user: str | None = None,
    ) -> None:
        self.name = name
        self.argv = list(argv)
        self.log_path = log
        self.env = dict(env) if env is not None else None
        self._cwd = cwd
        self._user = user
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Its process id. Raises ``RuntimeError`` when it never ran."""
        if self._child is None:
            raise RuntimeError(f"{self.name} was never started")
        return self._child.pid

    @property
    def running(self) -> bool:
        return self._child is not None and self._child.poll() is None

    @property
    def returncode(self) -> int | None:
        """Its exit code, ``None`` while it runs or before it ever did; negative is a signal."""
        return None if self._child is None else self._child.poll()

    @property
    def log(self) -> str:
        """All it wrote since the first start, across restarts."""
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def start(self) -> None:
        if self.running:
            raise RuntimeError(f"{self.name} already runs as process {self.pid}")
        self.log_path.parent.mkdir(parents=True, exist_ok=True)
        with self.log_path.open("ab") as out:
            self._child = subprocess.Popen(
                self.argv,
                stdout=out,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                env=self.env,
                cwd=self._cwd,
                user=self._user,
                group=self._user and _group_of(self._user),
                extra_groups=[] if self._user else None,
                start_new_session=True,
            )

    def send(self, number: int) -> None:
        """Send a signal to the process itself; nothing happens when it is gone."""
        if self._child is not None:
            self._child.send_signal(number)

    def send_all(self, number: int) -> None:
        """Send a signal to the process and whatever it started, be it in sessions of their own."""
        if self.running:
            family = psutil.Process(self.pid)
            for member in [family, *family.children(recursive=True)]:
                with contextlib.suppress(psutil.NoSuchProcess):
                    member.send_signal(number)

    def pause(self) -> None:
        """Freeze it, as a machine out of memory or a stopped container would."""
        self.send(signal.SIGSTOP)

    def resume(self) -> None:
        self.send(signal.SIGCONT)

    def kill(self) -> None:
        """SIGKILL the process and whatever it started."""
        if self._child is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._child.pid, signal.SIGKILL)
        self._child.wait()

    def stop(self, timeout: float = 15.0, number: int = signal.SIGTERM) -> int:
        """Ask it to end and wait; killed (and an ``AssertionError``) when it does not. Returns the exit code."""
        if self._child is None:
            return 0
        self.send(number)
        try:
            return self._child.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"{self.name} did not end within {timeout:g} s of SIGTERM\n{self.tail()}") from None

    def wait_ready(self, check: Callable[[], object], *, timeout: float, what: str) -> None:
        """Wait for ``check()``; fails at once, with the log, when the process ends before."""
        until(
            lambda: not self.running or bool(check()),
            timeout=timeout,
            what=lambda: f"{self.name}: {what}\n{self.tail()}",
            every=0.05,
        )
        if not self.running:
            raise AssertionError(f"{self.name} ended with {self.returncode} before {what}\n{self.tail()}")

    def tail(self, lines: int = 40) -> str:
        """The last lines it wrote, for a failure's message."""
        return "\n".join([f"--- {self.name} ({self.log_path})", *self.log.splitlines()[-lines:]])

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()


def _group_of(user: str) -> int:
    import pwd

    return pwd.getpwnam(user).pw_gid
