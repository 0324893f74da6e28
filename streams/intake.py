"""From a record to changed districts: decode, judge item by item, fold.

Input: one record of an input topic, an object or an array. State: :class:`~streams.districts.Districts`. Output: the
districts changed; what cannot be used as rejections, canaries to pass on. Never raises: an item that cannot be used
does not stop the rest of its array, nor a record its partition.
"""

from __future__ import annotations

import base64
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from siaga import tracing
from siaga.contracts.base import SCHEMA_VERSION, Contract
from siaga.contracts.canary import Canary, canary_of
from siaga.contracts.checkin import AcceptedCheckIn
from siaga.contracts.command import Command
from siaga.contracts.decode import Problem, Refused, decode, words_of
from siaga.contracts.neighbour import NeighbourTrouble
from siaga.contracts.page import is_drill_call
from siaga.contracts.page_result import PageResult
from siaga.contracts.rejection import Rejection, RejectReason, rejection_id
from siaga.contracts.report import AcceptedReport
from siaga.contracts.timer import Timer, TimerKind
from siaga.contracts.topics import CHECKINS, COMMANDS, NEIGHBOURS, PAGE_RESULTS, REPORTS, TIMERS
from siaga.escalation.duties import Duties
from siaga.escalation.snapshot import moment
from siaga.logs import about
from siaga.triage.checkins import take_checkin
from siaga.triage.commands import take_command
from siaga.triage.merging import forwarded
from siaga.triage.neighbours import take_trouble
from siaga.triage.reports import take_report
from siaga.triage.settle import settle
from siaga.triage.state import Refusal
from siaga.triage.timers import take_timer
from siaga.types import district_of
from streams import metrics
from streams.districts import District, Districts

logger = logging.getLogger(__name__)

SOURCE: Final = "streams.intake"


@dataclass(frozen=True, slots=True)
class Incoming:
    """A record as it came; ``at`` is when it is taken in (epoch seconds)."""

    topic: str
    partition: int
    offset: int
    value: bytes | None
    at: float

    @property
    def place(self) -> str:
        """Where it stands, for people and for ids."""
        return f"{self.topic}-{self.partition}@{self.offset}"


@dataclass(frozen=True, slots=True)
class _Handling:
    """How the items of one topic are taken in."""

    model: type[Contract]
    district: Callable[[Any], str]
    take: Callable[[District, Any, Duties], Refusal | None]


def _of_station(item: AcceptedReport | AcceptedCheckIn) -> str:
    return district_of(item.station_id)


def _of_district(item: Command | Timer | PageResult) -> str:
    return item.district


def _report(district: District, report: AcceptedReport, duties: Duties) -> Refusal | None:
    return take_report(district.state, report, duties.registry)


def _checkin(district: District, checkin: AcceptedCheckIn, duties: Duties) -> Refusal | None:
    return take_checkin(district.state, checkin, duties.registry)


def _trouble(district: District, trouble: NeighbourTrouble, duties: Duties) -> Refusal | None:
    return take_trouble(district.state, trouble, duties.registry)


def _command(district: District, command: Command, duties: Duties) -> Refusal | None:
    if is_drill_call(command.incident_id):
        return None  # an answer to a test of the roster: the store counts it, and there is nothing to decide
    settle_now(district, duties)
    command = forwarded(district.state, command)
    refusal = district.book.refusal(command, duties) or take_command(district.state, command, duties.registry)
    if refusal is None:
        district.book.take_command(command, duties, district.at)
    return refusal


def _timer(district: District, timer: Timer, duties: Duties) -> Refusal | None:
    if timer.kind in _ESCALATES:
        settle_now(district, duties)
        # Due by the clock that set it: whoever noticed it may have one that is ahead.
        noticed = min(timer.at, moment(district.at))
        district.book.take_timer(timer.model_copy(update={"at": noticed}), duties)
    if timer.kind not in _ESCALATES or timer.kind is TimerKind.EXPIRY:
        take_timer(district.state, timer, duties.registry)
    return None


def _result(district: District, result: PageResult, duties: Duties) -> Refusal | None:
    district.book.take_result(result, duties, district.at)
    return None


#: Timers that the escalations wait for; what expires concerns the incidents as well.
_ESCALATES: Final = frozenset(kind for kind in TimerKind if kind.is_of_incident) | {
    TimerKind.DIGEST,
    TimerKind.EXPIRY,
}

HANDLINGS: Final[dict[str, _Handling]] = {
    REPORTS: _Handling(AcceptedReport, _of_station, _report),
    CHECKINS: _Handling(AcceptedCheckIn, _of_station, _checkin),
    NEIGHBOURS: _Handling(NeighbourTrouble, lambda item: str(item.to_district), _trouble),
    COMMANDS: _Handling(Command, _of_district, _command),
    TIMERS: _Handling(Timer, _of_district, _timer),
    PAGE_RESULTS: _Handling(PageResult, _of_district, _result),
}


def settle_now(district: District, duties: Duties) -> None:
    """Have the escalations know the incidents as they are, before something happens to both."""
    settled = settle(district.state, duties.registry)
    for incident in settled.incidents:
        district.book.take_incident(incident, duties, district.at)
    district.settled.append(settled)


class Intake:
    """Takes records in, one after the other."""

    def __init__(self, districts: Districts, duties: Duties) -> None:
        self._districts = districts
        self._duties = duties
        self._rejections: list[Rejection] = []
        self._canaries: list[Canary] = []

    def take_told(self) -> tuple[list[Rejection], list[Canary]]:
        """What was rejected and which canaries came since this was last asked."""
        told = self._rejections, self._canaries
        self._rejections, self._canaries = [], []
        return told

    def is_early(self, record: Incoming) -> bool:
        """Whether the record decides about an incident or a report that nobody here has heard of yet."""
        if record.topic != COMMANDS:
            return False
        for command in decode(Command, record.value).items:
            district = self._districts.all.get(command.district)
            if district is None or not _is_known(district, command):
                return True
        return False

    def take(self, record: Incoming, now: datetime) -> None:
        """Fold one record into the districts' states. ``now`` is the time of rejections and of passing canaries."""
        metrics.RECORDS_OF[record.topic].inc()
        if record.topic == REPORTS and (canary := canary_of(record.value)) is not None:
            self._canaries.append(canary.model_copy(update={"triaged_at": now}))
            return
        handling = HANDLINGS[record.topic]
        decoded = decode(handling.model, record.value)
        for refused in decoded.refused:
            self._reject(record, refused, now)
        metrics.ITEMS_OF[record.topic].inc(len(decoded.items) + len(decoded.refused))
        is_traced = record.topic == REPORTS and tracing.is_on()
        for index, item in enumerate(decoded.items):
            district = handling.district(item)
            if self._districts.partition(district) != record.partition:
                refusal: Refusal | None = _misplaced(district)
            else:
                began = time.time() if is_traced else 0.0
                refusal = self._fold(handling, district, item, record)
                if is_traced:
                    self._trace(district, item, began)
            if refusal is not None:
                self._reject(record, _refused(refusal, item, index), now)

    def _trace(self, district: str, report: Any, began: float) -> None:
        incident_id = self._districts.all[district].state.reports.get(str(report.report_id))
        tracing.triaged(str(report.report_id), incident_id, tracing.Stretch(began, time.time()))

    def _fold(self, handling: _Handling, district: str, item: Contract, record: Incoming) -> Refusal | None:
        try:
            return handling.take(self._districts.touch(district, record.at), item, self._duties)
        except Exception as error:  # a defect of ours must not stop a district's partition for everybody in it
            # Without the message and the traceback's values: they may hold what is confidential.
            with about(tracing.trace_id_of(item)):
                logger.error("an item of %s could not be handled: %s", record.place, type(error).__name__)
            return Refusal(
                RejectReason.INTERNAL,
                "",
                f"could not be handled ({type(error).__name__})",
                "tell who maintains Siaga; then 'siaga rejected replay'",
            )

    def _reject(self, record: Incoming, refused: Refused, now: datetime) -> None:
        metrics.REJECTED.labels(reason=refused.reason.value).inc()
        place = record.place if refused.index is None else f"{record.place}#{refused.index}"
        self._rejections.append(
            Rejection(
                schema_version=SCHEMA_VERSION,
                rejection_id=rejection_id(SOURCE, place, refused.original),
                reason=refused.reason,
                **words_of(refused.problems),
                source=SOURCE,
                topic=record.topic,
                partition=record.partition,
                offset=record.offset,
                index=refused.index,
                original=base64.b64encode(refused.original).decode(),
                at=now,
            )
        )


def _is_known(district: District, command: Command) -> bool:
    state = district.state
    about = (command.incident_id, *(() if command.into is None else (command.into,)))
    return all(str(i) in state.incidents for i in about) and all(str(r) in state.reports for r in command.report_ids)


def _misplaced(district: str) -> Refusal:
    return Refusal(
        RejectReason.WRONG_DISTRICT,
        "station_id",
        f"lies in district {district}, whose records belong in another partition",
        "send it with its district's code as the record's key, and one district a record",
    )


def _refused(refusal: Refusal, item: Contract, index: int) -> Refused:
    problem = Problem(refusal.field, refusal.message, refusal.remedy)
    return Refused(refusal.reason, (problem,), item.to_json(), index)
