"""``siaga incidents`` on a terminal: whole words, whatever its width."""

from __future__ import annotations

from datetime import UTC, datetime
from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from siaga.cli.incident_table import LEAST, incident_table
from siaga.election.registry import Registry

_ROW = {
    "incident_id": "4a11a1c2-181b-5a3c-bd5a-aabcc2d4a1b4",
    "kind": "violence.official_attack",
    "severity": 2,
    "state": "acknowledged",
    "station_id": "33.26.08.2001-003",
    "district": "33.26.08",
    "station_count": 1,
    "report_count": 4,
    "reporter_count": 3,
    "drill": False,
    "needs_verification": True,
    "updated_at": datetime(2022, 2, 23, 9, tzinfo=UTC),
}


def shown(width: int, **changed: Any) -> str:
    out = StringIO()
    rows = [{**_ROW, **changed}]
    Console(file=out, width=width).print(incident_table(rows, Registry().taxonomy.kinds, width))
    return out.getvalue()


@pytest.mark.parametrize("width", [40, 60, LEAST, 80, 120])
def test_an_incident_is_told_in_whole_whatever_the_terminals_width(width: int) -> None:
    told = shown(width)

    assert max(map(len, told.splitlines())) <= width
    words = set(told.replace(";", " ").replace(",", " ").split())
    assert {"SEV2", "4a11a1c2", "33.26.08.2001-003", "(3)", "diterima", "acknowledged"} <= words
    assert "…" not in told
    assert "unverified" in told


def test_what_came_from_outside_is_no_markup_of_the_terminal() -> None:
    assert "[red]ribut[/red]" in shown(40, kind="[red]ribut[/red]")
