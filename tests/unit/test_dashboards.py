"""The dashboards and the page about them are what their sources make of them, and every panel says what it shows."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
GRAFANA = ROOT / "deploy" / "grafana"
DASHBOARDS = GRAFANA / "dashboards"
PAGE = ROOT / "docs" / "reference" / "dashboards.md"


def test_the_dashboards_their_pictures_and_their_page_are_in_step_with_their_sources(tmp_path: Path) -> None:
    subprocess.run([sys.executable, GRAFANA / "write.py", tmp_path], check=True)
    made = {path.relative_to(tmp_path): path for path in tmp_path.rglob("*") if path.is_file()}
    there = [*DASHBOARDS.iterdir(), *(ROOT / "docs" / "images").glob("dashboard-*"), PAGE]
    assert {str(name) for name in made} == {str(path.relative_to(ROOT)) for path in there}, "make watching"
    for name, path in made.items():
        assert path.read_text(encoding="utf-8") == (ROOT / name).read_text(encoding="utf-8"), f"{name}: make watching"


def test_a_panel_that_asks_for_a_metric_nobody_has_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.syspath_prepend(str(GRAFANA))
    page = importlib.import_module("page")
    (board, *_) = [json.loads(path.read_text(encoding="utf-8")) for path in DASHBOARDS.glob("siaga-pulse.json")]
    board["panels"][0]["targets"][0]["expr"] = "max(siaga_incidents_opened)"
    with pytest.raises(ValueError, match="siaga_incidents_opened: no part of Siaga has this metric"):
        page.dashboards_page([board], ROOT)


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
