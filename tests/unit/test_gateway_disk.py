"""A gateway whose disk is nearly full: it is not ready, and says no rather than lose what it took."""

from __future__ import annotations

from pathlib import Path

from producers.gateway.server import _unready
from tests.support import builders
from tests.support.gateways import HandGateway, problem


async def test_a_nearly_full_disk_is_answered_503_while_kafka_is_away_and_nothing_is_kept_by_halves(
    tmp_path: Path,
) -> None:
    gateway = HandGateway(tmp_path, disk_least_free=10**18)
    try:
        assert (await gateway.post(builders.report())).status_code == 202

        gateway.publisher.mood = "fail"
        refused = problem(await gateway.post(builders.report()), 503)

        assert "keep it and send it again" in refused["detail"]
        assert gateway.spool.items == 0
        assert "disk_least_free" in _unready(gateway.known, gateway.spool)
    finally:
        await gateway.close()


async def test_a_disk_with_room_takes_what_kafka_does_not_and_the_gateway_is_ready(tmp_path: Path) -> None:
    gateway = HandGateway(tmp_path, disk_least_free=1)
    try:
        gateway.publisher.mood = "fail"

        assert (await gateway.post(builders.report())).json()["status"] == "spooled"
        assert _unready(gateway.known, gateway.spool) == ""
    finally:
        await gateway.close()
