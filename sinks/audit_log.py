"""The audit trail: who changed what and when, each row sealed with the hash of the row before.

A row's hash is SHA-256 over the previous row's hash and the canonical JSON of its own columns, so that a row that
was changed, removed or inserted breaks the chain. Where it ends stands in ``audit_head``; who can rewrite the
database can rewrite both, therefore ``siaga audit verify`` prints the end, to be written down elsewhere. The row of a
command holds the hash of the command, so that the command itself cannot be changed either.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from siaga.store.tables import audit_head, audit_log, commands, utc_text
from sinks.bulk import Row
from sinks.rows import canonical

#: What the first row is sealed with.
BEGINNING: Final = "0" * 64

#: What every command's action begins with.
COMMAND: Final = "command."


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


def seal(act: Act, seq: int, previous: str) -> str:
    """The hash of the row ``seq`` that follows one with the hash ``previous``."""
    columns = canonical([seq, utc_text(act.at), act.actor, act.action, act.object, act.detail])
    return hashlib.sha256(bytes.fromhex(previous) + columns).hexdigest()


def rows_of(acts: Iterable[Act], head: Head) -> Iterator[Row]:
    """The rows of what was done, sealed one to the other, after the row ``head``."""
    previous = head.hash
    for seq, act in enumerate(acts, head.seq + 1):
        digest = seal(act, seq, previous)
        yield (seq, utc_text(act.at), act.actor, act.action, act.object, act.detail, previous, digest)
        previous = digest


def read_head(connection: sa.Connection) -> Head:
    """Where the trail ends now."""
    row = connection.execute(sa.select(audit_head.c.seq, audit_head.c.hash)).one_or_none()
    return Head(row.seq, row.hash) if row is not None else Head()


def command_detail(command_id: str, body: Any) -> str:
    """What a command's audit row holds of it, and by which way it came where that is known."""
    via = f" via:{body['via']}" if body.get("via") else ""
    return f"{command_id} sha256:{hashlib.sha256(canonical(body)).hexdigest()}{via}"


# -- verifying ----------------------------------------------------------------------------------------------------


def verify(connection: sa.Connection) -> Verdict:
    """Go along the whole trail, and along the commands it is about. Memory grows with the commands, not the trail."""
    breaks: list[Break] = []
    head = Head()
    missing = {
        command_detail(row.command_id, row.body)
        for row in connection.execute(sa.select(commands.c.command_id, commands.c.body))
    }
    for row in connection.execution_options(yield_per=1000).execute(sa.select(audit_log).order_by(audit_log.c.seq)):
        act = Act(row.at, row.actor, row.action, row.object, row.detail)
        why = _fault(row, act, head)
        if why is not None:
            breaks.append(Break(row.seq, why))
        if row.action.startswith(COMMAND):
            if row.detail in missing:
                missing.remove(row.detail)
            else:
                breaks.append(Break(row.seq, "its command is missing, was changed, or is told of twice"))
        head = Head(row.seq, row.hash)
    kept = read_head(connection)
    if kept != head:
        breaks.append(Break(head.seq, f"the trail ends here and should end at row {kept.seq}: its end was changed"))
    breaks += [Break(head.seq, f"command {detail.partition(' ')[0]} has no row") for detail in sorted(missing)]
    return Verdict(head, tuple(breaks))


def _fault(row: Any, act: Act, before: Head) -> str | None:
    """Why a row does not follow the one before, where it does not."""
    if row.seq != before.seq + 1:
        return f"rows are missing between {before.seq} and {row.seq}"
    if row.previous != before.hash:
        return "does not follow the row before it: one was changed, removed or inserted"
    if row.hash != seal(act, row.seq, row.previous):
        return "was changed after it was written"
    return None
