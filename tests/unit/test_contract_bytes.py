"""The very bytes of every contract: what old devices send and what stands in Kafka stays readable, to the letter.

Each file in ``tests/golden`` is one message with every field filled in. Where a contract is meant to change, its file
changes with it, in the same commit.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from siaga.contracts.schemas import CONTRACTS, schema_text

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests" / "golden"
SCHEMAS = ROOT / "docs" / "reference" / "schemas"


@pytest.mark.parametrize("name", CONTRACTS)
def test_a_message_is_read_and_written_to_the_letter(name: str) -> None:
    golden = (GOLDEN / f"{name}.json").read_bytes().rstrip(b"\n")
    assert CONTRACTS[name].model_validate_json(golden).to_json() == golden


@pytest.mark.parametrize("name", CONTRACTS)
def test_every_field_stands_in_the_message(name: str) -> None:
    golden = json.loads((GOLDEN / f"{name}.json").read_bytes())
    schema = json.loads(schema_text(name))

    def unfilled(value: Any, part: dict[str, Any], place: str) -> list[str]:
        part = schema["$defs"][part["$ref"].rpartition("/")[2]] if "$ref" in part else part
        part = next((p for p in part.get("anyOf", [part]) if p.get("type") != "null"), part)
        part = schema["$defs"][part["$ref"].rpartition("/")[2]] if "$ref" in part else part
        if isinstance(value, list):
            return [place] if not value else unfilled(value[0], part.get("items", {}), f"{place}[0]")
        if isinstance(value, dict):
            known = part.get("properties", {})
            return [
                hit for field, sub in known.items() for hit in unfilled(value.get(field), sub, f"{place}.{field}")
            ]
        return [place] if value is None else []

    assert unfilled(golden, schema, name) == []


def test_there_is_no_message_of_a_contract_that_is_gone() -> None:
    assert {path.stem for path in GOLDEN.iterdir()} == set(CONTRACTS)


@pytest.mark.parametrize("name", CONTRACTS)
def test_the_schema_in_the_reference_is_that_of_the_contract(name: str) -> None:
    """Run ``siaga schemas`` where it is not."""
    assert (SCHEMAS / f"{name}.schema.json").read_text(encoding="utf-8") == schema_text(name)


def test_the_reference_has_no_schema_of_a_contract_that_is_gone() -> None:
    assert {path.name.removesuffix(".schema.json") for path in SCHEMAS.iterdir()} == set(CONTRACTS)
