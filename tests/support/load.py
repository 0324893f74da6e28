"""``python -m tests.support.load``: posts reports as fast as asked, and prints what it saw.

Raw bytes over kept connections: a client library would cost more than the gateway it measures. Its own reports, or
those of a file (one JSON object a line) whose name is the last argument.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvloop

from tests.support import builders
from tests.support.brokers import ROOT
from tests.support.stack import Stack


@dataclass
class Seen:
    """What came of the posts: how many of each status, and each one's seconds."""

    statuses: dict[str, int] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)
    began: float = 0.0
    ended: float = 0.0
    #: Epoch seconds of the beginning.
    began_at: float = 0.0

    def summary(self) -> dict[str, Any]:
        ordered = sorted(self.seconds)
        took = self.ended - self.began
        return {
            "statuses": self.statuses,
            "began_at": self.began_at,
            "per_second": round(len(ordered) / took) if took else 0,
            "p50_ms": round(1000 * ordered[len(ordered) // 2], 1),
            "p99_ms": round(1000 * ordered[int(len(ordered) * 0.99)], 1),
        }


class _Connection(asyncio.Protocol):
    """One connection: one request at a time."""

    def __init__(self) -> None:
        self._transport: Any = None
        self._buffer = b""
        self._answer: asyncio.Future[str] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def connection_lost(self, error: Exception | None) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_result("lost")

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, found, body = self._buffer.partition(b"\r\n\r\n")
        if not found:
            return
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        if len(body) >= length and self._answer is not None:
            self._buffer = body[length:]
            self._answer.set_result(head[9:12].decode())

    async def post(self, request: bytes) -> str:
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._answer


async def load(
    port: int,
    token: str,
    *,
    posts: int,
    connections: int,
    per_second: float,
    bodies: Iterable[bytes] | None = None,
) -> Seen:
    """Post so many reports. With ``per_second`` 0 each connection posts again as soon as it has its answer."""
    loop = asyncio.get_running_loop()
    seen = Seen()
    free: asyncio.Queue[_Connection] = asyncio.Queue()
    for _ in range(connections):
        free.put_nowait((await loop.create_connection(_Connection, "127.0.0.1", port))[1])
    requests = [_request(token, body) for body in bodies or _bodies(posts)]

    async def one(connection: _Connection, request: bytes, due: float) -> None:
        status = await connection.post(request)
        seen.seconds.append(time.perf_counter() - due)
        seen.statuses[status] = seen.statuses.get(status, 0) + 1
        free.put_nowait(connection)

    seen.began, seen.began_at = time.perf_counter(), time.time()
    tasks: set[asyncio.Task[None]] = set()
    for number, request in enumerate(requests):
        due = time.perf_counter()
        if per_second:
            due = seen.began + number / per_second
            if (wait := due - time.perf_counter()) > 0:
                await asyncio.sleep(wait)
        connection = await free.get()
        task = asyncio.create_task(one(connection, request, due if per_second else time.perf_counter()))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
    while tasks:
        await asyncio.wait(tasks)
    seen.ended = time.perf_counter()
    return seen


def _bodies(posts: int) -> Iterator[bytes]:
    stations = [builders.STATION, builders.SECOND_STATION, builders.OTHER_STATION]
    for number in range(posts):
        report = builders.report(
            station=stations[number % 3], report_id=uuid.uuid4(), text="Cekcok dua kubu pendukung di pintu TPS"
        )
        yield json.dumps(report).encode()


def _request(token: str, body: bytes) -> bytes:
    head = (
        f"POST /v1/reports HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {token}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def posting(stack: Stack, posts: Sequence[object], per_second: int, directory: Path) -> subprocess.Popen[str]:
    """A process that posts these to a stack's gateway at a steady rate; its output is what it saw, as JSON."""
    file = directory / f"{len(posts)}.jsonl"
    file.write_text("".join(json.dumps(post) + "\n" for post in posts))
    port = stack.gateway_url.rpartition(":")[2]
    argv = [port, stack.token, str(len(posts)), "64", str(per_second), str(file)]
    return subprocess.Popen(
        [sys.executable, "-m", "tests.support.load", *argv], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )


def main() -> None:
    port, token, posts, connections, per_second, *file = sys.argv[1:]
    bodies = Path(file[0]).read_bytes().splitlines() if file else None
    seen = uvloop.run(
        load(
            int(port),
            token,
            posts=int(posts),
            connections=int(connections),
            per_second=float(per_second),
            bodies=bodies,
        )
    )
    print(json.dumps(seen.summary()))


if __name__ == "__main__":
    main()
