"""Every topic, in one place: its name, how it is kept, and which partition a district has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

REPORTS: Final = "siaga.reports"
CHECKINS: Final = "siaga.checkins"
REJECTED: Final = "siaga.rejected"
INCIDENTS: Final = "siaga.incidents"
NEIGHBOURS: Final = "siaga.neighbours"
ESCALATIONS: Final = "siaga.escalations"
PAGES: Final = "siaga.pages"
PAGE_RESULTS: Final = "siaga.page-results"
COMMANDS: Final = "siaga.commands"
TIMERS: Final = "siaga.timers"
REGISTRY: Final = "siaga.registry"

#: Faust's application id: the consumer group of the streams and the prefix of their changelog.
STREAMS_GROUP: Final = "siaga-streams"
STORE_GROUP: Final = "siaga-store"
STATE_TABLE: Final = "state"
STATE_CHANGELOG: Final = f"{STREAMS_GROUP}-{STATE_TABLE}-changelog"

#: A record's value is one JSON object or an array of at most this many, of at most this many bytes.
MAX_ARRAY: Final = 500
MAX_RECORD_BYTES: Final = 512 * 1024
#: One report or check-in; a larger one is refused before it is parsed.
MAX_ITEM_BYTES: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic as ``siaga topics`` creates and checks it; the words are those of the reference."""

    name: str
    #: What a record is, who writes it, and the contracts its items follow.
    what: str
    written_by: str
    contracts: tuple[str, ...]
    key: str = "district"
    compacted: bool = False
    single_partition: bool = False
    retention_hours: int | None = 7 * 24

    def config(self) -> dict[str, str]:
        """Kafka's settings for it."""
        if self.compacted:
            return {"cleanup.policy": "compact", "max.message.bytes": str(4 * MAX_RECORD_BYTES)}
        hours = self.retention_hours
        retention = "-1" if hours is None else str(hours * 3_600_000)
        return {"retention.ms": retention, "max.message.bytes": str(2 * MAX_RECORD_BYTES)}


TOPICS: Final = (
    Topic(
        REPORTS,
        what="Accepted reports, as received; a canary of each partition every few seconds",
        written_by="gateway, siaga csv",
        contracts=("accepted-report", "canary"),
    ),
    Topic(
        CHECKINS,
        what="Accepted check-ins: the bulk of the traffic",
        written_by="gateway, siaga csv",
        contracts=("accepted-checkin",),
    ),
    Topic(
        REJECTED,
        what="What could not be used: the original bytes, the reason, the field and the remedy",
        written_by="streams, siaga csv; console and sinks for answers",
        contracts=("rejection",),
        key="where it came from",
    ),
    Topic(
        INCIDENTS,
        what="Snapshots of an incident, its version rising by one; canaries that triage has seen",
        written_by="streams",
        contracts=("incident", "canary"),
    ),
    Topic(
        NEIGHBOURS,
        what="Trouble of SEV1 to SEV3 told to the districts within 5 km, so that spread crosses borders",
        written_by="streams",
        contracts=("neighbour-trouble",),
        retention_hours=24,
    ),
    Topic(
        ESCALATIONS,
        what="Where each incident stands on its policy, and the steps that brought it there",
        written_by="streams",
        contracts=("escalation",),
    ),
    Topic(
        PAGES,
        what="Requests to reach one officer over one channel",
        written_by="streams",
        contracts=("page",),
    ),
    Topic(
        PAGE_RESULTS,
        what="What became of each try to send a page",
        written_by="sinks",
        contracts=("page-result",),
    ),
    Topic(
        COMMANDS,
        what="Decisions of people: acknowledge, resolve, verify, refute, override and others",
        written_by="console, sinks (Telegram), siaga ack and its likes",
        contracts=("command",),
    ),
    Topic(
        TIMERS,
        what="What came due in a district: deadlines, overdue check-ins",
        written_by="streams, sinks",
        contracts=("timer",),
        retention_hours=24,
    ),
    Topic(
        REGISTRY,
        what="Stations, calendar, kinds, rules, rosters, policy and devices; a change takes effect within seconds",
        written_by="siaga registry, siaga roster, siaga device",
        contracts=(
            "registry-stations",
            "registry-calendar",
            "registry-taxonomy",
            "registry-ruleset",
            "registry-policy",
            "registry-roster",
            "registry-device",
            "registry-posture",
        ),
        key="entity/name",
        compacted=True,
        single_partition=True,
    ),
    Topic(
        STATE_CHANGELOG,
        what="What triage and escalation remember of each district, for the worker that takes it over",
        written_by="streams",
        contracts=(),
        key="row of the state",
        compacted=True,
    ),
)

#: Topics of which each worker reads the same partitions together, so that one district is one order.
STREAM_INPUTS: Final = (REPORTS, CHECKINS, NEIGHBOURS, COMMANDS, TIMERS, PAGE_RESULTS)
#: Topics the store persists.
STORE_INPUTS: Final = (
    REPORTS,
    CHECKINS,
    REJECTED,
    INCIDENTS,
    ESCALATIONS,
    PAGES,
    PAGE_RESULTS,
    COMMANDS,
    REGISTRY,
)


def _murmur2(data: bytes) -> int:
    """Kafka's murmur2, so that our partition of a key is the one every client computes.

    Source: ``org.apache.kafka.common.utils.Utils.murmur2``; the golden values of its test guard ours.
    """
    mask = 0xFFFFFFFF
    m = 0x5BD1E995
    length = len(data)
    h = (0x9747B28C ^ length) & mask
    for i in range(0, length - length % 4, 4):
        k = int.from_bytes(data[i : i + 4], "little")
        k = (k * m) & mask
        k ^= k >> 24
        k = (k * m) & mask
        h = ((h * m) & mask) ^ k
    tail = data[length - length % 4 :]
    if tail:
        h = ((h ^ int.from_bytes(tail, "little")) * m) & mask
    h ^= h >> 13
    h = (h * m) & mask
    return h ^ (h >> 15)


def partition_of(district: str, partitions: int) -> int:
    """The partition of a district's records among ``partitions``, as Kafka's default partitioner has it."""
    return (_murmur2(district.encode()) & 0x7FFFFFFF) % partitions
