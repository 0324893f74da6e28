"""Erases personal data whose purpose is over, and has the audit trail say so and stay whole.

Input: whom or until when, who does it and why. Output: rows without the person, an erasure in the audit trail, and
how many rows were changed. State: none. Nothing of an incident that is still open is touched: there the purpose goes
on. One transaction does all of it; trying it out is the same transaction, taken back.

Runs as the owner of the tables and while no store writes: the trail is append-only for everybody else, and its end is
known to the store that adds to it.
"""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import partial
from typing import Any, Final

import sqlalchemy as sa

from siaga.settings import Settings, SettingsError
from siaga.store import tables
from siaga.store.tables import audit_head, audit_log
from sinks.audit_log import (
    COMMAND,
    ERASURE,
    Act,
    Head,
    command_detail,
    erasures,
    head_of,
    read_head,
    rows_of,
    unguarded,
)
from sinks.bulk import put
from sinks.database import StoreLock, engine_of
from sinks.erased import PREFIX, TEXT, replaced
from sinks.migrate import newest, revision_of
from sinks.work import chunks

#: Whose incident is not over.
_OPEN: Final = ("open", "acknowledged")
#: The command centre's, which is not ours to import: who looked up who reported.
_ACCESSES: Final = sa.table(
    "accesses",
    sa.column("access_id", sa.Integer),
    sa.column("at", tables.UtcTime),
    sa.column("user_name", sa.String),
    sa.column("reason", sa.String),
)
_USERS: Final = sa.table("users", sa.column("name", sa.String), sa.column("active", sa.Boolean))
#: Tables of the accounts that say something of a user, by the column that names them.
_OF_USERS: Final = tuple(
    sa.table(name, sa.column("user_name", sa.String)) for name in ("identities", "sessions", "tokens")
)
#: Columns that name an officer, beside a body that may.
_OFFICERS: Final = {
    tables.incidents: ("verified_by", "refuted_by", "assigned_to", "acknowledged_by"),
    tables.escalations: ("acknowledged_by",),
    tables.pages: ("officer_id",),
    tables.commands: ("actor",),
}
#: The longest reason that an erasure's row has room for.
LONGEST_REASON: Final = 80


class Kind(StrEnum):
    """What is erased."""

    FREE_TEXT = "free-text"
    LOCATIONS = "locations"
    REPORTERS = "reporters"


@dataclass(frozen=True, slots=True)
class Scope:
    """One of the three: a reporter, an officer, or everything received before a time, and what of it."""

    reporter: str | None = None
    officer: str | None = None
    before: datetime | None = None
    kinds: frozenset[Kind] = frozenset(Kind)


@dataclass(slots=True)
class Erased:
    """What was done."""

    #: Rows changed, by table.
    rows: dict[str, int] = field(default_factory=dict)
    #: Reports that stay as they are because their incident is open, or is not known yet.
    kept: int = 0
    #: What stands for the person now, where there is one.
    pseudonym: str = ""
    #: Whether the space was given back, so that the old values are not in the database's files either.
    swept: bool = False


@dataclass(frozen=True, slots=True)
class Order:
    """Who has it done, why and when."""

    by: str
    reason: str
    at: datetime


def erase(settings: Settings, scope: Scope, order: Order, *, dry_run: bool = False) -> Erased:
    """Erase, or with ``dry_run`` only count.

    Raises:
        SettingsError: the database does not answer or has another schema, a store writes into it, or this role may
            not change the audit trail.
    """
    engine = engine_of(settings, writes=True)
    lock = StoreLock(engine)
    try:
        with engine.connect() as connection:
            with connection.begin():
                if revision_of(connection) != newest():
                    raise SettingsError("database: has another schema than this Siaga; run 'siaga db upgrade'")
            if not lock.take(connection):
                raise SettingsError("database: a store writes into it; stop 'siaga sinks' or 'siaga up' first")
            with connection.begin() as transaction:
                with unguarded(connection):
                    done = _Eraser(connection, scope).run(order)
                if dry_run:
                    transaction.rollback()
        if not dry_run:
            done.swept = _sweep(engine, done.rows)
    except sa.exc.OperationalError:
        raise SettingsError("database: does not answer; start it, or correct SIAGA_DATABASE") from None
    except sa.exc.ProgrammingError:
        raise SettingsError(
            "database: only the tables' owner may erase; set SIAGA_DATABASE to the owner's URL (siaga_owner)"
        ) from None
    finally:
        lock.release()
    return done


class _Eraser:
    """One erasure in its transaction."""

    def __init__(self, connection: sa.Connection, scope: Scope) -> None:
        self._connection = connection
        self._scope = scope
        self._pseudonyms: dict[str, str] = {}
        self._commands: dict[str, Mapping[str, Any]] = {}
        incidents = tables.incidents
        self._open = sa.select(incidents.c.incident_id).where(incidents.c.state.in_(_OPEN))
        self._done = Erased()

    def run(self, order: Order) -> Erased:
        scope = self._scope
        if scope.officer is not None:
            self._officer(scope.officer)
        else:
            self._reports()
            self._checkins()
            self._rejected()
            if scope.before is not None and Kind.FREE_TEXT in scope.kinds:
                self._texts(scope.before)
        person = scope.reporter or scope.officer
        self._done.pseudonym = self._pseudonym(person) if person is not None else ""
        self._audit(order)
        return self._done

    # -- reports ----------------------------------------------------------------------------------------------------

    def _reports(self) -> None:
        table, scope = tables.reports, self._scope
        if scope.before is not None:
            meant = table.c.received_at < scope.before
        else:
            meant = table.c.body["reporter"]["id"].as_string() == scope.reporter
        over = sa.and_(table.c.incident_id.is_not(None), table.c.incident_id.not_in(self._open))
        counted = sa.select(sa.func.count()).select_from(table).where(meant, sa.not_(over))
        self._done.kept = self._connection.scalar(counted) or 0
        self._change(table, sa.and_(meant, over), self._report)

    def _report(self, row: Any) -> dict[str, Any]:
        body, kinds = dict(row.body), self._scope.kinds
        changed: dict[str, Any] = {"body": body}
        if Kind.REPORTERS in kinds:
            body["reporter"] = {**body["reporter"], "id": self._pseudonym(body["reporter"]["id"])}
            body["device_id"] = changed["device_id"] = self._pseudonym(row.device_id)
        if Kind.LOCATIONS in kinds:
            body["location"] = None
        if Kind.FREE_TEXT in kinds and body.get("text"):
            body["text"] = TEXT
        return changed

    def _checkins(self) -> None:
        """All at once, for they are many: whoever is meant has one pseudonym."""
        table, scope = tables.checkins, self._scope
        meant = table.c.reporter_id == scope.reporter if scope.before is None else table.c.received_at < scope.before
        values: dict[str, Any] = {}
        if Kind.REPORTERS in scope.kinds:
            name = self._pseudonym(scope.reporter or "")
            values |= {"reporter_id": name, "device_id": name}
            meant = sa.and_(meant, sa.not_(table.c.reporter_id.startswith(PREFIX, autoescape=True)))
        if Kind.LOCATIONS in scope.kinds:
            values |= {"lat": None, "lon": None, "accuracy_m": None}
        if values:
            self._update(table, meant, values)

    def _rejected(self) -> None:
        """The original bytes hold everything at once: they go whole, and cannot be sent again."""
        table, scope = tables.rejected, self._scope
        gone = {"original": b"", "topic": None, "key": None}
        if scope.before is not None:
            self._update(table, sa.and_(table.c.at < scope.before, sa.func.length(table.c.original) > 0), gone)
            return
        wanted = f'"{scope.reporter}"'.encode()
        found = [
            row.rejection_id
            for row in self._connection.execute(sa.select(table.c.rejection_id, table.c.original))
            if wanted in bytes(row.original)
        ]
        for some in chunks(found):
            self._update(table, table.c.rejection_id.in_(some), gone)

    # -- what people wrote ------------------------------------------------------------------------------------------

    def _texts(self, before: datetime) -> None:
        incidents, events, commands, results = (
            tables.incidents,
            tables.incident_events,
            tables.commands,
            tables.page_results,
        )
        over = sa.and_(incidents.c.updated_at < before, incidents.c.state.not_in(_OPEN))
        self._change(incidents, over, _without_texts)
        said = sa.and_(events.c.actor.is_not(None), events.c.detail.not_in(("", TEXT)))
        self._update(events, sa.and_(events.c.at < before, said, self._over(events)), {"detail": TEXT})
        written = sa.and_(commands.c.at < before, commands.c.reason.not_in(("", TEXT)), self._over(commands))
        self._change(commands, written, self._command_text)
        answered = sa.and_(results.c.at < before, results.c.detail.not_in(("", TEXT)), self._over(results))
        self._update(results, answered, {"detail": TEXT})
        if self._has_accesses():
            asked = sa.and_(_ACCESSES.c.at < before, _ACCESSES.c.reason != TEXT)
            self._update(_ACCESSES, asked, {"reason": TEXT})

    def _command_text(self, row: Any) -> dict[str, Any]:
        body = self._commands[row.command_id] = {**row.body, "reason": TEXT}
        return {"body": body, "reason": TEXT}

    # -- officers ---------------------------------------------------------------------------------------------------

    def _officer(self, officer: str) -> None:
        new = self._pseudonym(officer)
        for table, columns in _OFFICERS.items():
            named = [table.c[name] == officer for name in columns]
            told = sa.cast(table.c.body, sa.Text).contains(f'"{officer}"', autoescape=True)
            meant = sa.and_(sa.or_(*named, told), self._over(table))
            self._change(table, meant, partial(self._without, columns=columns, old=officer, new=new))
        for table, column, more in (
            (tables.incident_events, "actor", {}),
            (tables.escalation_steps, "officer_id", {}),
            (tables.page_results, "officer_id", {"provider_id": None, "detail": ""}),
        ):
            self._update(table, sa.and_(table.c[column] == officer, self._over(table)), {column: new, **more})
        messages = tables.page_messages
        self._update(messages, messages.c.officer_id == officer, {"officer_id": new})
        if self._has_accesses():
            self._update(_ACCESSES, _ACCESSES.c.user_name == officer, {"user_name": new})
            self._account(officer)

    def _account(self, user: str) -> None:
        """An account that lets nobody in any more goes whole; one that does is somebody's work."""
        shut = sa.and_(_USERS.c.name == user, _USERS.c.active.is_(sa.false()))
        if not self._connection.scalar(sa.select(_USERS.c.name).where(shut)):
            return
        for table in _OF_USERS:
            if sa.inspect(self._connection).has_table(table.name):
                gone = sa.delete(table).where(table.c.user_name == user)
                self._count(table.name, self._connection.execute(gone).rowcount)
        self._count(_USERS.name, self._connection.execute(sa.delete(_USERS).where(shut)).rowcount)

    def _without(self, row: Any, *, columns: tuple[str, ...], old: str, new: str) -> dict[str, Any]:
        body = replaced(row.body, old, new)
        changed: dict[str, Any] = {"body": body}
        changed |= {name: new for name in columns if getattr(row, name) == old}
        if hasattr(row, "provider_id"):
            # What the provider calls the message leads to the number it was sent to.
            changed["provider_id"] = None
        if hasattr(row, "command_id"):
            self._commands[row.command_id] = body  # type: ignore[assignment]  # an object stays one
        return changed

    # -- the trail --------------------------------------------------------------------------------------------------

    def _audit(self, order: Order) -> None:
        """Erase from the trail what was erased elsewhere, and add the erasure to it."""
        head = read_head(self._connection)
        gone: dict[str, Any] = {"salt": None, "erased_by": head.seq + 1}
        told = sa.select(audit_log).where(audit_log.c.action.startswith(COMMAND, autoescape=True))
        for row in self._connection.execute(told).all() if self._commands else ():
            command_id = row.detail.partition(" ")[0]
            body = self._commands.get(command_id)
            if body is not None:
                values = {**gone, "actor": body["by"], "detail": command_detail(command_id, body)}
                self._update(audit_log, audit_log.c.seq == row.seq, values)
        officer = self._scope.officer
        if officer is not None:
            others = sa.not_(audit_log.c.action.startswith(COMMAND, autoescape=True))
            mine = sa.and_(audit_log.c.actor == officer, others)
            self._update(audit_log, mine, {**gone, "actor": self._pseudonym(officer)})
        self._add(order, head)

    def _add(self, order: Order, head: Head) -> None:
        scope, rows = self._scope, sum(self._done.rows.values())
        what, whom = "before", f"{scope.before:%Y-%m-%dT%H:%M%z}" if scope.before is not None else ""
        if scope.before is None:
            what, whom = "reporter" if scope.reporter is not None else "officer", self._done.pseudonym
        kinds = "" if scope.officer is not None else f" {','.join(sorted(scope.kinds))}"
        act = Act(
            at=order.at,
            actor=order.by,
            action=f"{ERASURE}{what}",
            # Whose data it was is told by the pseudonym: the name would stay here for ever.
            object=f"{whom}{kinds}",
            detail=f"{erasures(self._connection).said} rows={rows} {order.reason}",
        )
        sealed = list(rows_of([act], head))
        put(self._connection, audit_log, sealed)
        end = head_of(sealed[0])
        put(self._connection, audit_head, [(1, end.seq, end.hash)], newer=())

    # -- statements -------------------------------------------------------------------------------------------------

    def _pseudonym(self, name: str) -> str:
        if name.startswith(PREFIX):
            return name
        return self._pseudonyms.setdefault(name, f"{PREFIX}{secrets.token_hex(6)}")

    def _over(self, table: sa.Table) -> sa.ColumnElement[bool]:
        return table.c.incident_id.not_in(self._open)

    def _has_accesses(self) -> bool:
        return sa.inspect(self._connection).has_table(_ACCESSES.name)

    def _update(self, table: Any, where: sa.ColumnElement[bool], values: Mapping[str, Any]) -> None:
        self._count(table.name, self._connection.execute(sa.update(table).where(where).values(**values)).rowcount)

    def _change(
        self, table: sa.Table, where: sa.ColumnElement[bool], change: Callable[[Any], Mapping[str, Any]]
    ) -> None:
        """Change rows one by one, as ``change`` says of each."""
        (key,) = table.primary_key
        keys = list(self._connection.scalars(sa.select(key).where(where)))
        for some in chunks(keys):
            for row in self._connection.execute(sa.select(table).where(key.in_(some))).all():
                values = change(row)
                if any(getattr(row, name) != value for name, value in values.items()):
                    mine = key == getattr(row, key.name)
                    self._connection.execute(sa.update(table).where(mine).values(**values))
                    self._count(table.name, 1)

    def _count(self, table: str, rows: int) -> None:
        if rows:
            self._done.rows[table] = self._done.rows.get(table, 0) + rows


def _without_texts(row: Any) -> dict[str, Any]:
    """An incident without what people wrote."""
    body = dict(row.body)
    if body.get("outcome"):
        body["outcome"] = TEXT
    if body.get("override"):
        body["override"] = {**body["override"], "reason": TEXT}
    # What the rules did names the rule; what people did may say anything.
    body["history"] = [
        {**entry, "detail": TEXT} if entry.get("by") and entry.get("detail") else entry
        for entry in body.get("history") or ()
    ]
    return {"body": body, "outcome": TEXT if row.outcome else row.outcome}


def _sweep(engine: sa.Engine, rows: Mapping[str, int]) -> bool:
    """Give the space back in which the old values still lie; false where somebody is in the way."""
    try:
        if engine.dialect.name == "sqlite":
            with closing(sqlite3.connect(str(engine.url.database), timeout=5, isolation_level=None)) as file:
                file.execute("VACUUM")
                return bool(file.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0)
        with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
            for table in rows:
                connection.exec_driver_sql(f"VACUUM {table}")
    except (sqlite3.OperationalError, sa.exc.OperationalError):
        return False
    return True
