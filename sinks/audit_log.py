"""The audit trail: who changed what and when, each row sealed with the hash of the row before.

A row's hash is SHA-256 over the previous row's hash and the canonical JSON of its own columns, so that a row that
was changed, removed or inserted breaks the chain. Where it ends stands in ``audit_head``; who can rewrite the
database can rewrite both, therefore ``siaga audit verify`` prints the end, to be written down elsewhere. The row of a
command holds the hash of the command, so that the command itself cannot be changed either.

Personal data may be erased from a row (:mod:`sinks.erase`): its own hash is then what was, and its salt is gone, so
that nobody finds by guessing what it said. The erasure is itself a row, sealed like any other, and holds the hash of
all erased rows as they are now: to change a row unseen is as hard as before.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from siaga.store.tables import audit_head, audit_log, commands, utc_text
from sinks.bulk import Row
from sinks.rows import canonical

#: What the first row is sealed with.
BEGINNING: Final = "0" * 64

#: What every command's action begins with, and that of every erasure.
COMMAND: Final = "command."
ERASURE: Final = "erasure."
#: In an erasure's detail: how many rows of the trail are erased, and their hash.
_ERASED: Final = re.compile(r"^audit=(\d+) sha256:([0-9a-f]{64})(?: |$)")


@dataclass(frozen=True, slots=True)
class Act:
    """One thing somebody did."""

    at: datetime
    actor: str
    action: str
    object: str
    detail: str


@dataclass(frozen=True, slots=True)
class Head:
    """Where the trail ends: how many rows it has, and the hash of the last."""

    seq: int = 0
    hash: str = BEGINNING


@dataclass(frozen=True, slots=True)
class Break:
    """Where the trail does not hold, and why."""

    seq: int
    why: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the trail says of itself."""

    head: Head
    breaks: tuple[Break, ...]
    #: How many rows had personal data erased from them.
    erased: int = 0


def seal(act: Act, seq: int, previous: str, salt: str | None = None) -> str:
    """The hash of the row ``seq`` that follows one with the hash ``previous``; rows of old have no ``salt``."""
    said = _said(act, seq) if salt is None else [*_said(act, seq), salt]
    return hashlib.sha256(bytes.fromhex(previous) + canonical(said)).hexdigest()


def _said(act: Act, seq: int) -> list[object]:
    return [seq, utc_text(act.at), act.actor, act.action, act.object, act.detail]


def rows_of(
    acts: Iterable[Act], head: Head, new_salt: Callable[[], str] = lambda: secrets.token_hex(16)
) -> Iterator[Row]:
    """The rows of what was done, sealed one to the other, after the row ``head``."""
    previous = head.hash
    for seq, act in enumerate(acts, head.seq + 1):
        salt = new_salt()
        digest = seal(act, seq, previous, salt)
        at = utc_text(act.at)
        yield (seq, at, act.actor, act.action, act.object, act.detail, previous, digest, salt, None)
        previous = digest


def head_of(row: Row) -> Head:
    """Where the trail ends after a row."""
    return Head(row[0], row[7])


def read_head(connection: sa.Connection) -> Head:
    """Where the trail ends now."""
    row = connection.execute(sa.select(audit_head.c.seq, audit_head.c.hash)).one_or_none()
    return Head(row.seq, row.hash) if row is not None else Head()


def command_detail(command_id: str, body: Any) -> str:
    """What a command's audit row holds of it, and by which way it came where that is known."""
    via = f" via:{body['via']}" if body.get("via") else ""
    return f"{command_id} sha256:{hashlib.sha256(canonical(body)).hexdigest()}{via}"


@contextmanager
def unguarded(connection: sa.Connection) -> Iterator[None]:
    """The audit trail without its guards against changes, which only the tables' owner may take away."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("ALTER TABLE audit_log DISABLE TRIGGER audit_log_append_only")
        yield
        connection.exec_driver_sql("ALTER TABLE audit_log ENABLE TRIGGER audit_log_append_only")
        return
    asked = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'audit_log'"
    guards = list(connection.exec_driver_sql(asked))
    for name, _ in guards:
        connection.exec_driver_sql(f"DROP TRIGGER {name}")
    yield
    for _, statement in guards:
        connection.exec_driver_sql(statement)


# -- verifying ----------------------------------------------------------------------------------------------------


def verify(connection: sa.Connection) -> Verdict:
    """Go along the whole trail, and along the commands it is about. Memory grows with the commands, not the trail."""
    breaks: list[Break] = []
    head = Head()
    missing = {
        command_detail(row.command_id, row.body)
        for row in connection.execute(sa.select(commands.c.command_id, commands.c.body))
    }
    now = Erasures()
    told: Erasures | None = None
    for row in connection.execution_options(yield_per=1000).execute(sa.select(audit_log).order_by(audit_log.c.seq)):
        act = Act(row.at, row.actor, row.action, row.object, row.detail)
        why = _fault(row, act, head)
        if why is not None:
            breaks.append(Break(row.seq, why))
        if row.erased_by is not None:
            now.add(act, row.seq)
        if row.action.startswith(ERASURE):
            told = Erasures.read(row.detail)
        elif row.action.startswith(COMMAND):
            if row.detail in missing:
                missing.remove(row.detail)
            else:
                breaks.append(Break(row.seq, "its command is missing, was changed, or is told of twice"))
        head = Head(row.seq, row.hash)
    if now.count and (told is None or told.said != now.said):
        breaks.append(Break(head.seq, "rows are marked as erased that are not as the last erasure left them"))
    kept = read_head(connection)
    if kept != head:
        breaks.append(Break(head.seq, f"the trail ends here and should end at row {kept.seq}: its end was changed"))
    breaks += [Break(head.seq, f"command {detail.partition(' ')[0]} has no row") for detail in sorted(missing)]
    return Verdict(head, tuple(breaks), now.count)


class Erasures:
    """The rows that personal data was erased from, as they stand: how many, and a hash over them in order."""

    def __init__(self) -> None:
        self.count = 0
        self._hash = hashlib.sha256()
        self._read: str | None = None

    def add(self, act: Act, seq: int) -> None:
        """The next of them."""
        self.count += 1
        self._hash.update(canonical(_said(act, seq)))

    @property
    def said(self) -> str:
        """What an erasure's row says of them at the beginning of its detail."""
        return f"audit={self.count} sha256:{self._read or self._hash.hexdigest()}"

    @classmethod
    def read(cls, detail: str) -> Erasures | None:
        """What an erasure's row said; None where it says nothing of them."""
        found = _ERASED.match(detail)
        if found is None:
            return None
        told = cls()
        told.count, told._read = int(found[1]), found[2]
        return told


def erasures(connection: sa.Connection) -> Erasures:
    """The rows that were erased until now."""
    found = Erasures()
    asked = sa.select(audit_log).where(audit_log.c.erased_by.is_not(None)).order_by(audit_log.c.seq)
    for row in connection.execute(asked):
        found.add(Act(row.at, row.actor, row.action, row.object, row.detail), row.seq)
    return found


def _fault(row: Any, act: Act, before: Head) -> str | None:
    """Why a row does not follow the one before, where it does not."""
    if row.seq != before.seq + 1:
        return f"rows are missing between {before.seq} and {row.seq}"
    if row.previous != before.hash:
        return "does not follow the row before it: one was changed, removed or inserted"
    if row.erased_by is None and row.hash != seal(act, row.seq, row.previous, row.salt):
        return "was changed after it was written"
    return None
