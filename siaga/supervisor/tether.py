"""``python -m siaga.supervisor.tether SIGNAL PROGRAM ARGUMENT…``: a program that does not outlive its parent.

A supervisor that is killed outright cannot stop what it started. On Linux the kernel does: it sends SIGNAL to the
program when the thread that started it is gone (``prctl(2)``, PR_SET_PDEATHSIG, kept across ``execve``). Elsewhere
the program is simply run.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence

_PR_SET_PDEATHSIG = 1


def tethered(argv: Sequence[str], number: int = signal.SIGTERM) -> list[str]:
    """The command line that runs ``argv`` tethered to the process (and thread) that starts it."""
    if not sys.platform.startswith("linux"):
        return list(argv)
    return [sys.executable, "-m", "siaga.supervisor.tether", str(int(number)), str(os.getpid()), *argv]


def main() -> None:
    """Bind to the parent, then become the program."""
    import ctypes

    number, parent, argv = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, number, 0, 0, 0)
    if os.getppid() != parent:  # it died before we were bound to it
        sys.exit(1)
    os.execvp(argv[0], argv)  # noqa: S606  (the caller's own argument vector; no shell is wanted)


if __name__ == "__main__":
    main()
