"""Writes base/rules.yaml from deploy/prometheus: its recording and alert rules as objects of the Prometheus operator.

Run it after the rules have changed (``make kubernetes``); a test notices when they are out of step.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

RULES = Path(__file__).parents[1] / "prometheus"
FILE = Path(__file__).parent / "base" / "rules.yaml"
_HEAD = (
    "# Written by deploy/kubernetes/prometheus_rules.py from deploy/prometheus; 'make kubernetes' writes it anew.\n"
)


def rule_object(name: str) -> dict[str, Any]:
    """The PrometheusRule of one file of rules; ``name`` is the file's without ``.yml``."""
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": f"siaga-{name}"},
        "spec": yaml.safe_load((RULES / f"{name}.yml").read_text(encoding="utf-8")),
    }


def text() -> str:
    """The file."""
    objects = [rule_object(name) for name in ("recording", "alerts")]
    return _HEAD + yaml.safe_dump_all(objects, sort_keys=False, allow_unicode=True, width=118)


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
