"""``siaga schemas`` and ``siaga reference``: the pages of the reference that are generated."""

from __future__ import annotations

from pathlib import Path

import typer


def register(app: typer.Typer) -> None:
    """Add ``siaga schemas`` and ``siaga reference``."""
    app.command(hidden=True)(schemas)
    app.command(hidden=True)(reference)


def schemas(directory: Path = typer.Argument(Path("docs/reference/schemas"))) -> None:
    """Write the JSON Schema of every contract into DIRECTORY."""
    from siaga.contracts.schemas import write_schemas

    for path in write_schemas(directory):
        typer.echo(str(path))


def reference(directory: Path = typer.Argument(Path("docs/reference"))) -> None:
    """Write every generated page of the reference, but the schemas, into DIRECTORY."""
    directory.mkdir(parents=True, exist_ok=True)
    for name, text in reference_pages().items():
        (directory / name).write_text(text, encoding="utf-8")
        typer.echo(str(directory / name))


def reference_pages() -> dict[str, str]:
    """Every generated page of the reference, by the name of its file."""
    from siaga.cli import whole_app
    from siaga.cli.pages.commands import commands_page
    from siaga.cli.pages.http_api import http_pages
    from siaga.cli.pages.metrics import metrics_page
    from siaga.cli.pages.tables import tables_page
    from siaga.cli.pages.topics import topics_page
    from siaga.rules.reference import rules_page
    from siaga.settings_page import settings_page

    return {
        "cli.md": commands_page(whole_app()),
        "metrics.md": metrics_page(),
        "rules.md": rules_page(),
        "settings.md": settings_page(),
        "tables.md": tables_page(),
        "topics.md": topics_page(),
        **http_pages(),
    }
