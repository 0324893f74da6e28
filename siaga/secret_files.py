"""Secrets that lie in files, and what is to be done when such a file changes while a process runs.

In: paths out of the settings. Out: what the files hold now. State: the time and size of what was read last.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from siaga.settings import SettingsError


def read_secret(path: Path, setting: str) -> str:
    """The first line of a file, without the white space around it.

    Raises:
        SettingsError: it cannot be read, or holds nothing; ``setting`` is the one that names it.
    """
    variable = f"SIAGA_{setting.upper()}"
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError:
        raise SettingsError(f"{setting}: {path} is no text; write the secret into it on one line") from None
    except OSError as error:
        raise SettingsError(
            f"{setting}: {path} cannot be read ({error.strerror}); correct {variable} or the file's permissions"
        ) from None
    secret = lines[0].strip() if lines else ""
    if not secret:
        raise SettingsError(f"{setting}: {path} is empty; write the secret into it on one line")
    return secret


class Hidden(str):
    """A secret that libraries want as text, and that does not show where they print what they were given."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'"


class FilePassword(Hidden):
    """A password that stands in a file, for clients that keep what they were given and encode it at each sign-in.

    kafka-python and aiokafka do both, for SCRAM. So what was changed in the file counts from the next connection on.
    The text itself is what the file held first, for whoever only asks whether there is a password.
    """

    __slots__ = ("_path", "_setting")
    _path: Path
    _setting: str

    def __new__(cls, path: Path, setting: str) -> FilePassword:
        made = super().__new__(cls, read_secret(path, setting))
        made._path, made._setting = path, setting
        return made

    def encode(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:
        """What the file holds now; while it cannot be read, what it held first."""
        try:
            return read_secret(self._path, self._setting).encode(encoding, errors)
        except SettingsError:
            return super().encode(encoding, errors)


class Watched:
    """Notices that files were replaced or written to."""

    def __init__(self, paths: Iterable[Path]) -> None:
        self._paths = tuple(paths)
        self._seen = self._look()

    def changed(self) -> bool:
        """Whether they are others than at the last call."""
        now = self._look()
        if now == self._seen:
            return False
        self._seen = now
        return True

    def _look(self) -> tuple[tuple[int, int, int] | None, ...]:
        return tuple(_identity(path) for path in self._paths)


def _identity(path: Path) -> tuple[int, int, int] | None:
    try:
        found = os.stat(path)  # noqa: PTH116  (what a link leads to: Kubernetes replaces the link)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
