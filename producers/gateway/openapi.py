"""The gateway's OpenAPI document: the contracts are its bodies, the problems its refusals.

Written out instead of derived: the three posts are answered below FastAPI's routes, where bytes become items in one
step. A test posts what the document promises and compares.
"""

from __future__ import annotations

from typing import Any, Final

from pydantic.json_schema import models_json_schema

from producers.entries import ItemKind
from producers.gateway.intake import MAX_BATCH_BYTES, MAX_BATCH_ITEMS, MODELS
from siaga import __version__
from siaga.contracts.topics import MAX_ITEM_BYTES

_REF: Final = "#/components/schemas/"
_PROBLEM_MEDIA: Final = "application/problem+json"


def openapi_document() -> dict[str, Any]:
    """The whole document (OpenAPI 3.1)."""
    _, contracts = models_json_schema(
        [(model, "validation") for model in MODELS.values()], ref_template=_REF + "{model}"
    )
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Siaga gateway",
            "version": __version__,
            "description": "Takes reports and check-ins from devices. `202` means: on Kafka (acks=all), or on the "
            "gateway's synced disk queue. Posting the same `report_id` again is harmless.",
        },
        "paths": {
            "/v1/reports": {"post": _post_one(ItemKind.REPORT, "Report", "Send one report")},
            "/v1/checkins": {"post": _post_one(ItemKind.CHECKIN, "CheckIn", "Send one check-in")},
            "/v1/reports:batch": {"post": _post_batch()},
            "/lapor/device": {"get": _get_device()},
            **_plain_paths(),
        },
        "components": {
            "securitySchemes": {
                "device": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "<device_id>.<secret>",
                    "description": "A device with its token, as `siaga device add` prints it",
                }
            },
            "schemas": {**contracts["$defs"], **_own_schemas()},
        },
    }


def _post_one(kind: ItemKind, schema: str, summary: str) -> dict[str, Any]:
    return {
        "operationId": f"post_{kind.value}",
        "summary": summary,
        "description": f"At most {MAX_ITEM_BYTES} bytes.",
        "security": [{"device": []}],
        "requestBody": _body(schema),
        "responses": {
            "202": _json("It is kept and will be acted on", "Accepted"),
            **_refusals("400", "401", "403", "408", "413", "415", "422", "429", "503"),
        },
    }


def _post_batch() -> dict[str, Any]:
    return {
        "operationId": "post_batch",
        "summary": "Send several reports and check-ins",
        "description": f"At most {MAX_BATCH_ITEMS} items and {MAX_BATCH_BYTES} bytes; an answer for each.",
        "security": [{"device": []}],
        "requestBody": _body("Batch"),
        "responses": {
            "202": _json("Every item is kept", "BatchAnswer"),
            "207": _json("Some items were not taken: each answer says", "BatchAnswer"),
            **_refusals("400", "401", "408", "413", "415", "422", "429", "503"),
        },
    }


def _get_device() -> dict[str, Any]:
    return {
        "operationId": "get_device",
        "summary": "Ask who a token is, and what it may report for",
        "description": "What the page on which phones report begins with.",
        "security": [{"device": []}],
        "responses": {"200": _json("The device", "Device"), **_refusals("401", "404", "503")},
    }


def _plain_paths() -> dict[str, Any]:
    status = {
        "type": "object",
        "required": ["status"],
        "properties": {"status": {"type": "string", "description": "`ok`, or `ready`"}},
    }
    alive = {"description": "The process answers", "content": {"application/json": {"schema": status}}}
    ready = {"description": "It takes items", "content": {"application/json": {"schema": status}}}
    return {
        "/healthz": {
            "get": {"operationId": "healthz", "summary": "Whether it runs", "responses": {"200": alive}},
        },
        "/readyz": {
            "get": {
                "operationId": "readyz",
                "summary": "Whether it takes items",
                "responses": {"200": ready, **_refusals("503")},
            }
        },
    }


def _own_schemas() -> dict[str, Any]:
    answer = {"anyOf": [{"$ref": _REF + "Accepted"}, {"$ref": _REF + "Problem"}]}
    return {
        "Accepted": {
            "type": "object",
            "description": "An item that was taken.",
            "required": ["report_id", "status"],
            "properties": {
                "report_id": {"type": "string", "format": "uuid", "description": "The item's own"},
                "status": {
                    "type": "string",
                    "enum": ["accepted", "spooled"],
                    "description": "`accepted`: Kafka has it; `spooled`: the gateway's disk has it for now",
                },
            },
        },
        "Device": {
            "type": "object",
            "description": "A device, and what it may report for.",
            "required": ["device_id", "areas", "stations", "near"],
            "properties": {
                "device_id": {"type": "string", "description": "Its id"},
                "areas": {"type": "array", "items": {"type": "string"}, "description": "Kemendagri codes of areas"},
                "stations": {"type": "array", "items": {"type": "string"}, "description": "Stations besides"},
                "near": {
                    "type": "array",
                    "items": {"$ref": _REF + "NearStation"},
                    "description": "All of those stations by name; empty where they are more than 200",
                },
            },
        },
        "NearStation": {
            "type": "object",
            "description": "A polling station that a device may report for.",
            "required": ["id", "name"],
            "properties": {
                "id": {"type": "string", "description": "`station_id` of its reports"},
                "name": {"type": "string", "description": "What it is called, with its village"},
            },
        },
        "Batch": {
            "type": "object",
            "description": f"Reports and check-ins, {MAX_BATCH_ITEMS} in all at most.",
            "additionalProperties": False,
            "properties": {
                name: {
                    "type": "array",
                    "maxItems": MAX_BATCH_ITEMS,
                    "items": {"$ref": _REF + schema},
                    "description": said,
                }
                for name, schema, said in (("reports", "Report", "Reports"), ("checkins", "CheckIn", "Check-ins"))
            },
        },
        "BatchAnswer": {
            "type": "object",
            "description": "For each item what a post of its own would have been answered.",
            "required": ["reports", "checkins"],
            "properties": {
                name: {"type": "array", "items": answer, "description": f"Of the request's `{name}`, in their order"}
                for name in ("reports", "checkins")
            },
        },
        "Problem": {
            "type": "object",
            "description": "Why something was not taken (RFC 9457).",
            "examples": [_REFUSED],
            "required": ["type", "title", "status"],
            "properties": {
                "type": {
                    "type": "string",
                    "description": "Which kind of problem, such as `urn:siaga:problem:invalid`",
                },
                "title": {"type": "string", "description": "The same in words"},
                "status": {"type": "integer", "description": "The HTTP status"},
                "detail": {"type": "string", "description": "What is wrong, and what to do"},
                "errors": {
                    "type": "array",
                    "items": {"$ref": _REF + "FieldProblem"},
                    "description": "Every wrong field, where it is about fields",
                },
            },
        },
        "FieldProblem": {
            "type": "object",
            "description": "One wrong field.",
            "required": ["field", "message", "remedy"],
            "properties": {
                "field": {"type": "string", "description": "Its name, or names with points between them"},
                "message": {"type": "string", "description": "What is wrong with it; never the value itself"},
                "remedy": {"type": "string", "description": "What to do"},
            },
        },
    }


_REFUSALS: Final = {
    "400": "The body is not JSON",
    "401": "No such device, or not its secret",
    "403": "The device may not report for this station; `detail` says for what it may",
    "404": "The page on which phones report is not served here",
    "408": "The body did not arrive in time",
    "413": "The body is too large",
    "415": "The body is not application/json",
    "422": "Fields are wrong: `errors` names every one",
    "429": "The device sends too much; `Retry-After` says when to try again",
    "503": "Not now: it starts, ends or has no room; `Retry-After` says when to try again",
}


_REFUSED: Final = {
    "type": "urn:siaga:problem:invalid",
    "title": "Something in it is wrong",
    "status": 422,
    "errors": [
        {
            "field": "facts.wounded",
            "message": "Extra inputs are not permitted",
            "remedy": "remove the field; the contract does not know it",
        }
    ],
}
#: What a device may send, made up.
_EXAMPLES: Final = {
    "Report": {
        "schema_version": 1,
        "report_id": "0198f3c2-7a1e-7c3f-9b1d-2f0f6f0f9c11",
        "kind": "violence.brawl",
        "station_id": "33.26.08.2001-001",
        "occurred_at": "2022-02-23T09:14:05+07:00",
        "reporter": {"id": "anggota-1187", "role": "officer"},
        "facts": {"injured": 2, "crowd": 60, "voting_stopped": True},
        "text": "Cekcok dua kubu pendukung di pintu TPS",
    },
    "CheckIn": {
        "schema_version": 1,
        "report_id": "0198f3c2-8b2f-7d40-8c2e-3f1f7f1fad22",
        "station_id": "33.26.08.2001-001",
        "occurred_at": "2022-02-23T09:15:00+07:00",
        "reporter": {"id": "anggota-1187", "role": "officer"},
        "phase": "voting",
        "turnout": 120,
        "queue": 14,
        "personnel": 2,
    },
}


def _body(schema: str) -> dict[str, Any]:
    example = {"example": _EXAMPLES[schema]} if schema in _EXAMPLES else {}
    content = {"application/json": {"schema": {"$ref": _REF + schema}, **example}}
    return {"required": True, "content": content}


def _refusals(*codes: str) -> dict[str, Any]:
    body = {_PROBLEM_MEDIA: {"schema": {"$ref": _REF + "Problem"}}}
    return {code: {"description": _REFUSALS[code], "content": body} for code in codes}


def _json(description: str, schema: str) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": {"$ref": _REF + schema}}}}
