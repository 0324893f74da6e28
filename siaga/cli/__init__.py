"""The ``siaga`` command. Each module beside this one registers its own sub-commands and loads its part lazily."""

from __future__ import annotations

import importlib
import os
import sys
from functools import cache
from typing import Final

import typer

from siaga import __version__

#: Modules that register commands, in the order the help lists them.
_MODULES: Final = (
    "up",
    "processes",
    "console",
    "watchdog",
    "reporting",
    "store",
    "afterday",
    "why",
    "decide",
    "simulate",
    "registry",
    "rules",
    "roster",
    "scenario",
    "topics",
    "acl",
    "doctor",
    "schemas",
    "schema",
    "keep",
    "erase",
)

app = typer.Typer(
    name="siaga",
    help="Incident reporting that secures elections.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


def _show_version(value: bool) -> None:
    if value:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _root(
    version: bool = typer.Option(False, "--version", callback=_show_version, is_eager=True, help="Show the version."),
) -> None:
    """Incident reporting that secures elections."""


@cache
def whole_app() -> typer.Typer:
    """The app with every command registered."""
    for name in _MODULES:
        importlib.import_module(f"siaga.cli.{name}").register(app)
    return app


def main() -> None:
    """Run the command; a wrong setting, and what a command needs and has not, is one clear line and exit code 2."""
    from siaga.settings import SettingsError

    # Nearly everything that is written holds what is confidential: it is for the account that runs Siaga alone.
    os.umask(0o077)
    try:
        whole_app()()
    except SettingsError as error:
        typer.echo(f"siaga: {error}", err=True)
        sys.exit(2)
    except Exception as error:
        from siaga.cli.faults import told

        line = told(error)
        if line is None:
            raise
        typer.echo(f"siaga: {line}", err=True)
        sys.exit(2)
