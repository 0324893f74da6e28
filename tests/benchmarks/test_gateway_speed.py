"""How fast the gateway takes single posts, each answered after Kafka's acknowledgement. Prints; asserts no speed.

``python -m pytest tests/benchmarks/test_gateway_speed.py -s``
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.support.brokers import ROOT, Broker
from tests.support.databases import SqliteDatabase
from tests.support.stack import Stack


@pytest.fixture
def running(broker: Broker, sqlite: SqliteDatabase, tmp_path: Path) -> Iterator[Stack]:
    with Stack(broker, sqlite, tmp_path, rate_per_minute=10_000_000, rate_burst=1_000_000) as stack:
        yield stack.start("gateway")


@pytest.mark.parametrize(
    ("posts", "connections", "per_second"), [(10_000, 64, 0), (6_000, 200, 2_000)], ids=["flat out", "2000 a second"]
)
def test_single_posts_are_answered_after_the_acknowledgement(
    running: Stack, posts: int, connections: int, per_second: int
) -> None:
    gateway = psutil.Process(running.processes["gateway"].pid)
    argv = [sys.executable, "-m", "tests.support.load", running.gateway_url.rpartition(":")[2], running.token]
    _load(argv, 1_000, 64, 0)  # a broker that has just started is slow at first
    before = sum(gateway.cpu_times()[:2])
    seen = _load(argv, posts, connections, per_second)
    used = (sum(gateway.cpu_times()[:2]) - before) / posts
    print(
        f"\n{seen['per_second']:,} posts/s, p50 {seen['p50_ms']} ms, p99 {seen['p99_ms']} ms, {used * 1e6:.0f} µs CPU"
    )
    assert seen["statuses"] == {"202": posts}


def _load(argv: list[str], *numbers: int) -> Any:
    ran = subprocess.run([*argv, *map(str, numbers)], cwd=ROOT, capture_output=True, text=True, check=True)
    return json.loads(ran.stdout)
