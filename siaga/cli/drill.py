"""``siaga roster drill``: call every officer on every channel before the day, and see who answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from siaga.cli.fail import fail

if TYPE_CHECKING:
    from uuid import UUID

    from siaga.contracts.page import Page
    from siaga.contracts.roster import RosterEntry
    from siaga.escalation.drill import Reached
    from siaga.settings import Settings

_LOOK_EVERY = 0.5


def drill(
    *,
    area: str | None = typer.Option(None, help="Code of the roster's area; needed where several are loaded."),
    officers: list[str] = typer.Option([], "--officer", help="Only this officer; repeatable."),
    agencies: list[str] = typer.Option([], "--agency", help="Only officers of this unit; repeatable."),
    wait: float = typer.Option(15.0, "--wait", min=0, max=24 * 60, help="Minutes to wait for answers."),
    yes: bool = typer.Option(False, "--yes", help="Call them without asking once more."),
    as_json: bool = typer.Option(False, "--json", help="Print the account as JSON."),
) -> None:
    """Call every officer on every channel, marked as a drill, and list who did not answer.

    It ends as soon as everybody has. The exit code is 1 where somebody did not, or a channel failed.
    """
    import secrets
    from datetime import UTC, datetime, timedelta

    from siaga.cli.running import settings_of_running
    from siaga.contracts.page import drill_call_id
    from siaga.escalation.drill import drill_pages

    settings = settings_of_running()
    settings.require_kafka()
    roster = _roster(settings, area)
    drill_id = drill_call_id(secrets.randbits(80))
    pages = drill_pages(
        roster,
        drill_id,
        datetime.now(UTC),
        timedelta(minutes=max(wait, 1.0)),
        officers=officers,
        agencies=agencies,
    )
    if not pages:
        fail("roster: nobody is to be called; see the names with 'siaga oncall', or load channels")
    people = len({page.officer_id for page in pages})
    if not yes and not typer.confirm(f"Call {people} officers over {len(pages)} channels?", err=True):
        raise typer.Exit(1)
    _publish(settings, pages)
    found = _await(settings, roster, pages, drill_id, wait * 60.0)
    _tell(found, drill_id, as_json=as_json)
    raise typer.Exit(0 if all(one.answered and one.is_taken for one in found) else 1)


def _roster(settings: Settings, area: str | None) -> RosterEntry:
    from sinks.paging_queries import duty_entries
    from sinks.reading import reading

    with reading(settings) as connection:
        _, rosters = duty_entries(connection)
    chosen = [roster for roster in rosters if area in (None, roster.area)]
    if not chosen:
        fail("roster: none is loaded for it; load one with 'siaga registry load'")
    if len(chosen) > 1:
        fail(f"--area: there are rosters of {', '.join(roster.area for roster in chosen)}; name one")
    return chosen[0]


def _publish(settings: Settings, pages: list[Page]) -> None:
    from siaga.contracts.topics import PAGES, partition_of
    from sinks.producing import Outgoing, produce

    records = [
        Outgoing(
            PAGES,
            partition_of(page.district, settings.partitions),
            page.district.encode(),
            page.to_json(),
            event_id=str(page.page_id),
            kind="page",
        )
        for page in pages
    ]
    produce(settings, records, source="drill")


def _await(
    settings: Settings, roster: RosterEntry, pages: list[Page], drill_id: UUID, seconds: float
) -> list[Reached]:
    """Wait until everybody has answered, or for so long; how it then stands."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    from siaga.escalation.drill import account
    from siaga.waiting import wait_for
    from sinks.paging_queries import pages_of_drill, who_answered
    from sinks.reading import reading

    columns = (TextColumn("answered"), BarColumn(), TextColumn("{task.completed:.0f}/{task.total:.0f}"))
    with Progress(*columns, TimeElapsedColumn(), console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("answered", total=len({page.officer_id for page in pages}))

        def look() -> list[Reached]:
            with reading(settings) as connection:
                statuses, answered = pages_of_drill(connection, drill_id), who_answered(connection, drill_id)
            found = account(roster, pages, statuses, answered)
            progress.update(task, completed=sum(one.answered for one in found))
            return found

        def are_done(found: list[Reached]) -> bool:
            return all(one.answered and one.is_taken for one in found)

        return wait_for(look, seconds, every=_LOOK_EVERY, enough=are_done)


def _tell(found: list[Reached], drill_id: UUID, *, as_json: bool) -> None:
    import json

    missing = [one for one in found if not one.answered]
    failed = [one for one in found if not one.is_taken]
    if as_json:
        told: list[dict[str, Any]] = [
            {
                "officer_id": one.officer_id,
                "agency": one.agency,
                "answered": one.answered,
                "channels": [{"channel": name, "status": status} for name, status in one.channels],
            }
            for one in found
        ]
        typer.echo(json.dumps({"drill_id": str(drill_id), "officers": told}, indent=2))
        return
    for one in found:
        channels = ", ".join(f"{name} {status}" for name, status in one.channels)
        if not one.answered:
            typer.echo(f"tidak menjawab / did not answer: {one.officer_id} ({one.agency}): {channels}")
        elif not one.is_taken:
            typer.echo(f"saluran gagal / a channel failed: {one.officer_id} ({one.agency}): {channels}")
    typer.echo(
        f"{len(found) - len(missing)} of {len(found)} officers answered; {len(failed)} have a channel that failed"
    )
