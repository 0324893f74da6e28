"""From bytes to contracts, item by item: what fits is handed on, what does not comes back with its remedy.

One home for it, so that the gateway's answer, the streams' rejection and the store's say the same of the same fault.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final, Generic, TypeVar

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails, from_json

from siaga.contracts.base import SCHEMA_VERSION, Contract
from siaga.contracts.rejection import RejectReason
from siaga.contracts.topics import MAX_ARRAY, MAX_RECORD_BYTES

M = TypeVar("M", bound=Contract)


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with an item, in words that say what to do."""

    field: str
    message: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Refused:
    """An item that cannot be used. ``original`` holds its bytes; ``index`` its place in the array."""

    reason: RejectReason
    problems: tuple[Problem, ...]
    original: bytes
    index: int | None = None


@dataclass(slots=True)
class Decoded(Generic[M]):
    """What a record held."""

    items: list[M] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)


#: What to do, by pydantic's error type; ``{ctx}`` values are filled in.
_REMEDIES: Final[dict[str, str]] = {
    "missing": "add the field",
    "extra_forbidden": "remove the field; the contract does not know it",
    "timezone_aware": "add an offset, such as +07:00 or Z",
    "datetime_from_date_parsing": "send ISO 8601 with an offset, such as 2022-02-23T09:14:05+07:00",
    "datetime_parsing": "send ISO 8601 with an offset, such as 2022-02-23T09:14:05+07:00",
    "datetime_type": "send ISO 8601 with an offset, such as 2022-02-23T09:14:05+07:00",
    "uuid_parsing": "send a UUID (version 7 preferred)",
    "uuid_type": "send a UUID (version 7 preferred) as text",
    "literal_error": "send {expected}",
    "enum": "send one of {expected}",
    "string_pattern_mismatch": "match {pattern}",
    "string_too_long": "shorten it to {max_length} characters",
    "too_long": "send at most {max_length}",
    "greater_than_equal": "send {ge} or more",
    "less_than_equal": "send {le} or less",
    "greater_than": "send more than {gt}",
    "int_type": "send a whole number without quotes",
    "int_from_float": "send a whole number",
    "bool_type": "send true or false",
    "bool_parsing": "send true or false",
    "string_type": "send text",
    "model_type": "send a JSON object",
    "dict_type": "send a JSON object",
    "json_invalid": "send valid UTF-8 JSON",
}


def _place(location: tuple[int | str, ...]) -> str:
    # A name that nobody knows may hold a NUL, and PostgreSQL would not store what says so.
    return ".".join(str(part) for part in location)[:200].replace("\x00", "\N{REPLACEMENT CHARACTER}")


def problem_of(error: ErrorDetails) -> Problem:
    """A pydantic error as a problem with a remedy."""
    place, message = _place(error["loc"]), error["msg"]
    remedy = _REMEDIES.get(error["type"], "correct the value")
    try:
        remedy = remedy.format(**error.get("ctx", {}))
    except (KeyError, IndexError):
        remedy = "correct the value"
    if error["type"] == "too_long" and error["ctx"].get("field_type") == "Value":
        # Clean text is measured after it is cleaned, where pydantic takes it for a list.
        message, remedy = "is too long", f"shorten it to {error['ctx']['max_length']} characters"
    if error["type"] == "value_error":
        message = message.removeprefix("Value error, ")
        head, colon, rest = message.partition(": ")
        if colon and head.replace("_", "").isalnum():
            place, message = (f"{place}.{head}" if place else head), rest
        told, semicolon, todo = message.partition("; ")
        if semicolon:
            message, remedy = told, todo
    return Problem(place, message[:500], remedy[:500])


def problems_of(error: ValidationError) -> tuple[Problem, ...]:
    """Every wrong field of an item, without the values (they may be confidential)."""
    return tuple(problem_of(e) for e in error.errors(include_url=False, include_input=False))


def words_of(problems: Sequence[Problem]) -> dict[str, Any]:
    """Field, message and remedy of a rejection that says all of them, within the contract's lengths."""
    messages = (f"{one.field}: {one.message}" if one.field else one.message for one in problems)
    return {
        "field": problems[0].field[:200] or None,
        "message": "; ".join(messages)[:1000],
        "remedy": "; ".join(dict.fromkeys(one.remedy for one in problems))[:1000],
    }


@cache
def _list_of(model: type[Any]) -> TypeAdapter[list[Any]]:
    return TypeAdapter(list[model])  # type: ignore[valid-type]  # a model known only at run time


def validate(model: type[M], item: object) -> M | tuple[RejectReason, tuple[Problem, ...]]:
    """One parsed JSON value as ``model``, or why not."""
    if isinstance(item, dict):
        version = item.get("schema_version")
        if isinstance(version, int) and not isinstance(version, bool) and version > SCHEMA_VERSION:
            return RejectReason.UNSUPPORTED_VERSION, (
                Problem(
                    "schema_version",
                    f"version {version} is newer than this Siaga, which speaks {SCHEMA_VERSION}",
                    "upgrade Siaga, or send the older version",
                ),
            )
    try:
        # A JSON value is validated as JSON (a string may be a time), which only the JSON path of pydantic does.
        return model.model_validate_json(json.dumps(item))
    except ValidationError as error:
        return RejectReason.INVALID, problems_of(error)
    except (ValueError, RecursionError):
        return RejectReason.NOT_JSON, (
            Problem("", "cannot be read as JSON", "send valid UTF-8 JSON of modest depth"),
        )


def decode(model: type[M], value: bytes | None) -> Decoded[M]:
    """A record's value (one object or an array of them) as items of ``model``. Never raises on bad input."""
    if not value:
        return _whole(RejectReason.NOT_JSON, value or b"", "is empty", "send one JSON object or an array")
    if len(value) > MAX_RECORD_BYTES:
        return _whole(
            RejectReason.TOO_LARGE,
            value,
            f"{len(value)} bytes are too many",
            f"send at most {MAX_RECORD_BYTES}",
        )
    try:
        if value[:1] == b"[":
            items = _list_of(model).validate_json(value)
            if len(items) <= MAX_ARRAY:
                return Decoded(items)
        else:
            return Decoded([model.model_validate_json(value)])
    except ValidationError:
        pass
    return _one_by_one(model, value)


def _one_by_one(model: type[M], value: bytes) -> Decoded[M]:
    try:
        parsed = from_json(value)
    except (ValueError, RecursionError) as error:
        return _whole(RejectReason.NOT_JSON, value, f"is not JSON: {error}"[:300], "send valid UTF-8 JSON")
    if not isinstance(parsed, list):
        return _sift(model, [(None, parsed)], value)
    if len(parsed) > MAX_ARRAY:
        return _whole(
            RejectReason.TOO_MANY,
            value,
            f"{len(parsed)} items are too many",
            f"send at most {MAX_ARRAY} an array",
        )
    return _sift(model, enumerate(parsed), None)


def _sift(model: type[M], items: Iterable[tuple[int | None, object]], original: bytes | None) -> Decoded[M]:
    decoded: Decoded[M] = Decoded()
    for index, item in items:
        result = validate(model, item)
        if isinstance(result, tuple):
            reason, problems = result
            raw = original if original is not None else json.dumps(item).encode()
            decoded.refused.append(Refused(reason, problems, raw, index))
        else:
            decoded.items.append(result)
    return decoded


def _whole(reason: RejectReason, value: bytes, message: str, remedy: str) -> Decoded[M]:
    return Decoded(refused=[Refused(reason, (Problem("", message, remedy),), value)])


def encode_array(items: Iterable[bytes]) -> bytes:
    """JSON objects joined into the array that a record carries."""
    return b"[" + b",".join(items) + b"]"
