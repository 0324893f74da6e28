"""``siaga db downgrade``: the schema taken back, for a Siaga that is older than the database."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from siaga.cli.store import db

if TYPE_CHECKING:
    import sqlalchemy as sa


def register(app: typer.Typer) -> None:
    """``siaga db`` has them already; see :mod:`siaga.cli.store`."""


@db.command()
def downgrade(
    revision: str = typer.Argument(help="Revision to go back to, such as 0004; 'siaga db upgrade' says which it is."),
    *,
    accounts: bool = typer.Option(False, "--accounts", help="The schema of the accounts instead of the store's."),
    yes: bool = typer.Option(False, "--yes", help="Do not ask."),
) -> None:
    """Take the schema back, for an older Siaga. What newer revisions added is dropped, with all that is in it.

    Stop everything first, and make a backup.
    """
    import sqlalchemy as sa

    from siaga.settings import SettingsError, load_settings
    from sinks.database import StoreLock, engine_of

    engine = engine_of(load_settings(), writes=True)
    lock = StoreLock(engine)
    try:
        with engine.connect() as connection:
            now, known = _standing(connection, accounts=accounts)
            if revision not in known or known.index(revision) > known.index(now):
                raise SettingsError(
                    f"revision: the schema is {now}, and cannot go back to {revision[:20]!r}; "
                    f"name one of {', '.join(known[: known.index(now) + 1])}"
                )
            if not lock.take(connection):
                raise SettingsError("database: a store writes into it; stop 'siaga sinks' or 'siaga up' first")
            dropped = ", ".join(known[known.index(revision) + 1 :]) or "nothing"
            typer.echo(
                f"The schema is revision {now}. What these added is dropped, and cannot be had back: {dropped}"
            )
            if not yes:
                typer.confirm(f"Go back to {revision}?", abort=True)
            _take_back(engine, revision, accounts=accounts)
    except sa.exc.OperationalError:
        raise SettingsError("database: does not answer; start it, or correct SIAGA_DATABASE") from None
    except sa.exc.ProgrammingError:
        raise SettingsError(
            "database: this role may not change the schema; set SIAGA_DATABASE to the owner's URL (siaga_owner)"
        ) from None
    finally:
        lock.release()
    typer.echo(f"the schema is revision {revision}; start no newer Siaga, which would bring it up again")


def _standing(connection: sa.Connection, *, accounts: bool) -> tuple[str, tuple[str, ...]]:
    """The revision of the one schema or the other, and all that there are."""
    from console.accounts import schema
    from siaga.settings import SettingsError
    from sinks import migrate

    with connection.begin():
        now = schema.revision_of(connection) if accounts else migrate.revision_of(connection)
    known = schema.revisions() if accounts else migrate.revisions()
    if now not in known:
        raise SettingsError("database: holds no schema that this Siaga knows; correct SIAGA_DATABASE")
    return now, known


def _take_back(engine: sa.Engine, revision: str, *, accounts: bool) -> None:
    from console.accounts import schema
    from sinks import migrate

    (schema.downgrade if accounts else migrate.downgrade)(engine, revision)
