"""A gateway inside the test's own process, without Kafka: for what it answers, and what it does while Kafka fails."""

from __future__ import annotations

import json
from collections.abc import Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import httpx

from producers.auth import make_device
from producers.gateway.app import Gateway
from producers.gateway.batcher import Batcher
from producers.gateway.known import Known
from producers.gateway.lapor.page import ReportingPage
from producers.gateway.posts import Posts
from producers.journal import Journal
from producers.metrics import GatewayMetrics
from producers.publisher import PublishError
from producers.spool import Spool
from siaga.contracts.registry import RegistryEntry, key_of
from siaga.settings import Settings
from tests.support import builders


class HandPublisher:
    """Stands where the publisher stands; the test decides what Kafka acknowledges, and when."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str, list[bytes], Future[None]]] = []
        #: What happens to what is published: "acknowledge", "fail" at once, or "hold" for the test to settle.
        self.mood = "acknowledge"
        self.connected = True

    def publish(
        self,
        topic: str,
        district: str,
        items: Sequence[bytes],
        kind: str,
        *,
        timeout: float = 30.0,
        traceparent: str | None = None,
    ) -> Future[None]:
        future: Future[None] = Future()
        self.sent.append((topic, district, list(items), future))
        if self.mood == "acknowledge":
            future.set_result(None)
        elif self.mood == "fail":
            future.set_exception(PublishError("Kafka is away"))
        return future

    @property
    def acknowledged(self) -> list[str]:
        """The ids of the items that Kafka has, in order."""
        return [
            json.loads(item)["report_id"]
            for _, _, items, future in self.sent
            if future.done() and future.exception() is None
            for item in items
        ]


class HandGateway:
    """The parts of a gateway around a :class:`HandPublisher`; made inside a running event loop."""

    def __init__(
        self,
        directory: Path,
        *,
        registry: Sequence[RegistryEntry] | None = None,
        journal: bool = False,
        ready: bool = True,
        **settings: Any,
    ) -> None:
        chosen = {"rate_per_minute": 1_000_000, "rate_burst": 100_000, "gateway_ack_timeout": 0.2, **settings}
        self.settings = Settings(kafka="127.0.0.1:1", data_dir=directory, **chosen)
        self.publisher = HandPublisher()
        self.spool = Spool(
            directory / "spool",
            max_bytes=self.settings.spool_max_bytes,
            least_free=self.settings.disk_least_free,
        )
        self.journal = Journal(directory / "journal", max_bytes=1_000_000) if journal else None
        self.known = Known(directory)
        device, self.token = make_device(builders.DEVICE, (builders.DISTRICT, builders.OTHER_DISTRICT))
        for entry in (*(registry if registry is not None else builders.small_registry()), device):
            self.known.take(key_of(entry), entry.to_json())
        if ready:
            self.known.caught_up()
        self.metrics = GatewayMetrics()
        self.batcher = Batcher(
            self.publisher,  # type: ignore[arg-type]
            self.spool,
            self.journal,
            self.metrics,
            linger=self.settings.gateway_linger,
            ack_timeout=self.settings.gateway_ack_timeout,
        )
        posts = Posts(self.settings, self.known, self.batcher, self.metrics)
        page = ReportingPage(self.known) if self.settings.gateway_page else None
        app = Gateway(posts, lambda: "" if self.known.ready else "it does not know the devices", page)
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)  # type: ignore[arg-type]
        self.http = httpx.AsyncClient(transport=transport, base_url="http://gateway")

    def device(self, device_id: str, *districts: str, **more: Any) -> str:
        """Make another device known; its token."""
        device, token = make_device(device_id, districts, **more)
        self.known.take(key_of(device), device.to_json())
        return token

    async def post(self, body: Any, path: str | None = None, *, token: str | None = None, **headers: str) -> Any:
        """Post an object, or bytes as they are."""
        if path is None:
            path = "/v1/checkins" if isinstance(body, dict) and "phase" in body else "/v1/reports"
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        sent = {"authorization": f"Bearer {token or self.token}", "content-type": "application/json", **headers}
        return await self.http.post(path, content=content, headers=sent)

    def counted(self, kind: str, outcome: str) -> float:
        """The metric of what became of items."""
        labels = {"kind": kind, "outcome": outcome}
        return self.metrics.registry.get_sample_value("siaga_gateway_items_total", labels) or 0.0

    async def close(self) -> None:
        await self.http.aclose()
        await self.batcher.stop(5.0)
        self.spool.close()
        self.known.close()
        if self.journal is not None:
            self.journal.close()


def problem(answer: Any, status: int) -> dict[str, Any]:
    """The problem an answer holds, after checking that it is one."""
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert body["status"] == status
    assert body["type"].startswith("urn:siaga:problem:")
    assert body["title"]
    return body


def fields(answer: Any, status: int = 422) -> set[str]:
    """The wrong fields; each has a message and a remedy."""
    errors = problem(answer, status)["errors"]
    assert all(error["message"] and error["remedy"] for error in errors)
    return {error["field"] for error in errors}
