"""Writes the dashboards as Grafana reads them: ``make watching``, or ``python deploy/grafana/write.py [DIRECTORY]``.

Input: :mod:`boards`. Output: one JSON file a dashboard. State: none.
"""

from __future__ import annotations

import sys
from pathlib import Path

from boards import boards
from grafana_foundation_sdk.cog.encoder import JSONEncoder


def main(directory: Path) -> None:
    """Write every dashboard into ``directory``."""
    directory.mkdir(parents=True, exist_ok=True)
    for builder in boards():
        made = builder.build()
        text = JSONEncoder(sort_keys=True, indent=2, ensure_ascii=False).encode(made)
        (directory / f"{made.uid}.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "dashboards")
