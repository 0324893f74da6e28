"""What a scenario is played against, and the one error that says that it cannot be."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from siaga.device import Gateway
from siaga.settings import Settings


class Unplayable(RuntimeError):
    """The scenario cannot be played here; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What a player needs of the rest.

    ``reading`` gives a connection that only reads; ``refusal`` says why a command sent since then was refused.
    """

    settings: Settings
    gateway: Gateway
    reading: Callable[[], AbstractContextManager[sa.Connection]]
    refusal: Callable[[sa.Connection, UUID, datetime], str | None]
