"""An upgrade under load: every process is asked to end and started anew, one after the other."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from tests.chaos.test_pipeline_faults import assert_all_arrived
from tests.support.processes import Process, free_ports
from tests.support.stack import CONSOLE, GATEWAY, SINKS, STREAMS, Stack
from tests.support.steady import SteadyDevice
from tests.support.watch import on_watch

pytestmark = [pytest.mark.chaos, pytest.mark.kafka, pytest.mark.postgres]

MakeStack = Callable[..., Stack]
#: Items accepted before, while and after a process is away.
SOME = 40


def second_gateway(stack: Stack) -> tuple[Process, str]:
    """Another gateway beside the stack's, with a disk of its own, and its address."""
    port = free_ports(2)
    own = {
        "SIAGA_GATEWAY_PORT": str(port),
        "SIAGA_GATEWAY_METRICS_PORT": str(port + 1),
        "SIAGA_DATA_DIR": str(stack.directory / "var-2"),
    }
    argv = [sys.executable, "-m", "siaga", "gateway"]
    made = Process("gateway-2", argv, log=stack.directory / "gateway-2.log", env={**stack.environment, **own})
    return made, f"http://127.0.0.1:{port}"


def is_ready(address: str) -> bool:
    try:
        return httpx.get(f"{address}/readyz").status_code == 200
    except httpx.HTTPError:
        return False


def test_every_process_restarted_in_turn_loses_nothing_and_a_second_gateway_hides_it_from_devices(
    make_real: MakeStack, tmp_path: Path
) -> None:
    with on_watch(make_real, tmp_path, workers=2) as watch:
        stack = watch.stack
        second, address = second_gateway(stack)
        stack.launch(CONSOLE)
        stack.wait_ready(CONSOLE)
        with second, SteadyDevice(stack, per_second=25.0, gateways=[address]) as device:
            second.wait_ready(lambda: is_ready(address), timeout=60, what="being ready")
            for name in (GATEWAY, STREAMS, f"{STREAMS}-1", SINKS, CONSOLE):
                device.until_answered(SOME)
                assert stack.stop(name) == 0
                device.until_answered(SOME)
                stack.restart(name)
            device.until_answered(SOME)
            with_two = device.longest
            assert second.stop(30) == 0
            device.until_answered(SOME)
            # The only one there is now: the device tries until it is back.
            device.longest = 0.0
            assert stack.stop(GATEWAY) == 0
            stack.restart(GATEWAY)
            device.until_answered(SOME)

        alone = f"{device.longest:.2f} s with one"
        print(f"{device.answered} accepted; a device waited {with_two:.2f} s at most with two gateways, {alone}")
        assert_all_arrived(stack, device)
        watch.settle()
        assert [one for one in watch.account("PostgreSQL", "restart") if not one.is_sound] == []
        assert watch.unheard() == set()
