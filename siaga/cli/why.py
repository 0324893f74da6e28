"""``siaga why-paged``: why was an officer called about an incident, or not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from siaga.cli.panels import LOOK

if TYPE_CHECKING:
    from siaga.contracts.escalation import Escalation
    from siaga.settings import Settings
    from sinks.paging_queries import Found


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("why-paged", rich_help_panel=LOOK)(why_paged)


def why_paged(
    incident: str = typer.Argument(help="The incident's id, or its first characters."),
    officer: str | None = typer.Argument(None, help="An officer's id; everybody by default."),
    *,
    indonesian: bool = typer.Option(False, "--id", help="Answer in Indonesian."),
    as_json: bool = typer.Option(False, "--json", help="Print the answer as JSON."),
) -> None:
    """Say step by step who was called about an incident, who was not, and why. CONFIDENTIAL: names officers."""
    import json

    from siaga.cli.decide import find_incident
    from siaga.cli.running import settings_of_running
    from siaga.contracts.page import Language
    from siaga.escalation.explain import why
    from sinks.paging_queries import decisions_about, escalation_of
    from sinks.reading import reading

    settings = settings_of_running()
    found = find_incident(settings, incident)
    with reading(settings) as connection:
        last, results = escalation_of(connection, found.incident_id)
        decisions = decisions_about(connection, found.incident_id)
    if last is None:
        typer.echo(
            "siaga: incident: nothing was escalated; it is not stored yet, or nobody had to be called", err=True
        )
        raise typer.Exit(1)
    language = Language.INDONESIAN if indonesian else Language.ENGLISH
    told = why([last], results, officer_id=officer, decisions=decisions)
    called = officer is None or any(one.officer_id == officer for one in told)
    standing = None if called or officer is None else _standing(settings, found, last, officer, language)
    if as_json:
        answer: dict[str, Any] = {
            "incident_id": str(last.incident_id),
            "state": last.state,
            "level": last.level,
            "generation": last.generation,
            "acknowledged_by": last.acknowledged_by,
            "policy": last.policy,
            "roster": last.roster,
            "steps": [
                {
                    "at": one.at.isoformat(),
                    "verdict": one.verdict,
                    "reason": one.reason,
                    "level": one.level,
                    "round": one.round,
                    "officer_id": one.officer_id,
                    "desk": one.desk,
                    "channel": one.channel,
                    "page_id": None if one.page_id is None else str(one.page_id),
                    "results": list(one.results),
                    "via": one.via,
                    "text": one.text(language),
                }
                for one in told
            ],
            "never_called": standing,
        }
        typer.echo(json.dumps(answer, ensure_ascii=False, indent=2))
        return
    for one in told:
        typer.echo(f"{one.at.astimezone():%d-%m %H:%M:%S} {one.text(language)}")
    if standing is not None:
        typer.echo(f"{officer}: {standing}")
    typer.echo(f"{last.state}, level {last.level}; policy {last.policy}, roster {last.roster}")


def _standing(settings: Settings, found: Found, last: Escalation, officer: str, language: Any) -> str:
    """Where an officer stood who is in no step, by the policy and the roster as they are loaded now."""
    from siaga.escalation.explain import why_not
    from siaga.escalation.policy import builtin_policy, parse_policy
    from siaga.escalation.roster import Roster, empty_roster
    from sinks.paging_queries import duty_entries
    from sinks.reading import reading

    with reading(settings) as connection:
        policy, rosters = duty_entries(connection)
    fitting = [roster for roster in rosters if last.district.startswith(roster.area)]
    roster = Roster(max(fitting, key=lambda r: len(r.area))) if fitting else empty_roster(last.district)
    chosen = builtin_policy() if policy is None else parse_policy(policy.toml)
    return why_not(last, chosen, roster, officer_id=officer, accused_unit=found.accused_units or None).text(language)
