"""How long it takes from the gateway's answer for a SEV1 until a webhook has its pages, while others report too.

``python -m pytest tests/benchmarks/test_alarm_speed.py -s`` (two minutes; ``-k embedded`` for half of it). Prints
only. ``SIAGA_TEST_RATE=50,500`` chooses the rates of the other reports, posts a second.
"""

from __future__ import annotations

import http.client
import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from siaga.triage.joining import incident_id_of
from tests.support import builders, traffic
from tests.support.cost import Cost
from tests.support.duty_room import manned_country, shares
from tests.support.load import posting
from tests.support.receiver import Receiver
from tests.support.stack import Stack
from tests.support.wait import until

RATES = [int(rate) for rate in os.environ.get("SIAGA_TEST_RATE", "50,500").split(",")]
SECONDS = 15
#: Alarms a second, each about a station that nobody else reports about, of a family that makes no clusters.
ALARMS_PER_SECOND = 6
#: The district's duty officer and the lead agency's.
PAGES_EACH = 2
#: Every so many-th station is kept for alarms.
_KEPT = 12


@pytest.mark.parametrize("per_second", RATES)
def test_from_the_answer_for_a_sev1_to_the_webhook(
    per_second: int, make_stack: Callable[..., Stack], parts: str, tmp_path: Path
) -> None:
    with Receiver(tmp_path) as receiver:
        stack = make_stack(registry=manned_country(receiver.url, **traffic.REGENCY)).start()
        stations = builders.stations_of(stack.registry)
        alarms = iter(stations[::_KEPT])
        others = [station for number, station in enumerate(stations) if number % _KEPT]
        # A stack that has just started is slow at first: caches are cold, Java is not compiled.
        posting(stack, list(traffic.reports(others, 600, seed=2)), 200, tmp_path).wait(60)
        _raise_alarms(stack, alarms, 5)
        stack.until_count("incident_reports", 605, timeout=60)

        cost = Cost()
        load = posting(stack, list(traffic.reports(others, per_second * SECONDS)), per_second, tmp_path)
        answered = _raise_alarms(stack, alarms, ALARMS_PER_SECOND * (SECONDS - 2))
        said = json.loads(load.communicate(timeout=90)[0])
        spent = cost.shares()
        came = _until_paged(receiver, answered)

    took = sorted(at - answered[incident_id] for incident_id, times in came.items() for at in times)
    first = sorted(min(times) - answered[incident_id] for incident_id, times in came.items())
    print(
        f"\nSEV1 to webhook {parts:9} beside {per_second:>4}/s: every page {shares(took)} ms; the first of each "
        f"{shares(first)} ms; the others' answers p50 {said['p50_ms']} p99 {said['p99_ms']} ms\n  cores: {spent}"
    )
    assert said["statuses"] == {"202": per_second * SECONDS}


def _raise_alarms(stack: Stack, stations: Iterator[str], count: int) -> dict[str, float]:
    """Post SEV1 reports steadily; when each was answered (epoch seconds), by the incident that it opens."""
    host = stack.gateway_url.removeprefix("http://")
    connection = http.client.HTTPConnection(host)
    headers = {"Authorization": f"Bearer {stack.token}", "Content-Type": "application/json"}
    answered = {}
    began = time.monotonic()
    for number in range(count):
        time.sleep(max(0.0, began + number / ALARMS_PER_SECOND - time.monotonic()))
        report = builders.report("hazard.fire", station=next(stations), by=f"piket-{number}", facts={"dead": 1})
        connection.request("POST", "/v1/reports", json.dumps(report), headers)
        response = connection.getresponse()
        answered[incident_id_of(report["report_id"])] = time.time()
        assert response.status == 202, response.read()
        response.read()
    connection.close()
    return answered


def _until_paged(receiver: Receiver, answered: dict[str, float]) -> dict[str, list[float]]:
    """When each incident's pages were received (epoch seconds)."""
    came: dict[str, list[float]] = {}

    def all_of_them() -> Any:
        came.clear()
        for message in receiver.received():
            for incident_id in message.incidents:
                if incident_id in answered:
                    came.setdefault(incident_id, []).append(message.at)
        return sum(len(times) >= PAGES_EACH for times in came.values()) == len(answered)

    until(all_of_them, timeout=60, what=lambda: f"pages; {len(came)} of {len(answered)} alarms have any", every=0.2)
    return came
