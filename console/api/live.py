"""What open pages live on: the board as it stands, and a stream of what changes on it."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from typing import Annotated, Final

from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import Response, StreamingResponse

from console.access import Caller, CoreOf, SignedIn, find_caller
from console.api.overviews import BoardOut
from console.board import Board, Changed
from console.core import Core
from console.feed import change_event, event
from console.openapi import refusals, text
from siaga.redaction import Audience

router = APIRouter(tags=["live"])

#: Seconds between two looks at whether a stream's reader is still signed in.
_RECHECK: Final = 15.0
_JSON: Final = "application/json"
_PAGE: Final = 2_000
#: Pages of the board that are kept compressed, and how hard (zlib's level; a harder one takes twice as long for a
#: tenth less).
_KEPT: Final = 64
_LEVEL: Final = 3


@router.get(
    "/api/board",
    response_class=Response,
    responses={
        200: {"model": BoardOut, "description": "A part of the queue, and the pulse"},
        **refusals(401, 422, 503),
    },
)
def get_board(
    caller: SignedIn,
    core: CoreOf,
    offset: Annotated[int, Query(ge=0, le=1_000_000, description="Incidents of the queue to leave out")] = 0,
    limit: Annotated[int, Query(ge=1, le=_PAGE, description="Incidents in one answer")] = 200,
    accept_encoding: Annotated[str | None, Header(include_in_schema=False)] = None,
) -> Response:
    """The queue in its order, and the numbers of the moment. From memory; its `seq` is where to go on from in
    `/api/events`."""
    board, now = core.feed.board, core.now().timestamp()
    if offset == 0 or "gzip" not in (accept_encoding or ""):
        return Response(_page(board, caller.audience, now, slice(offset, offset + limit)), media_type=_JSON)
    # After a break all pages come back at once and ask for the same: it is compressed for the first of them.
    key = (caller.audience, board.revision, int(now), offset, limit)
    packed = core.board_pages.get(key)
    if packed is None:
        page = _page(board, caller.audience, now, slice(offset, offset + limit))
        packed = gzip.compress(page, _LEVEL, mtime=0)
        if len(core.board_pages) >= _KEPT:
            core.board_pages.clear()
        core.board_pages[key] = packed
    return Response(packed, media_type=_JSON, headers={"Content-Encoding": "gzip", "Vary": "Accept-Encoding"})


def _page(board: Board, audience: Audience, now: float, chosen: slice) -> bytes:
    seq = board.seq
    cards = board.cards(audience)
    pulse = json.dumps(board.pulse(audience, now), separators=(",", ":")).encode()
    page = b",".join(card.json() for card in cards[chosen])
    return b'{"seq":%d,"total":%d,"incidents":[%b],"pulse":%b}' % (seq, len(cards), page, pulse)


@router.get(
    "/api/events",
    response_class=Response,
    responses={200: text("text/event-stream", "Events, until the caller goes"), **refusals(401, 422, 503)},
)
async def stream_events(
    request: Request,
    caller: SignedIn,
    core: CoreOf,
    since: Annotated[int | None, Query(ge=0, le=2**62, description="Send what changed after this `seq`")] = None,
    last_event_id: Annotated[
        str | None, Header(pattern=r"^\d{1,18}$", description="As `since`; a browser that comes back sends it")
    ] = None,
) -> StreamingResponse:
    """What changes, as server-sent events. `incident` is one as the queue shows it, `gone` the `incident_id` of one
    that is not to be seen any more, `pulse` the numbers each second, `reset` says to read `/api/board` again, and
    `signed-out` is the last. A browser that lost the connection comes back with the last `id` and misses nothing."""
    known = int(last_event_id) if last_event_id else since
    headers = {"X-Accel-Buffering": "no"}
    return StreamingResponse(_events(request, core, caller, known), media_type="text/event-stream", headers=headers)


async def _events(request: Request, core: Core, caller: Caller, known: int | None) -> AsyncIterator[bytes]:
    board, audience = core.feed.board, caller.audience
    async with core.feed.subscribed() as queue:
        yield b"retry: 1000\n\n"
        if known is not None:
            # What a unit may see can change under it, and what it saw before is not known here: it starts over.
            if known > board.seq or known < board.floor or (audience.agency and known < board.seq):
                yield event("reset", {"seq": board.seq}, board.seq)
            else:
                missed = sorted(board.since(known), key=lambda row: int(row["seq"]))
                yield b"".join(change_event(board, audience, Changed(row, None)) for row in missed)
        yield event("pulse", board.pulse(audience, core.now().timestamp()), board.seq)
        clock = asyncio.get_running_loop().time
        recheck = clock() + _RECHECK
        while True:
            tick = await queue.get()
            if tick is None:
                return
            if clock() >= recheck:
                recheck = clock() + _RECHECK
                still = await asyncio.to_thread(find_caller, core, request.headers, request.cookies)
                if still is None or still.user != caller.user:
                    yield event("signed-out", {}, tick.seq)
                    return
            yield tick.encoded(audience)
