"""``siaga rules check`` and ``siaga rules diff``: is a ruleset good, and what would it have decided otherwise?"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import typer

from siaga.cli.panels import PREPARE

if TYPE_CHECKING:
    from siaga.contracts.incident import Reason
    from siaga.rules.diff import Difference
    from siaga.rules.errors import RulesError
    from siaga.rules.ruleset import Ruleset
    from siaga.rules.severity import Decision
    from siaga.rules.taxonomy import Taxonomy

#: Names the ruleset that comes with Siaga.
BUILTIN = "builtin"

rules = typer.Typer(help="Check rules of severity, and compare what two of them decide.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add ``siaga rules``."""
    app.add_typer(rules, name="rules", rich_help_panel=PREPARE)


@rules.command()
def check(
    file: Path = typer.Argument(help="A ruleset or a taxonomy, as TOML."),
    taxonomy: Path | None = typer.Option(
        None, help="The kinds a ruleset decides with; the built-in ones by default."
    ),
    as_json: bool = typer.Option(False, "--json", help="Print the problems as JSON."),
) -> None:
    """Look FILE over: unknown fields, rules that can never fire or never matter, kinds without a level."""
    import json

    from siaga.rules.check import check_ruleset, check_taxonomy

    text = _read(file)
    if _is_taxonomy(text):
        what, problems = "taxonomy", check_taxonomy(text)
    else:
        what, problems = "ruleset", check_ruleset(text, _taxonomy(taxonomy))
    if as_json:
        told = [{"field": p.field, "message": p.message, "remedy": p.remedy} for p in problems]
        typer.echo(json.dumps({"file": str(file), "what": what, "good": not problems, "problems": told}))
    elif problems:
        for p in problems:
            typer.echo(f"{file} {p.field}: {p.message}; {p.remedy}", err=True)
    else:
        typer.echo(f"{file} is a good {what}.")
    if problems:
        raise typer.Exit(1)


@rules.command()
def diff(
    old: str = typer.Argument(help="A ruleset's file, or 'builtin'."),
    new: str = typer.Argument(help="Another."),
    *,
    since: datetime = typer.Option(
        ...,
        formats=["%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M:%S.%f%z", "%Y-%m-%dT%H:%M%z"],
        help="Replay incidents with a report received since then, such as 2022-02-23T07:00:00+07:00.",
    ),
    as_json: bool = typer.Option(False, "--json", help="Print what differs as JSON."),
) -> None:
    """Replay stored reports through the rulesets OLD and NEW and show what would have been decided otherwise.

    Incidents that Siaga noticed by itself (silent stations) have no report and are not replayed.
    """
    import json

    from siaga.cli.running import settings_of_running
    from siaga.rules.diff import diff as differences
    from sinks.cases import stored_cases
    from sinks.reading import reading

    with reading(settings_of_running()) as connection:
        stored = stored_cases(connection, since)
    first, second = (_ruleset(name, stored.taxonomy) for name in (old, new))
    found = list(differences(stored.cases, first, second))
    summary = {
        "replayed": len(stored.cases),
        **{way: sum(d.direction == way for d in found) for way in ("raised", "lowered", "otherwise")},
    }
    if as_json:
        told = [_as_json(difference) for difference in found]
        typer.echo(json.dumps({"old": first.version, "new": second.version, **summary, "differences": told}))
        return
    for difference in found:
        typer.echo(_line(difference))
    typer.echo(
        f"{summary['replayed']:,} incidents replayed: {summary['raised']:,} raised, {summary['lowered']:,} lowered, "
        f"{summary['otherwise']:,} otherwise changed."
    )


# -- files ----------------------------------------------------------------------------------------------------------


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except OSError as error:
        _unusable(f"{file}: cannot be read: {error.strerror}; check the name and the permissions")
    except UnicodeDecodeError:
        _unusable(f"{file}: is not UTF-8; save it as UTF-8")


def _unusable(*lines: str) -> NoReturn:
    for line in lines:
        typer.echo(line, err=True)
    raise typer.Exit(2)


def _wrong(file: str, error: RulesError) -> NoReturn:
    _unusable(*(f"{file} {p.field}: {p.message}; {p.remedy}" for p in error.problems))


def _is_taxonomy(text: str) -> bool:
    import tomllib

    try:
        return "kinds" in tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return False


def _taxonomy(file: Path | None) -> Taxonomy:
    from siaga.rules.errors import RulesError
    from siaga.rules.taxonomy import builtin_taxonomy, parse_taxonomy

    if file is None:
        return builtin_taxonomy()
    try:
        return parse_taxonomy(_read(file))
    except RulesError as error:
        _wrong(str(file), error)


def _ruleset(name: str, taxonomy: Taxonomy) -> Ruleset:
    from siaga.rules.errors import RulesError
    from siaga.rules.ruleset import builtin_ruleset_text, parse_ruleset

    text = builtin_ruleset_text() if name == BUILTIN else _read(Path(name))
    try:
        return parse_ruleset(text, taxonomy)
    except RulesError as error:
        _wrong(name, error)


# -- what differs ---------------------------------------------------------------------------------------------------


def _line(difference: Difference) -> str:
    case, before, after = difference.case, difference.before, difference.after
    changes = [f"{was} -> {now}" for was, now in zip(_words(before), _words(after), strict=True) if was != now]
    why = [f"- {_told(reason)}" for reason in difference.gone] + [f"+ {_told(reason)}" for reason in difference.new]
    place = case.station_id or "district"
    return f"{case.incident_id} {place} {after.kind.code}: {', '.join(changes)}" + "".join(f"\n    {w}" for w in why)


def _words(decision: Decision) -> tuple[str, ...]:
    verify = "to be verified first" if decision.needs_verification else "not to be verified first"
    return f"SEV{decision.severity:d}", decision.certainty, decision.urgency, decision.kind.code, verify


def _told(reason: Reason) -> str:
    """A confidential reason says only that it is one: its name alone would tell what it hides."""
    return "a confidential rule" if reason.confidential else f"{reason.rule} ({reason.effect}): {reason.en}"


def _as_json(difference: Difference) -> dict[str, Any]:
    return {
        "incident_id": difference.case.incident_id,
        "station_id": difference.case.station_id,
        "direction": difference.direction,
        "before": _decision(difference.before),
        "after": _decision(difference.after),
        "gone": [_reason(reason) for reason in difference.gone],
        "new": [_reason(reason) for reason in difference.new],
    }


def _decision(decision: Decision) -> dict[str, Any]:
    return {
        "severity": int(decision.severity),
        "certainty": decision.certainty,
        "urgency": decision.urgency,
        "kind": decision.kind.code,
        "needs_verification": decision.needs_verification,
    }


def _reason(reason: Reason) -> dict[str, Any]:
    return {"confidential": True} if reason.confidential else reason.model_dump(mode="json")
