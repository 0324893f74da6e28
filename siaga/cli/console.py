"""``siaga console`` and ``siaga user …``: the command centre and who may use it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import typer

from siaga.cli.doctor import see_that_it_can_begin
from siaga.cli.fail import fail
from siaga.cli.panels import PREPARE, RUN

if TYPE_CHECKING:
    from console.core import Core

_NAME: Any = typer.Argument(help="The user's name, as 'siaga user list' shows it.")

users = typer.Typer(help="Who may use the command centre.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(rich_help_panel=RUN)(console)
    app.add_typer(users, name="user", rich_help_panel=PREPARE)


def console() -> None:
    """Serve the command centre: the live page, its API and the public summary."""
    from console.service import serve
    from siaga.logs import set_up
    from siaga.settings import load_settings

    settings = load_settings()
    set_up(settings, "console")
    see_that_it_can_begin(settings, "console")
    serve(settings)


def _core() -> Core:
    from console.core import make_core
    from console.service import prepare
    from siaga.cli.running import settings_of_running

    core = make_core(settings_of_running())
    # A process waits for its database; somebody at a terminal wants to know (siaga/cli/faults.py says what is wrong).
    core.database.read.connect().close()
    prepare(core)
    return core


def _password(given: bool) -> str:
    """The password from stdin or the environment, else a new one."""
    import os

    from console.accounts.users import new_password

    if given:
        return sys.stdin.readline().rstrip("\n")
    return os.environ.get("SIAGA_PASSWORD") or new_password()


def _told(name: str, password: str, given: bool) -> None:
    import os

    if given or os.environ.get("SIAGA_PASSWORD"):
        typer.echo(f"{name}: done")
    else:
        typer.echo(f"{name}: the password is shown this once: {password}")


@users.command()
def add(
    name: str = typer.Argument(help="Letters, digits and . _ : @ -; it signs what they decide."),
    *,
    role: str = typer.Option(help="viewer, operator, commander, auditor or admin."),
    agency: str | None = typer.Option(None, help="Their unit, such as polsek-kajen; they then see what concerns it."),
    district: list[str] = typer.Option(
        [], help="Area they see, such as 33.26.08 or 33.26; repeatable. All by default."
    ),
    stdin: bool = typer.Option(False, "--password-stdin", help="Read the password from the first line of stdin."),
) -> None:
    """Make an account. The password comes from stdin or SIAGA_PASSWORD; else one is made and shown once."""
    from pydantic import TypeAdapter, ValidationError

    from console.accounts.users import AccountError, User
    from siaga.contracts.base import Token
    from siaga.contracts.roster import AreaField, CodeField
    from siaga.redaction import UserRole

    known = [r.value for r in UserRole if r is not UserRole.PUBLIC]
    if role not in known:
        fail(f"role: there is no {role[:40]}; choose one of {', '.join(known)}")
    checks: tuple[tuple[str, Any, list[str], str], ...] = (
        ("name", Token, [name], "write letters, digits and . _ : @ - only"),
        ("agency", CodeField, [agency] if agency else [], "write a code such as polsek-kajen"),
        ("district", AreaField, list(district), "write a code such as 33.26.08 or 33.26"),
    )
    for field, kind, values, remedy in checks:
        try:
            for value in values:
                TypeAdapter(kind).validate_python(value)
        except ValidationError:
            fail(f"{field}: is not written as it must be; {remedy}")
    core, password = _core(), _password(stdin)
    try:
        core.users.add(User(name, UserRole(role), agency, tuple(district), True), password, core.now())
    except AccountError as error:
        fail(str(error))
    _told(name, password, stdin)


@users.command("list")
def list_(as_json: bool = typer.Option(False, "--json", help="Print them as JSON.")) -> None:
    """List everybody who has an account."""
    import json

    from rich import box
    from rich.console import Console
    from rich.table import Table

    found = _core().users.all()
    if as_json:
        typer.echo(
            json.dumps(
                [
                    {"name": u.name, "role": u.role, "agency": u.agency, "districts": u.districts, "active": u.active}
                    for u in found
                ]
            )
        )
        return
    if not found:
        typer.echo("there is no user; make one with 'siaga user add'", err=True)
        return
    table = Table("Name", "Role", "Agency", "Districts", "Active", box=box.SIMPLE_HEAD)
    for user in found:
        table.add_row(
            user.name, user.role, user.agency or "", ", ".join(user.districts), "yes" if user.active else "no"
        )
    Console().print(table)


@users.command()
def password(
    name: str = _NAME,
    stdin: bool = typer.Option(False, "--password-stdin", help="Read it from the first line of stdin."),
) -> None:
    """Give somebody a new password: sessions end, a lock is lifted."""
    from console.accounts.users import AccountError

    core, chosen = _core(), _password(stdin)
    try:
        core.users.set_password(name, chosen)
    except AccountError as error:
        fail(str(error))
    _told(name, chosen, stdin)


@users.command()
def token(
    name: str = _NAME,
    days: float | None = typer.Option(None, min=0.01, help="After so many days it ends; never by default."),
) -> None:
    """Make a token for a program that acts as somebody; it is shown this once."""
    core = _core()
    if core.users.get(name) is None:
        fail("name: there is no such user; see 'siaga user list'")
    typer.echo(core.tokens.make(name, core.now(), days=days))


@users.command()
def revoke(name: str = _NAME) -> None:
    """Take away every token of somebody."""
    typer.echo(f"{name}: {_core().tokens.revoke(name)} tokens are taken away")


@users.command()
def disable(name: str = _NAME) -> None:
    """Let somebody in no more: sessions and tokens end at once."""
    _set_active(name, False)


@users.command()
def enable(name: str = _NAME) -> None:
    """Let somebody in again."""
    _set_active(name, True)


def _set_active(name: str, active: bool) -> None:
    from console.accounts.users import AccountError

    try:
        _core().users.set_active(name, active)
    except AccountError as error:
        fail(str(error))
    typer.echo(f"{name}: {'may sign in' if active else 'may not sign in any more'}")
