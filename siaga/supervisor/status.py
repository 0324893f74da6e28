"""What the terminal shows of a run: made from the processes' own metrics, so that it cannot tell another story."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from siaga.supervisor.scrape import Reading

#: Beyond this age, in seconds, the canary says that something on the way stands still.
CANARY_LATE = 15.0
#: What was taken, and what the device was only asked to send again later.
_NOT_REFUSED = ("accepted", "spooled", "limited")
_COLOURS = {1: "bold white on red", 2: "bold red", 3: "yellow", 4: "cyan", 5: "dim"}


@dataclass(frozen=True, slots=True)
class Line:
    """One process: what it is doing and, when it answers, what it has to say."""

    name: str
    state: str
    said: str
    restarts: int = 0


@dataclass(frozen=True, slots=True)
class Status:
    """The whole run at one moment. What nobody could be asked about is ``None``, never a guessed 0."""

    lines: tuple[Line, ...]
    open_incidents: Mapping[int, int] | None
    canary_age: float | None
    uptime: float


def summarise(
    states: Sequence[tuple[str, str, int]],
    readings: Mapping[str, Reading],
    *,
    uptime: float,
    asked: Collection[str] = (),
) -> Status:
    """The status from each process's (name, state, restarts) and the last metrics of those that answer.

    Who is among the ``asked`` and does not answer now is not ready, whatever it was before: it may hang.
    """
    lines = tuple(
        Line(name, _state(state, name in readings or name not in asked), _said(name, readings.get(name)), restarts)
        for name, state, restarts in states
    )
    store = readings.get("sinks")
    incidents = ages = None
    if store is not None:
        incidents = {n: int(store.total("siaga_incidents_open", severity=str(n))) for n in range(1, 6)}
        ages = list(store.values("siaga_store_canary_age_seconds", stage="triaged"))
    return Status(lines, incidents, max(ages) if ages else None, uptime)


def _state(state: str, answers: bool) -> str:
    return "not ready" if state == "ready" and not answers else state


def _said(name: str, reading: Reading | None) -> str:
    if reading is None:
        return ""
    match name.partition("-")[0]:
        case "gateway":
            spooled = reading.total("siaga_spool_items")
            refused = reading.total("siaga_gateway_items_total") - sum(
                reading.total("siaga_gateway_items_total", outcome=other) for other in _NOT_REFUSED
            )
            said = f"{reading.rate('siaga_gateway_items_total'):,.0f}/s in"
            said += f", {spooled:,.0f} on the spool" if spooled else ""
            return said + (f", {refused:,.0f} refused" if refused > 0 else "")
        case "streams":
            said = f"{reading.rate('siaga_streams_items_total'):,.0f}/s triaged, "
            said += f"lag {reading.total('siaga_streams_lag_records'):,.0f}"
            return said + (", recovering" if reading.total("siaga_streams_recovering") else "")
        case "sinks":
            said = f"{reading.rate('siaga_store_rows_total'):,.0f}/s stored, "
            said += f"lag {reading.total('siaga_store_lag_records'):,.0f}"
            up = list(reading.values("siaga_store_database_up"))
            return said + (", DATABASE AWAY" if up and not min(up) else "")
    return ""


def as_line(status: Status) -> str:
    """The status as one plain line, for a log or a pipe."""
    parts = []
    for line in status.lines:
        restarts = f", restarted {line.restarts}x" if line.restarts else ""
        parts.append(f"{line.name} {line.said or line.state}{restarts}")
    return "; ".join([*parts, f"open {_incidents(status)}", f"canary {_canary(status)}"])


def as_table(status: Status, heading: str) -> RenderableType:
    """The status for a terminal."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold")
    table.add_column()
    table.add_column()
    for line in status.lines:
        well = line.state in ("ready", "done")
        state = line.state + (f" (restarted {line.restarts}x)" if line.restarts else "")
        table.add_row(line.name, Text(state, style="green" if well else "yellow"), line.said)
    late = status.canary_age is None or status.canary_age > CANARY_LATE
    summary = Text("open  ", style="bold")
    for severity, count in (status.open_incidents or {}).items():
        summary.append(f"SEV{severity} {count}", style=_COLOURS[severity] if count else "dim").append("   ")
    if status.open_incidents is None:
        summary.append("unknown   ", style="yellow")
    summary.append("canary ", style="bold").append(_canary(status), style="yellow" if late else "green")
    return Group(Text(heading, style="bold"), table, summary)


def _incidents(status: Status) -> str:
    if status.open_incidents is None:
        return "unknown"
    return " ".join(f"SEV{severity}={count}" for severity, count in status.open_incidents.items())


def _canary(status: Status) -> str:
    return "unknown" if status.canary_age is None else f"{status.canary_age:.1f} s"
