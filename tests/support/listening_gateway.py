"""A small HTTP server that answers like the gateway, for tests of what sends to it. It can be told to misbehave."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any

from tests.support.served import Answering, Served


class ListeningGateway:
    """Keeps what it accepted; ``troubles`` are answers it gives first, one a request, before it behaves."""

    def __init__(self, port: int = 0) -> None:
        self.reports: list[dict[str, Any]] = []
        self.checkins: list[dict[str, Any]] = []
        self.tokens: dict[str, str] = {}
        self.known: set[str] | None = None
        self.refuse: dict[str, tuple[int, str]] = {}
        self.troubles: list[tuple[int, dict[str, str]]] = []
        self.requests = 0
        self._lock = Lock()
        gateway = self

        class Handler(Answering):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:  # the name the standard library calls
                body = json.loads(self.body())
                token = self.headers["Authorization"].removeprefix("Bearer ")
                status, headers, answer = gateway._answer(self.path, token, body)
                self.answer(status, json.dumps(answer).encode(), **headers)

        self._served = Served(Handler, port)
        self.url = self._served.url

    def _answer(self, path: str, token: str, body: Any) -> tuple[int, dict[str, str], Any]:
        with self._lock:
            self.requests += 1
            if self.known is not None and token not in self.known:
                return 401, {}, {"title": "unauthorised", "status": 401}
            if self.troubles:
                status, headers = self.troubles.pop(0)
                return status, headers, {"title": "not now", "status": status}
            if path == "/v1/reports":
                status, answer = self._take(body, self.reports, token)
                return status, {}, answer
            if path == "/v1/reports:batch":
                taken = [self._take(item, self.checkins, token) for item in body["checkins"]]
                return 200, {}, {"reports": [], "checkins": [answer for _, answer in taken]}
            return 404, {}, {"title": "not found", "status": 404}

    def _take(self, item: dict[str, Any], into: list[dict[str, Any]], token: str) -> tuple[int, dict[str, Any]]:
        if item["station_id"] in self.refuse:
            status, title = self.refuse[item["station_id"]]
            return status, {"title": title, "status": status}
        into.append(item)
        self.tokens[item["reporter"]["id"]] = token
        return 202, {"report_id": item["report_id"], "status": "accepted"}

    def close(self) -> None:
        self._served.close()


@contextmanager
def listening_gateway(port: int = 0) -> Iterator[ListeningGateway]:
    gateway = ListeningGateway(port)
    try:
        yield gateway
    finally:
        gateway.close()
