"""``siaga schemas``: the JSON Schemas of every contract."""

from __future__ import annotations

from pathlib import Path

import typer


def register(app: typer.Typer) -> None:
    """Add ``siaga schemas``."""

    @app.command(hidden=True)
    def schemas(directory: Path = typer.Argument(Path("docs/reference/schemas"))) -> None:
        """Write the JSON Schema of every contract into DIRECTORY."""
        from siaga.contracts.schemas import write_schemas

        for path in write_schemas(directory):
            typer.echo(str(path))
