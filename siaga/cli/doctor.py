"""``siaga doctor``: whether everything that is set fits together and answers."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING

import typer

from siaga.cli.panels import PREPARE

if TYPE_CHECKING:
    from siaga.checks import Finding
    from siaga.settings import Settings

log = logging.getLogger(__name__)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(rich_help_panel=PREPARE)(doctor)


def doctor(
    process: str = typer.Argument("", help="gateway, streams, sinks, console or watchdog; all of them by default."),
    as_json: bool = typer.Option(False, "--json", help="Print what was found as JSON."),
) -> None:
    """Check settings, certificates, disk, Kafka and database, with a line each; 1 where something is not right.

    Each process does the same when it starts: what is wrong ends it, what is merely away is waited for.
    """
    import json
    from dataclasses import asdict

    from siaga.checks import PROCESSES, State
    from siaga.cli.running import settings_of_running
    from siaga.settings import SettingsError

    if process and process not in PROCESSES:
        raise SettingsError(f"process: there is no {process[:40]}; choose one of {', '.join(PROCESSES)}")
    found = list(findings(settings_of_running(), process or None))
    if as_json:
        typer.echo(json.dumps([asdict(finding) for finding in found], indent=2))
    else:
        for finding in found:
            typer.echo(f"{finding.state:8} {finding.subject}: {finding.text.removeprefix(f'{finding.subject}: ')}")
    if any(finding.state in (State.WRONG, State.AWAY) for finding in found):
        raise typer.Exit(1)


def findings(settings: Settings, process: str | None) -> Iterator[Finding]:
    """What is found for one process, or for all of them together."""
    from siaga.checks import PROCESSES, check_settings

    yield from check_settings(settings, PROCESSES if process is None else (process,))
    yield from _files(settings, process)
    yield from _connections(settings, process)


def _files(settings: Settings, process: str | None) -> Iterator[Finding]:
    """What stands in the files that settings name, as whoever uses them reads it; of those that are set."""
    from siaga.checks import tried

    if process in (None, "sinks") and settings.channels_file is not None:
        from sinks.notify.channels import load_channels

        yield tried("channels", lambda: f"{len(load_channels(settings))} kinds of channels")
    if process in (None, "sinks", "console") and (settings.link_key or settings.link_key_file):
        from siaga.links import make_links

        yield tried("link key", lambda: "can be used" if make_links(settings) else "")
    if process in (None, "console"):
        from console.check import check_files

        yield from check_files(settings)
    if process in (None, "watchdog"):
        yield _alarms(settings)


def _alarms(settings: Settings) -> Finding:
    """Whom the watchdog calls."""
    from siaga.checks import Finding, State
    from siaga.settings import SettingsError
    from siaga.watchdog.service import addresses_of

    try:
        addresses = addresses_of(settings)
    except SettingsError as error:
        return Finding("alarms", State.WRONG, str(error))
    if addresses:
        return Finding("alarms", State.RIGHT, f"go to {len(addresses)} addresses")
    remedy = "set SIAGA_WATCHDOG_ALARMS_FILE (docs/how-to/watchdog.md)"
    return Finding("alarms", State.WARNING, f"watchdog_alarms_file: nobody is called when Siaga fails; {remedy}")


def _connections(settings: Settings, process: str | None) -> Iterator[Finding]:
    """What Kafka and the database say."""
    if process != "watchdog":
        from siaga.wire.check import check_kafka

        yield check_kafka(settings, process)
    if process in (None, "sinks", "console"):
        from sinks.check import check_database

        yield check_database(settings, process)


def see_that_it_can_begin(settings: Settings, process: str) -> None:
    """Look over everything that ``process`` needs, before it takes or stores anything.

    Raises:
        siaga.settings.SettingsError: something is wrong that no waiting mends; a line for each.
    """
    from siaga.beginning import see_ports
    from siaga.checks import check_settings, refuse_wrong

    # One after the other: with a setting that is wrong, a connection would only say the same in other words.
    for finding in refuse_wrong([*check_settings(settings, (process,)), *_files(settings, process)]):
        log.warning("%s", finding.text)
    # Not for the doctor: it also asks where all of it runs.
    see_ports(settings, process)
    for finding in refuse_wrong(_connections(settings, process)):
        log.warning("%s", finding.text)
