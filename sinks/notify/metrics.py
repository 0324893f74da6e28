"""Every metric of paging, with its meaning. Labels are few and known at the start; never an officer or an address."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from prometheus_client import Counter, Gauge, Histogram

from siaga.answers.desk import Outcome
from siaga.contracts.page import ChannelKind, Page
from siaga.contracts.page_result import PageStatus, ResultReason
from siaga.contracts.timer import TimerKind
from siaga.types import Severity
from sinks.notify.machine import Told

#: Levels told apart; a policy with more has the rest in the last.
_LEVELS: Final = 9
#: Results told apart as failures, in the words of the contract.
FAILURES: Final = (
    ResultReason.OTHER,
    ResultReason.CLIENT_ERROR,
    ResultReason.SERVER_ERROR,
    ResultReason.TIMEOUT,
    ResultReason.AUTH,
    ResultReason.RATE_LIMITED,
    ResultReason.NO_ADDRESS,
    ResultReason.CHANNEL_OFF,
    ResultReason.LEASE_RAN_OUT,
)
SUPPRESSIONS: Final = (
    ResultReason.ACKNOWLEDGED,
    ResultReason.CLOSED,
    ResultReason.CANCELLED,
    ResultReason.EXPIRED,
    ResultReason.ACCUSED_UNIT,
)
WAITS: Final = (ResultReason.BUNDLED, ResultReason.CIRCUIT_OPEN, ResultReason.RATE_LIMITED)

# -- tries ---------------------------------------------------------------------------------------------------------

SENT: Final = Counter("siaga_pages_sent", "Pages that a provider took, by kind of channel", ["channel"])
DELIVERED: Final = Counter("siaga_pages_delivered", "Pages that a provider says arrived", ["channel"])
TRIES_FAILED: Final = Counter(
    "siaga_page_tries_failed", "Tries that surely did not arrive, by why; most are repeated", ["channel", "reason"]
)
FAILED: Final = Counter(
    "siaga_pages_failed", "Pages given up on a channel, by why; the officer's next is tried", ["channel", "reason"]
)
SUPPRESSED: Final = Counter("siaga_pages_suppressed", "Pages not sent because it was not wanted any more", ["reason"])
HELD: Final = Counter(
    "siaga_pages_held", "Pages that wait for their turn while the officer's next channel is tried", ["reason"]
)
UNCLEAR: Final = Counter(
    "siaga_pages_unclear", "Tries of which nobody knows whether they arrived, by why", ["channel", "reason"]
)
REPEATED: Final = Counter(
    "siaga_pages_repeated", "Pages sent once more because nobody knew whether they had arrived", ["channel"]
)
BUNDLES: Final = Counter("siaga_page_bundles", "Messages that told several pages at once", ["channel"])
SEND_SECONDS: Final = Histogram(
    "siaga_page_send_seconds",
    "One try, from giving it to the channel to its answer",
    ["channel"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20),
)
DWELL_SECONDS: Final = Histogram(
    "siaga_page_dwell_seconds",
    "From a page's being due to the first start of its sending",
    ["severity"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300, 1800),
)

PAGED_SECONDS: Final = Histogram(
    "siaga_page_accepted_seconds",
    "Until a provider took a page: since the report that caused it was received, or where none did, since it was due",
    ["severity"],
    buckets=(0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300, 900, 1800),
)
GIVEN_UP: Final = Counter("siaga_pages_given_up", "Pages that failed for good on their channel", ["severity"])

# -- the ledger ----------------------------------------------------------------------------------------------------

DUE: Final = Gauge("siaga_pages_due", "Pages in the database that are or were due")
ACCEPTED: Final = Gauge("siaga_pages_accepted", "Of these, taken by a provider")
EXPLAINED: Final = Gauge("siaga_pages_explained", "Of these, failed or suppressed with their reason")
UNACCOUNTED: Final = Gauge(
    "siaga_pages_unaccounted", "Due minus accepted minus explained: still on their way; stays above zero when stuck"
)
OLDEST_DUE: Final = Gauge("siaga_pages_oldest_due_seconds", "For how long the oldest unaccounted page has been due")
UNKNOWN: Final = Gauge("siaga_pages_unknown", "Pages of which nobody knows whether a provider has them")
UNPUBLISHED: Final = Gauge("siaga_page_results_unpublished", "Results that Kafka has not got yet")

# -- the process ---------------------------------------------------------------------------------------------------

CIRCUITS_OPEN: Final = Gauge("siaga_channel_circuits_open", "Providers that nothing is sent to for now", ["channel"])
ACTIVE: Final = Gauge(
    "siaga_notifier_active", "1 where this process sends, 0 where another does or the database is away"
)
RETRIES: Final = Counter("siaga_notifier_database_retries", "Times that the notifier had to connect anew")

# -- people and deadlines ------------------------------------------------------------------------------------------

ACK_SECONDS: Final = Histogram(
    "siaga_ack_seconds",
    "From the beginning of an escalation to an officer's taking it, by the level reached",
    ["level"],
    buckets=(5, 15, 30, 60, 120, 300, 600, 900, 1800, 3600),
)
ANSWERS: Final = Counter(
    "siaga_telegram_answers", "What officers tapped or wrote that was asked of Telegram, by outcome", ["outcome"]
)
EXHAUSTED: Final = Counter("siaga_escalations_exhausted", "Times that an escalation passed its last level unanswered")
SWEPT: Final = Counter("siaga_sweeper_timers", "Deadlines that the sweeper sent to the streams, by kind", ["kind"])
SWEEPER_LAG: Final = Gauge("siaga_sweeper_lag_seconds", "How late the last of them was sent")


def tell(page: Page, told: Iterable[Told]) -> None:
    """Count results of a page."""
    channel = page.channel_kind.value
    for result in told:
        reason = result.reason.value
        match result.status:
            case PageStatus.ACCEPTED:
                SENT.labels(channel=channel).inc()
            case PageStatus.DELIVERED:
                DELIVERED.labels(channel=channel).inc()
            case PageStatus.FAILED_TEMPORARILY:
                TRIES_FAILED.labels(channel=channel, reason=reason).inc()
            case PageStatus.FAILED:
                FAILED.labels(channel=channel, reason=reason).inc()
                GIVEN_UP.labels(severity=str(int(page.severity))).inc()
            case PageStatus.UNKNOWN:
                UNCLEAR.labels(channel=channel, reason=reason).inc()
            case PageStatus.SUPPRESSED if result.reason in WAITS:
                HELD.labels(reason=reason).inc()
            case PageStatus.SUPPRESSED:
                SUPPRESSED.labels(reason=reason).inc()


def took(page: Page, caused: datetime | None, now: float) -> None:
    """A provider took a page; ``caused`` is when the report that caused it was received, if one did."""
    since = page.due_at if caused is None else min(caused, page.due_at)
    PAGED_SECONDS.labels(severity=str(int(page.severity))).observe(max(0.0, now - since.timestamp()))


def count_answer(outcome: str) -> None:
    """Count a message that may be an answer."""
    ANSWERS.labels(outcome=outcome).inc()


def level_label(level: int) -> str:
    """A level as a label; there are few."""
    return str(min(max(level, 0), _LEVELS))


def initialise() -> None:
    """Give every label its value, so that nothing is missing from a dashboard before it happened."""
    for kind in ChannelKind:
        for counter in (SENT, DELIVERED, REPEATED, BUNDLES, SEND_SECONDS):
            counter.labels(channel=kind.value)
        CIRCUITS_OPEN.labels(channel=kind.value).set(0)
        for reason in FAILURES:
            for counter in (TRIES_FAILED, FAILED, UNCLEAR):
                counter.labels(channel=kind.value, reason=reason.value)
    for reason in SUPPRESSIONS:
        SUPPRESSED.labels(reason=reason.value)
    for reason in WAITS:
        HELD.labels(reason=reason.value)
    for severity in Severity:
        for metric in (DWELL_SECONDS, PAGED_SECONDS, GIVEN_UP):
            metric.labels(severity=str(int(severity)))
    for outcome in (*(outcome.value for outcome in Outcome), "no_message", "failed"):
        ANSWERS.labels(outcome=outcome)
    for level in range(_LEVELS + 1):
        ACK_SECONDS.labels(level=level_label(level))
    for timer in TimerKind:
        if timer.is_of_incident or timer is TimerKind.DIGEST:
            SWEPT.labels(kind=timer.value)
