"""What the reporting page asks for, as JSON: kinds, facts, limits and words, none of them written twice.

In: the taxonomy that is loaded, the contracts, and ``form.toml``. Out: one object. State: none.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Final

from siaga.contracts.base import SCHEMA_VERSION, Contract
from siaga.contracts.checkin import CheckIn, Phase
from siaga.contracts.report import Facts, Report, Reporter, Role
from siaga.rules.taxonomy import Taxonomy
from siaga.types import STATION_PATTERN

#: The numbers that may go with a check-in.
CHECKIN_NUMBERS: Final = ("turnout", "queue", "personnel")


def form_of(taxonomy: Taxonomy) -> dict[str, Any]:
    """What the page shows for the kinds of ``taxonomy``."""
    table = form_table()
    facts = _questions(Facts)
    asked: Mapping[str, list[str]] = table["facts"]
    return {
        "schema_version": SCHEMA_VERSION,
        "station": STATION_PATTERN,
        "token": _questions(Reporter)["id"]["pattern"],
        "text": Report.model_json_schema()["properties"]["text"]["maxLength"],
        "ago": table["ago"]["minutes"],
        "families": [
            {
                "code": family,
                "facts": asked.get(family, list(facts)),
                "kinds": [
                    {"code": kind.code, "id": kind.id, "en": kind.en}
                    for kind in taxonomy.kinds.values()
                    if kind.family == family
                ],
            }
            for family in taxonomy.families
        ],
        "facts": facts,
        "phases": list(Phase),
        # Nobody who holds a phone is a sensor.
        "roles": [role for role in Role if role is not Role.SENSOR],
        "numbers": {name: question for name, question in _questions(CheckIn).items() if name in CHECKIN_NUMBERS},
        "words": table["words"],
    }


@cache
def form_table() -> dict[str, Any]:
    """``form.toml``."""
    return tomllib.loads((files("producers.gateway.lapor") / "form.toml").read_text("utf-8"))


def _questions(model: type[Contract]) -> dict[str, dict[str, Any]]:
    """For each field what may be answered: its type, and its limit, values or pattern."""
    schema = model.model_json_schema()
    return {name: _question(field, schema.get("$defs", {})) for name, field in schema["properties"].items()}


def _question(field: Mapping[str, Any], definitions: Mapping[str, Any]) -> dict[str, Any]:
    # What may be left out is "this or null".
    told = next((part for part in field.get("anyOf", ()) if part.get("type") != "null"), field)
    if "$ref" in told:
        told = definitions[told["$ref"].rpartition("/")[2]]
    if "enum" in told:
        return {"type": "choice", "values": told["enum"]}
    kept = {name: told[name] for name in ("maximum", "pattern") if name in told}
    return {"type": told.get("type"), **kept}
