"""``siaga roster check|load|drill`` and ``siaga oncall``: who is on duty, before the day and at a moment.

Without a directory they ask what is loaded. ``siaga roster load`` is another name of ``siaga registry load``.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from siaga.cli.fail import fail
from siaga.cli.panels import LOOK, PREPARE

if TYPE_CHECKING:
    from siaga.contracts.roster import PolicyEntry, RosterEntry
    from siaga.escalation.oncall import Rung
    from siaga.escalation.policy import Policy
    from siaga.rules.taxonomy import Taxonomy

_TIMES = ["%Y-%m-%dT%H:%M%z", "%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M:%S.%f%z"]


def register(app: typer.Typer) -> None:
    """Add ``siaga roster`` and ``siaga oncall``."""
    from siaga.cli.drill import drill
    from siaga.cli.registry import load

    group = typer.Typer(help="Duty rosters.", no_args_is_help=True)
    group.command("check")(check)
    group.command("load")(load)
    group.command("drill")(drill)
    app.add_typer(group, name="roster", rich_help_panel=PREPARE)
    app.command(rich_help_panel=LOOK)(oncall)


def check(
    directory: Path | None = typer.Argument(
        None, help="A directory with roster.toml and, if there is one, policy.toml; by default what is loaded."
    ),
    since: datetime | None = typer.Option(
        None, "--from", formats=_TIMES, help="First moment to look at, with an offset; the first shift by default."
    ),
    until: datetime | None = typer.Option(
        None, "--to", formats=_TIMES, help="Look no further than this, with an offset; the last shift by default."
    ),
    districts: list[str] = typer.Option(
        [],
        "--district",
        help="District to look at; may be repeated. By default all that have stations or that the roster names.",
    ),
    as_json: bool = typer.Option(False, "--json", help="Print the findings as JSON."),
) -> None:
    """Find gaps before the day: hours with nobody on duty, officers on two duties, channels that reach nobody.

    The exit code is 1 where there are findings.
    """
    import json
    from dataclasses import asdict

    from siaga.escalation.check import check_cover, check_roster

    policy, rosters, taxonomy = _duties(directory)
    voting = _voting(directory)
    findings = check_cover((roster.area for roster in rosters), districts or voting)
    for roster in rosters:
        named = {d for agency in roster.agencies for d in agency.districts}
        # A district's own roster goes before its regency's.
        smaller = tuple(r.area for r in rosters if r.area.startswith(roster.area) and r.area != roster.area)
        wanted = sorted(districts or named | {d for d in voting if not d.startswith(smaller)})
        # Where all units cover the whole area and no station is known, any district stands for all of them.
        chosen = [d for d in wanted if d.startswith(roster.area)] or ([] if districts else [roster.area])
        if not roster.shifts:
            fail(f"roster {roster.area}: has no shift; add at least one [[shift]] or [[rotation]]")
        findings += check_roster(
            roster,
            policy,
            taxonomy,
            districts=chosen,
            since=since or min(shift.starts_at for shift in roster.shifts),
            until=until or max(shift.ends_at for shift in roster.shifts),
        )
    if as_json:
        typer.echo(json.dumps([asdict(finding) for finding in findings], default=_json, indent=2))
    else:
        for finding in findings:
            hours = "" if finding.since is None else f" from {finding.since.isoformat()} to {_iso(finding.until)}"
            typer.echo(f"{finding.message}{hours}; {finding.remedy}")
        if not findings:
            typer.echo("No gaps: every desk is manned, nobody is in two places, and every channel can be right.")
    raise typer.Exit(1 if findings else 0)


def oncall(
    *,
    at: datetime | None = typer.Option(
        None, "--at", formats=_TIMES, help="When, with an offset: 2022-02-23T09:00+07:00; now by default."
    ),
    district: str = typer.Option(..., "--district", help="The district's code, such as 33.26.09."),
    kind: str = typer.Option(..., "--kind", help="The incident's kind, such as violence.brawl."),
    severity: int | None = typer.Option(
        None, "--severity", min=1, max=5, help="1 (gravest) to 5; the kind's own by default."
    ),
    accused: str | None = typer.Option(None, "--accused", help="The accused unit's code: nobody of it is called."),
    village: str | None = typer.Option(None, "--village", help="The village's code, for its mediator."),
    directory: Path | None = typer.Option(
        None, "--roster", help="A directory with roster.toml; by default what is loaded."
    ),
    as_json: bool = typer.Option(False, "--json", help="Print the answer as JSON."),
) -> None:
    """Say who would be called at a moment, in which order, and why; and who would not."""
    import json

    from siaga.escalation import oncall as core
    from siaga.escalation.roster import Roster
    from siaga.rules.agency import agencies
    from siaga.rules.errors import suggestion

    policy, rosters, taxonomy = _duties(directory)
    at = at or datetime.now(UTC)
    known = taxonomy.get(kind)
    if known is None:
        fail(f"--kind: there is no kind {kind}; {suggestion(kind, taxonomy.kinds)}see docs/reference/rules.md")
    entry = max((r for r in rosters if district.startswith(r.area)), key=lambda r: len(r.area), default=None)
    if entry is None:
        fail(f"--district: no roster covers {district}; there are rosters of {', '.join(r.area for r in rosters)}")
    lead, support = agencies(known, accused)
    grave = severity or int(known.base)
    answer = core.oncall(
        Roster(entry),
        policy,
        core.Query(district, lead, accused),
        at.timestamp(),
        severity=grave,
        kind=kind,
        village=village,
    )
    told: dict[str, Any] = {
        "at": at.isoformat(),
        "district": district,
        "kind": kind,
        "severity": grave,
        "lead_agency": lead,
        "support_agencies": list(support),
        "paged": answer.paged,
        "acknowledge_seconds": policy.deadline(grave) if answer.paged else None,
        "levels": [_rung(rung) for rung in answer.levels],
        "fallback": _rung(answer.fallback),
        "mediators": [officer.officer_id for officer in answer.mediators],
    }
    if as_json:
        typer.echo(json.dumps(told, indent=2))
    else:
        _print(told, policy)


def _rung(rung: Rung) -> dict[str, Any]:
    return {
        "level": rung.number,
        "officers": [
            {
                "officer_id": callee.officer.officer_id,
                "agency": callee.agency,
                "desk": str(callee.desk),
                "stands_in": callee.stands_in,
                "channels": [channel.name for channel in callee.officer.channels],
            }
            for callee in rung.callees
        ],
        "skipped": [
            {"desk": str(one.desk), "officer_id": one.officer_id, "reason": str(one.reason)} for one in rung.skipped
        ],
    }


def _print(told: dict[str, Any], policy: Policy) -> None:
    if not told["paged"]:
        typer.echo(f"SEV{told['severity']} is not paged; it waits at the command centre. If it grew:")
    for rung in (*told["levels"], told["fallback"]):
        number = rung["level"]
        name = policy.levels[number - 1].en if number else "Past the last level, until somebody answers"
        typer.echo(f"{number}. {name}" if number else f"…  {name}")
        for officer in rung["officers"]:
            stands_in = ", standing in" if officer["stands_in"] else ""
            typer.echo(
                f"   {officer['officer_id']} ({officer['desk']}{stands_in}) by {', '.join(officer['channels'])}"
            )
        for one in rung["skipped"]:
            who = one["officer_id"] or one["desk"]
            typer.echo(f"   not {who}: {one['reason'].replace('_', ' ')}")
    if told["mediators"]:
        typer.echo(f"To mediate: {', '.join(told['mediators'])}")


def _duties(directory: Path | None) -> tuple[Policy, list[RosterEntry], Taxonomy]:
    """The policy, the rosters and the kinds of a directory, or what is loaded."""
    from siaga.escalation.policy import builtin_policy, parse_policy

    entry, rosters, taxonomy = _loaded() if directory is None else _read(directory)
    return (builtin_policy() if entry is None else parse_policy(entry.toml)), rosters, taxonomy


def _read(directory: Path) -> tuple[PolicyEntry | None, list[RosterEntry], Taxonomy]:
    from siaga.escalation.files import read_duties
    from siaga.rules.errors import RulesError
    from siaga.rules.taxonomy import builtin_taxonomy

    try:
        return *read_duties(directory), builtin_taxonomy()
    except RulesError as error:
        fail(str(error))


def _loaded() -> tuple[PolicyEntry | None, list[RosterEntry], Taxonomy]:
    from siaga.cli.running import settings_of_running
    from sinks.paging_queries import duty_entries
    from sinks.queries import taxonomy_of
    from sinks.reading import reading

    with reading(settings_of_running()) as connection:
        policy, rosters = duty_entries(connection)
        taxonomy = taxonomy_of(connection)
    if not rosters:
        fail("roster: none is loaded; load one with 'siaga registry load', or name a directory")
    return policy, rosters, taxonomy


def _voting(directory: Path | None) -> set[str]:
    """The districts that have stations, in a directory or loaded."""
    from siaga.cli.running import settings_of_running
    from siaga.election.files import voting_districts
    from sinks.queries import districts_with_stations
    from sinks.reading import reading

    if directory is not None:
        return voting_districts(directory)
    with reading(settings_of_running()) as connection:
        return districts_with_stations(connection)


def _iso(at: datetime | None) -> str:
    return "" if at is None else at.isoformat()


def _json(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
