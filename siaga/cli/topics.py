"""``siaga topics``: the topics on Kafka."""

from __future__ import annotations

import typer

from siaga.cli.panels import PROVE


def register(app: typer.Typer) -> None:
    """Add ``siaga topics``."""
    app.command(rich_help_panel=PROVE)(topics)


def topics(as_json: bool = typer.Option(False, "--json", help="Print what was done as JSON.")) -> None:
    """Create the topics that are missing on Kafka, and check those that are there."""
    import json

    from siaga.cli.running import settings_of_running
    from siaga.wire.topics_admin import ensure_topics

    settings = settings_of_running()
    done = ensure_topics(settings)
    if as_json:
        typer.echo(json.dumps({"kafka": settings.kafka, "created": done.created, "present": done.present}))
        return
    for name in done.created:
        typer.echo(f"{name} created")
    typer.echo(f"{len(done.created) + len(done.present)} topics are right on {settings.kafka}")
