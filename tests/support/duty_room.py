"""Officers on duty for benchmarks: a regency's registry with everybody reached over one webhook."""

from __future__ import annotations

from collections.abc import Sequence

from producers.simulate.duty import demo_roster
from siaga.contracts.registry import DistrictStations, RegistryEntry
from tests.support import builders, traffic


def manned_country(inbox: str, **size: int) -> list[RegistryEntry]:
    """:func:`tests.support.traffic.country` with a roster in which nobody is missing."""
    entries = traffic.country(**size)
    districts = [entry for entry in entries if isinstance(entry, DistrictStations)]
    return [*entries, *demo_roster(districts, starting=builders.now(), inbox=inbox, seed=1)]


def shares(ordered: Sequence[float]) -> str:
    """Seconds in rising order as their p50, p90, p99 and maximum, in milliseconds."""
    of = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "max": 1.0}
    return " ".join(
        f"{name} {1000 * ordered[min(len(ordered) - 1, int(len(ordered) * share))]:.0f}" for name, share in of.items()
    )
