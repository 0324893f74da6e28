"""The big screen of the posko: twelve numbers, read from four metres away."""

from __future__ import annotations

from grafana_foundation_sdk.builders import dashboard
from parts import BAD_ABOVE_ZERO, Panel, big, board, number

_ACCEPTED = 'sum(rate(siaga_gateway_items_total{{kind="{}", outcome=~"accepted|spooled"}}[1m])) * 60'


def made() -> dashboard.Dashboard:
    """The dashboard."""
    return board(
        "siaga-pulse",
        "Siaga: denyut / pulse",
        "The big screen of the posko",
        [*_what_is_open(), *_what_goes_wrong(), *_what_comes_in()],
        refresh="5s",
        back="now-15m",
    )


def _what_is_open() -> list[Panel]:
    severities = [
        big(
            f"SEV{severity}",
            f"Incidents of SEV{severity} that are open or acknowledged, drills left out",
            f'max(siaga_incidents_open{{severity="{severity}"}})',
            [(1, colour)],
        )
        for severity, colour in ((1, "red"), (2, "orange"), (3, "yellow"))
    ]
    canary = big(
        "Canary",
        "How old the newest test message is that came through; above 30 seconds something stands",
        "max(siaga:canary_age:seconds)",
        [(10, "orange"), (30, "red")],
        unit="s",
        decimals=1,
    )
    return [*severities, canary]


def _what_goes_wrong() -> list[Panel]:
    return [
        big(
            "Tak terjawab / unanswered",
            "Escalations that page until somebody takes them",
            'sum(siaga_escalations{state=~"paging|handed_off|exhausted"})',
            [(1, "orange"), (5, "red")],
        ),
        big(
            "Habis / exhausted",
            "Escalations that passed their last level: act now",
            'sum(siaga_escalations{state="exhausted"})',
            BAD_ABOVE_ZERO,
        ),
        big(
            "Panggilan tertunda / page overdue",
            "For how long the oldest page has been due and neither sent nor explained",
            "max(siaga_pages_oldest_due_seconds)",
            [(15, "orange"), (60, "red")],
            unit="s",
        ),
        big(
            "Kecamatan diam / silent districts",
            "Districts most of whose stations missed their check-in",
            'max(siaga_silent{what="district"})',
            BAD_ABOVE_ZERO,
        ),
    ]


def _what_comes_in() -> list[Panel]:
    report, checkin = _ACCEPTED.format("report"), _ACCEPTED.format("checkin")
    down = 'count(up{job="siaga"} == 0) or vector(0)'
    alerts = 'count(ALERTS{alertstate="firing", severity=~"sev1|sev2"}) or vector(0)'
    says = "Alerts about Siaga itself that fire now, SEV1 and SEV2"
    return [
        number("Laporan/menit / reports a minute", "Reports that the gateways accepted", report, width=6, decimals=1),
        number(
            "Apel/menit / check-ins a minute", "Check-ins that the gateways accepted", checkin, width=6, decimals=1
        ),
        number("Proses mati / processes down", "Processes that do not answer", down, steps=BAD_ABOVE_ZERO, width=6),
        number("Alarm / alerts", says, alerts, steps=BAD_ABOVE_ZERO, width=6),
    ]
