"""``siaga up`` and ``siaga demo``: all of Siaga in one terminal, with a broker of its own where none is set.

The parts meet here and nowhere else: the supervisor runs processes, and is told by this module what fills a broker.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import typer

from siaga.cli.panels import RUN

if TYPE_CHECKING:
    from siaga.contracts.registry import RegistryEntry
    from siaga.settings import Settings
    from siaga.supervisor.child import Child
    from siaga.supervisor.ports import Ports

#: The devices of a simulated day: one for the check-ins, the others for the people of its scenes.
_DEMO_DEVICES = 9
_WATCHDOG = "watchdog"
_INBOX = "inbox"
_CONSOLE = "console"
#: Seconds before the first voter of a simulated day: as long as its own process takes to begin.
_BEFORE_VOTING = 5.0


def register(app: typer.Typer) -> None:
    """Add the two commands."""
    app.command(rich_help_panel=RUN)(demo)
    app.command(rich_help_panel=RUN)(up)


def up() -> None:
    """Run all of Siaga in this terminal until Ctrl-C, with an embedded broker unless Kafka is set."""
    from siaga.settings import load_settings
    from siaga.supervisor.runfile import owning

    settings = load_settings()
    settings = settings.model_copy(update={"data_dir": settings.data_dir.resolve()})
    with owning(settings.data_dir):
        raise typer.Exit(_run(settings, None))


def demo(
    *,
    simulation: bool = typer.Option(
        True, "--simulation/--no-simulation", help="Play a voting day; without it, only what you post happens."
    ),
    speed: float = typer.Option(60.0, min=0.1, max=1000.0, help="Election hours in one real hour."),
    seed: int = typer.Option(1, help="The same seed gives the same country and the same troubles."),
    villages: int | None = typer.Option(
        None, min=1, max=285, help="How many of the 285 villages vote; all by default."
    ),
) -> None:
    """Play a voting day of Kabupaten Pekalongan on this machine, from nothing.

    Each start begins a new day: what an earlier demonstration left in var/demo is deleted.
    """
    from siaga.settings import load_settings
    from siaga.supervisor.ports import choose_ports
    from siaga.supervisor.runfile import empty, owning

    settings = load_settings()
    settings = settings.model_copy(update={"data_dir": settings.data_dir.resolve() / "demo"})
    choose_ports(
        settings, with_inbox=True
    )  # before anything is deleted: a taken port often is an earlier demonstration
    with owning(settings.data_dir):
        empty(settings.data_dir)
        raise typer.Exit(_run(settings, _Day(simulation=simulation, speed=speed, seed=seed, villages=villages)))


@dataclass(frozen=True, slots=True)
class _Day:
    """What ``siaga demo`` was asked for."""

    simulation: bool
    speed: float
    seed: int
    villages: int | None


def _run(settings: Settings, day: _Day | None) -> int:
    """Run until asked to stop; the exit code."""
    import sys

    from siaga.serving import scheme_of
    from siaga.supervisor.embedded import BrokerError, EmbeddedBroker
    from siaga.supervisor.ports import choose_ports
    from siaga.supervisor.run import Run, RunError, Supervisor
    from siaga.supervisor.runfile import NAME, RunFile
    from siaga.supervisor.scrape import Scraper
    from siaga.supervisor.screen import screen_on

    ports = choose_ports(settings, with_inbox=day is not None)
    embedded = None if settings.kafka else EmbeddedBroker(settings.data_dir / "logs" / "broker.log")
    try:
        if embedded is not None:
            embedded.start()
            settings = settings.model_copy(update={"kafka": embedded.address})
        inbox = None if day is None else f"http://127.0.0.1:{ports.inbox}"
        play = _play(settings, day, inbox) if day is not None and inbox is not None else None
        gateway = f"{scheme_of(settings, 'gateway')}://{_host(settings.gateway_host)}:{ports.gateway}"
        console = f"{scheme_of(settings, 'console')}://{_host(settings.console_host)}:{ports.console}"
        metrics = _metrics(settings, ports, inbox)
        environment = _environment(settings, ports, embedded=embedded is not None, play=play)
        screen = screen_on(sys.stdout, f"Siaga {gateway}")

        def ready() -> Sequence[Child]:
            users, hint = _users(settings, demonstration=day is not None)
            path = RunFile(
                gateway=gateway,
                kafka=settings.require_kafka(),
                database=settings.database_url,
                metrics=metrics,
                device=play.device if play is not None else None,
                inbox=inbox,
                console=console,
                users=users,
            ).write(settings.data_dir)
            screen.note(f"ready: {console} is the command centre; {hint}")
            screen.note(f"{gateway} takes reports; {path} says where everything is; Ctrl-C ends it")
            if day is None or play is None or not day.simulation:
                return []
            return [_simulation(settings, day, play, gateway, starting=_begin(settings, day))]

        run = Run(
            processes=_processes(settings, environment, metrics, day),
            forgetful=frozenset({"sinks", *_workers(settings)}),
            fill=_fill(settings, play, embedded=embedded is not None),
            ready=ready,
            broker=embedded,
        )
        scraper = Scraper(metrics, {"gateway": f"{gateway}/readyz", _CONSOLE: f"{console}/readyz"})
        Supervisor(run, scraper, screen).run()
    except (RunError, BrokerError) as error:
        typer.echo(f"siaga: {error}", err=True)
        return error.exit_code if isinstance(error, RunError) else 1
    finally:
        (settings.data_dir / NAME).unlink(missing_ok=True)
        if embedded is not None:
            embedded.stop()
    return 0


# -- processes ----------------------------------------------------------------------------------------------------


def _host(host: str) -> str:
    """An address to reach a server at that binds to ``host``."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104  (nothing is bound here)
    return f"[{host}]" if ":" in host else host


def _workers(settings: Settings) -> list[str]:
    return ["streams" if n == 0 else f"streams-{n}" for n in range(settings.stream_workers)]


def _metrics(settings: Settings, ports: Ports, inbox: str | None) -> dict[str, str]:
    numbers = {
        "gateway": ports.gateway_metrics,
        "sinks": ports.sinks_metrics,
        **dict(zip(_workers(settings), ports.streams_metrics, strict=True)),
        _CONSOLE: ports.console_metrics,
        _WATCHDOG: ports.watchdog,
    }
    metrics = {name: f"http://{_host(settings.metrics_host)}:{port}/metrics" for name, port in numbers.items()}
    return metrics if inbox is None else {**metrics, _INBOX: f"{inbox}/metrics"}


def _environment(settings: Settings, ports: Ports, *, embedded: bool, play: _Play | None) -> dict[str, str]:
    """What differs from the settings the processes read themselves."""
    chosen: dict[str, Any] = {
        "kafka": settings.require_kafka(),
        "data_dir": settings.data_dir,
        "gateway_port": ports.gateway,
        "gateway_metrics_port": ports.gateway_metrics,
        "sinks_metrics_port": ports.sinks_metrics,
        "streams_metrics_port": ports.streams_metrics[0],
        "watchdog_port": ports.watchdog,
        "inbox_port": ports.inbox,
        "console_port": ports.console,
        "console_metrics_port": ports.console_metrics,
    }
    if settings.log_format == "auto":
        # They are written to files, and read by whoever started this.
        chosen["log_format"] = "text"
    if embedded:
        chosen["gateway_journal"] = "true"
        # The embedded broker has a new worker wait for twice as long as the old one's session lasts.
        chosen["stream_session"] = 6.0
    if play is not None:
        if settings.watchdog_alarms is None and settings.watchdog_alarms_file is None:
            chosen["watchdog_alarms"] = f"{play.inbox}/pages/watchdog"
        # The officers of a whole regency share one phone in the simulation.
        chosen["rate_burst"] = max(settings.rate_burst, play.stations * 4)
    return {f"SIAGA_{name.upper()}": str(value) for name, value in chosen.items()}


def _processes(
    settings: Settings, environment: dict[str, str], metrics: dict[str, str], day: _Day | None
) -> list[Child]:
    from siaga.supervisor.child import Child, siaga_argv

    def child(name: str, *arguments: str) -> Child:
        return Child(
            name,
            siaga_argv(*arguments),
            log=settings.data_dir / "logs" / f"{name}.log",
            environment={**environment, **_signing_in(settings, name)},
        )

    streams = [child(name, "streams", "--worker", str(number)) for number, name in enumerate(_workers(settings))]
    people = [f"--people={day.speed}"] if day is not None and day.simulation else []
    watched = [f"--target={name}={url}" for name, url in metrics.items() if name not in (_WATCHDOG, _INBOX)]
    # Stopped in the reverse order: first nobody watches, no more comes in, then what came in is triaged and stored.
    return [
        *([child(_INBOX, "inbox", *people)] if _INBOX in metrics else []),
        child("sinks", "sinks"),
        *streams,
        child("gateway", "gateway"),
        child(_CONSOLE, "console"),
        child(_WATCHDOG, "watchdog", *watched),
    ]


def _signing_in(settings: Settings, name: str) -> dict[str, str]:
    """As whom a process signs in to Kafka, where each has a password of its own; as everybody where it has none."""
    part = name.partition("-")[0]
    if settings.kafka_passwords is None or not (settings.kafka_passwords / part).exists():
        return {}
    return {
        "SIAGA_KAFKA_USER": f"siaga-{part}",
        "SIAGA_KAFKA_PASSWORD_FILE": str((settings.kafka_passwords / part).resolve()),
        # Or that of whoever runs all of them would go before.
        "SIAGA_KAFKA_PASSWORD": "",  # nosec B105
    }


# -- who may sign in ----------------------------------------------------------------------------------------------


def _users(settings: Settings, *, demonstration: bool) -> tuple[dict[str, dict[str, str]] | None, str]:
    """A demonstration's user of each role, with password and token; and what to say about signing in."""
    from contextlib import closing

    from console.accounts.users import User, new_password
    from console.core import make_core
    from siaga.redaction import UserRole

    core = make_core(settings)
    with closing(core.database):
        if not demonstration:
            return None, "sign in" if core.users.all() else "make a user: siaga user add NAME --role admin"
        made = {}
        for role in (role for role in UserRole if role is not UserRole.PUBLIC):
            password = new_password()
            core.users.add(User(role.value, role, None, (), True), password, core.now())
            made[role.value] = {
                "name": role.value,
                "password": password,
                "token": core.tokens.make(role.value, core.now()),
            }
    return made, f"sign in as commander with {made['commander']['password']}"


# -- what fills a broker ------------------------------------------------------------------------------------------


def _fill(settings: Settings, play: _Play | None, *, embedded: bool) -> Callable[[], str]:
    """Topics, registry and, for a broker that starts empty, what the database and the journal remember."""

    def fill() -> str:
        from siaga.wire.topics_admin import ensure_topics

        ensure_topics(settings)
        said = [f"topics are made on {settings.require_kafka()}"]
        if play is not None:
            from siaga.wire.registry_tail import publish_entries

            publish_entries(settings, play.entries)
            said.append(f"{play.stations:,} stations are loaded")
        if embedded:
            from producers.journal import republish
            from sinks.restore import restore_registry

            restored, again = restore_registry(settings), republish(settings)
            said += [f"{restored:,} records of the registry and commands are restored"] if restored else []
            said += [f"{again:,} accepted items are sent again"] if again else []
        return "; ".join(said)

    return fill


# -- the demonstration --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Play:
    """A demonstration's country, the devices that report from it, and where its officers are reached."""

    inbox: str
    entries: list[RegistryEntry]
    stations: int
    device: dict[str, Any]
    tokens: list[str]


def _play(settings: Settings, day: _Day, inbox: str) -> _Play:
    from datetime import UTC, datetime

    from producers.auth import make_device
    from producers.simulate.demo import demo_entries
    from producers.simulate.duty import demo_roster
    from siaga.contracts.registry import DistrictStations
    from siaga.contracts.roster import PolicyEntry
    from siaga.escalation.policy import builtin_policy_text
    from siaga.rules.errors import read_toml

    starting = datetime.now(UTC)
    entries: list[RegistryEntry] = demo_entries(
        villages=day.villages,
        seed=day.seed,
        speed=day.speed if day.simulation else 1.0,
        starting=starting,
        expect_checkins=False,  # nobody sends any before :func:`_begin`
    )
    voting = [entry for entry in entries if isinstance(entry, DistrictStations)]
    districts = tuple(entry.district for entry in voting)
    stations = sum(len(entry.stations) for entry in voting)
    policy = builtin_policy_text()
    entries.append(PolicyEntry(schema_version=1, version=read_toml(policy)["version"], toml=policy))
    entries += demo_roster(voting, starting=starting, inbox=f"{inbox}/pages", seed=day.seed)
    # A check-in each quarter of an hour from every station, all from the first device, and as much again to spare.
    rate = max(settings.rate_per_minute, round(stations * 4 * day.speed / 60) * 2)
    made = [make_device(f"demo-{n + 1}", districts, rate_per_minute=rate) for n in range(_DEMO_DEVICES)]
    return _Play(
        inbox=inbox,
        entries=[*entries, *(device for device, _ in made)],
        stations=stations,
        device={"id": made[0][0].device_id, "token": made[0][1], "districts": list(districts)},
        tokens=[token for _, token in made],
    )


def _begin(settings: Settings, day: _Day) -> str:
    """Have voting begin in a moment, and when that is.

    Everything runs by now. A day that began before would have stations missed that nobody could hear: half an hour of
    the election is a few seconds here.
    """
    from datetime import UTC, datetime, timedelta

    from producers.simulate.demo import play_calendar
    from siaga.wire.registry_tail import publish_entries

    starting = datetime.now(UTC) + timedelta(seconds=_BEFORE_VOTING)
    publish_entries(settings, [play_calendar(speed=day.speed, starting=starting)])
    return starting.isoformat()


def _simulation(settings: Settings, day: _Day, play: _Play, gateway: str, *, starting: str) -> Child:
    from siaga.supervisor.child import Child, siaga_argv

    arguments = ["simulate", "--gateway", gateway, "--seed", str(day.seed), "--speed", str(day.speed)]
    arguments += ["--starting", starting, "--json"]
    arguments += ["--villages", str(day.villages)] if day.villages is not None else []
    return Child(
        "simulation",
        siaga_argv(*arguments),
        log=settings.data_dir / "logs" / "simulation.log",
        environment={"SIAGA_TOKEN": ",".join(play.tokens)},
        once=True,
    )
