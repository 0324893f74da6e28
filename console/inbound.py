"""``/answers/…``: gateways bring what officers sent back to a page by SMS, WhatsApp or Telegram.

In: the post of a gateway that the setting ``answers_file`` names, with its proof. Out: the commands it means, on
Kafka before it is answered, or a rejection without the number; and what the officer is told. State: none. Brought
twice it is one answer: the command's id is made of the message's.

A post that fails for a while is answered 503, so that the gateway brings it again.
"""

from __future__ import annotations

import logging
from typing import Annotated, Any, Final
from xml.sax.saxutils import escape

from fastapi import APIRouter, Path, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response

from console.access import CoreOf
from console.api.models import AnswerOut, TelegramOut
from console.commands import CommandError
from console.core import Core
from console.inbound_reports import NotNow, take_report
from console.openapi import refusals
from console.problems import Problem
from siaga.answers.desk import UNKNOWN, Received, Settled
from siaga.answers.gateways import MOST_BYTES, TELEGRAM, Gateway, Post
from siaga.answers.reports import is_report
from siaga.answers.telegram import Update, note_of, read_update
from siaga.store.answering import settled_of

router = APIRouter(tags=["answers"])
log = logging.getLogger(__name__)

SOURCE: Final = "console.answers"
_AGAIN: Final = {"Retry-After": "2"}


_KINDS: Final = ("application/json", "application/x-www-form-urlencoded")
#: For the OpenAPI document: which of its fields say what, each gateway's format says.
_POSTED: Final[dict[str, Any]] = {
    "security": [{"gateway": []}],
    "requestBody": {
        "required": True,
        "content": {kind: {"schema": {"type": "object"}} for kind in _KINDS},
    },
}
_TOLD: Final[dict[str, Any]] = {
    "model": AnswerOut | TelegramOut,
    "description": "What came of it; Twilio gets TwiML, Telegram the call of a method",
    "content": {"application/xml": {"schema": {"type": "string"}}},
}


@router.post(
    "/answers/{name}",
    response_class=Response,
    responses={200: _TOLD, **refusals(401, 404, 408, 413, 422, 503, _401="The proof is not this gateway's")},
    openapi_extra=_POSTED,
)
@router.post("/answers/{name}/{tail}", include_in_schema=False)
async def bring_answer(
    name: Annotated[str, Path(description="The gateway, as the setting `answers_file` names it")],
    request: Request,
    core: CoreOf,
) -> Response:
    """Bring what an officer sent back, or a report in a line. A form or JSON of 64 KiB at most; the gateway's format
    says which of its fields are meant, and what proves whose it is. Where the secret is a part of the address, it is
    the last one: `/answers/<name>/<secret>`. The same message again is harmless."""
    gateway = core.gateways.get(name)
    if gateway is None:
        raise Problem(404, "gateway: there is none of this name; name it in the file of SIAGA_ANSWERS_FILE")
    tail = request.path_params.get("tail", "")
    post = Post(await _body(request), {key.lower(): value for key, value in request.headers.items()}, tail)
    return await run_in_threadpool(_take, core, gateway, post)


async def _body(request: Request) -> bytes:
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > MOST_BYTES:
            raise Problem(413, f"post: is too large; send at most {MOST_BYTES} bytes")
    return body


def _take(core: Core, gateway: Gateway, post: Post) -> Response:
    now = core.now().timestamp()
    if not gateway.is_genuine(post, now):
        _count(core, gateway, "forged")
        raise Problem(401, "proof: is missing or not this gateway's; compare its secret with the one of answers_file")
    try:
        received = _read(gateway, post, now)
    except ValueError as error:
        _count(core, gateway, "unreadable")
        raise Problem(422, str(error)) from None
    if isinstance(received, Update):
        return _take_update(core, gateway, received)
    if received is None:
        _count(core, gateway, "no_message")
        return _told(gateway, None)
    try:
        settled = _settled_of(core, gateway, received)
    except NotNow:
        _count(core, gateway, "failed")
        if gateway.answer == "twiml":
            return _twiml(UNKNOWN)
        raise Problem(503, "gateway: the devices' takes nothing now; bring it again", headers=_AGAIN) from None
    if _sent(core, gateway, settled):
        return _told(gateway, settled)
    if gateway.answer != "twiml":
        raise Problem(503, "kafka: did not take the answer; bring it again", headers=_AGAIN)
    # Twilio brings nothing twice: the officer has to know.
    return _twiml(settled.reply_failed)


def _read(gateway: Gateway, post: Post, now: float) -> Received | Update | None:
    """Nothing is done yet: what goes wrong later must not be told to a gateway in words that hold a message's."""
    if gateway.format != TELEGRAM:
        return gateway.message_of(post, now)
    update = read_update(post.fields())
    if update is None:
        raise ValueError("post: is no update; point only Telegram's webhook here")
    return update


def _settled_of(core: Core, gateway: Gateway, received: Received) -> Settled:
    if gateway.reports is not None and is_report(received.text):
        return take_report(core, gateway, received, source=SOURCE)
    return _settled(core, received)


def _settled(core: Core, received: Received) -> Settled:
    now = core.now()
    with core.database.read.connect() as connection:
        return settled_of(connection, received, source=SOURCE, now=now)


def _sent(core: Core, gateway: Gateway, settled: Settled) -> bool:
    """Whether Kafka has all that came of a message."""
    try:
        for command in settled.commands:
            core.commands.publish(command)
        if settled.rejection is not None:
            core.commands.reject(settled.rejection)
    except CommandError:
        _count(core, gateway, "failed")
        return False
    _count(core, gateway, settled.outcome.value)
    return True


def _count(core: Core, gateway: Gateway, outcome: str) -> None:
    core.metrics.answers.labels(gateway.via.value, outcome).inc()


# -- what is answered ------------------------------------------------------------------------------------------------


def _told(gateway: Gateway, settled: Settled | None) -> Response:
    reply = None if settled is None else settled.reply
    if gateway.answer == "twiml":
        return _twiml(reply)
    return JSONResponse({"status": "no_message" if settled is None else settled.outcome.value, "reply": reply})


def _twiml(reply: str | None) -> Response:
    """What Twilio does next: send ``reply`` to whoever wrote."""
    message = "" if reply is None else f"<Message>{escape(reply)}</Message>"
    return Response(
        f'<?xml version="1.0" encoding="UTF-8"?><Response>{message}</Response>', media_type="application/xml"
    )


def _take_update(core: Core, gateway: Gateway, update: Update) -> Response:
    """Telegram: the answer to its post may call one method, which needs no token here."""
    if update.received is None:
        _count(core, gateway, "no_message")
        return JSONResponse({} if update.query_id is None else _call(update.query_id, None))
    settled = _settled(core, update.received)
    if not _sent(core, gateway, settled):
        raise Problem(503, "kafka: did not take the answer; bring it again", headers=_AGAIN)
    if update.query_id is not None:
        return JSONResponse(_call(update.query_id, settled.reply))
    if settled.reply is None:
        return JSONResponse({})
    return JSONResponse({"method": "sendMessage", "chat_id": update.chat_id, "text": settled.reply})


def _call(query_id: str, reply: str | None) -> dict[str, object]:
    return {"method": "answerCallbackQuery", **note_of(query_id, reply)}
