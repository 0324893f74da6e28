"""The dashboards: what is asked, how it is shown, and what it says. One function a dashboard.

Input: none. Output: builders of Grafana's dashboards. State: none.
"""

from __future__ import annotations

from collections.abc import Iterator

from grafana_foundation_sdk.builders import dashboard
from parts import BAD_ABOVE_ZERO, SOURCE, board, lines, number, quantile

_CANARY = "siaga:canary_age:seconds"
_SEVERITY = '{severity=~"1|2"}'


def boards() -> Iterator[dashboard.Dashboard]:
    """All of them."""
    yield pulse()
    yield incidents()
    yield escalation()
    yield pipeline()
    yield capacity()


def pulse() -> dashboard.Dashboard:
    """The big screen of the posko: twelve numbers, read from four metres away."""
    made = board("siaga-pulse", "Siaga: denyut / pulse", "The big screen of the posko", refresh="5s", back="now-15m")
    colours = {1: "red", 2: "orange", 3: "yellow"}
    for severity, colour in colours.items():
        made = made.with_panel(
            number(
                f"SEV{severity}",
                f'max(siaga_incidents_open{{severity="{severity}"}})',
                says=f"Incidents of SEV{severity} that are open or acknowledged, drills left out",
                steps=[(1, colour)],
                width=6,
                height=9,
                big=True,
            )
        )
    return (
        made.with_panel(
            number(
                "Canary",
                f"max({_CANARY})",
                says="How old the newest test message is that came through; above 30 seconds something stands",
                unit="s",
                steps=[(10, "orange"), (30, "red")],
                width=6,
                height=9,
                big=True,
                decimals=1,
            )
        )
        .with_panel(
            number(
                "Tak terjawab / unanswered",
                'sum(siaga_escalations{state=~"paging|handed_off|exhausted"})',
                says="Escalations that page until somebody takes them",
                steps=[(1, "orange"), (5, "red")],
                width=6,
                height=9,
                big=True,
            )
        )
        .with_panel(
            number(
                "Habis / exhausted",
                'sum(siaga_escalations{state="exhausted"})',
                says="Escalations that passed their last level: act now",
                steps=BAD_ABOVE_ZERO,
                width=6,
                height=9,
                big=True,
            )
        )
        .with_panel(
            number(
                "Panggilan tertunda / page overdue",
                "max(siaga_pages_oldest_due_seconds)",
                says="For how long the oldest page has been due and neither sent nor explained",
                unit="s",
                steps=[(15, "orange"), (60, "red")],
                width=6,
                height=9,
                big=True,
            )
        )
        .with_panel(
            number(
                "Kecamatan diam / silent districts",
                'max(siaga_silent{what="district"})',
                says="Districts most of whose stations missed their check-in",
                steps=BAD_ABOVE_ZERO,
                width=6,
                height=9,
                big=True,
            )
        )
        .with_panel(
            number(
                "Laporan/menit / reports a minute",
                'sum(rate(siaga_gateway_items_total{kind="report", outcome=~"accepted|spooled"}[1m])) * 60',
                says="Reports that the gateways accepted",
                width=6,
                height=5,
                decimals=1,
            )
        )
        .with_panel(
            number(
                "Apel/menit / check-ins a minute",
                'sum(rate(siaga_gateway_items_total{kind="checkin", outcome=~"accepted|spooled"}[1m])) * 60',
                says="Check-ins that the gateways accepted",
                width=6,
                height=5,
                decimals=1,
            )
        )
        .with_panel(
            number(
                "Proses mati / processes down",
                'count(up{job="siaga"} == 0) or vector(0)',
                says="Processes that do not answer",
                steps=BAD_ABOVE_ZERO,
                width=6,
                height=5,
            )
        )
        .with_panel(
            number(
                "Alarm / alerts",
                'count(ALERTS{alertstate="firing", severity=~"sev1|sev2"}) or vector(0)',
                says="Alerts about Siaga itself that fire now, SEV1 and SEV2",
                steps=BAD_ABOVE_ZERO,
                width=6,
                height=5,
            )
        )
    )


def incidents() -> dashboard.Dashboard:
    """What is reported and how grave it is."""
    return (
        board("siaga-incidents", "Siaga: incidents", "What is reported, and how grave it is", back="now-6h")
        .with_panel(
            lines(
                "Open incidents",
                ("max by (severity) (siaga_incidents_open)", "SEV{{severity}}"),
                says="Incidents open or acknowledged, drills left out",
                width=24,
            )
        )
        .with_panel(
            lines(
                "Snapshots of incidents",
                ("sum by (severity) (rate(siaga_streams_snapshots_total[$__rate_interval])) * 60", "SEV{{severity}}"),
                says="How often incidents were opened or changed, a minute",
            )
        )
        .with_panel(
            lines(
                "Reports and check-ins accepted",
                (
                    "sum by (kind) (rate("
                    'siaga_gateway_items_total{outcome=~"accepted|spooled"}[$__rate_interval])) * 60',
                    "{{kind}}",
                ),
                says="A minute, at the gateways",
            )
        )
        .with_panel(
            lines(
                "Silent",
                ("max by (what) (siaga_silent)", "{{what}}"),
                says="Districts and single stations that missed their check-in",
            )
        )
        .with_panel(
            lines(
                "Refused at the gateway",
                ("siaga:refused_items:rate10m * 60", "items a minute"),
                says="What is refused for what it says: not JSON, wrong fields, an unknown station or kind",
            )
        )
        .with_panel(
            lines(
                "Until an incident is stored",
                (quantile(0.5, "siaga_store_latency_seconds", where='{kind="incident"}'), "half"),
                (quantile(0.99, "siaga_store_latency_seconds", where='{kind="incident"}'), "99 %"),
                says="From the receipt of a report until its incident is in the database",
                unit="s",
            )
        )
        .with_panel(
            lines(
                "Wrong clocks",
                ("sum(increase(siaga_store_clock_ahead_total[10m]))", "reports in 10 minutes"),
                says="Reports that claim to have happened more than ten minutes after their arrival",
            )
        )
    )


def escalation() -> dashboard.Dashboard:
    """Who is called, how fast, and whether they answer."""
    channel = (
        dashboard.QueryVariable("channel")
        .label("Channel")
        .datasource(SOURCE)
        .query("label_values(siaga_pages_sent_total, channel)")
        .multi(True)
        .include_all(True)
        .all_value(".*")
    )
    return (
        board("siaga-escalation", "Siaga: escalation", "Who is called, how fast, and whether they answer")
        .with_variable(channel)
        .with_panel(
            number(
                "Unanswered",
                'sum(siaga_escalations{state=~"paging|handed_off|exhausted"})',
                says="Escalations that page until somebody takes them",
                steps=[(1, "orange"), (5, "red")],
            )
        )
        .with_panel(
            number(
                "Exhausted",
                'sum(siaga_escalations{state="exhausted"})',
                says="Passed the last level unanswered",
                steps=BAD_ABOVE_ZERO,
            )
        )
        .with_panel(
            number(
                "Ledger",
                "max(siaga_pages_unaccounted)",
                says="Due minus accepted minus explained: pages that are still on their way",
                steps=[(1, "orange"), (20, "red")],
            )
        )
        .with_panel(
            number(
                "Unknown",
                "sum(siaga_pages_unknown)",
                says="Pages of which nobody knows whether they arrived",
                steps=BAD_ABOVE_ZERO,
            )
        )
        .with_panel(
            number(
                "Oldest due",
                "max(siaga_pages_oldest_due_seconds)",
                says="For how long the oldest page has been due and neither sent nor explained",
                unit="s",
                steps=[(15, "orange"), (60, "red")],
            )
        )
        .with_panel(
            number(
                "Objective used up",
                "(siaga:paging_burn:rate3h or vector(0)) * 3 / 12",
                says="Share of a day's allowance of late or failed grave pages that the last 3 hours used up",
                unit="percentunit",
                steps=[(0.5, "orange"), (1, "red")],
            )
        )
        .with_panel(
            lines(
                "Until a grave page is with a provider",
                (quantile(0.5, "siaga_page_accepted_seconds", where=_SEVERITY), "half"),
                (quantile(0.99, "siaga_page_accepted_seconds", where=_SEVERITY), "99 %"),
                says="SEV1 and SEV2: from the report that caused it; the objective is 99 % within 60 seconds",
                unit="s",
                limit=60,
            )
        )
        .with_panel(
            lines(
                "Until somebody answers",
                (quantile(0.5, "siaga_ack_seconds", "level"), "half of level {{level}}"),
                says="From the beginning of an escalation to an officer's taking it, by the level reached",
                unit="s",
            )
        )
        .with_panel(
            lines(
                "Sent",
                (
                    'sum by (channel) (rate(siaga_pages_sent_total{channel=~"$channel"}[$__rate_interval])) * 60',
                    "{{channel}}",
                ),
                says="Pages that a provider took, a minute",
            )
        )
        .with_panel(
            lines(
                "Failed",
                (
                    'sum by (channel) (rate(siaga_pages_failed_total{channel=~"$channel"}[$__rate_interval])) * 60',
                    "{{channel}}",
                ),
                says="Pages given up on a channel, a minute; the officer's next is tried",
            )
        )
        .with_panel(
            lines(
                "Providers left alone",
                ('max by (channel) (siaga_channel_circuits_open{channel=~"$channel"})', "{{channel}}"),
                says="Providers that nothing is sent to for now",
            )
        )
        .with_panel(
            lines(
                "Deadlines noticed late",
                ("max(siaga_timer_lag_seconds)", "stream workers"),
                ("max(siaga_sweeper_lag_seconds)", "sweeper"),
                says="How late the last deadline was noticed by each of the two clocks",
                unit="s",
            )
        )
    )


def pipeline() -> dashboard.Dashboard:
    """Whether everything moves, and where it does not."""
    return (
        board("siaga-pipeline", "Siaga: pipeline", "Whether everything moves, and where it does not")
        .with_panel(
            lines(
                "Canary",
                (_CANARY, "{{stage}}"),
                says="How old the newest canary is, by how far it came, the worst partition",
                unit="s",
                limit=30,
            )
        )
        .with_panel(
            lines(
                "Flow",
                ("siaga:accepted_items:rate1m", "accepted"),
                ("siaga:triaged_items:rate1m", "triaged"),
                ("siaga:stored_items:rate1m", "stored"),
                says="Items a second: the three lines lie on each other while everything moves",
            )
        )
        .with_panel(
            lines(
                "Processes",
                ('min by (process) (up{job="siaga"})', "{{process}}"),
                says="1 while all of a part's processes answer",
            )
        )
        .with_panel(
            lines(
                "Lines to Kafka and the database",
                ("min(siaga_gateway_kafka_up)", "gateways to Kafka"),
                ("min(siaga_store_database_up)", "store to database"),
                ("sum(siaga_notifier_active)", "notifiers that send"),
                says="1 while it is well",
            )
        )
        .with_panel(
            lines(
                "Waiting to be triaged",
                ("sum by (topic) (siaga_streams_lag_records)", "{{topic}}"),
                says="Records in front of the stream workers",
            )
        )
        .with_panel(
            lines(
                "Waiting to be stored",
                ("sum by (topic) (siaga_store_lag_records)", "{{topic}}"),
                says="Records in front of the store",
            )
        )
        .with_panel(
            lines(
                "Disk queue",
                ("sum by (instance) (siaga_spool_items)", "{{instance}}"),
                says="Items on the gateways' disks because Kafka did not take them in time",
            )
        )
        .with_panel(
            lines(
                "Until a report is stored",
                (quantile(0.5, "siaga_store_latency_seconds", where='{kind="report"}'), "half"),
                (quantile(0.99, "siaga_store_latency_seconds", where='{kind="report"}'), "99 %"),
                says="From a report's receipt by the gateway; the objective is 99.9 % within ten seconds",
                unit="s",
                limit=10,
            )
        )
        .with_panel(
            lines(
                "Set aside",
                ("sum by (reason) (increase(siaga_store_rejected_total[10m]))", "{{reason}}"),
                says="Accepted items that could not be used, in ten minutes, by reason",
            )
        )
        .with_panel(
            lines(
                "Standing still",
                ("max by (instance) (siaga_streams_standing_still_seconds)", "{{instance}}"),
                says="How long records have waited in front of a worker without any progress",
                unit="s",
                limit=20,
            )
        )
    )


def capacity() -> dashboard.Dashboard:
    """How much more it can take."""
    return (
        board("siaga-capacity", "Siaga: capacity", "How much more it can take", back="now-12h")
        .with_panel(
            lines(
                "Processor",
                ('sum by (process) (rate(process_cpu_seconds_total{job="siaga"}[$__rate_interval]))', "{{process}}"),
                says="Cores that each part uses; a stream worker, a gateway and the store use one each at most",
            )
        )
        .with_panel(
            lines(
                "Memory",
                ('sum by (process) (process_resident_memory_bytes{job="siaga"})', "{{process}}"),
                says="Resident memory of each part",
                unit="bytes",
            )
        )
        .with_panel(
            lines(
                "Until the gateway answers",
                (quantile(0.5, "siaga_gateway_ack_seconds"), "half"),
                (quantile(0.99, "siaga_gateway_ack_seconds"), "99 %"),
                says="From a request's arrival until Kafka or the disk had all its items",
                unit="s",
            )
        )
        .with_panel(
            lines(
                "Items a record",
                (quantile(0.5, "siaga_gateway_array_items"), "half"),
                says="How full the arrays are: they grow when the load does, and the streams keep up because of it",
            )
        )
        .with_panel(
            lines(
                "Writing state and outputs",
                (quantile(0.5, "siaga_streams_flush_seconds"), "half"),
                (quantile(0.99, "siaga_streams_flush_seconds"), "99 %"),
                says="From the settling of a batch in the streams to Kafka's acknowledgement",
                unit="s",
            )
        )
        .with_panel(
            lines(
                "One transaction of the store",
                (quantile(0.5, "siaga_store_batch_seconds"), "half"),
                (quantile(0.99, "siaga_store_batch_seconds"), "99 %"),
                says="From its first statement to its commit",
                unit="s",
            )
        )
        .with_panel(
            lines(
                "Rows stored",
                ("sum by (table) (rate(siaga_store_rows_total[$__rate_interval]))", "{{table}}"),
                says="A second, by table",
            )
        )
        .with_panel(
            lines(
                "What the workers remember",
                ("sum(siaga_streams_districts)", "districts"),
                ("sum(siaga_streams_incidents)", "incidents"),
                says="State in memory; it expires, so that it does not grow with the day",
            )
        )
        .with_panel(
            lines(
                "Disk queue",
                ("siaga_spool_bytes / siaga_spool_max_bytes", "{{instance}}"),
                says="How full the gateways' disk queues are",
                unit="percentunit",
                limit=0.5,
            )
        )
        .with_panel(
            lines(
                "Open pages of the command centre",
                ("sum(siaga_console_live_clients)", "pages"),
                says="Event streams that are open",
            )
        )
    )
