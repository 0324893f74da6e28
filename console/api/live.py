"""What open pages live on: the board as it stands, and a stream of what changes on it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Annotated, Final

from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import Response, StreamingResponse

from console.access import Caller, CoreOf, SignedIn, find_caller
from console.board import Changed
from console.core import Core
from console.feed import change_event, event
from console.problems import RESPONSES

router = APIRouter(tags=["live"], responses=RESPONSES)

#: Seconds between two looks at whether a stream's reader is still signed in.
_RECHECK: Final = 15.0
_PAGE: Final = 2_000


@router.get("/api/board", response_class=Response, responses={200: {"content": {"application/json": {}}}})
def get_board(
    caller: SignedIn,
    core: CoreOf,
    offset: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
    limit: Annotated[int, Query(ge=1, le=_PAGE)] = 200,
) -> Response:
    """The queue in its order, from memory, with the `seq` to go on from in `/api/events`."""
    board = core.feed.board
    seq = board.seq
    cards = board.cards(caller.audience)
    pulse = json.dumps(board.pulse(caller.audience, core.now().timestamp()), separators=(",", ":")).encode()
    page = b",".join(card.json() for card in cards[offset : offset + limit])
    body = b'{"seq":%d,"total":%d,"incidents":[%b],"pulse":%b}' % (seq, len(cards), page, pulse)
    return Response(body, media_type="application/json")


@router.get("/api/events", response_class=Response, responses={200: {"content": {"text/event-stream": {}}}})
async def stream_events(
    request: Request,
    caller: SignedIn,
    core: CoreOf,
    since: Annotated[int | None, Query(ge=0, le=2**62, description="Send what changed after this `seq`")] = None,
    last_event_id: Annotated[str | None, Header(pattern=r"^\d{1,18}$")] = None,
) -> StreamingResponse:
    """Server-sent events: `incident` (as the queue shows it), `gone`, `pulse` each second, `reset` (read
    `/api/board` again). A browser that lost the connection comes back with the last `id` and misses nothing."""
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
