"""Writes the dashboards as Grafana reads them, and the page of the reference about them: ``make watching``, or
``python deploy/grafana/write.py [DIRECTORY]`` to have the same files below another directory than the repository.

Input: :mod:`boards`, and what :mod:`page` reads. Output: one JSON file and one picture a dashboard, and
``docs/reference/dashboards.md``. State: none.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Final

from boards import boards
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from page import dashboards_page, picture_name
from picture import picture

ROOT: Final = Path(__file__).parents[2]


def main(directory: Path) -> None:
    """Write all of it below ``directory``."""
    dashboards = directory / "deploy" / "grafana" / "dashboards"
    images = directory / "docs" / "images"
    reference = directory / "docs" / "reference"
    for folder in (dashboards, images, reference):
        folder.mkdir(parents=True, exist_ok=True)
    told = []
    for builder in boards():
        made = builder.build()
        text = JSONEncoder(sort_keys=True, indent=2, ensure_ascii=False).encode(made)
        (dashboards / f"{made.uid}.json").write_text(text + "\n", encoding="utf-8")
        told.append(json.loads(text))
        (images / picture_name(told[-1])).write_text(picture(told[-1]), encoding="utf-8")
    (reference / "dashboards.md").write_text(dashboards_page(told, ROOT), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT)
