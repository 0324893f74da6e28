"""Who is asked to end says that all went well: a supervisor takes anything else for a crash."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.support.processes import Process, free_port, listens


@pytest.mark.parametrize("name", ["inbox", "console"])
def test_a_server_that_is_asked_to_end_ends_with_0(name: str, tmp_path: Path) -> None:
    port = free_port()
    environment = {
        f"SIAGA_{name.upper()}_PORT": str(port),
        "SIAGA_CONSOLE_METRICS_PORT": "0",
        "SIAGA_DATA_DIR": str(tmp_path),
        "SIAGA_DATABASE": f"sqlite:///{tmp_path}/siaga.db",
        "SIAGA_KAFKA": "127.0.0.1:9",
    }
    with Process(name, [sys.executable, "-m", "siaga", name], log=tmp_path / "log", env=environment) as server:
        server.wait_ready(lambda: listens(port), timeout=60, what="somebody who listens")

        assert server.stop() == 0, server.tail()
