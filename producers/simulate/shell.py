"""The simulation at a terminal: progress while it plays, a summary when the day is over."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from threading import Event as Flag
from typing import Any
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from producers.simulate.demo import play_calendar
from producers.simulate.places import play_districts
from producers.simulate.plan import plan_day
from producers.simulate.play import Unauthorised, play
from producers.simulate.tally import Tally
from siaga.contracts.registry import Calendar
from siaga.types import Stage


def run(
    *,
    gateway: str,
    tokens: Sequence[str],
    seed: int,
    speed: float,
    villages: int | None,
    starting: datetime | None,
    as_json: bool,
) -> int:
    """Play the day; the exit code: 0 when it is over, 1 if the gateway refuses the device, 130 if interrupted."""
    begins = starting or datetime.now(UTC)
    err = Console(stderr=True, highlight=False)
    tally, stop = Tally(), Flag()
    code = 0
    try:
        calendar = play_calendar(speed=speed, starting=begins)
        districts = play_districts(villages, seed)
        with _progress(err, calendar, tally) as tick:
            plan = plan_day(districts, calendar, seed)
            play(plan, gateway=gateway, tokens=tokens, tally=tally, stop=stop, on_tick=tick)
    except KeyboardInterrupt:
        stop.set()
        code = 130
    except (Unauthorised, ValueError) as error:
        err.print(f"siaga: {error}", markup=False, soft_wrap=True)
        code = 1 if isinstance(error, Unauthorised) else 2
    if code != 2:
        summary = {
            **tally.summary(),
            "seed": seed,
            "speed": speed,
            "starting": begins.isoformat(),
            "complete": code == 0,
        }
        sys.stdout.write((json.dumps(summary) if as_json else _sentences(summary)) + "\n")
    return code


@contextmanager
def _progress(err: Console, calendar: Calendar, tally: Tally) -> Iterator[Callable[[float], None]]:
    """What to call with the present time: a bar at a terminal, nothing elsewhere."""
    if not err.is_terminal:
        yield lambda _: None
        return
    ends = {entry.stage: entry for entry in calendar.stages}
    start, end = ends[Stage.VOTING].starts_at.timestamp(), ends[Stage.COUNTING].ends_at.timestamp()
    zone = ZoneInfo(calendar.timezone)
    opening = datetime.fromtimestamp(start, zone).replace(hour=7, minute=0, second=0).timestamp()
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[said]}"))
    with Progress(*columns, console=err, refresh_per_second=4) as bar:
        task = bar.add_task("07.00", total=end - start, said="")

        def tick(now: float) -> None:
            clock = datetime.fromtimestamp(opening + (now - start) * calendar.speed, zone)
            sums = tally.summary()
            behind = sums["behind_seconds"]
            said = f"{sums['sent']:,} sent" + (f", {tally.refused:,} refused" if tally.refused else "")
            said += f", {behind:.0f} s behind" if behind >= 2 else ""
            bar.update(task, completed=min(now - start, end - start), description=f"{clock:%H.%M}", said=said)

        yield tick


def _sentences(summary: dict[str, Any]) -> str:
    refused = summary["refused"]
    lines = [
        f"Planned {summary['planned']:,}: {summary['reports']:,} reports, {summary['checkins']:,} check-ins.",
        f"Sent {summary['sent']:,}: accepted {summary['accepted']:,}, spooled {summary['spooled']:,}, "
        f"refused {sum(refused.values()):,}"
        + (f" ({', '.join(f'{reason} {count:,}' for reason, count in refused.items())})." if refused else "."),
        f"At most {summary['most_behind_seconds']:.1f} s behind schedule; {summary['retries']:,} retries.",
    ]
    if summary["waiting"]:
        lines.append(f"Ended early: {summary['waiting']:,} were still waiting; the same seed and start continues.")
    return "\n".join(lines)
