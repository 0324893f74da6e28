"""``siaga incidents``, ``rejected``, ``audit`` and ``db``: what is in the database, and whether all of it is."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import typer

from siaga.cli.incident_table import incident_table, local
from siaga.cli.panels import LOOK, PROVE

if TYPE_CHECKING:
    from rich.progress import Progress

    from sinks.reconcile import Account

#: Characters of a rejection's id: 'siaga rejected replay' wants it whole.
_ID_WIDTH: Final = 36

rejected = typer.Typer(help="What could not be used, with its reason.", no_args_is_help=True)
audit = typer.Typer(help="Prove that nothing was lost, and that nobody changed the trail.")
db = typer.Typer(help="The database's schema.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(rich_help_panel=LOOK)(incidents)
    app.add_typer(rejected, name="rejected", rich_help_panel=LOOK)
    app.add_typer(audit, name="audit", rich_help_panel=PROVE)
    app.add_typer(db, name="db", rich_help_panel=PROVE)


# -- incidents ----------------------------------------------------------------------------------------------------


def incidents(
    *,
    only_open: bool = typer.Option(False, "--open", help="Leave out what is resolved or dismissed."),
    severity: list[int] = typer.Option([], min=1, max=5, help="1 is the gravest; may be given more than once."),
    district: str | None = typer.Option(None, help="Code of a district, or the beginning of one: 33.26."),
    limit: int = typer.Option(100, min=1, max=10_000, help="How many at most."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON, with the reasons that are not confidential."),
) -> None:
    """List incidents: open ones first, the gravest of them first. Nothing confidential is shown.

    A table shows the beginning of each id, which is enough for 'siaga ack' and its likes.
    """
    import re

    from siaga.cli.running import settings_of_running
    from siaga.settings import SettingsError
    from sinks.queries import list_incidents, taxonomy_of
    from sinks.reading import reading

    # What no code begins with would be answered with a calm that is none.
    if district is not None and not re.fullmatch(r"\d{2}(\.(\d{2}(\.(\d{2})?)?)?)?", district):
        raise SettingsError("district: is no code; write one such as 33.26.08, or the beginning of one: 33.26.")
    with reading(settings_of_running()) as connection:
        found = list_incidents(connection, only_open=only_open, severities=severity, district=district, limit=limit)
        taxonomy = taxonomy_of(connection)
    if as_json:
        _print_json(found)
        return
    if not found:
        typer.echo("Tidak ada kejadian. / No incidents.")
        return
    from rich.console import Console

    console = Console()
    console.print(incident_table(found, taxonomy, console.width))


# -- what could not be used ---------------------------------------------------------------------------------------


@rejected.callback()
def _rejected() -> None:
    """What could not be used, with its reason."""


@rejected.command("list")
def list_(
    reason: str | None = typer.Option(None, help="Only those of this reason, such as unknown_station."),
    limit: int = typer.Option(100, min=1, max=10_000, help="How many at most."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
    original: bool = typer.Option(False, "--original", help="With --json: the original bytes too. CONFIDENTIAL."),
) -> None:
    """List what was set aside, the newest first, with what to do about it."""
    import base64

    from siaga.cli.running import settings_of_running
    from sinks.queries import list_rejected
    from sinks.reading import reading

    with reading(settings_of_running()) as connection:
        found = list_rejected(connection, reason=_reason(reason), limit=limit)
    for row in found:
        content = row.pop("original")
        row["bytes"] = len(content)
        if original:
            row["original"] = base64.b64encode(content).decode()
    if as_json:
        _print_json(found)
        return
    if not found:
        typer.echo("Tidak ada yang ditolak. / Nothing was rejected.")
        return
    from rich import box
    from rich.table import Table

    table = Table(title=f"Ditolak / Rejected: {len(found):,}", box=box.SIMPLE_HEAD, show_lines=True)
    table.add_column("Waktu\nAt", no_wrap=True)
    # An id is copied whole, also from a terminal of 80 columns.
    table.add_column("Alasan, asal, ID\nReason, origin, id", overflow="fold", width=_ID_WIDTH)
    table.add_column("Masalah; cara memperbaiki\nProblem; remedy", overflow="fold", ratio=1)
    for row in found:
        again = "\ndikirim ulang / replayed" if row["replayed_at"] else ""
        where = f"{row['topic']}-{row['partition']}@{row['kafka_offset']}" if row["topic"] else "-"
        origin = f"{row['source']} {where}"
        what = f"{row['reason']}{again}\n{origin}\n{row['rejection_id']}"
        said = (local(row["at"]).replace(" ", "\n"), what, f"{row['message']}; {row['remedy']}")
        table.add_row(*map(_plain, said))
    _print(table)


@rejected.command()
def replay(
    ids: list[str] = typer.Argument(None, help="Ids of rejections."),
    reason: str | None = typer.Option(None, help="All of this reason that were not sent again yet."),
    as_json: bool = typer.Option(False, "--json", help="Print what was done as JSON."),
) -> None:
    """Send originals again, through Kafka, to the topics they came from, once what was wrong has been put right."""
    from dataclasses import asdict

    from siaga.cli.running import settings_of_running
    from siaga.settings import SettingsError
    from sinks.replay import replay as send_again

    if bool(ids) == (reason is not None):
        raise SettingsError("rejected replay: name either ids or one --reason; 'siaga rejected list' shows both")
    done = send_again(settings_of_running(), ids=ids or (), reason=_reason(reason))
    if as_json:
        _print_json(asdict(done))
    else:
        typer.echo(f"{done.sent:,} items sent again")
        if done.same:
            typer.echo(f"{done.same:,} more had the same content and are marked as sent again")
        for one in done.unsendable:
            typer.echo(f"{one}: does not say which topic or district it came from; enter it anew", err=True)
        for one in done.unknown:
            typer.echo(f"{one}: there is no such rejection; see 'siaga rejected list'", err=True)
    if done.unsendable or done.unknown:
        raise typer.Exit(1)


def _reason(given: str | None) -> str | None:
    from siaga.contracts.rejection import RejectReason
    from siaga.settings import SettingsError

    if given is not None and given not in set(RejectReason):
        raise SettingsError(f"reason: there is no {given[:40]!r}; send one of {', '.join(RejectReason)}")
    return given


# -- proofs -------------------------------------------------------------------------------------------------------


@audit.callback(invoke_without_command=True)
def _audit(
    context: typer.Context,
    wait: float = typer.Option(10.0, min=0, help="Seconds to wait for what is not stored yet."),
    as_json: bool = typer.Option(False, "--json", help="Print the account as JSON."),
) -> None:
    """Count every report and check-in on Kafka and find each in the database, once, or set aside with its reason."""
    if context.invoked_subcommand is not None:
        return
    from siaga.cli.running import settings_of_running
    from sinks.reconcile import reconcile

    settings = settings_of_running()
    with _progress() as progress:
        task = progress.add_task("items counted", total=None)
        accounts = reconcile(settings, wait=wait, progress=lambda items: progress.update(task, completed=items))
    complete = not any(account.missing for account in accounts)
    if as_json:
        _print_json({"complete": complete, "topics": [_account(account) for account in accounts]})
    else:
        from rich import box
        from rich.table import Table

        table = Table(title="Semua yang diterima / All that was accepted", box=box.SIMPLE_HEAD)
        table.add_column("Topic", no_wrap=True)
        for heading in ("Records", "Items", "Tersimpan\nStored", "Ditolak\nRejected", "Hilang\nMissing"):
            table.add_column(heading, justify="right")
        for account in accounts:
            numbers = (account.records, account.items, account.stored, account.rejected, len(account.missing))
            table.add_row(account.topic, *(f"{number:,}" for number in numbers))
        _print(table)
        typer.echo(
            "Lengkap. / Complete." if complete else "TIDAK LENGKAP. / INCOMPLETE; --json names what is missing."
        )
    if not complete:
        raise typer.Exit(1)


def _account(account: Account) -> dict[str, Any]:
    return {
        "topic": account.topic,
        "records": account.records,
        "items": account.items,
        "stored": account.stored,
        "rejected": account.rejected,
        "missing": [
            {
                "report_id": item.report_id,
                "partition": item.record.partition,
                "offset": item.record.offset,
                "index": item.index,
            }
            for item in account.missing
        ],
    }


@audit.command()
def verify(as_json: bool = typer.Option(False, "--json", help="Print the verdict as JSON.")) -> None:
    """Go along the audit trail and find every row that was changed, removed or inserted."""
    from dataclasses import asdict

    from siaga.cli.running import settings_of_running
    from sinks.audit_log import verify as examine
    from sinks.reading import reading

    with reading(settings_of_running()) as connection:
        verdict = examine(connection)
    if as_json:
        _print_json({"intact": not verdict.breaks, **asdict(verdict)})
    else:
        for one in verdict.breaks:
            typer.echo(f"row {one.seq}: {one.why}", err=True)
        typer.echo(f"{verdict.head.seq:,} rows; the last has the hash {verdict.head.hash}")
        if verdict.erased:
            typer.echo(f"{verdict.erased:,} rows had personal data erased; rows erasure.… say when, by whom and why")
        typer.echo("Jejak audit utuh. / The audit trail is intact." if not verdict.breaks else "RUSAK. / BROKEN.")
    if verdict.breaks:
        raise typer.Exit(1)


# -- the schema ---------------------------------------------------------------------------------------------------


@db.callback()
def _db() -> None:
    """The database's schema."""


@db.command()
def upgrade() -> None:
    """Bring the database's schema up to date, and that of the accounts.

    'siaga sinks' and 'siaga console' do so by themselves when they start, where their roles may.
    """
    import sqlalchemy as sa

    from console.accounts.schema import upgrade as bring_up_accounts
    from console.database import Database
    from siaga.settings import SettingsError, load_settings
    from sinks.database import engine_of
    from sinks.migrate import newest
    from sinks.migrate import upgrade as bring_up

    settings = load_settings()
    try:
        before = bring_up(engine_of(settings, writes=True))
        bring_up_accounts(Database(settings.database_url, settings.database_password_file).write)
    except sa.exc.OperationalError:
        raise SettingsError("database: does not answer; start it, or correct SIAGA_DATABASE") from None
    except sa.exc.ProgrammingError:
        raise SettingsError(
            "database: this role may not change the schema; set SIAGA_DATABASE to the owner's URL (siaga_owner)"
        ) from None
    now = newest()
    typer.echo(f"the schema is revision {now}" + ("" if before == now else f"; it was {before or 'empty'}"))


@db.command()
def roles(
    apply: bool = typer.Option(False, "--apply", help="Run it on the database, as whoever SIAGA_DATABASE names."),
) -> None:
    """Print, or give, each process's rights in PostgreSQL. Run it as the tables' owner after 'siaga db upgrade'."""
    import sqlalchemy as sa

    from console.accounts.tables import METADATA
    from siaga.settings import SettingsError, load_settings
    from siaga.store.roles import grant_rights
    from sinks.database import engine_of

    statements = list(grant_rights(METADATA))
    if not apply:
        typer.echo("\n".join(statements))
        return
    engine = engine_of(load_settings())
    if engine.dialect.name != "postgresql":
        raise SettingsError("database: only PostgreSQL knows roles; set SIAGA_DATABASE to postgresql://…")
    try:
        with engine.begin() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)
    except sa.exc.OperationalError:
        raise SettingsError("database: does not answer; start it, or correct SIAGA_DATABASE") from None
    except sa.exc.ProgrammingError as error:
        raise SettingsError(
            f"database: the rights cannot be given ({type(error.orig).__name__}); make the roles with "
            "deploy/postgres/roles.sql, run 'siaga db upgrade', and sign in as siaga_owner"
        ) from None
    typer.echo(f"{len(statements)} statements are done")


# -- printing -----------------------------------------------------------------------------------------------------


def _print_json(value: Any) -> None:
    import json

    typer.echo(json.dumps(value, ensure_ascii=False, indent=2, default=_as_text))


def _as_text(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _print(table: Any) -> None:
    from rich.console import Console

    Console().print(table)


def _plain(text: str) -> Any:
    """Text as it is: what came from outside is no markup."""
    from rich.text import Text

    return Text(text)


def _progress() -> Progress:
    """Shown on stderr, so that what is printed can be read by a program."""
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.completed:,.0f} {task.description}"), TimeElapsedColumn())
    return Progress(*columns, console=Console(stderr=True), transient=True)
