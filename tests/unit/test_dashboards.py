"""The dashboards are what their sources make of them, and every panel says what it shows."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import yaml

GRAFANA = Path(__file__).parents[2] / "deploy" / "grafana"
DASHBOARDS = GRAFANA / "dashboards"


def test_the_dashboards_are_in_step_with_their_sources(tmp_path: Path) -> None:
    subprocess.run([sys.executable, GRAFANA / "write.py", tmp_path], check=True)
    made = {path.name: path.read_text(encoding="utf-8") for path in tmp_path.iterdir()}
    assert made == {path.name: path.read_text(encoding="utf-8") for path in DASHBOARDS.iterdir()}, "make watching"


def test_every_panel_says_what_it_shows_and_lies_on_no_other() -> None:
    for path in DASHBOARDS.glob("*.json"):
        board = json.loads(path.read_text(encoding="utf-8"))
        assert [panel["title"] for panel in board["panels"] if not panel["description"]] == [], path.name
        taken: set[tuple[int, int]] = set()
        for panel in board["panels"]:
            at = panel["gridPos"]
            cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
            assert not cells & taken, f"{path.name}: {panel['title']}"
            assert at["x"] + at["w"] <= 24, f"{path.name}: {panel['title']}"
            taken |= cells


def test_grafana_is_told_of_the_source_and_the_dashboards() -> None:
    (source,) = yaml.safe_load((GRAFANA / "provisioning/datasources/siaga.yml").read_text())["datasources"]
    (provider,) = yaml.safe_load((GRAFANA / "provisioning/dashboards/siaga.yml").read_text())["providers"]
    assert (source["type"], provider["type"]) == ("prometheus", "file")
