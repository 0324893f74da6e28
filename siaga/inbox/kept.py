"""What the inbox has received: on disk as it came, the newest in memory.

Input: messages by webhook. Output: :class:`Received`, the same one where the same message comes again. State: a file
with a line for each, and the newest :data:`MOST` of them. Any thread may call.
"""

from __future__ import annotations

import json
import os
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from threading import Lock
from typing import Any, Final

from siaga.beginning import make_directory

#: How many are shown, and how far back a repeat is known as one.
MOST: Final = 5_000


@dataclass(frozen=True, slots=True)
class Received:
    """One message to one officer. ``at`` is epoch seconds; ``repeats`` counts how often it came again."""

    number: int
    key: str
    officer_id: str
    at: float
    body: Mapping[str, Any]
    repeats: int = 0


class Kept:
    """The messages received, over restarts."""

    def __init__(self, path: Path) -> None:
        make_directory(path.parent)
        self._lock = Lock()
        self._newest: OrderedDict[tuple[str, str], Received] = OrderedDict()
        self._count = 0
        if path.exists():
            self._read(path)
        # Officers' messages: for the owner only.
        self._file = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "a", encoding="utf-8")

    def take(self, officer_id: str, key: str, body: Mapping[str, Any], at: float) -> Received:
        """Keep a message; one of a ``key`` that the officer has already is counted and not kept again.

        It is on disk when this returns: a sender that is told so may forget it.
        """
        with self._lock:
            known = self._newest.get((officer_id, key))
            if known is None:
                known = Received(self._count + 1, key, officer_id, at, body)
                self._write(asdict(known))
                self._add(known)
            else:
                known = replace(known, repeats=known.repeats + 1)
                self._write({"again": key, "officer_id": officer_id, "at": at})
                self._newest[officer_id, key] = known
            return known

    def newest(self, *, officer_id: str | None = None, after: int = 0) -> list[Received]:
        """What was received, newest first; of one officer, or with a greater number than ``after``."""
        with self._lock:
            found = [
                one
                for one in self._newest.values()
                if one.number > after and (officer_id is None or one.officer_id == officer_id)
            ]
        return found[::-1]

    @property
    def count(self) -> int:
        """How many messages were received, repeats left out."""
        return self._count

    @property
    def repeats(self) -> int:
        """How often one of those still known came again."""
        with self._lock:
            return sum(one.repeats for one in self._newest.values())

    def close(self) -> None:
        """Write no more."""
        with self._lock:
            self._file.close()

    def _add(self, one: Received) -> None:
        self._newest[one.officer_id, one.key] = one
        self._count = one.number
        if len(self._newest) > MOST:
            self._newest.popitem(last=False)

    def _write(self, line: Mapping[str, Any]) -> None:
        self._file.write(json.dumps(line, ensure_ascii=False) + "\n")
        self._file.flush()
        os.fsync(self._file.fileno())

    def _read(self, path: Path) -> None:
        with path.open("r+b") as file:
            whole = 0
            for line in file:
                if not line.endswith(b"\n"):
                    break  # half a line, of a crash: its sender was never told that it is kept
                whole += len(line)
                said = json.loads(line)
                if "again" in said:
                    known = self._newest.get((said["officer_id"], said["again"]))
                    if known is not None:
                        self._newest[known.officer_id, known.key] = replace(known, repeats=known.repeats + 1)
                else:
                    self._add(Received(**said))
            file.truncate(whole)
