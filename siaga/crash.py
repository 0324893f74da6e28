"""Points at which a test may have a process die, to prove that it loses nothing there.

``SIAGA_TEST_CRASH_AT`` names a point, and after a colon at which of its passings: ``after_claim:3``. Without it every
point is passed by. A process that dies here is killed, as a machine that fails would kill it: nothing is cleaned up.
"""

from __future__ import annotations

import itertools
import os
import signal
from enum import StrEnum
from typing import Final

_NAME, _, _COUNT = os.environ.get("SIAGA_TEST_CRASH_AT", "").partition(":")
_PASSING: Final = int(_COUNT or 1)
_passed: Final = itertools.count(1)

#: Whether there is a point to die at.
ARMED: Final = bool(_NAME)


def pass_by(point: StrEnum) -> None:
    """Go on, or die here."""
    if point.value == _NAME and next(_passed) == _PASSING:
        os.kill(os.getpid(), signal.SIGKILL)
