"""Every metric of the stream workers, with its meaning. Labels are few and known at the start."""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

from siaga.contracts.escalation import EscalationState
from siaga.contracts.rejection import RejectReason
from siaga.contracts.timer import TimerKind
from siaga.contracts.topics import STREAM_INPUTS
from siaga.types import Severity

#: What an item of an input topic is called.
KINDS: Final = {topic: topic.rpartition(".")[2] for topic in STREAM_INPUTS}

ITEMS: Final = Counter("siaga_streams_items", "Items taken in, by input topic", ["kind"])
RECORDS: Final = Counter("siaga_streams_records", "Records taken in, by input topic", ["kind"])
#: The same by topic, at hand: finding a label costs as much as folding a check-in.
ITEMS_OF: Final = {topic: ITEMS.labels(kind=kind) for topic, kind in KINDS.items()}
RECORDS_OF: Final = {topic: RECORDS.labels(kind=kind) for topic, kind in KINDS.items()}
REJECTED: Final = Counter("siaga_streams_rejected", "Items that could not be used, by reason", ["reason"])
SNAPSHOTS: Final = Counter("siaga_streams_snapshots", "Snapshots of incidents told, by severity", ["severity"])
TROUBLES: Final = Counter("siaga_streams_troubles", "Troubles told to neighbouring districts")
PAGES: Final = Counter(
    "siaga_streams_pages", "Pages asked for, by severity; one told again counts again", ["severity"]
)
EXHAUSTED: Final = Counter(
    "siaga_streams_exhausted", "Escalations told that passed their last level unanswered; one told again counts again"
)
ESCALATIONS: Final = Gauge("siaga_escalations", "Escalations that are not over, by state", ["state"])
TIMERS: Final = Counter("siaga_streams_timers", "Deadlines noticed, by kind", ["kind"])
FLUSHES: Final = Histogram(
    "siaga_streams_flush_seconds",
    "From the settling of a batch to Kafka's acknowledgement of its state and outputs",
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60),
)
RETRIES: Final = Counter("siaga_streams_flush_retries", "Flushes that Kafka did not take and that were tried again")
LAG: Final = Gauge("siaga_streams_lag_records", "Records that wait in this worker's partitions, by topic", ["topic"])
PARTITIONS: Final = Gauge("siaga_streams_partitions", "Partitions of the input topics that this worker has")
DISTRICTS: Final = Gauge("siaga_streams_districts", "Districts this worker has something to remember of")
INCIDENTS: Final = Gauge("siaga_streams_incidents", "Incidents this worker remembers, open or closed")
RECOVERING: Final = Gauge("siaga_streams_recovering", "1 while state is read back before records are taken in")
TIMER_LAG: Final = Gauge("siaga_timer_lag_seconds", "How late the last deadline was noticed, in real seconds")
STANDING_STILL: Final = Gauge(
    "siaga_streams_standing_still_seconds", "How long records have waited without any progress; 0 while there is some"
)


def initialise() -> None:
    """Give every label its value, so that nothing is missing from a dashboard before it happened."""
    for topic in STREAM_INPUTS:
        LAG.labels(topic=topic)
    for reason in RejectReason:
        REJECTED.labels(reason=reason.value)
    for severity in Severity:
        SNAPSHOTS.labels(severity=str(int(severity)))
        PAGES.labels(severity=str(int(severity)))
    for state in EscalationState:
        if not state.is_over:
            ESCALATIONS.labels(state=state.value)
    for timer in TimerKind:
        TIMERS.labels(kind=timer.value)
