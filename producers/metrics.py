"""Every metric of the producers, each with its meaning.

Labels are of bounded cardinality. Every value stands from the start, so that a rate over the first minutes is right
and an alert need not know about absence.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from producers.entries import ItemKind


class Outcome(StrEnum):
    """What became of an item at the gateway: accepted, or why not."""

    #: Kafka acknowledged it.
    ACCEPTED = "accepted"
    #: It is on the gateway's disk and goes to Kafka later.
    SPOOLED = "spooled"
    NOT_JSON = "not_json"
    INVALID = "invalid"
    UNSUPPORTED_VERSION = "unsupported_version"
    UNKNOWN_KIND = "unknown_kind"
    UNKNOWN_STATION = "unknown_station"
    UNAUTHORISED = "unauthorised"
    FORBIDDEN = "forbidden"
    TOO_LARGE = "too_large"
    TOO_MANY = "too_many"
    #: The body did not arrive in time.
    SLOW = "slow"
    UNSUPPORTED_MEDIA = "unsupported_media"
    LIMITED = "limited"
    #: The spool, or the memory for what waits, is full.
    FULL = "full"
    #: The gateway could not keep it: it starts, stops, or its disk failed.
    UNAVAILABLE = "unavailable"


class GatewayMetrics:
    """The gateway's metrics, in a registry of their own so that tests can have several gateways in a process."""

    def __init__(self) -> None:
        self.registry: Final = CollectorRegistry()
        self._items = Counter(
            "siaga_gateway_items_total",
            "Items by what became of them; a request that is refused as a whole counts once",
            ["kind", "outcome"],
            registry=self.registry,
        )
        self.counters: Final = {
            (kind, outcome): self._items.labels(kind=kind.value, outcome=outcome.value)
            for kind in ItemKind
            for outcome in Outcome
        }
        self.ack_seconds = Histogram(
            "siaga_gateway_ack_seconds",
            "From a request's arrival until Kafka or the disk had all its items",
            buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5),
            registry=self.registry,
        )
        self.array_items = Histogram(
            "siaga_gateway_array_items",
            "Items a record carried",
            buckets=(1, 2, 5, 10, 20, 50, 100, 200, 500),
            registry=self.registry,
        )
        self.waiting = Gauge(
            "siaga_gateway_waiting_items", "Items that wait for Kafka or the disk", registry=self.registry
        )
        self.spool_items = Gauge("siaga_spool_items", "Items on the disk queue", registry=self.registry)
        self.spool_bytes = Gauge("siaga_spool_bytes", "Bytes the disk queue takes", registry=self.registry)
        self.spool_max_bytes = Gauge("siaga_spool_max_bytes", "Bytes it may take", registry=self.registry)
        self.drained = Counter(
            "siaga_spool_drained_items_total", "Items the disk queue gave to Kafka", registry=self.registry
        )
        self.kafka_up = Gauge(
            "siaga_gateway_kafka_up", "1 while the gateway has a working connection to Kafka", registry=self.registry
        )
        self.registry_ready = Gauge(
            "siaga_gateway_registry_ready", "1 once devices and stations are known", registry=self.registry
        )
        self.canaries = Counter(
            "siaga_gateway_canaries_total", "Canaries by whether Kafka took them", ["outcome"], registry=self.registry
        )
        for outcome in ("sent", "failed"):
            self.canaries.labels(outcome=outcome)

    def count(self, kind: ItemKind, outcome: Outcome, number: int = 1) -> None:
        """Count what became of items."""
        self.counters[kind, outcome].inc(number)
