"""``siaga registry load``: stations, calendar, kinds, rules and duties of a directory, in effect within seconds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import typer

from siaga.cli.fail import fail
from siaga.cli.panels import PREPARE

if TYPE_CHECKING:
    from siaga.contracts.registry import RegistryEntry

registry = typer.Typer(help="Load what the election is made of.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add ``siaga registry``."""
    app.add_typer(registry, name="registry", rich_help_panel=PREPARE)


@registry.callback()
def _group() -> None:
    """Load what the election is made of."""


@registry.command()
def load(
    directory: Path = typer.Argument(help="Holds stations.csv, calendar.toml and others; see the how-to."),
    dry_run: bool = typer.Option(False, "--dry-run", help="Check every file and load nothing."),
    as_json: bool = typer.Option(False, "--json", help="Print the summary and the problems as JSON."),
) -> None:
    """Load DIRECTORY into the registry: all of it, or nothing and every wrong line named with its remedy.

    What is being escalated at that moment goes on with the policy and the roster that it began with.
    """
    import json

    from siaga.election.files import DirectoryUnusable

    try:
        entries = _read(directory)
    except DirectoryUnusable as error:
        if as_json:
            typer.echo(json.dumps({"directory": str(directory), "loaded": False, "problems": _told(error)}))
        else:
            for problem in error.problems:
                typer.echo(str(problem), err=True)
            typer.echo(f"{_count(len(error.problems), 'problem')}; nothing was loaded.", err=True)
        raise typer.Exit(1) from None
    if not dry_run:
        _publish(entries)
    summary = _summary(entries)
    if as_json:
        typer.echo(json.dumps({"directory": str(directory), "loaded": not dry_run, **summary, "problems": []}))
    else:
        typer.echo(f"{_sentence(summary)} {'would be loaded' if dry_run else 'loaded'}.")


@registry.command()
def restore(as_json: bool = typer.Option(False, "--json", help="Print how many entries were sent as JSON.")) -> None:
    """Fill the registry on Kafka with what the database remembers of it, after Kafka was lost or replaced.

    Make the topics first, with 'siaga topics'. What is on Kafka already and differs is replaced.
    """
    import json

    from siaga.cli.running import settings_of_running
    from sinks.reading import reading
    from sinks.restore import restore_registry

    settings = settings_of_running()
    settings.require_kafka()
    with reading(settings):
        pass  # says what to do where there is no such database
    sent = restore_registry(settings, decisions=False)
    typer.echo(json.dumps({"sent": sent}) if as_json else f"{sent:,} entries sent again.")


def _read(directory: Path) -> list[RegistryEntry]:
    """What the files of a directory make, duties and policy as well; every problem of all of them at once."""
    from siaga.election.files import DirectoryUnusable, FileProblem, read_directory
    from siaga.escalation.files import read_duties
    from siaga.rules.errors import RulesError

    entries: list[RegistryEntry] = []
    found: list[FileProblem] = []
    try:
        entries += read_directory(directory)
    except DirectoryUnusable as error:
        found += error.problems
    try:
        policy, rosters = read_duties(directory, needs_roster=False)
        entries += [*rosters, *([] if policy is None else [policy])]
    except RulesError as error:
        for problem in error.problems:
            file, _, field = problem.field.partition(": ")
            found.append(FileProblem(file, None, replace(problem, field=field)))
    if found:
        raise DirectoryUnusable(found)
    return entries


def _publish(entries: Sequence[RegistryEntry]) -> None:
    from siaga.cli.running import settings_of_running
    from siaga.wire.registry_tail import RegistryError, publish_entries

    try:
        publish_entries(settings_of_running(), entries)
    except RegistryError as error:
        fail(str(error))


def _told(error: Any) -> list[dict[str, Any]]:
    return [
        {
            "file": problem.file,
            "line": problem.line,
            "field": problem.problem.field,
            "message": problem.problem.message,
            "remedy": problem.problem.remedy,
        }
        for problem in error.problems
    ]


def _summary(entries: Sequence[RegistryEntry]) -> dict[str, Any]:
    from siaga.contracts.registry import Calendar, DistrictStations, PostureEntry, RulesetEntry, TaxonomyEntry
    from siaga.contracts.roster import PolicyEntry, RosterEntry

    summary: dict[str, Any] = {"districts": 0, "stations": 0, "calendar": None, "taxonomy": None, "ruleset": None}
    summary |= {"posture": None, "policy": None, "rosters": 0, "officers": 0, "shifts": 0}
    for entry in entries:
        match entry:
            case DistrictStations():
                summary["districts"] += 1
                summary["stations"] += len(entry.stations)
            case Calendar():
                summary["calendar"] = entry.election
            case TaxonomyEntry():
                summary["taxonomy"] = entry.version
            case RulesetEntry():
                summary["ruleset"] = entry.version
            case PostureEntry():
                summary["posture"] = entry.version
            case PolicyEntry():
                summary["policy"] = entry.version
            case RosterEntry():
                summary["rosters"] += 1
                summary["officers"] += len(entry.officers)
                summary["shifts"] += len(entry.shifts)
            case _:
                pass
    return summary


_VERSIONS: Final = ("calendar", "taxonomy", "ruleset", "policy", "posture")


def _sentence(summary: dict[str, Any]) -> str:
    parts = []
    if summary["districts"]:
        parts.append(f"{_count(summary['stations'], 'station')} in {_count(summary['districts'], 'district')}")
    parts += [f"{name} {summary[name]}" for name in _VERSIONS if summary[name]]
    if summary["rosters"]:
        people = f"{_count(summary['officers'], 'officer')} and {_count(summary['shifts'], 'shift')}"
        parts.append(f"{_count(summary['rosters'], 'roster')} with {people}")
    return ", ".join(parts)


def _count(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'' if number == 1 else 's'}"
