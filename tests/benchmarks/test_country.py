"""What a report costs, and how much memory a worker needs, with every polling station of the country registered.

In one process, without a broker: the registry, folding and settling are what could grow. Prints only;
``python -m pytest tests/benchmarks/test_country.py -s``
"""

from __future__ import annotations

import subprocess
import sys
import time
from datetime import UTC, datetime

import psutil

from siaga.contracts.registry import key_of
from siaga.contracts.topics import REPORTS
from siaga.election.registry import Registry
from siaga.escalation.duties import Duties
from streams.districts import Districts
from streams.intake import Incoming, Intake
from streams.outputs import gather
from tests.support import builders, traffic
from tests.support.brokers import ROOT
from tests.support.country import DISTRICTS, STATIONS

_REPORTS = 8_000
#: Records between two flushes, as at some hundred reports a second.
_BATCH = 8
_PARTITIONS = 48


def measure(districts: int, stations: int) -> tuple[float, float]:
    """Microseconds of CPU a report, and MB of memory. Reports are about 1,300 stations, however many there are."""
    registry = Registry()
    duties = Duties(registry)
    for entry in traffic.country(districts=districts, stations=stations):
        registry.apply(key_of(entry), entry.to_json())
    known = Districts(_PARTITIONS)
    known.assign(range(_PARTITIONS), (), registry.district_codes)
    intake = Intake(known, duties)
    about = [s for code in sorted(registry.district_codes) for s in registry.district(code).station_ids][:1_300]  # type: ignore[union-attr]
    values = [builders.accepted(report) for report in traffic.reports(about, _REPORTS)]
    records = [
        Incoming(REPORTS, known.partition(report.station_id[:8]), offset, report.to_json(), time.time())
        for offset, report in enumerate(values)
    ]
    began = time.process_time()
    for start in range(0, _REPORTS, _BATCH):
        for record in records[start : start + _BATCH]:
            intake.take(record, datetime.now(UTC))
        gather(known, duties, now=datetime.now(UTC))
    used = (time.process_time() - began) / _REPORTS
    return used * 1e6, psutil.Process().memory_info().rss / 1e6


def test_cost_of_a_report_in_the_whole_country() -> None:
    # Each in a process of its own, so that neither has the other's memory; twice, the better one counts.
    figures = {
        name: min(_in_a_process(*size) for _ in range(2))
        for name, size in {"regency": (20, 1_300), "country": (DISTRICTS, STATIONS)}.items()
    }
    small, large = figures["regency"], figures["country"]
    print(
        f"\n{STATIONS:,} stations: {large[0]:.0f} µs CPU a report and {large[1]:,.0f} MB; 1,300 stations: "
        f"{small[0]:.0f} µs and {small[1]:,.0f} MB; ratio of the cost {large[0] / small[0]:.2f}"
    )
    assert large[1] > small[1]


def _in_a_process(districts: int, stations: int) -> tuple[float, float]:
    argv = [sys.executable, __file__, str(districts), str(stations)]
    env = {"PYTHONPATH": str(ROOT)}
    ran = subprocess.run(argv, cwd=ROOT, env=env, capture_output=True, text=True, check=True)
    cost, memory = ran.stdout.split()
    return float(cost), float(memory)


if __name__ == "__main__":
    print(*measure(int(sys.argv[1]), int(sys.argv[2])))
