"""From a record to changed districts: decode, judge item by item, fold.

Input: one record of an input topic, an object or an array. State: :class:`~streams.districts.Districts`. Output: the
districts changed; what cannot be used as rejections, canaries to pass on. Never raises: an item that cannot be used
does not stop the rest of its array, nor a record its partition.
"""

from __future__ import annotations

import base64
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from siaga.contracts.base import SCHEMA_VERSION, Contract
from siaga.contracts.canary import Canary, canary_of
from siaga.contracts.checkin import AcceptedCheckIn
from siaga.contracts.command import Command
from siaga.contracts.decode import Problem, Refused, decode
from siaga.contracts.neighbour import NeighbourTrouble
from siaga.contracts.rejection import Rejection, RejectReason, rejection_id
from siaga.contracts.report import AcceptedReport
from siaga.contracts.timer import Timer
from siaga.contracts.topics import CHECKINS, COMMANDS, NEIGHBOURS, REPORTS, TIMERS
from siaga.election.registry import Registry
from siaga.triage.checkins import take_checkin
from siaga.triage.commands import take_command
from siaga.triage.neighbours import take_trouble
from siaga.triage.reports import take_report
from siaga.triage.state import DistrictState, Refusal
from siaga.triage.timers import take_timer
from streams import metrics
from streams.districts import Districts

logger = logging.getLogger(__name__)

SOURCE: Final = "streams.intake"


@dataclass(frozen=True, slots=True)
class Incoming:
    """A record as it came."""

    topic: str
    partition: int
    offset: int
    value: bytes | None

    @property
    def place(self) -> str:
        """Where it stands, for people and for ids."""
        return f"{self.topic}-{self.partition}@{self.offset}"


@dataclass(frozen=True, slots=True)
class _Handling:
    """How the items of one topic are taken in."""

    model: type[Contract]
    district: Callable[[Any], str]
    take: Callable[[DistrictState, Any, Registry], Refusal | None]


def _of_station(item: AcceptedReport | AcceptedCheckIn) -> str:
    return item.station_id[:8]


def _command(state: DistrictState, command: Command, registry: Registry) -> Refusal | None:
    return take_command(state, command)


def _timer(state: DistrictState, timer: Timer, registry: Registry) -> Refusal | None:
    take_timer(state, timer, registry)
    return None


HANDLINGS: Final[dict[str, _Handling]] = {
    REPORTS: _Handling(AcceptedReport, _of_station, take_report),
    CHECKINS: _Handling(AcceptedCheckIn, _of_station, take_checkin),
    NEIGHBOURS: _Handling(NeighbourTrouble, lambda item: str(item.to_district), take_trouble),
    COMMANDS: _Handling(Command, lambda item: str(item.district), _command),
    TIMERS: _Handling(Timer, lambda item: str(item.district), _timer),
}


class Intake:
    """Takes records in, one after the other."""

    def __init__(self, districts: Districts, registry: Registry) -> None:
        self._districts = districts
        self._registry = registry
        self._rejections: list[Rejection] = []
        self._canaries: list[Canary] = []

    def take_told(self) -> tuple[list[Rejection], list[Canary]]:
        """What was rejected and which canaries came since this was last asked."""
        told = self._rejections, self._canaries
        self._rejections, self._canaries = [], []
        return told

    def take(self, record: Incoming, now: datetime) -> None:
        """Fold one record into the districts' states. ``now`` is the time of rejections and of passing canaries."""
        kind = metrics.KINDS[record.topic]
        metrics.RECORDS.labels(kind=kind).inc()
        if record.topic == REPORTS and (canary := canary_of(record.value)) is not None:
            self._canaries.append(canary.model_copy(update={"triaged_at": now}))
            return
        handling = HANDLINGS[record.topic]
        decoded = decode(handling.model, record.value)
        for refused in decoded.refused:
            self._reject(record, refused, now)
        metrics.ITEMS.labels(kind=kind).inc(len(decoded.items) + len(decoded.refused))
        for index, item in enumerate(decoded.items):
            district = handling.district(item)
            if self._districts.partition(district) != record.partition:
                refusal: Refusal | None = _misplaced(district)
            else:
                refusal = self._fold(handling, district, item, record)
            if refusal is not None:
                self._reject(record, _refused(refusal, item, index), now)

    def _fold(self, handling: _Handling, district: str, item: Contract, record: Incoming) -> Refusal | None:
        try:
            return handling.take(self._districts.touch(district), item, self._registry)
        except Exception as error:  # a defect of ours must not stop a district's partition for everybody in it
            # Without the message and the traceback's values: they may hold what is confidential.
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
        problems = refused.problems
        self._rejections.append(
            Rejection(
                schema_version=SCHEMA_VERSION,
                rejection_id=rejection_id(SOURCE, place, refused.original),
                reason=refused.reason,
                field=problems[0].field[:200] or None,
                message="; ".join(f"{p.field}: {p.message}" if p.field else p.message for p in refused.problems)[
                    :1000
                ],
                remedy="; ".join(dict.fromkeys(p.remedy for p in problems))[:1000],
                source=SOURCE,
                topic=record.topic,
                partition=record.partition,
                offset=record.offset,
                index=refused.index,
                original=base64.b64encode(refused.original).decode(),
                at=now,
            )
        )


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
