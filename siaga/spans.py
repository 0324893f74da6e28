"""Spans as OpenTelemetry has them. Loaded only where traces are wanted.

In: steps that are done, with ids that were computed. Out: OTLP over HTTP, in batches, from the SDK's own thread;
while the collector is away spans are dropped, and nothing waits for them. State: the SDK's queue.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Final
from uuid import UUID

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.trace import Link, NonRecordingSpan, SpanContext, SpanKind, TraceFlags, set_span_in_context

from siaga import __version__
from siaga.tracing import Step, Stretch, span_id

_NANOSECONDS: Final = 1_000_000_000
_BATCH_MS: Final = 1_000
_KINDS: Final = {
    Step.ACCEPT: SpanKind.SERVER,
    Step.STORE: SpanKind.CONSUMER,
    Step.TRIAGE: SpanKind.CONSUMER,
    Step.ASK: SpanKind.PRODUCER,
    Step.SEND: SpanKind.CLIENT,
}


class _Given(IdGenerator):
    """Gives the ids that this thread said are next."""

    def __init__(self) -> None:
        self.next = threading.local()

    def generate_trace_id(self) -> int:
        return int(self.next.trace)

    def generate_span_id(self) -> int:
        return int(self.next.span)


class Spans:
    """Where spans go."""

    def __init__(self, endpoint: str | None, process: str, exporter: SpanExporter | None = None) -> None:
        """``endpoint`` is the collector's address, without the path of traces."""
        self._ids = _Given()
        about = {"service.name": f"siaga-{process}", "service.namespace": "siaga", "service.version": __version__}
        self._provider = TracerProvider(resource=Resource.create(about), id_generator=self._ids)
        exporter = exporter or OTLPSpanExporter(endpoint=f"{(endpoint or '').rstrip('/')}/v1/traces")
        self._provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=_BATCH_MS))
        self._tracer = self._provider.get_tracer("siaga", __version__)

    def tell(
        self,
        step: Step,
        trace: UUID,
        about: str,
        stretch: Stretch,
        *,
        parent: int | None,
        link: tuple[int, int] | None = None,
        attributes: Mapping[str, str | int | bool],
    ) -> None:
        """Something was done."""
        self._ids.next.trace, self._ids.next.span = trace.int, span_id(step, about)
        context = Context() if parent is None else set_span_in_context(NonRecordingSpan(_context(trace.int, parent)))
        span = self._tracer.start_span(
            step.value,
            context=context,
            kind=_KINDS[step],
            attributes=attributes,
            links=[] if link is None else [Link(_context(*link))],
            start_time=int(stretch.began * _NANOSECONDS),
        )
        span.end(int(max(stretch.began, stretch.ended) * _NANOSECONDS))

    def close(self) -> None:
        """Send what waits."""
        self._provider.shutdown()


def _context(trace: int, span: int) -> SpanContext:
    return SpanContext(trace, span, is_remote=True, trace_flags=TraceFlags(TraceFlags.SAMPLED))
