"""How long it takes from a post until the report's incident is in the database, at a steady rate. Prints only.

``python -m pytest tests/benchmarks/test_latency.py -s``
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.support import builders, traffic
from tests.support.cost import Cost
from tests.support.load import posting
from tests.support.stack import Stack

PER_SECOND = 500
SECONDS = 20
#: Reports looked for at once, the oldest that are not there yet; and seconds between two looks. Looking more often
#: takes the processor from what is measured.
_WINDOW = 400
_EVERY = 0.01


@pytest.mark.parametrize("per_second", [50, PER_SECOND])
def test_from_the_post_to_the_incident_in_the_database(
    per_second: int, make_stack: Callable[..., Stack], parts: str, tmp_path: Path
) -> None:
    stack = make_stack(registry=traffic.country(**traffic.REGENCY)).start()
    stations = builders.stations_of(stack.registry)
    # A stack that has just started is slow at first: caches are cold, Java is not compiled.
    posting(stack, list(traffic.reports(stations, 1_000, seed=2)), 200, tmp_path).wait(60)
    stack.until_count("incident_reports", 1_000)
    posts = list(traffic.reports(stations, per_second * SECONDS))
    cost = Cost()

    load = posting(stack, posts, per_second, tmp_path)
    seen = _watch(stack, [post["report_id"] for post in posts])
    said = json.loads(load.communicate(timeout=60)[0])
    spent = cost.shares()

    took = sorted(at - (said["began_at"] + number / per_second) for number, at in enumerate(seen))
    print(
        f"\npost to incident {parts:9} {per_second:>4}/s: p50 {_ms(took, 0.5)} p90 {_ms(took, 0.9)} "
        f"p99 {_ms(took, 0.99)} max {_ms(took, 1)}; of it the answer p50 {said['p50_ms']} p99 {said['p99_ms']} ms; "
        f"cores {spent}"
    )
    assert said["statuses"] == {"202": len(posts)}


def _watch(stack: Stack, report_ids: list[str]) -> list[float]:
    """When each report was first seen to be part of an incident (epoch seconds), in the order of the ids."""
    seen: dict[str, float] = {}
    waiting = dict.fromkeys(report_ids)
    asked = sa.text("SELECT report_id FROM incident_reports WHERE report_id IN :ids").bindparams(
        sa.bindparam("ids", expanding=True)
    )
    deadline = time.monotonic() + 3 * SECONDS + 30
    engine = sa.create_engine(stack.database.url)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        while waiting and time.monotonic() < deadline:
            oldest = [report_id for report_id, _ in zip(waiting, range(_WINDOW), strict=False)]
            found = connection.execute(asked, {"ids": oldest}).scalars().all()
            now = time.time()
            for report_id in found:
                seen[report_id] = now
                del waiting[report_id]
            # How finely the times are known; the database tells nobody.
            time.sleep(_EVERY)
    engine.dispose()
    assert not waiting, f"{len(waiting)} reports have no incident{stack.tails()}"
    return [seen[report_id] for report_id in report_ids]


def _ms(ordered: Sequence[float], share: float) -> str:
    return f"{1000 * ordered[min(len(ordered) - 1, int(len(ordered) * share))]:.0f} ms"
