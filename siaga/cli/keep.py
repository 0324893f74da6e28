"""``siaga backup``, ``siaga restore`` and ``siaga db rebuild``: the database kept, and made again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import typer

from siaga.cli.panels import PROVE
from siaga.cli.store import db

#: What no backup of the database holds.
_NOT_IN_IT: Final = (
    "Not in it: what lies on Kafka, the gateway's spool, the key of links (link.key), settings and their files."
)


def register(app: typer.Typer) -> None:
    """Add the two commands; the third belongs to ``siaga db``."""
    app.command(rich_help_panel=PROVE)(backup)
    app.command(rich_help_panel=PROVE)(restore)


def backup(
    target: str = typer.Argument(
        help="File to write, or a directory to write one into, named after the time; one with a / behind it is made."
    ),
    as_json: bool = typer.Option(False, "--json", help="Print what is in it as JSON."),
) -> None:
    """Write the whole database into one file, while Siaga runs. CONFIDENTIAL: encrypt it where you keep it."""
    from dataclasses import asdict
    from datetime import UTC, datetime

    from siaga.cli.running import settings_of_running
    from siaga.cli.store import _print_json
    from sinks.backup import backup as make

    settings, place = settings_of_running(), Path(target)
    # Without the stroke nobody can tell a directory that is not there from a file.
    path, manifest = make(settings, place, datetime.now(UTC), within=target.endswith("/"))
    if as_json:
        _print_json({"file": str(path), **asdict(manifest)})
        return
    typer.echo(f"{path}: {sum(manifest.rows.values()):,} rows of {len(manifest.rows)} tables")
    typer.echo(f"The audit trail in it has {manifest.audit_seq:,} rows; the last has the hash {manifest.audit_hash}")
    typer.echo(_NOT_IN_IT)


def restore(
    file: Path = typer.Argument(help="What 'siaga backup' wrote."),
    as_json: bool = typer.Option(False, "--json", help="Print what was restored as JSON."),
) -> None:
    """Fill an empty database from a backup; every table is counted and the audit trail verified.

    PostgreSQL's has to be there already; SQLite's file must not.
    """
    from dataclasses import asdict

    from siaga.cli.store import _print_json
    from siaga.settings import load_settings
    from sinks.backup import restore as fill

    settings = load_settings()
    manifest = fill(settings, file, _make_schemas)
    if as_json:
        _print_json(asdict(manifest))
        return
    for table, rows in manifest.rows.items():
        typer.echo(f"{table}: {rows:,}")
    typer.echo(f"The backup of {manifest.made_at} is restored: {sum(manifest.rows.values()):,} rows, each counted")
    typer.echo(f"Jejak audit utuh. / The audit trail is intact: {manifest.audit_seq:,} rows.")
    typer.echo("Start 'siaga sinks': it reads what came since from Kafka. On PostgreSQL run 'siaga db roles' first.")


def _make_schemas(revisions: Mapping[str, str]) -> None:
    """Both schemas as they were; they are brought up when what was in them is there."""
    from console.accounts import schema
    from console.database import Database
    from siaga.settings import SettingsError, load_settings
    from sinks import migrate
    from sinks.database import engine_of

    settings = load_settings()
    accounts = Database(settings.database_url, settings.database_password_file)
    made: dict[str, tuple[tuple[str, ...], Callable[[str], object]]] = {
        "alembic_version": (migrate.revisions(), lambda to: migrate.upgrade(engine_of(settings, writes=True), to)),
        "accounts_version": (schema.revisions(), lambda to: schema.upgrade(accounts.write, to)),
    }
    try:
        for name, revision in revisions.items():
            known, up = made[name]
            if revision not in known:
                raise SettingsError(f"file: its schema is revision {revision}, of a newer Siaga; upgrade this one")
            up(revision)
    finally:
        accounts.close()


@db.command()
def rebuild(as_json: bool = typer.Option(False, "--json", help="Print the account as JSON.")) -> None:
    """Fill an empty database with what Kafka still holds (seven days), and count it. Nobody is called meanwhile."""
    from siaga.cli.running import settings_of_running
    from siaga.cli.store import _account, _print_json, _progress
    from sinks.rebuild import rebuild as make
    from sinks.reconcile import reconcile

    settings = settings_of_running()
    with _progress() as progress:
        task = progress.add_task("records stored", total=None)
        records = make(settings, progress=lambda records: progress.update(task, completed=records))
    accounts = reconcile(settings, wait=0.0)
    complete = not any(account.missing for account in accounts)
    if as_json:
        told = {"complete": complete, "records": records, "topics": [_account(account) for account in accounts]}
        _print_json(told)
    else:
        typer.echo(f"{records:,} records of Kafka are stored")
        for one in accounts:
            typer.echo(f"{one.topic}: {one.items:,} items, {one.stored:,} stored, {one.rejected:,} set aside")
        typer.echo("Lengkap. / Complete." if complete else "More came meanwhile; 'siaga sinks' stores it.")
