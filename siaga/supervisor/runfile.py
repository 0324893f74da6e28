"""``run.json``: where a run's parts are, for other programs on this machine, while it runs."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

from siaga.beginning import make_directory
from siaga.settings import SettingsError
from siaga.waiting import wait_for

NAME: Final = "run.json"
_LOCK: Final = ".lock"
#: Somebody who asks whether a run holds the lock has it for a moment: seconds to try for, and between two tries.
_PATIENCE: Final = 0.2
_PAUSE: Final = 0.05


@dataclass(frozen=True, slots=True)
class RunFile:
    """What it holds. ``device`` and ``users`` have secrets, so only the owner may read the file.

    ``users`` has by role a demonstration's ``name``, ``password`` and ``token``.
    """

    gateway: str
    kafka: str
    database: str
    metrics: Mapping[str, str]
    device: Mapping[str, Any] | None
    inbox: str | None = None
    console: str | None = None
    users: Mapping[str, Mapping[str, str]] | None = None

    def write(self, directory: Path) -> Path:
        """Write it whole or not at all, readable by its owner only; the path."""
        path = directory / NAME
        made = directory / f".{NAME}.{os.getpid()}"
        made.unlink(missing_ok=True)
        content = {
            "gateway": self.gateway,
            "kafka": self.kafka,
            "database": self.database,
            "metrics": dict(self.metrics),
            "device": None if self.device is None else dict(self.device),
            "inbox": self.inbox,
            "console": self.console,
            "users": None if self.users is None else {role: dict(user) for role, user in self.users.items()},
        }
        # The mode is set as the file is made: there is no moment at which others could read it.
        handle = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as file:
            json.dump(content, file, indent=2)
            file.write("\n")
        made.replace(path)
        return path


@contextmanager
def owning(directory: Path) -> Iterator[None]:
    """Hold ``directory`` (made when it is missing) as this run's own.

    Raises:
        SettingsError: another run holds it, or it cannot be made.
    """
    make_directory(directory)
    with (directory / _LOCK).open("w") as lock:
        if not wait_for(lambda: _takes(lock, fcntl.LOCK_EX), _PATIENCE, every=_PAUSE):
            raise SettingsError(
                f"data_dir: another siaga runs with {directory}; end it, or set SIAGA_DATA_DIR to another directory"
            )
        # What a run that was killed says of itself is true no more.
        (directory / NAME).unlink(missing_ok=True)
        yield


def is_owned(directory: Path) -> bool:
    """Whether a run holds ``directory``; also where nobody can say, as no run ever held it."""
    try:
        with (directory / _LOCK).open("rb") as lock:
            return not _takes(lock, fcntl.LOCK_SH)
    except OSError:
        return True


def _takes(lock: IO[Any], kind: int) -> bool:
    """Whether the lock is had now; it goes with the file."""
    try:
        fcntl.flock(lock, kind | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def empty(directory: Path) -> None:
    """Delete everything an earlier run left in a directory that this run owns."""
    import shutil

    for entry in directory.iterdir():
        if entry.name == _LOCK:
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()
