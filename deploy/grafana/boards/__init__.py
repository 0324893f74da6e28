"""The dashboards, one module each: what is asked, how it is shown, and what it says.

Input: none. Output: builders of Grafana's dashboards. State: none.
"""

from __future__ import annotations

from collections.abc import Iterator

from grafana_foundation_sdk.builders import dashboard

from boards import capacity, escalation, incidents, pipeline, pulse


def boards() -> Iterator[dashboard.Dashboard]:
    """All of them."""
    for module in (pulse, incidents, escalation, pipeline, capacity):
        yield module.made()
