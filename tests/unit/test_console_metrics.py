"""What the command centre tells Prometheus of itself."""

from __future__ import annotations

from prometheus_client import generate_latest

from console.metrics import Metrics


def test_the_command_centre_tells_what_it_takes_of_the_machine() -> None:
    told = generate_latest(Metrics().registry).decode()

    assert {"process_cpu_seconds_total", "process_resident_memory_bytes"} <= {
        line.partition(" ")[0] for line in told.splitlines()
    }
