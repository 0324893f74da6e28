"""``siaga acl …``: who may do what on Kafka."""

from __future__ import annotations

from pathlib import Path

import typer

from siaga.cli.panels import PREPARE

acls = typer.Typer(help="Who may do what on Kafka: a user for each process.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(acls, name="acl", rich_help_panel=PREPARE)


@acls.command("print")
def print_(as_json: bool = typer.Option(False, "--json", help="Print the rules as JSON.")) -> None:
    """Print the rules as lines for kafka-acls.sh, with $KAFKA and $CONFIG for the broker and who asks it."""
    import json
    from dataclasses import asdict

    from siaga.wire.acls import builtin_rights, rules_of, shell_lines

    rules = rules_of(builtin_rights())
    if as_json:
        typer.echo(json.dumps([asdict(rule) for rule in rules], indent=2))
        return
    for line in shell_lines(rules):
        typer.echo(line)


@acls.command()
def apply() -> None:
    """Bring the broker's rules for Siaga's users to exactly what they need. Sign in as one of its super.users."""
    from siaga.settings import load_settings
    from siaga.wire.acls import apply_rules, builtin_rights

    settings = load_settings()
    done = apply_rules(settings, builtin_rights())
    for rule in done.made:
        typer.echo(f"{rule.user} may {rule.operation} {rule.resource} {rule.name}{'*' if rule.is_prefix else ''}")
    for rule in done.removed:
        typer.echo(f"{rule.user} may {rule.operation} {rule.resource} {rule.name} no more")
    typer.echo(f"{len(done.made) + len(done.present)} rules are right on {settings.kafka}")


@acls.command()
def passwords(
    directory: Path = typer.Argument(help="Holds a file per process, such as gateway, with its password."),
) -> None:
    """Give Siaga's users the SCRAM passwords that stand in files. Connections that are there stay."""
    from siaga.settings import load_settings
    from siaga.wire.acls import apply_passwords, builtin_rights

    settings = load_settings()
    for user in apply_passwords(settings, directory, [rights.process for rights in builtin_rights()]):
        typer.echo(f"{user} has the password of its file")
