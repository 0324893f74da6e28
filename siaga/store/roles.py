"""PostgreSQL's rights: a role for each process, as SQL for the owner of the tables to run after every upgrade.

In: the tables, ours and those of the accounts. Out: statements; running them again changes nothing. State: none.

``siaga_owner`` owns everything and alone changes the schema. What must only ever grow (``GROWING``) nobody else may
change or delete from, not even who writes it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from siaga.store.tables import metadata

OWNER: Final = "siaga_owner"
SINKS: Final = "siaga_sinks"
CONSOLE: Final = "siaga_console"
AUDITOR: Final = "siaga_auditor"
#: Roles by the process, or whoever, signs in as them; a file of passwords is named after it.
ROLES: Final = {"sinks": SINKS, "console": CONSOLE, "auditor": AUDITOR}

#: Tables to which rows are added, and in which no row is ever changed.
GROWING: Final = frozenset({"audit_log", "accesses"})
#: Of the store's tables, those that rows are deleted from: what is forgotten on purpose, or was of an older registry
#: or of topics that are gone.
_SHRINKING: Final = frozenset({"page_messages", "stations", "districts", "offsets"})
#: Which revision each of the two schemas is; every process checks its own.
_REVISIONS: Final = ("alembic_version", "accounts_version")


@dataclass(frozen=True, slots=True)
class Grant:
    """What a role may do with a table."""

    role: str
    table: str
    rights: tuple[str, ...]

    def sql(self) -> str:
        return f'GRANT {", ".join(self.rights)} ON "{self.table}" TO {self.role};'


def grants(accounts: sa.MetaData) -> tuple[Grant, ...]:
    """Every right; ``accounts`` are the tables of the command centre's people."""
    return (*_of_sinks(), *_of_console(accounts), *_of_auditor(accounts))


def _of_sinks() -> Iterator[Grant]:
    for table in metadata.sorted_tables:
        rights = ("SELECT", "INSERT") if table.name in GROWING else ("SELECT", "INSERT", "UPDATE")
        yield Grant(SINKS, table.name, (*rights, "DELETE") if table.name in _SHRINKING else rights)
    yield Grant(SINKS, _REVISIONS[0], ("SELECT",))


def _of_console(accounts: sa.MetaData) -> Iterator[Grant]:
    for table in metadata.sorted_tables:
        yield Grant(CONSOLE, table.name, ("SELECT",))
    for table in accounts.sorted_tables:
        yield Grant(CONSOLE, table.name, ("SELECT", "INSERT") if table.name in GROWING else _EVERYTHING)
    for name in _REVISIONS:
        yield Grant(CONSOLE, name, ("SELECT",))


def _of_auditor(accounts: sa.MetaData) -> Iterator[Grant]:
    """Whoever looks things over sees what was stored, and nothing that anybody signs in with."""
    for table in metadata.sorted_tables:
        yield Grant(AUDITOR, table.name, ("SELECT",))
    yield from (Grant(AUDITOR, t.name, ("SELECT",)) for t in accounts.sorted_tables if t.name in GROWING)
    yield Grant(AUDITOR, _REVISIONS[0], ("SELECT",))


_EVERYTHING: Final = ("SELECT", "INSERT", "UPDATE", "DELETE")


def make_roles() -> Iterator[str]:
    """Statements for an administrator: the roles, without passwords, where they are missing."""
    for role in (OWNER, *ROLES.values()):
        yield (
            f"DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}') "
            f"THEN CREATE ROLE {role} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE; END IF; END $$;"
        )


def grant_rights(accounts: sa.MetaData) -> Iterator[str]:
    """Statements for the owner of the tables: what the roles had is taken away, and what they need is given."""
    everybody = ", ".join(ROLES.values())
    yield "REVOKE ALL ON SCHEMA public FROM PUBLIC;"
    yield f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM PUBLIC, {everybody};"
    yield f"REVOKE ALL ON ALL SEQUENCES IN SCHEMA public FROM PUBLIC, {everybody};"
    yield f"GRANT USAGE ON SCHEMA public TO {everybody};"
    yield from (grant.sql() for grant in grants(accounts))
    yield from (f'GRANT USAGE ON SEQUENCE "{name}" TO {CONSOLE};' for name in _sequences(accounts.sorted_tables))


def _sequences(tables: Iterable[sa.Table]) -> Iterator[str]:
    """The sequences that PostgreSQL made for columns that count by themselves."""
    for table in tables:
        column = table.autoincrement_column
        if column is not None and column.autoincrement is True:
            yield f"{table.name}_{column.name}_seq"


def database_rights(database: str) -> Iterator[str]:
    """Statements for an administrator: who may connect, and make the temporary tables that the store copies into."""
    name = '"' + database.replace('"', '""') + '"'
    yield f"ALTER DATABASE {name} OWNER TO {OWNER};"
    yield f"REVOKE ALL ON DATABASE {name} FROM PUBLIC;"
    yield f"GRANT CONNECT ON DATABASE {name} TO {', '.join(ROLES.values())};"
    yield f"GRANT TEMPORARY ON DATABASE {name} TO {SINKS};"
