"""``siaga ack`` and its likes: what a person decides about an incident, from the command line.

Whoever may run this command on the machine that reaches Kafka is an administrator: they decide in the name they
give. The decision is written to the audit trail like every other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import typer

from siaga.cli.fail import fail
from siaga.cli.panels import DECIDE

if TYPE_CHECKING:
    from siaga.contracts.command import Action
    from siaga.settings import Settings
    from sinks.paging_queries import Found

_WAIT: Final = 10.0
_LOOK_EVERY: Final = 0.1

_Incident: Any = typer.Argument(help="The incident's id, or its first characters as 'siaga incidents' shows it.")
_By: Any = typer.Option(None, "--by", help="Id of who decides; whoever is signed in on this machine by default.")
_Why: Any = typer.Option("", "--reason", help="Why, in a sentence.")
_Wait: Any = typer.Option(_WAIT, "--wait", min=0, help="Seconds to wait for what becomes of it.")
_Json: Any = typer.Option(False, "--json", help="Print what became of it as JSON.")
_Minutes: Any = typer.Option(..., "--minutes", min=1, max=24 * 60, help="In how many minutes.")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for name, command in (
        ("ack", ack),
        ("on-my-way", on_my_way),
        ("accept", accept),
        ("cannot", cannot),
        ("escalate", escalate),
        ("hand-off", hand_off),
        ("snooze", snooze),
        ("resolve", resolve),
        ("dismiss", dismiss),
        ("reopen", reopen),
        ("verify", verify),
        ("refute", refute),
        ("override", override),
        ("assign", assign),
        ("note", note),
        ("merge", merge),
        ("split", split),
    ):
        app.command(name, rich_help_panel=DECIDE)(command)


def ack(
    incident: str = _Incident, *, by: str | None = _By, reason: str = _Why, wait: float = _Wait, as_json: bool = _Json
) -> None:
    """Take an incident: what still waits to be sent is not sent any more."""
    _decide("acknowledge", incident, by=by, reason=reason, wait=wait, as_json=as_json)


def on_my_way(
    incident: str = _Incident,
    *,
    minutes: int = _Minutes,
    by: str | None = _By,
    wait: float = _Wait,
    as_json: bool = _Json,
) -> None:
    """Take an incident and say in how many minutes one is there."""
    _decide("on_my_way", incident, by=by, minutes=minutes, wait=wait, as_json=as_json)


def accept(
    incident: str = _Incident, *, by: str | None = _By, reason: str = _Why, wait: float = _Wait, as_json: bool = _Json
) -> None:
    """Accept an incident that was handed over."""
    _decide("accept", incident, by=by, reason=reason, wait=wait, as_json=as_json)


def cannot(
    incident: str = _Incident, *, by: str | None = _By, reason: str = _Why, wait: float = _Wait, as_json: bool = _Json
) -> None:
    """Say that one cannot: somebody else is called at once."""
    _decide("cannot", incident, by=by, reason=reason, wait=wait, as_json=as_json)


def escalate(
    incident: str = _Incident, *, by: str | None = _By, reason: str = _Why, wait: float = _Wait, as_json: bool = _Json
) -> None:
    """Call the next level now."""
    _decide("escalate", incident, by=by, reason=reason, wait=wait, as_json=as_json)


def hand_off(
    incident: str = _Incident,
    agency: str = typer.Argument(help="Code of the unit that should take it, such as dinkes."),
    *,
    by: str | None = _By,
    reason: str = _Why,
    wait: float = _Wait,
    as_json: bool = _Json,
) -> None:
    """Hand an incident to another agency; the sender's clock runs on until they accept."""
    _decide("hand_off", incident, by=by, reason=reason, agency=agency, wait=wait, as_json=as_json)


def snooze(
    incident: str = _Incident,
    *,
    minutes: int = _Minutes,
    by: str | None = _By,
    reason: str = _Why,
    wait: float = _Wait,
    as_json: bool = _Json,
) -> None:
    """Take an incident and be called again after some minutes."""
    _decide("snooze", incident, by=by, reason=reason, minutes=minutes, wait=wait, as_json=as_json)


def resolve(
    incident: str = _Incident, *, by: str | None = _By, reason: str = _Why, wait: float = _Wait, as_json: bool = _Json
) -> None:
    """Say that an incident is over."""
    _decide("resolve", incident, by=by, reason=reason, wait=wait, as_json=as_json)


def dismiss(
    incident: str = _Incident,
    *,
    reason: str = typer.Option(..., "--reason", help="Why, in a sentence."),
    by: str | None = _By,
    wait: float = _Wait,
    as_json: bool = _Json,
) -> None:
    """Close an incident that is none."""
    _decide("dismiss", incident, by=by, reason=reason, wait=wait, as_json=as_json)


def reopen(
    incident: str = _Incident, *, by: str | None = _By, reason: str = _Why, wait: float = _Wait, as_json: bool = _Json
) -> None:
    """Open an incident again: it climbs from the first level."""
    _decide("reopen", incident, by=by, reason=reason, wait=wait, as_json=as_json)


def verify(
    incident: str = _Incident, *, by: str | None = _By, reason: str = _Why, wait: float = _Wait, as_json: bool = _Json
) -> None:
    """Confirm that it is so."""
    _decide("verify", incident, by=by, reason=reason, wait=wait, as_json=as_json)


def refute(
    incident: str = _Incident,
    *,
    reason: str = typer.Option(..., "--reason", help="Why, in a sentence."),
    by: str | None = _By,
    wait: float = _Wait,
    as_json: bool = _Json,
) -> None:
    """Say that it is not so: whoever was told of it is told that."""
    _decide("refute", incident, by=by, reason=reason, wait=wait, as_json=as_json)


def override(
    incident: str = _Incident,
    severity: int | None = typer.Argument(None, min=1, max=5, help="1 (gravest) to 5; left out, an override ends."),
    *,
    reason: str = typer.Option(..., "--reason", help="Why, in a sentence."),
    by: str | None = _By,
    wait: float = _Wait,
    as_json: bool = _Json,
) -> None:
    """Set the severity by hand; it stands until the facts get worse."""
    _decide("override", incident, by=by, reason=reason, severity=severity, wait=wait, as_json=as_json)


def assign(
    incident: str = _Incident,
    assignee: str = typer.Argument(help="Id of the officer."),
    *,
    by: str | None = _By,
    reason: str = _Why,
    wait: float = _Wait,
    as_json: bool = _Json,
) -> None:
    """Give an incident to an officer, who is asked to take it."""
    _decide("assign", incident, by=by, reason=reason, assignee=assignee, wait=wait, as_json=as_json)


def note(
    incident: str = _Incident,
    text: str = typer.Argument(help="What is to be remembered."),
    *,
    by: str | None = _By,
    wait: float = _Wait,
    as_json: bool = _Json,
) -> None:
    """Write something into an incident's history."""
    _decide("note", incident, by=by, reason=text, wait=wait, as_json=as_json)


def merge(
    incident: str = _Incident,
    into: str = typer.Argument(help="The incident of the same district that takes them: id, or its beginning."),
    *,
    by: str | None = _By,
    reason: str = _Why,
    wait: float = _Wait,
    as_json: bool = _Json,
) -> None:
    """Make two incidents one: the second keeps its id and is decided anew from the reports of both."""
    from siaga.cli.running import settings_of_running

    settings = settings_of_running()
    merged, target = find_incident(settings, incident), find_incident(settings, into, field="into")
    if merged.district != target.district:
        where = f"lies in district {target.district}, and the other one in {merged.district}"
        fail(f"into: {where}; merge incidents of one district only")
    _decide("merge", incident, by=by, reason=reason, into=target.incident_id, wait=wait, as_json=as_json)


def split(
    incident: str = _Incident,
    reports: list[str] = typer.Argument(
        None, help="The reports that leave: ids, or their beginnings. Without any, those it has are listed."
    ),
    *,
    by: str | None = _By,
    reason: str = _Why,
    wait: float = _Wait,
    as_json: bool = _Json,
) -> None:
    """Have reports leave to an incident of their own, which climbs by itself; this undoes a merge."""
    from siaga.cli.running import settings_of_running

    settings = settings_of_running()
    known = _reports_of(settings, find_incident(settings, incident))
    if not reports:
        _list_reports(known, as_json=as_json)
        return
    leaving = [_one_of(known, named) for named in reports]
    _decide("split", incident, by=by, reason=reason, report_ids=leaving, wait=wait, as_json=as_json)


def _reports_of(settings: Settings, incident: Found) -> list[dict[str, Any]]:
    from sinks.queries import reports_of
    from sinks.reading import reading

    with reading(settings) as connection:
        return reports_of(connection, incident.incident_id)


def _list_reports(known: list[dict[str, Any]], *, as_json: bool) -> None:
    """What tells the reports of an incident from each other. Who sent them, and their words, are confidential."""
    import json

    if as_json:
        typer.echo(json.dumps(known, default=str, ensure_ascii=False))
        return
    for report in known:
        words = (report["report_id"], report["station_id"], report["kind"], report["reporter_role"])
        typer.echo("  ".join((*words, f"{report['received_at']:%Y-%m-%d %H:%M:%S%z}")))


def _one_of(known: list[dict[str, Any]], named: str) -> str:
    found = [str(report["report_id"]) for report in known if str(report["report_id"]).startswith(named.lower())]
    if len(found) != 1:
        what = "none of its reports has this id" if not found else "several of its reports begin so"
        fail(f"reports: {what}; 'siaga split' with the incident alone lists them")
    return found[0]


# -- all of them --------------------------------------------------------------------------------------------------


def _decide(action: str, named: str, *, by: str | None, wait: float, as_json: bool, **more: Any) -> None:
    """Send a decision and say what became of it: exit code 1 where it was refused."""
    import json
    import uuid
    from datetime import UTC, datetime

    from pydantic import ValidationError

    from siaga.cli.running import settings_of_running
    from siaga.contracts.command import Action, Command, Via
    from siaga.contracts.decode import problems_of
    from siaga.wire.commands import CommandError, publish_commands

    settings = settings_of_running()
    settings.require_kafka()
    incident = find_incident(settings, named)
    began = datetime.now(UTC)
    try:
        command = Command(
            schema_version=1,
            command_id=uuid.uuid4(),
            incident_id=incident.incident_id,
            district=incident.district,
            action=Action(action),
            by=by or _signed_in(),
            at=began,
            via=Via.CLI,
            **more,
        )
    except ValidationError as error:
        fail("\n".join(f"{p.field}: {p.message}; {p.remedy}" for p in problems_of(error)))
    try:
        publish_commands(settings, [command], source="cli")
    except CommandError as error:
        fail(str(error))
    done, refused = _await(settings, command.command_id, incident, began, wait)
    status = "refused" if refused else "done" if done else "sent"
    if as_json:
        told = {"command_id": str(command.command_id), "incident_id": str(incident.incident_id), "status": status}
        typer.echo(json.dumps({**told, "reason": refused}, ensure_ascii=False))
    elif refused:
        typer.echo(f"siaga: {refused}", err=True)
    else:
        typer.echo(f"{incident.incident_id} {_said(command.action)}: {status}")
    if refused:
        raise typer.Exit(1)


def _said(action: Action) -> str:
    return action.value.replace("_", " ")


def find_incident(settings: Settings, named: str, *, field: str = "incident") -> Found:
    """The one incident of this id, or whose id begins so; ends the program where there is none or are several."""
    from sinks.paging_queries import SHORTEST_PREFIX, find_incidents
    from sinks.reading import reading

    if len(named) < SHORTEST_PREFIX:
        fail(f"{field}: is too short; write {SHORTEST_PREFIX} characters or more, as 'siaga incidents' shows them")
    with reading(settings) as connection:
        found = find_incidents(connection, named)
    if not found:
        fail(f"{field}: there is none of this id; see 'siaga incidents'")
    if len(found) > 1:
        fail(f"{field}: several ids begin so; write more of it")
    return found[0]


def _signed_in() -> str:
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError):
        fail("--by: nobody knows who you are on this machine; name yourself with --by")


def _await(settings: Settings, command_id: Any, incident: Found, since: Any, wait: float) -> tuple[bool, str | None]:
    """Whether it was carried out, or why it was refused; neither where nothing is known in time."""
    from siaga.waiting import wait_for
    from sinks.paging_queries import Fate, fate_of
    from sinks.reading import reading

    def look() -> Fate:
        with reading(settings) as connection:
            return fate_of(connection, command_id, incident, since)

    fate = wait_for(look, wait, every=_LOOK_EVERY, enough=lambda fate: fate.done or fate.refused)
    return fate.done, fate.refused
