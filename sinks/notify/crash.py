"""Points at which a test may have the notifier die: see :mod:`siaga.crash`."""

from __future__ import annotations

from enum import StrEnum

from siaga.crash import pass_by

__all__ = ["Point", "pass_by"]


class Point(StrEnum):
    """Where it may die."""

    BEFORE_CLAIM = "before_claim"
    AFTER_CLAIM = "after_claim"
    AFTER_ACCEPTED = "after_accepted"
    AFTER_COMMIT = "after_commit"
