"""Who is called, how fast, and whether they answer."""

from __future__ import annotations

from grafana_foundation_sdk.builders import dashboard
from parts import BAD_ABOVE_ZERO, SOURCE, Panel, board, lines, number, quantile, rate, seconds

_CHOSEN = '{channel=~"$channel"}'


def made() -> dashboard.Dashboard:
    """The dashboard, with the choice of a channel."""
    channel = (
        dashboard.QueryVariable("channel")
        .label("Channel")
        .datasource(SOURCE)
        .query("label_values(siaga_pages_sent_total, channel)")
        .multi(True)
        .include_all(True)
        .all_value(".*")
    )
    says = "Who is called, how fast, and whether they answer"
    return board("siaga-escalation", "Siaga: escalation", says, [*_now(), *_how_fast(), *_channels()]).with_variable(
        channel
    )


def _now() -> list[Panel]:
    return [
        number(
            "Unanswered",
            "Escalations that page until somebody takes them",
            'sum(siaga_escalations{state=~"paging|handed_off|exhausted"})',
            steps=[(1, "orange"), (5, "red")],
        ),
        number(
            "Exhausted",
            "Passed the last level unanswered",
            'sum(siaga_escalations{state="exhausted"})',
            steps=BAD_ABOVE_ZERO,
        ),
        number(
            "Ledger",
            "Due minus accepted minus explained: pages that are still on their way",
            "max(siaga_pages_unaccounted)",
            steps=[(1, "orange"), (20, "red")],
        ),
        number(
            "Unknown",
            "Pages of which nobody knows whether they arrived",
            "sum(siaga_pages_unknown)",
            steps=BAD_ABOVE_ZERO,
        ),
        number(
            "Oldest due",
            "For how long the oldest page has been due and neither sent nor explained",
            "max(siaga_pages_oldest_due_seconds)",
            unit="s",
            steps=[(15, "orange"), (60, "red")],
        ),
        number(
            "Objective used up",
            "Share of a day's allowance of late or failed grave pages that the last 3 hours used up",
            "(siaga:paging_burn:rate3h or vector(0)) * 3 / 12",
            unit="percentunit",
            steps=[(0.5, "orange"), (1, "red")],
        ),
    ]


def _how_fast() -> list[Panel]:
    return [
        seconds(
            "Until a grave page is with a provider",
            "SEV1 and SEV2: from the report that caused it; the objective is 99 % within 60 seconds",
            "siaga_page_accepted_seconds",
            '{severity=~"1|2"}',
            limit=60,
        ),
        lines(
            "Until somebody answers",
            "From the beginning of an escalation to an officer's taking it, by the level reached",
            (quantile(0.5, "siaga_ack_seconds", "level"), "half of level {{level}}"),
            unit="s",
        ),
    ]


def _channels() -> list[Panel]:
    return [
        lines(
            "Sent",
            "Pages that a provider took, a minute",
            (rate("siaga_pages_sent_total", "channel", _CHOSEN) + " * 60", "{{channel}}"),
        ),
        lines(
            "Failed",
            "Pages given up on a channel, a minute; the officer's next is tried",
            (rate("siaga_pages_failed_total", "channel", _CHOSEN) + " * 60", "{{channel}}"),
        ),
        lines(
            "Providers left alone",
            "Providers that nothing is sent to for now",
            (f"max by (channel) (siaga_channel_circuits_open{_CHOSEN})", "{{channel}}"),
        ),
        lines(
            "Deadlines noticed late",
            "How late the last deadline was noticed by each of the two clocks",
            ("max(siaga_timer_lag_seconds)", "stream workers"),
            ("max(siaga_sweeper_lag_seconds)", "sweeper"),
            unit="s",
        ),
    ]
