"""What is to be written at once, gathered from records: decoded, told from canaries, repetitions folded.

Input: records of the store's topics, in the order of their partitions. Output: rows by table, refusals with their
originals, and how far each partition is taken in. State: only the batch. Pure: the time comes in.
"""

from __future__ import annotations

import base64
import json
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, Final, TypeVar
from uuid import UUID

from pydantic import ValidationError
from pydantic_core import from_json

from siaga.contracts.base import SCHEMA_VERSION, Contract
from siaga.contracts.canary import canary_of
from siaga.contracts.checkin import AcceptedCheckIn
from siaga.contracts.command import Command
from siaga.contracts.decode import Decoded, Problem, Refused, decode, problems_of, words_of
from siaga.contracts.escalation import Escalation
from siaga.contracts.incident import Incident
from siaga.contracts.page import Page
from siaga.contracts.page_result import PageResult
from siaga.contracts.registry import RegistryEntry, parse_entry
from siaga.contracts.rejection import Rejection, RejectReason, rejection_id
from siaga.contracts.report import AcceptedReport
from siaga.contracts.topics import (
    CHECKINS,
    COMMANDS,
    ESCALATIONS,
    INCIDENTS,
    PAGE_RESULTS,
    PAGES,
    REGISTRY,
    REJECTED,
    REPORTS,
)
from siaga.store.tables import utc_text
from sinks.bulk import Row
from sinks.paging_rows import ANSWERS, EXHAUSTED, escalation_row, page_row, result_row, step_row
from sinks.rows import (
    checkin_row,
    command_row,
    event_row,
    incident_row,
    rejection_row,
    report_row,
    said_in_body,
    said_in_checkin,
)

logger = logging.getLogger(__name__)

SOURCE: Final = "sinks.store"

M = TypeVar("M", bound=Contract)

#: Characters of a registry key.
_LONGEST_KEY: Final = 200

#: A topic's partition.
Place = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Record:
    """A record as it came. ``at`` is the time Kafka has for it; ``by`` the part that wrote it, where it says so."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    at: datetime
    by: str | None = None
    #: Of the leader that took it, where the broker says so.
    leader_epoch: int | None = None


#: A row, the record it came in and its place in the record's array.
Kept = tuple[Row, Record, int | None]


@dataclass(frozen=True, slots=True)
class Entry:
    """A change of the registry; ``parsed`` is None where the entry was deleted."""

    key: str
    record: Record
    parsed: RegistryEntry | None


@dataclass(slots=True)
class Batch:
    """Rows that belong to one transaction, by their keys."""

    epoch: int
    now: datetime
    reports: dict[str, Kept] = field(default_factory=dict)
    checkins: dict[str, Kept] = field(default_factory=dict)
    commands: dict[str, Kept] = field(default_factory=dict)
    incidents: dict[str, Kept] = field(default_factory=dict)
    events: dict[str, Kept] = field(default_factory=dict)
    links: dict[str, Kept] = field(default_factory=dict)
    escalations: dict[str, Kept] = field(default_factory=dict)
    steps: dict[str, Kept] = field(default_factory=dict)
    pages: dict[str, Kept] = field(default_factory=dict)
    page_results: dict[str, Kept] = field(default_factory=dict)
    #: Pages not to be sent any more, and when that was decided.
    cancellations: dict[str, str] = field(default_factory=dict)
    #: Steps that are an officer's answer: at which level, and seconds since the escalation began.
    answers: dict[str, tuple[int, float]] = field(default_factory=dict)
    #: Steps past the last level.
    exhausted: set[str] = field(default_factory=set)
    rejected: dict[str, Kept] = field(default_factory=dict)
    registry: dict[str, Entry] = field(default_factory=dict)
    #: Where the batch begins and where the next one does, by partition.
    first: dict[Place, int] = field(default_factory=dict)
    positions: dict[Place, int] = field(default_factory=dict)
    #: The leaders' epochs of the last records, by partition.
    leader_epochs: dict[Place, int | None] = field(default_factory=dict)
    #: Topic, partition and sending time (epoch seconds) of the canaries.
    canaries: list[tuple[str, int, float]] = field(default_factory=list)
    rows: int = 0

    def add(self, record: Record) -> None:
        """Take one record in. Never raises: what cannot be used is refused."""
        place = (record.topic, record.partition)
        self.first.setdefault(place, record.offset)
        self.positions[place] = record.offset + 1
        self.leader_epochs[place] = record.leader_epoch
        self.rows += 1
        try:
            _TAKERS[record.topic](self, record)
        except Exception as error:  # a defect of ours must not stop everything that comes after
            # Without the message: it may hold what is confidential.
            name = type(error).__name__
            logger.error("%s-%d@%d could not be handled: %s", record.topic, record.partition, record.offset, name)
            remedy = "tell who maintains Siaga; then 'siaga rejected replay'"
            problem = Problem("", f"could not be handled ({name})", remedy)
            self.refuse(record, Refused(RejectReason.INTERNAL, (problem,), record.value or b""))

    def refuse(self, record: Record, refused: Refused) -> None:
        """Set an item aside with its reason and its original bytes."""
        words = {name: text and _storable(text) for name, text in words_of(refused.problems).items()}
        rejection = Rejection(
            schema_version=SCHEMA_VERSION,
            rejection_id=refusal_id(record, refused.index, refused.original),
            reason=refused.reason,
            **words,
            source=SOURCE,
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            index=refused.index,
            original=base64.b64encode(refused.original).decode(),
            at=self.now,
        )
        self.rejected.setdefault(str(rejection.rejection_id), (rejection_row(rejection), record, refused.index))

    def conflict(self, kept: Kept) -> None:
        """Refuse an item whose id is taken by another."""
        row, record, index = kept
        problem = Problem(
            _ID_FIELDS[record.topic],
            f"{row[0]} was used before for something else",
            "send it with an id of its own; to change a report, send another that corrects it",
        )
        refused = Refused(RejectReason.CONFLICTING_ID, (problem,), original_of(record, index), index)
        self.refuse(record, refused)


def refusal_id(record: Record, index: int | None, original: bytes) -> UUID:
    """The id under which an item of a record is set aside by the store."""
    where = f"{record.topic}-{record.partition}@{record.offset}"
    return rejection_id(SOURCE, where if index is None else f"{where}#{index}", original)


def original_of(record: Record, index: int | None) -> bytes:
    """The bytes of an item of a record."""
    if index is None:
        return record.value or b""
    return json.dumps(from_json(record.value or b"")[index]).encode()


def _storable(text: str) -> str:
    return text.replace("\x00", "\N{REPLACEMENT CHARACTER}")


# -- one taker a topic --------------------------------------------------------------------------------------------


def places_of(record: Record, decoded: Decoded[M]) -> Iterable[tuple[int | None, M]]:
    """The usable items of a record with their places in its array; None where it is no array."""
    if not decoded.refused:
        return enumerate(decoded.items) if (record.value or b"")[:1] == b"[" else ((None, i) for i in decoded.items)
    gone = {refused.index for refused in decoded.refused}
    places = (number for number in range(len(decoded.items) + len(gone)) if number not in gone)
    return zip(places, decoded.items, strict=False)


def _decoded(batch: Batch, model: type[M], record: Record) -> Iterable[tuple[int | None, M]]:
    """The record's usable items with their places; what does not fit is refused."""
    decoded = decode(model, record.value)
    batch.rows += len(decoded.items)
    for refused in decoded.refused:
        batch.refuse(record, refused)
    return places_of(record, decoded)


def _take_once(
    batch: Batch,
    record: Record,
    *,
    model: type[M],
    into: Callable[[Batch], dict[str, Kept]],
    row_of: Callable[[M], Row],
    said: Callable[[Row], object],
) -> None:
    """Things that never change: the first of an id counts, one that says something else is refused."""
    kept = into(batch)
    for index, item in _decoded(batch, model, record):
        row = row_of(item)
        new = (row, record, index)
        known = kept.setdefault(row[0], new)
        if known is not new and said(known[0]) != said(row):
            batch.conflict(new)


def _said(row: Row, *, body: int) -> object:
    return said_in_body(row[body])


def _take_report(batch: Batch, record: Record) -> None:
    if not _is_canary(batch, record):
        _take_once(
            batch,
            record,
            model=AcceptedReport,
            into=lambda batch: batch.reports,
            row_of=report_row,
            said=partial(_said, body=13),
        )


def _take_checkin(batch: Batch, record: Record) -> None:
    _take_once(
        batch,
        record,
        model=AcceptedCheckIn,
        into=lambda batch: batch.checkins,
        row_of=checkin_row,
        said=said_in_checkin,
    )


def _take_command(batch: Batch, record: Record) -> None:
    _take_once(
        batch,
        record,
        model=Command,
        into=lambda batch: batch.commands,
        row_of=command_row,
        said=partial(_said, body=7),
    )


def _take_incident(batch: Batch, record: Record) -> None:
    """The newest snapshot counts; history and reports are taken from each."""
    if _is_canary(batch, record):
        return
    for index, incident in _decoded(batch, Incident, record):
        incident_id = str(incident.incident_id)
        known = batch.incidents.get(incident_id)
        if known is None or known[0][2] < incident.version:
            batch.incidents[incident_id] = (incident_row(incident, batch.epoch), record, index)
        for entry in incident.history:
            row = event_row(incident_id, entry)
            batch.events.setdefault(row[0], (row, record, index))
        for number, report in enumerate(incident.report_ids):
            report_id = str(report)
            moves = incident.report_moves[number] if number < len(incident.report_moves) else 0
            link = batch.links.get(report_id)
            # A report is of one incident, the one that it moved to last; where two claimed it as often, the same one
            # must win whichever came first.
            if link is None or (link[0][3], link[0][1]) < (moves, incident_id):
                batch.links[report_id] = ((report_id, incident_id, batch.epoch, moves), record, index)


def _take_escalation(batch: Batch, record: Record) -> None:
    """The newest snapshot counts; steps and cancellations are taken from each."""
    for index, escalation in _decoded(batch, Escalation, record):
        incident_id = str(escalation.incident_id)
        known = batch.escalations.get(incident_id)
        if known is None or known[0][2] < escalation.version:
            batch.escalations[incident_id] = (escalation_row(escalation, batch.epoch), record, index)
        for step in escalation.steps:
            row = step_row(escalation, step)
            batch.steps.setdefault(row[0], (row, record, index))
            if step.reason in ANSWERS:
                batch.answers[row[0]] = (step.level, (step.at - escalation.opened_at).total_seconds())
            elif step.reason in EXHAUSTED:
                batch.exhausted.add(row[0])
        for page_id in escalation.cancelled:
            batch.cancellations.setdefault(str(page_id), utc_text(escalation.updated_at))


def _take_page(batch: Batch, record: Record) -> None:
    """A page's id names all that it says but its wording: the first that comes is kept."""
    for index, page in _decoded(batch, Page, record):
        row = page_row(page, batch.now, record.at)
        batch.pages.setdefault(row[0], (row, record, index))


def _take_result(batch: Batch, record: Record) -> None:
    for index, result in _decoded(batch, PageResult, record):
        row = result_row(result, batch.epoch, record.at)
        batch.page_results.setdefault("|".join(map(str, row[:4])), (row, record, index))


def _take_rejection(batch: Batch, record: Record) -> None:
    for index, rejection in _decoded(batch, Rejection, record):
        try:
            row = rejection_row(rejection)
        except ValueError:
            problem = Problem("original", "is not base64", "send the original bytes in base64")
            refused = Refused(RejectReason.INVALID, (problem,), original_of(record, index), index)
            batch.refuse(record, refused)
        else:
            batch.rejected.setdefault(row[0], (row, record, index))


def _take_registry(batch: Batch, record: Record) -> None:
    """An entry that does not fit its contract leaves the one before it where it is."""
    problems: tuple[Problem, ...]
    try:
        key = (record.key or b"").decode()
        if not key or len(key) > _LONGEST_KEY or "\x00" in key:
            raise ValueError(f"key: has 1 to {_LONGEST_KEY} characters, such as stations/33.26.08")
        parsed = parse_entry(key, record.value) if record.value is not None else None
    except ValidationError as error:
        problems = problems_of(error)
    except ValueError as error:
        problems = (Problem("key", str(error).removeprefix("key: ")[:300], "load the registry again"),)
    else:
        batch.registry[key] = Entry(key, record, parsed)
        return
    batch.refuse(record, Refused(RejectReason.INVALID, problems, record.value or b""))


def _is_canary(batch: Batch, record: Record) -> bool:
    canary = canary_of(record.value)
    if canary is None:
        return False
    batch.canaries.append((record.topic, canary.partition, canary.sent_at.timestamp()))
    return True


_ID_FIELDS: Final = {REPORTS: "report_id", CHECKINS: "report_id", COMMANDS: "command_id"}

_TAKERS: Final[dict[str, Callable[[Batch, Record], Any]]] = {
    REPORTS: _take_report,
    CHECKINS: _take_checkin,
    COMMANDS: _take_command,
    INCIDENTS: _take_incident,
    ESCALATIONS: _take_escalation,
    PAGES: _take_page,
    PAGE_RESULTS: _take_result,
    REJECTED: _take_rejection,
    REGISTRY: _take_registry,
}

#: The topics that are stored.
TOPICS: Final = tuple(_TAKERS)
