"""The OpenAPI documents are whole: what a reader or a tool needs of each operation and field is in them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from schemathesis.specs.openapi.definitions import OPENAPI_31

from console.openapi import openapi_document
from siaga.cli.pages.http_api import Process, processes
from siaga.contracts.checkin import CheckIn
from siaga.contracts.report import Report
from siaga.redaction import mask_text

PROCESSES = processes()
#: What a view leaves out for some role (:mod:`siaga.redaction`); no answer that is shown as an example has it.
CONFIDENTIAL = {"vulnerability", "classes", "reporter_id", "device_id", "location", "officer_id", "csrf"}


def every(node: Any, at: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every object and list of a document, with where it stands."""
    yield at, node
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for name, inner in items:
        yield from every(inner, (*at, str(name)))


def operations(document: Any) -> Iterator[tuple[str, Any]]:
    for path, item in document["paths"].items():
        yield from ((f"{method} {path}", operation) for method, operation in item.items())


def examples(document: Any) -> Iterator[tuple[str, Any, Any]]:
    """Each example, with the place and the schema that it is one of."""
    for at, node in every(document):
        if isinstance(node, dict) and at[-1:] != ("properties",):
            shown = [node["example"]] if "example" in node else node.get("examples", [])
            yield from (("/".join(at), node.get("schema", node), example) for example in shown)


@pytest.mark.parametrize("process", PROCESSES, ids=lambda process: process.name)
def test_a_document_is_valid_and_everything_it_names_is_in_it(process: Process) -> None:
    document: Any = process.document
    schemas = document["components"]["schemas"]

    wrong = [error.message for error in Draft202012Validator(OPENAPI_31).iter_errors(document)]
    named = {node["$ref"] for _, node in every(document) if isinstance(node, dict) and "$ref" in node}

    assert wrong == []
    for schema in schemas.values():
        Draft202012Validator.check_schema(schema)
    assert named == {f"#/components/schemas/{name}" for name in schemas}


@pytest.mark.parametrize("process", PROCESSES, ids=lambda process: process.name)
def test_every_operation_and_every_field_says_what_it_is(process: Process) -> None:
    silent = []
    for name, operation in operations(process.document):
        silent += [] if operation["summary"] and operation["responses"] else [name]
        silent += [f"{name} {p['name']}" for p in operation.get("parameters", ()) if not p.get("description")]
        answers = operation["responses"].items()
        silent += [f"{name} {code}" for code, answer in answers if answer["description"] == "Successful Response"]
    for at, node in every(process.document):
        if at[-1:] == ("properties",) and at[-2:] != ("properties", "properties"):
            silent += ["/".join((*at, field)) for field, held in node.items() if not held.get("description")]

    assert silent == []
    names = [operation["operationId"] for _, operation in operations(process.document)]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("process", PROCESSES, ids=lambda process: process.name)
def test_examples_fit_what_they_are_examples_of_and_tell_nothing_confidential(process: Process) -> None:
    shown = list(examples(process.document))
    for at, schema, example in shown:
        Draft202012Validator({**schema, "components": process.document["components"]}).validate(example)
        words = [(where[-1], value) for where, value in every(example, (at,)) if isinstance(value, str)]
        assert [value for _, value in words if mask_text(value) != value] == []
        assert {name for where, _ in every(example) for name in where} & CONFIDENTIAL == set()
    assert len(shown) >= 2


def test_the_examples_of_a_report_and_a_check_in_are_good_ones() -> None:
    (gateway, _) = PROCESSES
    bodies = {path: item["post"]["requestBody"] for path, item in gateway.document["paths"].items() if "post" in item}
    example = {path: body["content"]["application/json"].get("example") for path, body in bodies.items()}

    assert Report.model_validate(example["/v1/reports"], strict=False).kind == "violence.brawl"
    assert CheckIn.model_validate(example["/v1/checkins"], strict=False).turnout == 120


def test_the_command_centre_says_who_may_ask_and_what_refuses_them() -> None:
    asked = dict(operations(openapi_document()))
    roles = {name: operation.get("x-roles") for name, operation in asked.items()}

    assert roles["post /api/incidents/{incident_id}/commands"] == ["operator", "commander", "admin"]
    assert roles["get /api/audit"] == ["auditor", "admin"]
    assert roles["get /api/posture"] == ["commander", "admin"]
    assert roles["get /api/me"] == ["viewer", "operator", "commander", "auditor", "admin"]
    assert roles["get /public/summary.json"] is None
    for name, operation in asked.items():
        codes = set(operation["responses"])
        everybody = len(roles[name] or ()) in {0, 5}
        assert ("401" in codes) is bool(operation["security"]), name
        assert ("403" in codes) is not everybody, name
        assert ("422" in codes) or not operation.get("parameters"), name
    assert {"session": [], "csrf": []} in asked["post /api/incidents/{incident_id}/commands"]["security"]
