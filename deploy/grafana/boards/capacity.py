"""How much more it can take."""

from __future__ import annotations

from grafana_foundation_sdk.builders import dashboard
from parts import Panel, board, lines, quantile, rate, seconds

_SIAGA = '{job="siaga"}'


def made() -> dashboard.Dashboard:
    """The dashboard."""
    panels = [*_machines(), *_times(), *_amounts()]
    return board("siaga-capacity", "Siaga: capacity", "How much more it can take", panels, back="now-12h")


def _machines() -> list[Panel]:
    return [
        lines(
            "Processor",
            "Cores that each part uses; a stream worker, a gateway and the store use one each at most",
            (rate("process_cpu_seconds_total", "process", _SIAGA), "{{process}}"),
        ),
        lines(
            "Memory",
            "Resident memory of each part",
            (f"sum by (process) (process_resident_memory_bytes{_SIAGA})", "{{process}}"),
            unit="bytes",
        ),
    ]


def _times() -> list[Panel]:
    return [
        seconds(
            "Until the gateway answers",
            "From a request's arrival until Kafka or the disk had all its items",
            "siaga_gateway_ack_seconds",
        ),
        lines(
            "Items a record",
            "How full the arrays are: they grow when the load does, and the streams keep up because of it",
            (quantile(0.5, "siaga_gateway_array_items"), "half"),
        ),
        seconds(
            "Writing state and outputs",
            "From the settling of a batch in the streams to Kafka's acknowledgement",
            "siaga_streams_flush_seconds",
        ),
        seconds(
            "One transaction of the store", "From its first statement to its commit", "siaga_store_batch_seconds"
        ),
    ]


def _amounts() -> list[Panel]:
    return [
        lines("Rows stored", "A second, by table", (rate("siaga_store_rows_total", "table"), "{{table}}")),
        lines(
            "What the workers remember",
            "State in memory; it expires, so that it does not grow with the day",
            ("sum(siaga_streams_districts)", "districts"),
            ("sum(siaga_streams_incidents)", "incidents"),
        ),
        lines(
            "Disk queue",
            "How full the gateways' disk queues are",
            ("siaga_spool_bytes / siaga_spool_max_bytes", "{{instance}}"),
            unit="percentunit",
            limit=0.5,
        ),
        lines(
            "Open pages of the command centre",
            "Event streams that are open",
            ("sum(siaga_console_live_clients)", "pages"),
        ),
    ]
