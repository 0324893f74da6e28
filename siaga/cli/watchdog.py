"""``siaga watchdog`` and ``siaga inbox``: what stands beside the pipeline and depends on none of it."""

from __future__ import annotations

from pathlib import Path

import typer

from siaga.cli.panels import RUN


def register(app: typer.Typer) -> None:
    """Add the two commands."""
    app.command(rich_help_panel=RUN)(watchdog)
    app.command(rich_help_panel=RUN)(inbox)


def watchdog(
    target: list[str] = typer.Option(
        [],
        "--target",
        help="A process and its metrics: sinks=http://10.0.0.5:9102/metrics; repeatable. By default those of the "
        "settings on this machine.",
    ),
    checks: Path | None = typer.Option(
        None, "--checks", help="TOML file of what to look at instead of the built-in."
    ),
) -> None:
    """Watch every process from outside, and call somebody over a way of its own when something stands still."""
    from siaga.cli.doctor import see_that_it_can_begin
    from siaga.logs import set_up
    from siaga.rules.errors import RulesError
    from siaga.settings import SettingsError, load_settings
    from siaga.watchdog.checks import builtin_checks, parse_checks
    from siaga.watchdog.service import default_targets, serve

    settings = load_settings()
    set_up(settings, "watchdog")
    try:
        chosen = builtin_checks() if checks is None else parse_checks(checks.read_text(encoding="utf-8"))
    except RulesError as error:
        raise SettingsError(str(error)) from None
    except (OSError, UnicodeDecodeError):
        raise SettingsError(f"--checks: {checks} cannot be read; name a TOML file") from None
    see_that_it_can_begin(settings, "watchdog")
    serve(settings, chosen, _targets(target) or default_targets(settings))


def _targets(given: list[str]) -> dict[str, str]:
    from siaga.settings import SettingsError

    targets = {}
    for text in given:
        name, _, url = text.partition("=")
        if not name or not url.startswith(("http://", "https://")):
            raise SettingsError("--target: is no process; write sinks=http://127.0.0.1:9102/metrics")
        targets[name] = url
    return targets


def inbox(
    people: float | None = typer.Option(
        None, "--people", min=0.1, max=1000, help="Have the officers of a simulated day of this speed answer."
    ),
) -> None:
    """Serve the demonstration's inbox: it takes the pages sent to its officers and shows them on this machine."""
    from siaga.inbox.service import serve
    from siaga.logs import set_up
    from siaga.settings import load_settings

    settings = load_settings()
    set_up(settings, "inbox")
    serve(settings, people_speed=people)
