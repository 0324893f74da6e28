"""Traces cost nothing where nobody wants them, and everybody computes the same ids."""

from __future__ import annotations

import subprocess
import sys
import uuid

from siaga.tracing import Step, span_id, trace_id_of, trace_of, traceparent
from siaga.triage.joining import incident_id_of
from tests.support import builders
from tests.support.paged import page


def test_the_trace_of_a_report_is_the_incident_that_it_opens() -> None:
    report_id = str(uuid.uuid4())
    trace = trace_of(report_id)
    assert str(trace) == incident_id_of(report_id)
    assert traceparent(report_id) == f"00-{trace.hex}-{span_id(Step.ACCEPT, str(trace)):016x}-01"


def test_whatever_travels_is_logged_under_the_trace_it_is_part_of() -> None:
    report = builders.accepted(builders.report())
    told = page()
    assert trace_id_of(report) == trace_of(str(report.report_id)).hex
    assert trace_id_of(told) == told.incident_id.hex
    assert trace_id_of(object()) is None


def test_spans_about_different_things_are_different() -> None:
    ids = {span_id(step, about) for step in Step for about in ("a", "b", "a|1")}
    assert len(ids) == 15
    assert all(0 < found < 2**64 for found in ids)


def test_nothing_of_opentelemetry_is_loaded_while_no_collector_is_set() -> None:
    program = """
import sys
from siaga import tracing
from siaga.settings import Settings
tracing.start(Settings(), "uji")
tracing.accepted("a3c7e7f2-6d57-4b6a-9b62-0d4f3a0a4a11", tracing.Stretch(0, 1), outcome="accepted", client=None)
print(tracing.is_on(), any(name.startswith("opentelemetry") for name in sys.modules))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
