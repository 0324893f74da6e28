"""A provider of messages as a process of its own, with a durable log of what it took: the other side of the ledger.

``python -m tests.support.provider PORT LOG``. A message is posted to ``/send/<anybody>``; what it took is one line of
JSON in LOG, fsynced before it answers. ``GET /messages/<key>`` says whether it has a message. ``POST /behave`` makes
it misbehave: ``{"mode": …, "times": n, "path": …}``, for so many requests to paths that begin so.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import sys
import threading
import time
import urllib.request
from collections import Counter
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

from tests.support.processes import Process, free_port, listens


class Mode(StrEnum):
    """What it does with a message."""

    OK = "ok"
    #: Answers 500 and does not take it.
    FAIL = "fail"
    #: Answers 400 and never will.
    REFUSE = "refuse"
    #: Answers 429 with ``Retry-After: 0``.
    BUSY = "busy"
    #: Takes it and closes the connection without an answer.
    DROP = "drop"
    #: Closes the connection and does not take it.
    DROP_UNTAKEN = "drop_untaken"
    #: Takes it and never answers.
    HANG = "hang"
    #: Takes it and answers twice.
    TWICE = "twice"
    #: Takes it and answers byte by byte, for ever.
    TRICKLE = "trickle"


class _State:
    def __init__(self, log: Path) -> None:
        self.lock = threading.Lock()
        self.orders: list[dict[str, Any]] = []
        self.known: dict[str, str] = {}
        self._file = log.open("ab")
        for line in log.read_text().splitlines():
            entry = json.loads(line)
            self.known[entry["key"]] = entry["id"]

    def mode_for(self, path: str) -> Mode:
        with self.lock:
            for order in self.orders:
                if path.startswith(order["path"]) and order["times"] > 0:
                    order["times"] -= 1
                    return Mode(order["mode"])
        return Mode.OK

    def take(self, key: str, path: str, mode: Mode, body: dict[str, Any]) -> str:
        with self.lock:
            number = f"SM-{len(self.known) + 1:06d}"
            self.known.setdefault(key, number)
            entry = {
                "at": time.time(),
                "key": key,
                "id": self.known[key],
                "path": path,
                "mode": mode.value,
                "pages": [page["page_id"] for page in body.get("pages", [])],
                "codes": [page["code"] for page in body.get("pages", [])],
                "text": body.get("text", ""),
            }
            self._file.write(json.dumps(entry).encode() + b"\n")
            self._file.flush()
            os.fsync(self._file.fileno())
            return self.known[key]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    state: _State

    def do_GET(self) -> None:
        found = self.state.known.get(self.path.rpartition("/")[2])
        if found is None:
            self._answer(404, {})
        else:
            self._answer(200, {"id": found, "status": "delivered"})

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        if self.path == "/behave":
            with self.state.lock:
                self.state.orders.append({"path": "/", **json.loads(raw)})
            self._answer(200, {})
            return
        mode = self.state.mode_for(self.path)
        key = self.headers.get("Idempotency-Key", "")
        match mode:
            case Mode.FAIL:
                self._answer(500, {})
            case Mode.REFUSE:
                self._answer(400, {})
            case Mode.BUSY:
                self._answer(429, {}, retry_after=0)
            case Mode.DROP_UNTAKEN:
                self._hang_up()
            case _:
                body = json.loads(raw) if "json" in self.headers.get("Content-Type", "") else {"text": raw.decode()}
                self._taken(mode, {"id": self.state.take(key, self.path, mode, body)})

    def _taken(self, mode: Mode, answer: dict[str, Any]) -> None:
        match mode:
            case Mode.DROP:
                self._hang_up()
            case Mode.HANG:
                with contextlib.suppress(OSError):
                    self.connection.recv(1)  # until the other side gives up
                self.close_connection = True
            case Mode.TRICKLE:
                with contextlib.suppress(OSError):
                    self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
                    while True:
                        self.wfile.write(b" ")
                        time.sleep(0.05)
                self.close_connection = True
            case _:
                self._answer(200, answer)
                if mode is Mode.TWICE:
                    with contextlib.suppress(OSError):
                        self._answer(200, answer)

    def _hang_up(self) -> None:
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)
        self.close_connection = True

    def _answer(self, status: int, body: dict[str, Any], retry_after: int | None = None) -> None:
        raw = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(raw)))
        if retry_after is not None:
            self.send_header("Retry-After", str(retry_after))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, format: str, *args: Any) -> None:
        """Its own log is the one that counts."""


class Provider:
    """The process, seen from a test."""

    def __init__(self, directory: Path) -> None:
        self.port = free_port()
        self.log_path = directory / "provider.jsonl"
        argv = [sys.executable, "-m", "tests.support.provider", str(self.port), str(self.log_path)]
        root = Path(__file__).parents[2]
        self.process = Process("provider", argv, log=directory / "provider.log", cwd=root)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def address(self, officer_id: str) -> str:
        """Where an officer's messages go."""
        return f"{self.url}/send/{officer_id}"

    def start(self) -> Self:
        self.process.start()
        self.process.wait_ready(lambda: listens(self.port), timeout=20, what="listening")
        return self

    def kill(self) -> None:
        """SIGKILL it; its log and its port stay."""
        self.process.kill()

    def behave(self, mode: Mode, times: int = 1_000_000, path: str = "/send/") -> None:
        """Misbehave for so many messages to paths that begin so."""
        body = json.dumps({"mode": mode.value, "times": times, "path": path}).encode()
        request = urllib.request.Request(f"{self.url}/behave", data=body, method="POST")  # noqa: S310
        urllib.request.urlopen(request, timeout=5).close()  # noqa: S310  (our own loopback address)

    def taken(self) -> list[dict[str, Any]]:
        """Everything that it took, in order, repetitions too."""
        if not self.log_path.exists():
            return []
        return [json.loads(line) for line in self.log_path.read_text().splitlines()]

    def pages(self) -> Counter[str]:
        """How often it took each page."""
        return Counter(page for entry in self.taken() for page in entry["pages"])

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *error: object) -> None:
        self.kill()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that gave up is no fault."""


def main() -> None:
    """Serve until killed."""
    port, log = int(sys.argv[1]), Path(sys.argv[2])
    log.touch()
    _Handler.state = _State(log)
    _Server(("127.0.0.1", port), _Handler).serve_forever()


if __name__ == "__main__":
    main()
