"""From a request's bytes to items that may go to Kafka, or to what is wrong with them. No HTTP, no waiting.

In: the body, the device that proved itself, the time. Out: :class:`Taken` items or :class:`Trouble`. State: none;
what is known of the election is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from pydantic import Field, ValidationError
from pydantic_core import from_json

from producers.auth import allowance, may_report
from producers.entries import Entry, ItemKind
from producers.gateway.problems import Trouble, outcome_of
from producers.metrics import Outcome
from siaga.contracts.base import Contract
from siaga.contracts.checkin import CheckIn
from siaga.contracts.decode import Problem, validate
from siaga.contracts.registry import Device
from siaga.contracts.report import Report
from siaga.contracts.topics import MAX_ARRAY, MAX_ITEM_BYTES
from siaga.election.registry import Registry
from siaga.rules.taxonomy import explain_unknown
from siaga.types import district_of

#: A batch's body; 500 ordinary reports fit well.
MAX_BATCH_BYTES: Final = 1024 * 1024
MAX_BATCH_ITEMS: Final = MAX_ARRAY
MODELS: Final[Mapping[ItemKind, type[Report] | type[CheckIn]]] = {ItemKind.REPORT: Report, ItemKind.CHECKIN: CheckIn}
#: The lists of a batch, by what they hold.
BATCH_FIELDS: Final = {"reports": ItemKind.REPORT, "checkins": ItemKind.CHECKIN}

_NO_SUCH_STATION: Final = "load it with 'siaga registry load' or correct the number"


@dataclass(frozen=True, slots=True)
class Taken:
    """An item that may go to Kafka."""

    report_id: str
    entry: Entry


class _Batch(Contract):
    """A batch's lists, checked in one go; whatever does not fit is looked at item by item."""

    reports: list[Report] = Field(default_factory=list)
    checkins: list[CheckIn] = Field(default_factory=list)


def read_one(kind: ItemKind, body: bytes, device: Device, registry: Registry, now: float) -> Taken | Trouble:
    """One object. ``now`` is the gateway's clock (epoch seconds): when the item is received."""
    if len(body) > MAX_ITEM_BYTES:
        return too_large(MAX_ITEM_BYTES)
    try:
        item = MODELS[kind].model_validate_json(body)
    except ValidationError:
        try:
            parsed = from_json(body)
        except ValueError:
            return not_json()
        return _wrong(kind, parsed, device, registry)
    return _take(kind, item, device, registry, now)


def read_batch(
    body: bytes, device: Device, registry: Registry, now: float
) -> list[tuple[ItemKind, Taken | Trouble]] | Trouble:
    """A batch: what became of each item, the reports before the check-ins; or why it cannot be read at all."""
    if len(body) > MAX_BATCH_BYTES:
        return too_large(MAX_BATCH_BYTES)
    try:
        batch = _Batch.model_validate_json(body)
    except ValidationError:
        return _sift(body, device, registry, now)
    items: list[tuple[ItemKind, Report | CheckIn]] = [(ItemKind.REPORT, item) for item in batch.reports]
    items += [(ItemKind.CHECKIN, item) for item in batch.checkins]
    if len(items) > MAX_BATCH_ITEMS:
        return _too_many(len(items))
    return [(kind, _take(kind, item, device, registry, now)) for kind, item in items]


def too_large(most: int) -> Trouble:
    """More bytes than are taken."""
    return Trouble(Outcome.TOO_LARGE, f"send at most {most} bytes")


def not_json() -> Trouble:
    """Nothing that can be read."""
    return Trouble(
        Outcome.NOT_JSON, errors=(Problem("", "cannot be read as JSON", "send valid UTF-8 JSON of modest depth"),)
    )


def _too_many(count: int) -> Trouble:
    problem = Problem("", f"{count} items are too many", f"send at most {MAX_BATCH_ITEMS} in a batch")
    return Trouble(Outcome.TOO_MANY, errors=(problem,))


# -- what fits ----------------------------------------------------------------------------------------------------


def _take(kind: ItemKind, item: Report | CheckIn, device: Device, registry: Registry, now: float) -> Taken | Trouble:
    station = item.station_id
    if not may_report(device, station):
        return _forbidden(device)
    district = registry.district(district_of(station))
    known = district is not None and station in district
    if not known or (isinstance(item, Report) and item.kind not in registry.taxonomy.kinds):
        problems, outcome = _unknown(kind, {"station_id": station, "kind": getattr(item, "kind", None)}, registry)
        return Trouble(outcome or Outcome.INVALID, errors=tuple(problems))
    entry = Entry(kind, district_of(station), now, accepted_json(item, now, device.device_id))
    return Taken(str(item.report_id), entry)


def accepted_json(item: Report | CheckIn, now: float, device_id: str) -> bytes:
    """The item as it goes to Kafka: what :class:`AcceptedReport` and :class:`AcceptedCheckIn` would write.

    Their two fields come after the device's own; joining bytes is several times faster than another model.
    """
    received = datetime.fromtimestamp(now, UTC).isoformat().replace("+00:00", "Z")
    return f'{item.model_dump_json()[:-1]},"received_at":"{received}","device_id":"{device_id}"}}'.encode()


# -- what does not ------------------------------------------------------------------------------------------------


def _wrong(kind: ItemKind, parsed: object, device: Device, registry: Registry) -> Trouble:
    """Everything that is wrong with an item that does not fit its contract, also what its right fields mean."""
    result = validate(MODELS[kind], parsed)
    if not isinstance(result, tuple):  # the fast path refused what the slow one takes: bytes that are no whole JSON
        return not_json()
    reason, problems = result
    outcome = outcome_of(reason, problems, None)
    if not isinstance(parsed, dict) or outcome is not Outcome.INVALID:
        return Trouble(outcome, errors=problems)
    wrong = {problem.field for problem in problems}
    rest = {name: parsed.get(name) for name in ("station_id", "kind") if name not in wrong}
    station = rest.get("station_id")
    if isinstance(station, str) and not may_report(device, station):
        return _forbidden(device)
    more, _ = _unknown(kind, rest, registry)
    return Trouble(outcome, errors=(*problems, *more))


def _unknown(kind: ItemKind, fields: Mapping[str, Any], registry: Registry) -> tuple[list[Problem], Outcome | None]:
    """Which of the well-formed fields name something that is not known here."""
    problems: list[Problem] = []
    outcome: Outcome | None = None
    code = fields.get("kind")
    if kind is ItemKind.REPORT and isinstance(code, str) and code not in registry.taxonomy.kinds:
        problems.append(Problem("kind", f"unknown kind {code}", explain_unknown(code, registry.taxonomy)))
        outcome = Outcome.UNKNOWN_KIND
    station = fields.get("station_id")
    if isinstance(station, str):
        district = registry.district(district_of(station))
        if district is None or station not in district:
            where = "" if district is not None else f" (nor is district {district_of(station)} loaded)"
            problems.append(Problem("station_id", f"unknown station {station}{where}", _NO_SUCH_STATION))
            outcome = Outcome.UNKNOWN_STATION
    return problems, outcome


def _forbidden(device: Device) -> Trouble:
    may = f"this device may report for {allowance(device)}"
    problem = Problem("station_id", may, "use a device of the station's area, or have its areas changed")
    return Trouble(Outcome.FORBIDDEN, may, (problem,))


def _sift(
    body: bytes, device: Device, registry: Registry, now: float
) -> list[tuple[ItemKind, Taken | Trouble]] | Trouble:
    try:
        parsed = from_json(body)
    except ValueError:
        return not_json()
    lists = _lists(parsed)
    if isinstance(lists, Trouble):
        return lists
    count = sum(len(items) for _, items in lists)
    if count > MAX_BATCH_ITEMS:
        return _too_many(count)
    return [(kind, _one(kind, item, device, registry, now)) for kind, items in lists for item in items]


def _lists(parsed: object) -> list[tuple[ItemKind, Sequence[object]]] | Trouble:
    if not isinstance(parsed, dict):
        return Trouble(Outcome.INVALID, errors=(Problem("", "is no object", "send {reports: […], checkins: […]}"),))
    problems = [
        Problem(
            str(name)[:80], "Extra inputs are not permitted", "remove the field; a batch has reports and checkins"
        )
        for name in parsed
        if name not in BATCH_FIELDS
    ]
    lists: list[tuple[ItemKind, Sequence[object]]] = []
    for name, kind in BATCH_FIELDS.items():
        items = parsed.get(name, [])
        if isinstance(items, list):
            lists.append((kind, items))
        else:
            problems.append(Problem(name, "is no list", "send a list of objects"))
    return Trouble(Outcome.INVALID, errors=tuple(problems)) if problems else lists


def _one(kind: ItemKind, parsed: object, device: Device, registry: Registry, now: float) -> Taken | Trouble:
    result = validate(MODELS[kind], parsed)
    if isinstance(result, tuple):
        return _wrong(kind, parsed, device, registry)
    return _take(kind, result, device, registry, now)
