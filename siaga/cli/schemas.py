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
    """Write the pages of rules and settings into DIRECTORY."""
    from siaga.rules.reference import rules_page
    from siaga.settings_page import settings_page

    directory.mkdir(parents=True, exist_ok=True)
    for name, text in (("rules.md", rules_page()), ("settings.md", settings_page())):
        (directory / name).write_text(text, encoding="utf-8")
        typer.echo(str(directory / name))
