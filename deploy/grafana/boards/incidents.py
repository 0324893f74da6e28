"""What is reported and how grave it is."""

from __future__ import annotations

from grafana_foundation_sdk.builders import dashboard
from parts import Panel, board, lines, rate, seconds


def made() -> dashboard.Dashboard:
    """The dashboard."""
    says = "What is reported, and how grave it is"
    return board("siaga-incidents", "Siaga: incidents", says, _panels(), back="now-6h")


def _panels() -> list[Panel]:
    return [
        lines(
            "Open incidents",
            "Incidents open or acknowledged, drills left out",
            ("max by (severity) (siaga_incidents_open)", "SEV{{severity}}"),
            width=24,
        ),
        lines(
            "Snapshots of incidents",
            "How often incidents were opened or changed, a minute",
            (rate("siaga_streams_snapshots_total", "severity") + " * 60", "SEV{{severity}}"),
        ),
        lines(
            "Reports and check-ins accepted",
            "A minute, at the gateways",
            (rate("siaga_gateway_items_total", "kind", '{outcome=~"accepted|spooled"}') + " * 60", "{{kind}}"),
        ),
        lines(
            "Silent",
            "Districts and single stations that missed their check-in",
            ("max by (what) (siaga_silent)", "{{what}}"),
        ),
        lines(
            "Refused at the gateway",
            "What is refused for what it says: not JSON, wrong fields, an unknown station or kind",
            ("siaga:refused_items:rate10m * 60", "items a minute"),
        ),
        seconds(
            "Until an incident is stored",
            "From the receipt of a report until its incident is in the database",
            "siaga_store_latency_seconds",
            '{kind="incident"}',
        ),
        lines(
            "Wrong clocks",
            "Reports that claim to have happened more than ten minutes after their arrival",
            ("sum(increase(siaga_store_clock_ahead_total[10m]))", "reports in 10 minutes"),
        ),
    ]
