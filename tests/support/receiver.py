"""A webhook that costs next to nothing: it notes when a page came and answers. For benchmarks on shared cores.

``python -m tests.support.receiver PORT LOG``. Raw bytes, no parsing but of what is noted: a line in LOG with the time
(epoch seconds), the officer and the incidents of every message. Nothing is fsynced; for a ledger there is
:mod:`tests.support.provider`.
"""

from __future__ import annotations

import asyncio
import re
import sys
import time
from pathlib import Path
from typing import Any, BinaryIO, Final, NamedTuple, Self

import uvloop

from tests.support.processes import Process, free_port, listens

_ROOT: Final = Path(__file__).parents[2]
_LENGTH: Final = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_INCIDENT: Final = re.compile(rb'"incident_id": ?"([0-9a-f-]{36})"')
_ANSWER: Final = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 13\r\n\r\n{"id":"SM-1"}'
_EVERY: Final = 0.1


class Received(NamedTuple):
    """A message as it came: when (epoch seconds), to whom, and about which incidents."""

    at: float
    officer_id: str
    incidents: tuple[str, ...]


class Receiver:
    """The process, seen from a benchmark."""

    def __init__(self, directory: Path) -> None:
        self.port = free_port()
        self.log_path = directory / "received.log"
        argv = [sys.executable, "-m", "tests.support.receiver", str(self.port), str(self.log_path)]
        self._process = Process("receiver", argv, log=directory / "receiver.log", cwd=_ROOT)

    @property
    def url(self) -> str:
        """Where an officer's messages go, without the officer."""
        return f"http://127.0.0.1:{self.port}/pages"

    def __enter__(self) -> Self:
        self._process.start()
        self._process.wait_ready(lambda: listens(self.port), timeout=20, what="listening")
        return self

    def __exit__(self, *error: object) -> None:
        self._process.kill()

    def received(self) -> list[Received]:
        """Everything that came, in order, to a tenth of a second ago."""
        lines = self.log_path.read_text().splitlines() if self.log_path.exists() else []
        found = []
        for line in lines:
            at, officer_id, *incidents = line.split(" ")
            found.append(Received(float(at), officer_id, tuple(incidents)))
        return found


class _Connection(asyncio.Protocol):
    """One connection: one request after the other."""

    log: BinaryIO

    def __init__(self) -> None:
        self._transport: Any = None
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, found, body = self._buffer.partition(b"\r\n\r\n")
        length = _LENGTH.search(head) if found else None
        if length is None or len(body) < int(length[1]):
            return
        at = time.time()
        self._transport.write(_ANSWER)
        self._buffer = body[int(length[1]) :]
        officer_id = head.split(b" ", 2)[1].rpartition(b"/")[2]
        self.log.write(b" ".join([f"{at:.6f}".encode(), officer_id, *dict.fromkeys(_INCIDENT.findall(body))]) + b"\n")


async def _serve(port: int, log: Path) -> None:
    loop = asyncio.get_running_loop()
    with log.open("ab") as _Connection.log:
        await loop.create_server(_Connection, "127.0.0.1", port, backlog=1024)
        while True:
            await asyncio.sleep(_EVERY)
            _Connection.log.flush()


if __name__ == "__main__":
    uvloop.run(_serve(int(sys.argv[1]), Path(sys.argv[2])))
