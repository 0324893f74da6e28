"""Answers the three posts: from an ASGI request to 202 once its items are kept, or to what is wrong with them.

In: ASGI requests. Out: items for the :class:`~producers.gateway.batcher.Batcher`, and answers. State: the devices'
limits. It stands below FastAPI's routing, which costs more than everything that is done here.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
import time
import traceback
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any, Final

from producers.entries import ItemKind
from producers.gateway.admission import proven
from producers.gateway.batcher import Batcher
from producers.gateway.intake import MAX_BATCH_BYTES, Taken, read_batch, read_one, too_large
from producers.gateway.known import Known
from producers.gateway.problems import Answer, Trouble, answer_json, answer_problem, problem_body
from producers.limits import Limits
from producers.metrics import GatewayMetrics, Outcome
from siaga import tracing
from siaga.bodies import BODY_SECONDS, Fault, bounded
from siaga.contracts.registry import Device
from siaga.contracts.topics import MAX_ITEM_BYTES
from siaga.settings import Settings

log = logging.getLogger(__name__)

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

#: What each path takes; a batch is counted as reports where nobody can say of what it was.
PATHS: Final[Mapping[str, ItemKind | None]] = {
    "/v1/reports": ItemKind.REPORT,
    "/v1/checkins": ItemKind.CHECKIN,
    "/v1/reports:batch": None,
}
#: Seconds after which to try again, where nobody can say better.
_RETRY: Final = 5.0
_TRACEPARENT: Final = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")


class Refused(Exception):
    """A request is not taken; carries why."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(trouble.outcome.value)
        self.trouble = trouble


@dataclass(frozen=True, slots=True)
class _Head:
    """What the headers say."""

    authorization: str
    content_type: str
    content_length: int
    traceparent: str | None


class Posts:
    """Answers posts. Belongs to one event loop."""

    def __init__(self, settings: Settings, known: Known, batcher: Batcher, metrics: GatewayMetrics) -> None:
        self._known = known
        self._batcher = batcher
        self._metrics = metrics
        self._per_minute = settings.rate_per_minute
        self._limits = Limits(settings.rate_burst)

    async def answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request for one of :data:`PATHS`; never raises."""
        began = time.perf_counter()
        kind = PATHS[scope["path"]]
        try:
            if scope["method"] != "POST":
                body = problem_body("method-not-allowed", 405, "Only POST is answered here")
                answer = answer_problem(body, (b"allow", b"POST"))
            elif kind is None:
                answer = await self._batch(scope, receive)
            else:
                answer = await self._one(kind, scope, receive)
        except Refused as refused:
            self._metrics.count(kind or ItemKind.REPORT, refused.trouble.outcome)
            answer = refused.trouble.to_answer()
        except asyncio.CancelledError:
            raise
        except Exception as error:
            # Where, but not what: the message of an error may hold what was sent.
            place = traceback.extract_tb(error.__traceback__)[-1]
            log.error("gateway: %s at %s:%s", type(error).__name__, place.filename, place.lineno)
            answer = answer_problem(problem_body("internal", 500, "Something went wrong here; send it again"))
        if answer.status < 300:
            self._metrics.ack_seconds.observe(time.perf_counter() - began)
        await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
        await send({"type": "http.response.body", "body": answer.body})

    # -- one object, several --------------------------------------------------------------------------------------

    async def _one(self, kind: ItemKind, scope: Scope, receive: Receive) -> Answer:
        head = _head(scope)
        device = self._admit(head, MAX_ITEM_BYTES)
        if not self._take(device, 1):
            raise Refused(self._limited(device))
        body = await _body(receive, MAX_ITEM_BYTES)
        began = time.time()
        taken = read_one(kind, body, device, self._known.registry, began)
        if isinstance(taken, Trouble):
            raise Refused(taken)
        is_traced = kind is ItemKind.REPORT and tracing.is_on()
        parent = tracing.traceparent(taken.report_id) if is_traced else head.traceparent
        ticket = self._batcher.submit((taken.entry,), parent)
        await ticket.done
        outcome = ticket.outcomes[0]
        if is_traced:
            _trace(taken, outcome, began, head.traceparent)
        if outcome is Outcome.ACCEPTED or outcome is Outcome.SPOOLED:
            return answer_json(202, f'{{"report_id":"{taken.report_id}","status":"{outcome}"}}'.encode())
        return _not_kept(outcome).to_answer()

    async def _batch(self, scope: Scope, receive: Receive) -> Answer:
        head = _head(scope)
        device = self._admit(head, MAX_BATCH_BYTES)
        if self._wait(device) > 0:
            raise Refused(self._limited(device))
        body, began = await _body(receive, MAX_BATCH_BYTES), time.time()
        items = read_batch(body, device, self._known.registry, began)
        if isinstance(items, Trouble):
            raise Refused(items)
        allowed = self._take(device, len(items))
        if items and not allowed:
            raise Refused(self._limited(device))
        limited = self._limited(device)
        answers = [(kind, found if place < allowed else limited) for place, (kind, found) in enumerate(items)]
        return await self._keep(answers, head.traceparent, began)

    async def _keep(
        self, items: list[tuple[ItemKind, Taken | Trouble]], traceparent: str | None, began: float
    ) -> Answer:
        """Keep what can be kept of a batch, and answer for each item."""
        taken = [item for _, item in items if isinstance(item, Taken)]
        outcomes: list[Outcome] = []
        if taken:
            ticket = self._batcher.submit([item.entry for item in taken], traceparent)
            await ticket.done
            outcomes = ticket.outcomes
        kept = iter(outcomes)
        said: dict[ItemKind, list[dict[str, Any]]] = {kind: [] for kind in ItemKind}
        whole, retry_after = True, None
        for kind, item in items:
            trouble = item if isinstance(item, Trouble) else None
            if isinstance(item, Taken):
                outcome = next(kept)
                if kind is ItemKind.REPORT and tracing.is_on():
                    _trace(item, outcome, began, traceparent)
                if outcome in (Outcome.ACCEPTED, Outcome.SPOOLED):
                    said[kind].append({"report_id": item.report_id, "status": outcome.value})
                    continue
                trouble = _not_kept(outcome)
            elif trouble is not None:
                self._metrics.count(kind, trouble.outcome)
            if trouble is not None:
                whole, retry_after = False, trouble.retry_after or retry_after
                said[kind].append(trouble.to_dict())
        body = {"reports": said[ItemKind.REPORT], "checkins": said[ItemKind.CHECKIN]}
        more = [] if retry_after is None else [(b"retry-after", str(max(1, round(retry_after))).encode())]
        return answer_json(202 if whole else 207, json.dumps(body, ensure_ascii=False).encode(), *more)

    # -- who may ------------------------------------------------------------------------------------------------

    def _admit(self, head: _Head, most: int) -> Device:
        """The device, if the request may be read at all."""
        device = proven(self._known, head.authorization)
        if isinstance(device, Trouble):
            raise Refused(device)
        if head.content_type.partition(";")[0].strip().lower() not in ("application/json", ""):
            raise Refused(Trouble(Outcome.UNSUPPORTED_MEDIA, "send Content-Type: application/json"))
        if head.content_length > most:
            raise Refused(too_large(most))
        return device

    def _rate(self, device: Device) -> int:
        return device.rate_per_minute or self._per_minute

    def _take(self, device: Device, items: int) -> int:
        return self._limits.take(device.device_id, items, per_minute=self._rate(device), now=time.monotonic())

    def _wait(self, device: Device) -> float:
        return self._limits.wait(device.device_id, per_minute=self._rate(device), now=time.monotonic())

    def _limited(self, device: Device) -> Trouble:
        detail = f"this device may send {self._rate(device)} items a minute; keep the rest and send it later"
        return Trouble(Outcome.LIMITED, detail, (), self._wait(device))


def _trace(taken: Taken, outcome: Outcome, began: float, client: str | None) -> None:
    stretch = tracing.Stretch(began, time.time())
    tracing.accepted(taken.report_id, stretch, outcome=outcome.value, client=client)


def _not_kept(outcome: Outcome) -> Trouble:
    detail = (
        "the queue for what Kafka has not taken is full; keep it and send it again"
        if outcome is Outcome.FULL
        else "the gateway stops or its disk fails; keep it and send it again"
    )
    return Trouble(outcome, detail, retry_after=_RETRY)


def _head(scope: Scope) -> _Head:
    authorization = content_type = ""
    length, traceparent = 0, None
    for name, value in scope["headers"]:
        if name == b"authorization":
            authorization = value.decode("latin-1")
        elif name == b"content-type":
            content_type = value.decode("latin-1")
        elif name == b"content-length":
            length = int(value) if value.isdigit() else 0
        elif name == b"traceparent" and _TRACEPARENT.fullmatch(told := value.decode("latin-1")):
            traceparent = told
    return _Head(authorization, content_type, length, traceparent)


async def _body(receive: Receive, most: int) -> bytes:
    """The request's body; refuses once there is more than ``most`` bytes, or when it does not come."""

    def refused(fault: Fault) -> Refused:
        if fault is Fault.TOO_LARGE:
            return Refused(too_large(most))
        return Refused(Trouble(Outcome.SLOW, f"send it within {BODY_SECONDS:g} seconds"))

    within, chunks = bounded(receive, most=most, refused=refused), []
    while True:
        message = await within()
        if message["type"] == "http.disconnect":
            raise Refused(Trouble(Outcome.SLOW, "the connection broke off; send it again"))
        chunks.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(chunks)
