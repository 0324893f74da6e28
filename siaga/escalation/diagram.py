"""The state machine as a picture: a Mermaid diagram made of the very table that decides.

``python -m siaga.escalation.diagram docs/explanation/escalation.md`` renews it in the guide; a test keeps it there.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from siaga.contracts.escalation import EscalationState
from siaga.escalation.case import EventKind
from siaga.escalation.machine import TABLE, Transition

_BLOCK: Final = re.compile(r"```mermaid\nstateDiagram-v2\n.*?```", re.DOTALL)


def state_diagram(table: Mapping[tuple[EscalationState | None, EventKind], Transition]) -> str:
    """The table's moves from state to state, with the events that make them. What stays where it is, is left out."""
    moves: dict[tuple[str, str], list[str]] = {}
    for (state, kind), transition in table.items():
        source = "[*]" if state is None else str(state)
        for target in transition.targets - {state}:
            moves.setdefault((source, str(target)), []).append(str(kind))
    lines = [f"    {source} --> {target}: {', '.join(kinds)}" for (source, target), kinds in sorted(moves.items())]
    return "\n".join(["```mermaid", "stateDiagram-v2", *lines, "```"])


def renew(path: Path) -> None:
    """Put the present diagram in the place of the one that stands in a guide."""
    text = path.read_text(encoding="utf-8")
    path.write_text(_BLOCK.sub(lambda _: state_diagram(TABLE), text, count=1), encoding="utf-8")


if __name__ == "__main__":
    renew(Path(sys.argv[1]))
