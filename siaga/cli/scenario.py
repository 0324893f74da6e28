"""``siaga scenario run|list``: drills, played and judged."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from siaga.cli.fail import fail
from siaga.cli.panels import PREPARE

if TYPE_CHECKING:
    from siaga.scenario.play import Line, Report
    from siaga.scenario.script import Scenario

_SUFFIX = ".toml"


def register(app: typer.Typer) -> None:
    """Add ``siaga scenario``."""
    group = typer.Typer(help="Drills: play a script of reports, and see that the right people are called.")
    group.command("run")(run)
    group.command("list")(list_)
    app.add_typer(group, name="scenario", no_args_is_help=True, rich_help_panel=PREPARE)


def list_() -> None:
    """List the scenarios that come with Siaga."""
    for name, text in _builtin().items():
        scenario = _parsed(name, text)
        typer.echo(f"{name}: {scenario.title.id} / {scenario.title.en}")


def run(
    named: str = typer.Argument(metavar="FILE", help="A scenario's file, or the name of one that comes with Siaga."),
    *,
    speed: float | None = typer.Option(
        None,
        min=0.1,
        max=600,
        help="Play it at this speed, by a calendar of its own; only in a demonstration. There it is 30 by default.",
    ),
    district: str | None = typer.Option(None, help="Code of the district; one with little trouble by default."),
    gateway: str | None = typer.Option(None, help="The gateway's address; the running one's by default."),
    as_json: bool = typer.Option(False, "--json", help="Print the report as JSON."),
) -> None:
    """Play a scenario, marked as a drill, and say who was called when. Exit code 1 where it is not as expected.

    The device's token is in SIAGA_TOKEN, or the running demonstration's is taken.
    """
    import json

    from siaga.cli.running import device_token, gateway_of, running, settings_of_running
    from siaga.device import Gateway, Unanswered
    from siaga.scenario.parts import Parts, Unplayable
    from siaga.scenario.play import Player
    from siaga.wire.commands import CommandError
    from siaga.wire.registry_tail import RegistryError
    from sinks.paging_queries import refusal_of
    from sinks.reading import reading

    settings = settings_of_running()
    settings.require_kafka()
    there = running(settings)
    in_demonstration = bool(there.get("inbox"))
    if speed is not None and not in_demonstration:
        fail("--speed: changes the calendar of everybody; use it in a demonstration ('siaga demo --no-simulation')")
    scenario = _parsed(named, _text(named))
    token = device_token(there)
    try:
        parts = Parts(
            settings,
            Gateway(gateway or gateway_of(there, settings), token),
            lambda: reading(settings),
            refusal_of,
        )
        if not as_json:
            typer.echo(f"{'LATIHAN / DRILL: ' if scenario.is_drill else ''}{scenario.title.id} / {scenario.title.en}")
        narrate = _say if not as_json else _silent
        player = Player(parts, scenario, speed=speed, may_change=in_demonstration, district=district)
        report = player.play(narrate)
    except (Unplayable, Unanswered, CommandError, RegistryError) as error:
        fail(str(error))
    if as_json:
        typer.echo(json.dumps(_told(report), ensure_ascii=False, indent=2))
    else:
        _print(report)
    raise typer.Exit(0 if report.passed else 1)


def _say(line: Line) -> None:
    typer.echo(f"{'ok  ' if line.ok else 'FAIL'} {line.at:6.1f} s  {line.text}")


def _silent(line: Line) -> None:
    """Nothing is said before the end."""


def _print(report: Report) -> None:
    if report.pages:
        typer.echo("\nDipanggil / Called:")
    for name, page in report.pages:
        at = f"{page.due_at - report.began:6.1f} s"
        level = f"level {page.level}" if page.level else "-"
        who = f"{page.officer_id} ({page.desk or page.agency})"
        typer.echo(f"  {at}  SEV{page.severity}  {level:8} {page.purpose:10} {who}: {page.status}  [{name}]")
    typer.echo(f"\n{report.scenario.id}: {'lulus / passed' if report.passed else 'GAGAL / FAILED'}")


def _told(report: Report) -> dict[str, Any]:
    return {
        "scenario": report.scenario.id,
        "passed": report.passed,
        "drill": report.scenario.is_drill,
        "district": report.district,
        "speed": report.speed,
        "steps": [{"at_seconds": round(line.at, 3), "ok": line.ok, "text": line.text} for line in report.lines],
        "pages": [
            {
                "incident": name,
                "at_seconds": round(page.due_at - report.began, 3),
                "sent_after_seconds": None if page.sent_at is None else round(page.sent_at - page.due_at, 3),
                "severity": page.severity,
                "level": page.level,
                "generation": page.generation,
                "purpose": page.purpose,
                "officer_id": page.officer_id,
                "desk": page.desk,
                "channel": page.channel,
                "status": page.status,
            }
            for name, page in report.pages
        ],
    }


# -- files --------------------------------------------------------------------------------------------------------


def _builtin() -> dict[str, str]:
    """The scenarios that come with Siaga, by name."""
    from importlib.resources import files

    folder = files("siaga.data") / "scenarios"
    found = [entry for entry in folder.iterdir() if entry.name.endswith(_SUFFIX)]
    return {
        entry.name.removesuffix(_SUFFIX): entry.read_text(encoding="utf-8")
        for entry in sorted(found, key=lambda entry: entry.name)
    }


def _text(named: str) -> str:
    builtin = _builtin()
    if named in builtin:
        return builtin[named]
    try:
        return Path(named).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        fail(f"FILE: {named} cannot be read; name a file or one of {', '.join(builtin)}")


def _parsed(name: str, text: str) -> Scenario:
    from siaga.rules.errors import RulesError
    from siaga.scenario.script import parse_scenario

    try:
        return parse_scenario(text)
    except RulesError as error:
        fail("\n".join(f"{name}: {line}" for line in str(error).splitlines()))
