"""``siaga erase``: personal data whose purpose is over (Law 27 of 2022 on the protection of personal data)."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Final

import typer

from siaga.cli.panels import PROVE

if TYPE_CHECKING:
    from sinks.erase import Erased, Scope

#: What is to be erased where --what does not say otherwise.
_EVERYTHING: Final = "free-text,locations,reporters"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(rich_help_panel=PROVE)(erase)


def erase(
    *,
    reporter: str | None = typer.Option(None, help="Id of somebody who reported."),
    officer: str | None = typer.Option(None, help="Id of an officer, or name of a user who decided."),
    before: datetime | None = typer.Option(None, help="Everything received before this day or time (local time)."),
    what: str = typer.Option(_EVERYTHING, help="With --reporter and --before: what of it, separated by commas."),
    reason: str = typer.Option(help="Why; it stays in the audit trail. No names, 80 characters at most."),
    by: str | None = typer.Option(None, help="Who decided it; who runs the command unless given."),
    dry_run: bool = typer.Option(False, "--dry-run", help="Only count."),
    yes: bool = typer.Option(False, "--yes", help="Do not ask."),
) -> None:
    """Erase personal data from the database, for good. The audit trail says that it was done, and still verifies.

    What belongs to an incident that is open stays. Stop 'siaga sinks' first. Run it as the tables' owner.
    """
    import getpass
    from datetime import UTC

    from siaga.cli.running import settings_of_running
    from sinks.erase import Order
    from sinks.erase import erase as do

    scope = _scope(reporter, officer, before.astimezone() if before is not None else None, what)
    settings = settings_of_running()
    order = Order(by=by or getpass.getuser(), reason=_reason(reason), at=datetime.now(UTC))
    _tell(do(settings, scope, order, dry_run=True), "would be changed")
    if dry_run:
        return
    if not yes:
        typer.confirm("Erase it? It cannot be had back.", abort=True)
    done = do(settings, scope, order)
    _tell(done, "are changed")
    if done.pseudonym:
        typer.echo(f"In place of the name stands {done.pseudonym}.")
    if not done.swept:
        typer.echo(
            "The old values still lie in the files: stop whatever reads the database, and vacuum it.", err=True
        )
    _tell_elsewhere()


def _scope(reporter: str | None, officer: str | None, before: datetime | None, what: str) -> Scope:
    from siaga.settings import SettingsError
    from sinks.erase import Kind, Scope

    if sum(one is not None for one in (reporter, officer, before)) != 1:
        raise SettingsError("erase: name one of --reporter, --officer and --before")
    try:
        kinds = frozenset(Kind(one.strip()) for one in what.split(","))
    except ValueError:
        raise SettingsError(f"what: is not known; name some of {_EVERYTHING}") from None
    return Scope(reporter, officer, before, kinds)


def _reason(given: str) -> str:
    from siaga.settings import SettingsError
    from sinks.erase import LONGEST_REASON

    if not 0 < len(given.strip()) <= LONGEST_REASON:
        raise SettingsError(f"reason: say why in 1 to {LONGEST_REASON} characters")
    return given.strip()


def _tell(done: Erased, said: str) -> None:
    for table, rows in sorted(done.rows.items()):
        typer.echo(f"{table}: {rows:,} rows {said}")
    if not done.rows:
        typer.echo("Nothing that is meant is there.")
    if done.kept:
        typer.echo(f"{done.kept:,} reports stay as they are: their incident is open, or they have none yet.")


def _tell_elsewhere() -> None:
    """Where the same may still be."""
    from siaga.contracts.topics import TOPICS

    hours = max(topic.retention_hours or 0 for topic in TOPICS if not topic.compacted)
    typer.echo(
        f"Kafka keeps what it has for up to {hours // 24} days, and the memory of the streams as long as an incident "
        "is remembered. Backups keep it until they are deleted; erase again after restoring one. Names and telephone "
        "numbers of officers stand in the roster: change them there."
    )
