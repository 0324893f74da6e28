"""What the processes of a benchmark cost: CPU seconds by name, this process's children and theirs.

On a machine that others use too, this says more than the time on the wall.
"""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path
from typing import Final

import psutil

#: A word of the command line, and what the process is called by.
_NAMES: Final = {
    "gateway": "gateway",
    "streams": "streams",
    "sinks": "sinks",
    "tests.support.receiver": "receiver",
    "java": "broker",
    "postgres": "database",
}


#: In place of a process id.
_ENDED: Final = -1


class Cost:
    """CPU seconds from its making on."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._before = _cpu()

    def shares(self) -> str:
        """How much of one core each took, for a line of a report; and how busy the machine was besides."""
        took = time.monotonic() - self._began
        used: Counter[str] = Counter()
        for pid, (name, seconds) in _cpu().items():
            used[name] += seconds - self._before.get(pid, (name, 0.0))[1]
        told = ", ".join(
            f"{name} {seconds / took:.0%}" for name, seconds in used.most_common() if seconds / took > 0.005
        )
        return f"{told}; all {sum(used.values()) / took:.0%} of a core (load {psutil.getloadavg()[0]:.1f})"


def _cpu() -> dict[int, tuple[str, float]]:
    """CPU seconds and names, by process id."""
    found = {}
    for process in [psutil.Process(), *psutil.Process().children(recursive=True)]:
        try:
            times = process.cpu_times()
            found[process.pid] = (_name(process), times.user + times.system)
        except psutil.Error:
            continue  # it ended meanwhile
    # What has ended and was waited for is the sender of the load.
    ended = psutil.Process().cpu_times()
    found[_ENDED] = ("load", ended.children_user + ended.children_system)
    return found


def _name(process: psutil.Process) -> str:
    if process.pid == psutil.Process().pid:
        return "test"
    words = process.cmdline()
    for word in words:
        name = _NAMES.get(word) or _NAMES.get(Path(word.rstrip(":").split(" ")[0].rstrip(":")).name)
        if name is not None:
            return name
    return "broker" if "tansu" in process.name() else process.name()
