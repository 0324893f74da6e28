"""Incidents for a terminal: a table, or where that has no room, three lines each.

In: rows of :func:`sinks.queries.list_incidents` and the names of kinds. Out: what rich prints. State: none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from rich.console import RenderableType

    from siaga.rules.taxonomy import Taxonomy

_COLOURS: Final = {1: "bold white on red", 2: "bold red", 3: "yellow", 4: "cyan", 5: "dim"}
_STATES: Final = {
    "open": "terbuka / open",
    "acknowledged": "diterima / acknowledged",
    "resolved": "selesai / resolved",
    "dismissed": "ditutup / dismissed",
    "merged": "digabung / merged",
}
#: Characters of an id in a table: enough for 'siaga ack' and its likes. JSON has it whole.
_SHOWN: Final = 8
#: Columns of a terminal below which a table would show the beginnings of everything and the whole of nothing.
LEAST: Final = 72


def incident_table(found: Sequence[Mapping[str, Any]], taxonomy: Taxonomy, width: int) -> RenderableType:
    """What to print on a terminal of ``width`` columns."""
    from rich import box
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    title = f"Kejadian / Incidents: {len(found):,}"
    if width < LEAST:
        return Group(title, *(_lines(row, taxonomy) for row in found))
    table = Table(title=title, box=box.SIMPLE_HEAD)
    table.add_column("SEV", no_wrap=True)
    table.add_column("Kejadian, TPS, laporan (pelapor)\nKind, station, reports (reporters)", overflow="fold", ratio=1)
    table.add_column("Keadaan\nState", no_wrap=True)
    table.add_column("Terakhir\nLast", no_wrap=True)
    table.add_column("ID", no_wrap=True)
    for row in found:
        table.add_row(
            Text(f"SEV{row['severity']}", style=_COLOURS[row["severity"]]),
            Text(f"{_what(row, taxonomy)}\n{_where(row)}"),
            _STATES[row["state"]].replace(" / ", "\n"),
            local(row["updated_at"]).replace(" ", "\n"),
            row["incident_id"][:_SHOWN],
        )
    return table


def local(at: datetime) -> str:
    """A time as this machine's clock has it."""
    return f"{at.astimezone():%d-%m %H:%M:%S}"


def _lines(row: Mapping[str, Any], taxonomy: Taxonomy) -> RenderableType:
    """One incident in lines; whatever is too long goes on below. What came from outside is no markup."""
    from rich.text import Text

    told = Text(overflow="fold")
    told.append(f"\nSEV{row['severity']}", style=_COLOURS[row["severity"]])
    told.append(f" {row['incident_id'][:_SHOWN]}  {local(row['updated_at'])}\n")
    told.append(f"{_what(row, taxonomy)}\n{_where(row)}; {_STATES[row['state']]}")
    return told


def _what(row: Mapping[str, Any], taxonomy: Taxonomy) -> str:
    kind = taxonomy.get(row["kind"])
    said = f"{kind.id} / {kind.en}" if kind is not None else row["kind"]
    drill = "LATIHAN / DRILL: " if row["drill"] else ""
    doubt = " (belum diverifikasi / unverified)" if row["needs_verification"] else ""
    return f"{drill}{said}{doubt}"


def _where(row: Mapping[str, Any]) -> str:
    where = row["station_id"] or f"{row['district']} ({row['station_count']} TPS)"
    return f"{where}, {row['report_count']} ({row['reporter_count']})"
