"""The JSON Schemas, generated from the contracts themselves."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from siaga.contracts.base import Contract
from siaga.contracts.canary import Canary
from siaga.contracts.checkin import AcceptedCheckIn, CheckIn
from siaga.contracts.command import Command
from siaga.contracts.escalation import Escalation
from siaga.contracts.incident import Incident
from siaga.contracts.neighbour import NeighbourTrouble
from siaga.contracts.page import Page
from siaga.contracts.page_result import PageResult
from siaga.contracts.registry import Calendar, Device, DistrictStations, PostureEntry, RulesetEntry, TaxonomyEntry
from siaga.contracts.rejection import Rejection
from siaga.contracts.report import AcceptedReport, Report
from siaga.contracts.roster import PolicyEntry, RosterEntry
from siaga.contracts.timer import Timer

CONTRACTS: Final[dict[str, type[Contract]]] = {
    "report": Report,
    "accepted-report": AcceptedReport,
    "checkin": CheckIn,
    "accepted-checkin": AcceptedCheckIn,
    "canary": Canary,
    "rejection": Rejection,
    "incident": Incident,
    "neighbour-trouble": NeighbourTrouble,
    "escalation": Escalation,
    "page": Page,
    "page-result": PageResult,
    "command": Command,
    "timer": Timer,
    "registry-stations": DistrictStations,
    "registry-calendar": Calendar,
    "registry-ruleset": RulesetEntry,
    "registry-taxonomy": TaxonomyEntry,
    "registry-device": Device,
    "registry-policy": PolicyEntry,
    "registry-roster": RosterEntry,
    "registry-posture": PostureEntry,
}


def schema_text(name: str) -> str:
    """The JSON Schema (draft 2020-12) of one contract, as it stands in the reference."""
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **CONTRACTS[name].model_json_schema(),
    }
    return json.dumps(schema, indent=2, ensure_ascii=False, sort_keys=True) + "\n"


def write_schemas(directory: Path) -> list[Path]:
    """Write every schema into ``directory`` and answer the paths."""
    directory.mkdir(parents=True, exist_ok=True)
    paths = []
    for name in CONTRACTS:
        path = directory / f"{name}.schema.json"
        path.write_text(schema_text(name), encoding="utf-8")
        paths.append(path)
    return paths
