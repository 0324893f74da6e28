"""How a command ends that cannot do what it was asked: what is wrong, on stderr, and exit code 2."""

from __future__ import annotations

from typing import NoReturn

import typer


def fail(message: str) -> NoReturn:
    """Say each line of ``message``, and end."""
    for line in message.splitlines():
        typer.echo(f"siaga: {line}", err=True)
    raise typer.Exit(2)
