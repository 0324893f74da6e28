"""One report's way from its POST to the page that an officer gets, as a collector sees it across processes."""

from __future__ import annotations

import uuid
from pathlib import Path

from siaga.tracing import trace_of
from siaga.types import Vulnerability
from tests.support import builders
from tests.support.brokers import Broker
from tests.support.collector import Collector
from tests.support.databases import SqliteDatabase
from tests.support.duty import Manned
from tests.support.stack import Stack
from tests.support.wait import until

WAY = {"accept report", "store report", "triage report", "ask for page", "send page"}


def test_one_trace_shows_a_report_from_its_post_to_its_page_and_nothing_confidential(
    embedded: Broker, sqlite: SqliteDatabase, tmp_path: Path
) -> None:
    with Collector() as collector, Stack(embedded, sqlite, tmp_path, otlp_endpoint=collector.url) as stack:
        world = Manned(lambda: stack, vulnerability={builders.STATION: Vulnerability.SANGAT_RAWAN})
        report_id = str(uuid.uuid4())
        text = "teks rahasia, hubungi Sari di 0812-3456-7890"
        incident = world.report("violence.mass_clash", report_id=report_id, by="anggota-rahasia", text=text)
        trace_id = uuid.UUID(incident).hex
        until(
            lambda: {span.name for span in collector.of(trace_id)} >= WAY,
            timeout=30,
            what=lambda: f"a whole trace; there is {[s.name for s in collector.of(trace_id)]}{stack.tails()}",
        )
        second = builders.report("violence.brawl", by="anggota-2")
        stack.post(second)
        joined = trace_of(second["report_id"]).hex
        until(
            lambda: {"accept report", "triage report"} <= {span.name for span in collector.of(joined)},
            timeout=30,
            what=lambda: f"the second report's trace{stack.tails()}",
        )

        spans = collector.of(trace_id)
        by_id = {span.span_id: span for span in spans}
        (root,) = [span for span in spans if span.name == "accept report"]
        sent = next(span for span in spans if span.name == "send page")
        asked = by_id[sent.parent]
        triaged = by_id[asked.parent]
        assert [asked.name, triaged.name, triaged.parent] == ["ask for page", "triage report", root.span_id]
        assert root.parent == ""
        assert root.attributes["siaga.report_id"] == report_id
        assert {span.service for span in spans} == {"siaga-gateway", "siaga-streams", "siaga-sinks"}
        assert sent.attributes["siaga.verdict"] == "accepted"
        assert all(span.began <= span.ended for span in spans)

        (folded,) = [span for span in collector.of(joined) if span.name == "triage report"]
        assert folded.attributes["siaga.incident_id"] == incident
        assert folded.links == ((trace_id, triaged.span_id),)

        told = b"".join(collector.bodies)
        officers = {message["officer_id"] for message in world.inbox()}
        assert officers
        reasons = stack.scalar("SELECT reasons FROM incidents WHERE incident_id = :id", id=incident)
        assert "rawan" in str(reasons), "the class of the station counted"
        secrets = (
            "rahasia",
            "0812",
            "Sari",
            "rawan",
            stack.token.partition(".")[2],
            world.stack.inbox_url,
            *officers,
        )
        assert [secret for secret in secrets if secret.encode() in told] == []
