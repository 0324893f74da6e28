"""``siaga simulate`` and ``siaga csv``: a whole voting day, and reports out of a file."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import typer

from siaga.cli.fail import fail
from siaga.cli.panels import PREPARE, REPORT


def register(app: typer.Typer) -> None:
    """Add ``siaga simulate`` and ``siaga csv``."""
    app.command(rich_help_panel=PREPARE)(simulate)
    app.command("csv", rich_help_panel=REPORT)(import_csv)


def simulate(
    *,
    gateway: str = typer.Option("http://127.0.0.1:8081", help="The gateway's address."),
    token_env: str = typer.Option(
        "SIAGA_TOKEN", help="Variable that holds the device's token, or several, separated by commas."
    ),
    seed: int = typer.Option(1, help="The same seed and start give the same day."),
    speed: float = typer.Option(60.0, min=0.1, max=100_000.0, help="Election hours in one real hour."),
    villages: int | None = typer.Option(
        None, min=1, max=285, help="How many of the 285 villages vote; all by default."
    ),
    starting: datetime | None = typer.Option(
        None,
        formats=["%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M:%S.%f%z"],
        help="When voting begins, with an offset; now by default. What is past is sent at once.",
    ),
    as_json: bool = typer.Option(False, "--json", help="Print the summary as JSON."),
) -> None:
    """Play a voting day of Kabupaten Pekalongan against a gateway: check-ins, and every family of trouble."""
    import os
    import sys

    from producers.simulate.shell import run

    tokens = [token.strip() for token in os.environ.get(token_env, "").split(",") if token.strip()]
    if not tokens:
        fail(f"{token_env}: is not set; put a device's token in it (make one with 'siaga device add')")
    sys.exit(
        run(
            gateway=gateway,
            tokens=tokens,
            seed=seed,
            speed=speed,
            villages=villages,
            starting=starting,
            as_json=as_json,
        )
    )


def import_csv(
    file: Path = typer.Argument(help="A CSV file with a header line; its columns are in the how-to 'import-csv'."),
    dry_run: bool = typer.Option(False, "--dry-run", help="Check every row and send nothing."),
    as_json: bool = typer.Option(False, "--json", help="Print the summary and the wrong rows as JSON."),
) -> None:
    """Import reports and check-ins from FILE; every wrong row is named with its remedy."""
    import sys

    from producers.csv_import.shell import run
    from siaga.cli.running import settings_of_running

    sys.exit(run(file, dry_run=dry_run, as_json=as_json, settings=settings_of_running()))
