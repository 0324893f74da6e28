"""A small OpenTelemetry collector: takes spans over OTLP/HTTP and keeps them."""

from __future__ import annotations

from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.support.served import Answering, Served


@dataclass(frozen=True, slots=True)
class Span:
    """A span as it was received; ids are in hexadecimal, times in nanoseconds."""

    service: str
    name: str
    trace_id: str
    span_id: str
    parent: str
    links: tuple[tuple[str, str], ...]
    attributes: dict[str, Any]
    began: int
    ended: int


class Collector:
    """``spans`` grows as they come; each once, however often it is sent."""

    def __init__(self) -> None:
        self.spans: dict[tuple[str, str], Span] = {}
        self.bodies: list[bytes] = []
        collector = self

        class Handler(Answering):
            def do_POST(self) -> None:
                body = self.body()
                known = self.path == "/v1/traces"
                if known:
                    collector._take(body)
                self.answer(200 if known else 404)

        self._served = Served(Handler)
        self.url = self._served.url

    def _take(self, body: bytes) -> None:
        self.bodies.append(body)
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            about = {pair.key: pair.value.string_value for pair in resource.resource.attributes}
            for scope in resource.scope_spans:
                for raw in scope.spans:
                    span = Span(
                        about["service.name"],
                        raw.name,
                        raw.trace_id.hex(),
                        raw.span_id.hex(),
                        raw.parent_span_id.hex(),
                        tuple((link.trace_id.hex(), link.span_id.hex()) for link in raw.links),
                        {a.key: getattr(a.value, a.value.WhichOneof("value") or "") for a in raw.attributes},
                        raw.start_time_unix_nano,
                        raw.end_time_unix_nano,
                    )
                    self.spans[span.trace_id, span.span_id] = span

    def of(self, trace_id: str) -> list[Span]:
        """The spans of a trace, in the order in which they began."""
        found = [span for span in list(self.spans.values()) if span.trace_id == trace_id]
        return sorted(found, key=lambda span: span.began)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._served.close()
