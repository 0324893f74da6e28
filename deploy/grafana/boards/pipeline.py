"""Whether everything moves, and where it does not."""

from __future__ import annotations

from grafana_foundation_sdk.builders import dashboard
from parts import Panel, board, lines, seconds


def made() -> dashboard.Dashboard:
    """The dashboard."""
    says = "Whether everything moves, and where it does not"
    return board("siaga-pipeline", "Siaga: pipeline", says, [*_moving(), *_waiting(), *_wrong()])


def _moving() -> list[Panel]:
    return [
        lines(
            "Canary",
            "How old the newest canary is, by how far it came, the worst partition",
            ("siaga:canary_age:seconds", "{{stage}}"),
            unit="s",
            limit=30,
        ),
        lines(
            "Flow",
            "Items a second: the three lines lie on each other while everything moves",
            ("siaga:accepted_items:rate1m", "accepted"),
            ("siaga:triaged_items:rate1m", "triaged"),
            ("siaga:stored_items:rate1m", "stored"),
        ),
        lines(
            "Processes",
            "1 while all of a part's processes answer",
            ('min by (process) (up{job="siaga"})', "{{process}}"),
        ),
        lines(
            "Lines to Kafka and the database",
            "1 while it is well",
            ("min(siaga_gateway_kafka_up)", "gateways to Kafka"),
            ("min(siaga_store_database_up)", "store to database"),
            ("sum(siaga_notifier_active)", "notifiers that send"),
        ),
    ]


def _waiting() -> list[Panel]:
    return [
        lines(
            "Waiting to be triaged",
            "Records in front of the stream workers",
            ("sum by (topic) (siaga_streams_lag_records)", "{{topic}}"),
        ),
        lines(
            "Waiting to be stored",
            "Records in front of the store",
            ("sum by (topic) (siaga_store_lag_records)", "{{topic}}"),
        ),
        lines(
            "Disk queue",
            "Items on the gateways' disks because Kafka did not take them in time",
            ("sum by (instance) (siaga_spool_items)", "{{instance}}"),
        ),
        seconds(
            "Until a report is stored",
            "From a report's receipt by the gateway; the objective is 99.9 % within ten seconds",
            "siaga_store_latency_seconds",
            '{kind="report"}',
            limit=10,
        ),
    ]


def _wrong() -> list[Panel]:
    return [
        lines(
            "Set aside",
            "Accepted items that could not be used, in ten minutes, by reason",
            ("sum by (reason) (increase(siaga_store_rejected_total[10m]))", "{{reason}}"),
        ),
        lines(
            "Standing still",
            "How long records have waited in front of a worker without any progress",
            ("max by (instance) (siaga_streams_standing_still_seconds)", "{{instance}}"),
            unit="s",
            limit=20,
        ),
    ]
