"""Every metric of the sinks, with its meaning. Labels are few and known at the start."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Mapping
from typing import Final

from prometheus_client import Counter, Gauge, Histogram

from siaga.contracts.rejection import RejectReason
from siaga.contracts.topics import INCIDENTS, REPORTS
from siaga.store import tables
from siaga.types import Severity
from sinks.batch import TOPICS

#: Which stage a canary has reached when it is read from a topic.
STAGES: Final = {REPORTS: "stored", INCIDENTS: "triaged"}

ROWS: Final = Counter("siaga_store_rows", "Rows inserted, or replaced by newer ones, by table", ["table"])
REJECTED: Final = Counter("siaga_store_rejected", "Items set aside in the table rejected, by reason", ["reason"])
BATCH_SECONDS: Final = Histogram(
    "siaga_store_batch_seconds",
    "One transaction, from its first statement to its commit",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60),
)
LATENCY: Final = Histogram(
    "siaga_store_latency_seconds",
    "From a report's receipt by the gateway until it (kind=report) or its incident (kind=incident) is stored",
    ["kind"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800),
)
LAG: Final = Gauge("siaga_store_lag_records", "Records that wait to be stored, by topic", ["topic"])
DATABASE_UP: Final = Gauge(
    "siaga_store_database_up", "1 while the database takes what it is given, 0 while it is away"
)
RETRIES: Final = Counter("siaga_store_database_retries", "Tries that the database did not take and that came again")
BROKER_FAULTS: Final = Counter("siaga_store_broker_faults", "Times that reading from Kafka had to begin anew")
LOGS_ANEW: Final = Counter(
    "siaga_store_logs_anew",
    "Topics of Kafka that were made anew, and partitions that were cut off, of those that are stored, by reason",
    ["reason"],
)
EXPIRED: Final = Counter("siaga_store_expired_records", "Records that Kafka removed before they were stored")
INCIDENTS_OPEN: Final = Gauge(
    "siaga_incidents_open",
    "Incidents open or acknowledged in the database, drills left out, by severity",
    ["severity"],
)
SILENT: Final = Gauge(
    "siaga_silent",
    "What should have checked in and has not, as far as it is an open incident: stations, and whole districts",
    ["what"],
)
CLOCK_AHEAD: Final = Counter(
    "siaga_store_clock_ahead", "Reports stored that claim to have happened more than ten minutes after their arrival"
)
CANARY_AGE: Final = Gauge(
    "siaga_store_canary_age_seconds",
    "How long ago the newest canary that came this far was sent, by stage and partition; NaN until one came",
    ["stage", "partition"],
)


class Canaries:
    """The newest canary of each stage and partition; its age grows until a newer one comes."""

    def __init__(self) -> None:
        self._sent: dict[tuple[str, int], float] = {}

    def expect(self, partitions: int) -> None:
        """Show so many partitions of each stage, whether or not a canary came yet."""
        for stage in STAGES.values():
            for partition in range(partitions):
                self._show(stage, partition)

    def stored(self, canaries: Iterable[tuple[str, int, float]]) -> None:
        """These (topic, partition, sending time in epoch seconds) have come this far."""
        for topic, partition, sent in canaries:
            key = (STAGES[topic], partition)
            if key in self._sent:  # a canary names its partition: only one that exists is shown
                known = self._sent[key]
                self._sent[key] = sent if math.isnan(known) else max(known, sent)

    def _show(self, stage: str, partition: int) -> None:
        key = (stage, partition)
        if key not in self._sent:
            self._sent[key] = math.nan
            shown = CANARY_AGE.labels(stage=stage, partition=str(partition))
            shown.set_function(lambda: max(0.0, time.time() - self._sent[key]) if self._is_known(key) else math.nan)

    def _is_known(self, key: tuple[str, int]) -> bool:
        return not math.isnan(self._sent[key])


def show_open_incidents(counts: Mapping[int, int]) -> None:
    """Show how many incidents are open; severities not named have none."""
    for severity in Severity:
        INCIDENTS_OPEN.labels(severity=str(int(severity))).set(counts.get(int(severity), 0))


def show_silent(districts: int, stations: int) -> None:
    """Show how many districts and stations are silent."""
    SILENT.labels(what="district").set(districts)
    SILENT.labels(what="station").set(stations)


def initialise() -> None:
    """Give every label its value, so that nothing is missing from a dashboard before it happened."""
    for table in (
        tables.reports,
        tables.checkins,
        tables.commands,
        tables.rejected,
        tables.incidents,
        tables.incident_events,
        tables.incident_reports,
        tables.registry,
        tables.districts,
        tables.stations,
        tables.escalations,
        tables.escalation_steps,
        tables.pages,
        tables.page_results,
    ):
        ROWS.labels(table=table.name)
    for reason in RejectReason:
        REJECTED.labels(reason=reason.value)
    for anew in ("made_anew", "cut_off"):
        LOGS_ANEW.labels(reason=anew)
    for kind in ("report", "incident"):
        LATENCY.labels(kind=kind)
    for topic in TOPICS:
        LAG.labels(topic=topic)
    show_open_incidents({})
    show_silent(0, 0)
