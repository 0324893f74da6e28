"""A panel as it is shown: read out of a dashboard's JSON, in words.

Input: Grafana's JSON. Output: :class:`Shown`. State: none.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

#: Grafana's units in words, and what stands behind a number of it.
UNITS: Final = {
    "short": ("a number", ""),
    "s": ("seconds", " s"),
    "bytes": ("bytes", " B"),
    "percentunit": ("a share", " %"),
}
_PERCENT: Final = 100
_LABEL: Final = re.compile(r"\{\{(\w+)\}\}")


@dataclass(frozen=True, slots=True)
class Shown:
    """One panel. ``x``, ``y``, ``w``, ``h`` are Grafana's: 24 columns, rows from the top."""

    title: str
    says: str
    is_number: bool
    unit: str
    #: From which value on it has which colour, lowest first; below the first it is green.
    steps: Sequence[tuple[float, str]]
    queries: Sequence[str]
    #: What its lines are called; ‹label› stands for each value of a label.
    legends: Sequence[str]
    x: int
    y: int
    w: int
    h: int

    def amount(self, value: float) -> str:
        """A value with its unit."""
        return f"{value * _PERCENT if self.unit == 'percentunit' else value:g}{UNITS[self.unit][1]}"


def panels_of(board: Mapping[str, Any]) -> list[Shown]:
    """The panels of a dashboard, in their order."""
    return [_shown(panel) for panel in board["panels"]]


def _shown(panel: Mapping[str, Any]) -> Shown:
    defaults, at = panel["fieldConfig"]["defaults"], panel["gridPos"]
    steps = defaults.get("thresholds", {}).get("steps", [])
    targets = panel["targets"]
    return Shown(
        title=panel["title"],
        says=panel["description"],
        is_number=panel["type"] == "stat",
        unit=defaults["unit"],
        steps=[(step["value"], step["color"]) for step in steps if step["value"] is not None],
        queries=[target["expr"] for target in targets],
        legends=[_LABEL.sub(r"‹\1›", target["legendFormat"]) for target in targets],
        x=at["x"],
        y=at["y"],
        w=at["w"],
        h=at["h"],
    )
