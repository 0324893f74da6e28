"""Traces: one report's way from its POST to the page that an officer gets, across all processes.

In: what each process did, told here once it is done. Out: spans to an OpenTelemetry collector (OTLP over HTTP), from
a thread of their own; none, and nothing is loaded, unless ``otlp_endpoint`` is set. State: the exporter's queue.

Nothing has to travel for it. Reports go through Kafka in arrays, and a page may follow an hour later from a deadline:
so the id of a report's trace is the id of the incident that it opens, which everybody can compute, and the id of each
span follows from what it is about. A report that joins an incident opened by another has a trace of its own, linked
to that incident's. Check-ins are not traced: they are the bulk, and no page follows from one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from hashlib import blake2b
from typing import TYPE_CHECKING, Protocol
from uuid import UUID

from siaga.settings import Settings
from siaga.triage.joining import incident_id_of

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.export import SpanExporter

    from siaga.contracts.page import Page


class Step(StrEnum):
    """What a span is about, in the order of the way."""

    ACCEPT = "accept report"
    STORE = "store report"
    TRIAGE = "triage report"
    ASK = "ask for page"
    SEND = "send page"


@dataclass(frozen=True, slots=True)
class Stretch:
    """When something began and ended, in epoch seconds."""

    began: float
    ended: float


def trace_of(report_id: str) -> UUID:
    """The trace of a report."""
    return UUID(incident_id_of(report_id))


def trace_id_of(item: object) -> str | None:
    """The trace of whatever travels, as a log names it; None where it is about no report and no incident."""
    incident_id, report_id = getattr(item, "incident_id", None), getattr(item, "report_id", None)
    if incident_id is not None:
        return UUID(str(incident_id)).hex
    return None if report_id is None else trace_of(str(report_id)).hex


def span_id(step: Step, about: str) -> int:
    """The id of a span: the same for the same step about the same thing, whoever computes it."""
    return int.from_bytes(blake2b(f"{step}|{about}".encode(), digest_size=8).digest()) or 1


def traceparent(report_id: str) -> str:
    """A report's place in its trace as it leaves the gateway, as a W3C header."""
    trace = trace_of(report_id)
    return f"00-{trace.hex}-{span_id(Step.ACCEPT, str(trace)):016x}-01"


# -- on and off -----------------------------------------------------------------------------------------------------


def start(settings: Settings, process: str, exporter: SpanExporter | None = None) -> None:
    """Begin to trace, where the settings say so. What waits is sent when the process ends.

    Args:
        settings: its ``otlp_endpoint`` decides.
        process: what this process is called in the spans.
        exporter: where spans go instead of the endpoint.
    """
    if settings.otlp_endpoint is None and exporter is None:
        return
    from siaga.spans import Spans

    global _spans
    _spans = Spans(settings.otlp_endpoint, process, exporter)


def stop() -> None:
    """Send what waits, and trace no more."""
    global _spans
    spans, _spans = _spans, None
    if spans is not None:
        spans.close()


def is_on() -> bool:
    """Whether anybody wants to know. Ask before you compute anything for a span."""
    return _spans is not None


class _Tells(Protocol):
    """What :mod:`siaga.spans` has to offer."""

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
    ) -> None: ...

    def close(self) -> None: ...


_spans: _Tells | None = None


# -- what is told ---------------------------------------------------------------------------------------------------


def accepted(report_id: str, stretch: Stretch, *, outcome: str, client: str | None) -> None:
    """The gateway kept a report, from its arrival to its answer. ``client`` is the device's own traceparent."""
    if _spans is not None:
        trace = trace_of(report_id)
        link = None if client is None else (int(client[3:35], 16), int(client[36:52], 16))
        attributes = {"siaga.report_id": report_id, "siaga.outcome": outcome}
        _spans.tell(Step.ACCEPT, trace, str(trace), stretch, parent=None, link=link, attributes=attributes)


def stored(report_id: str, stretch: Stretch) -> None:
    """The store committed a report, from its receipt by the gateway."""
    if _spans is not None:
        trace = trace_of(report_id)
        parent = span_id(Step.ACCEPT, str(trace))
        attributes = {"siaga.report_id": report_id}
        _spans.tell(Step.STORE, trace, str(trace), stretch, parent=parent, attributes=attributes)


def triaged(report_id: str, incident_id: str | None, stretch: Stretch) -> None:
    """A stream worker folded a report into an incident."""
    if _spans is not None:
        trace = trace_of(report_id)
        parent = span_id(Step.ACCEPT, str(trace))
        attributes = {"siaga.report_id": report_id}
        link = None
        if incident_id is not None:
            attributes["siaga.incident_id"] = incident_id
            if incident_id != str(trace):
                link = (UUID(incident_id).int, span_id(Step.TRIAGE, incident_id))
        _spans.tell(Step.TRIAGE, trace, str(trace), stretch, parent=parent, link=link, attributes=attributes)


def asked(page: Page, stretch: Stretch) -> None:
    """A stream worker asked for a page, from its being due until it goes to Kafka."""
    if _spans is not None:
        incident = str(page.incident_id)
        parent = span_id(Step.TRIAGE, incident)
        _spans.tell(
            *(Step.ASK, page.incident_id, str(page.page_id), stretch), parent=parent, attributes=_of_page(page)
        )


def sent(page: Page, attempt: int, stretch: Stretch, *, verdict: str) -> None:
    """The notifier gave a page to a provider: one try, with what came of it."""
    if _spans is not None:
        parent = span_id(Step.ASK, str(page.page_id))
        attributes = {**_of_page(page), "siaga.attempt": attempt, "siaga.verdict": verdict}
        _spans.tell(
            *(Step.SEND, page.incident_id, f"{page.page_id}|{attempt}", stretch), parent=parent, attributes=attributes
        )


def _of_page(page: Page) -> dict[str, str | int | bool]:
    """What a span says of a page: nothing of the officer, and no address."""
    return {
        "siaga.page_id": str(page.page_id),
        "siaga.incident_id": str(page.incident_id),
        "siaga.level": page.level,
        "siaga.severity": int(page.severity),
        "siaga.channel": page.channel_kind.value,
        "siaga.drill": page.drill,
    }
