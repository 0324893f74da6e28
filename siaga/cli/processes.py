"""``siaga gateway``, ``siaga streams`` and ``siaga sinks``: one process each, for whatever runs them in earnest."""

from __future__ import annotations

import typer

from siaga.cli.doctor import see_that_it_can_begin
from siaga.cli.panels import RUN


def register(app: typer.Typer) -> None:
    """Add the three commands."""
    app.command(rich_help_panel=RUN)(gateway)
    app.command(rich_help_panel=RUN)(streams)
    app.command(rich_help_panel=RUN)(sinks)


def gateway() -> None:
    """Take reports and check-ins over HTTP and put them into Kafka, or on disk while Kafka is away."""
    from producers.gateway import serve
    from siaga.logs import set_up
    from siaga.settings import load_settings
    from siaga.tracing import start as start_tracing

    settings = load_settings()
    set_up(settings, "gateway")
    see_that_it_can_begin(settings, "gateway")
    start_tracing(settings, "gateway")
    serve(settings)


def streams(
    worker: int = typer.Option(0, min=0, max=63, help="Which worker this is; each has a metrics port of its own."),
) -> None:
    """Turn reports into incidents: one worker, which shares the districts with the others."""
    from siaga.logs import set_up
    from siaga.settings import SettingsError, load_settings
    from siaga.tracing import start as start_tracing
    from streams.worker import serve

    settings = load_settings()
    port = settings.streams_metrics_port
    if port and port + worker > 65535:
        raise SettingsError(f"streams_metrics_port: {port} leaves no port for worker {worker}; choose a lower one")
    # Port 0 stays 0: each worker then takes a free one.
    settings = settings.model_copy(update={"streams_metrics_port": port + worker if port else 0})
    set_up(settings, "streams" if worker == 0 else f"streams-{worker}")
    see_that_it_can_begin(settings, "streams")
    start_tracing(settings, "streams")
    serve(settings)


def sinks() -> None:
    """Store everything in the database, send pages, and watch over deadlines."""
    from siaga.logs import set_up
    from siaga.settings import load_settings
    from siaga.tracing import start as start_tracing
    from sinks.service import serve

    settings = load_settings()
    set_up(settings, "sinks")
    see_that_it_can_begin(settings, "sinks")
    start_tracing(settings, "sinks")
    serve(settings)
