"""A page's moves: what each answer makes of it, and that it is never repeated but out of ``unknown``."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from siaga.contracts.page import ChannelKind
from siaga.contracts.page_result import PageStatus, ResultReason
from sinks.notify.channels import ChannelSpec, parse_channels
from sinks.notify.machine import (
    Change,
    PageState,
    Status,
    after_receipt,
    after_try,
    failed,
    held,
    lease_ran_out,
    may_repeat,
    suppressed,
)
from sinks.notify.outcome import Outcome, Verdict, outcome_of_status

SMS = replace(parse_channels("")[ChannelKind.SMS], tries=3)
NOW = 1_000.0
QUEUED = PageState("p", Status.QUEUED, severity=1)
SENDING = PageState("p", Status.SENDING, severity=1, attempts=1)
UNKNOWN = replace(SENDING, status=Status.UNKNOWN, doubtful=True, reason=ResultReason.TIMEOUT)


def try_of(state: PageState, verdict: Verdict, *, spec: ChannelSpec = SMS, **more: object) -> Change:
    change = after_try(state, state.attempts, Outcome(verdict, **more), spec, NOW)  # type: ignore[arg-type]
    assert change is not None
    return change


@pytest.mark.parametrize(
    ("attempt", "status", "pause"), [(1, Status.QUEUED, 1.0), (2, Status.QUEUED, 2.0), (3, Status.FAILED, None)]
)
def test_a_temporary_failure_is_tried_again_with_growing_pauses_and_given_up_at_last(
    attempt: int, status: Status, pause: float | None
) -> None:
    change = try_of(replace(SENDING, attempts=attempt), Verdict.FAILED_TEMPORARILY)

    assert (change.status, change.available_at) == (status, None if pause is None else NOW + pause)
    assert not change.counts


def test_a_provider_that_asks_for_long_patience_has_the_next_channel_tried_meanwhile() -> None:
    change = try_of(SENDING, Verdict.FAILED_TEMPORARILY, reason=ResultReason.RATE_LIMITED, retry_after=600.0)

    assert change.available_at == NOW + 600.0
    assert [(told.status, told.reason) for told in change.told] == [
        (PageStatus.FAILED_TEMPORARILY, ResultReason.RATE_LIMITED),
        (PageStatus.SUPPRESSED, ResultReason.RATE_LIMITED),
    ]


def test_where_an_earlier_try_may_have_arrived_a_later_failure_leaves_it_unknown() -> None:
    again = replace(SENDING, attempts=2, doubtful=True)

    assert try_of(again, Verdict.FAILED_TEMPORARILY).status is Status.UNKNOWN
    assert try_of(UNKNOWN, Verdict.NOT_THERE).status is Status.QUEUED


def test_an_answer_counts_however_late_and_anything_else_only_in_time() -> None:
    sent_again = replace(SENDING, attempts=2, doubtful=True)

    late = after_try(sent_again, 1, Outcome(Verdict.ACCEPTED, provider_id="SM-1"), SMS, NOW)
    stale = after_try(sent_again, 1, Outcome(Verdict.FAILED), SMS, NOW)
    twice = after_try(replace(SENDING, status=Status.ACCEPTED), 1, Outcome(Verdict.ACCEPTED), SMS, NOW)

    assert late is not None
    assert (late.status, late.told[0].provider_id) == (Status.ACCEPTED, "SM-1")
    assert stale is twice is None


def test_a_lease_that_ran_out_leaves_nobody_knowing() -> None:
    change = lease_ran_out(SENDING, NOW)

    assert change is not None
    assert (change.status, change.doubtful, change.told[0].reason) == (
        Status.UNKNOWN,
        True,
        ResultReason.LEASE_RAN_OUT,
    )
    assert lease_ran_out(QUEUED, NOW) is None


@pytest.mark.parametrize(
    ("severity", "safe", "attempts", "repeats"),
    [(1, False, 1, True), (2, False, 1, True), (3, False, 1, False), (3, True, 1, True), (1, True, 3, False)],
)
def test_severe_pages_and_those_whose_repeats_do_no_harm_are_repeated_within_bounds(
    severity: int, safe: bool, attempts: int, repeats: bool
) -> None:
    state = replace(UNKNOWN, severity=severity, attempts=attempts)

    assert may_repeat(state, replace(SMS, repeats_safely=safe)) is repeats


def test_a_page_that_may_have_arrived_is_never_called_unsent() -> None:
    assert suppressed(UNKNOWN, ResultReason.ACKNOWLEDGED).told == ()
    assert suppressed(UNKNOWN, ResultReason.ACKNOWLEDGED).available_at is None
    assert suppressed(QUEUED, ResultReason.ACKNOWLEDGED).told[0].status is PageStatus.SUPPRESSED


def test_the_streams_are_told_once_that_a_page_waits_for_its_turn() -> None:
    first = held(QUEUED, NOW + 60, ResultReason.BUNDLED)
    second = held(replace(QUEUED, waits=first.waits), NOW + 120, ResultReason.BUNDLED)

    assert [len(change.told) for change in (first, second)] == [1, 0]
    assert held(UNKNOWN, NOW + 60, ResultReason.BUNDLED).told == ()


def test_the_provider_is_asked_for_receipts_less_and_less_often_and_then_no_more() -> None:
    spec = replace(SMS, adapter="http", ask_url="http://gw/{receipt}", ask_status="status", receipts=(5.0, 60.0))
    accepted = replace(SENDING, status=Status.ACCEPTED, sent_at=NOW)
    still = Outcome(Verdict.ACCEPTED)

    asked = [after_receipt(accepted, still, spec, NOW + age).available_at for age in (1.0, 5.0, 60.0)]

    assert asked == [NOW + 5.0, NOW + 60.0, None]
    assert after_receipt(accepted, Outcome(Verdict.DELIVERED), spec, NOW).status is Status.DELIVERED


def test_what_did_not_arrive_after_all_has_failed_and_the_next_channel_is_tried() -> None:
    accepted = replace(SENDING, status=Status.ACCEPTED, sent_at=NOW)

    change = after_receipt(accepted, Outcome(Verdict.UNDELIVERED, ResultReason.OTHER), SMS, NOW)

    assert (change.status, change.available_at) == (Status.FAILED, None)
    assert [told.status for told in change.told] == [PageStatus.FAILED]


@pytest.mark.parametrize(
    ("status", "verdict", "reason"),
    [
        (302, Verdict.FAILED, ResultReason.CLIENT_ERROR),
        (400, Verdict.FAILED, ResultReason.CLIENT_ERROR),
        (401, Verdict.FAILED, ResultReason.AUTH),
        (408, Verdict.FAILED_TEMPORARILY, ResultReason.TIMEOUT),
        (429, Verdict.FAILED_TEMPORARILY, ResultReason.RATE_LIMITED),
        (503, Verdict.FAILED_TEMPORARILY, ResultReason.SERVER_ERROR),
    ],
)
def test_what_an_http_status_says(status: int, verdict: Verdict, reason: ResultReason) -> None:
    outcome = outcome_of_status(status)

    assert (outcome.verdict, outcome.reason) == (verdict, reason)


@given(st.lists(st.tuples(st.sampled_from(["claim", "lease", *Verdict]), st.integers(0, 3)), max_size=20))
def test_whatever_happens_a_page_is_sent_again_only_after_a_sure_failure_or_out_of_unknown(
    events: list[tuple[str, int]],
) -> None:
    """The claims of a page that may have been taken already are those that are counted as repeats."""
    state, may_be_there = QUEUED, False
    for event, age in events:
        change = None
        if event == "claim" and state.status in (Status.QUEUED, Status.UNKNOWN):
            assert (state.status is Status.UNKNOWN) or not may_be_there
            state = replace(state, status=Status.SENDING, attempts=state.attempts + 1)
        elif event == "lease":
            change = lease_ran_out(state, NOW)
            may_be_there = may_be_there or change is not None
        elif event != "claim":
            attempt = max(state.attempts - age, 0)
            verdict = Verdict(event)
            asks = verdict in (Verdict.NOT_THERE, Verdict.NOT_ASKED)
            if attempt and (not asks or state.status is Status.UNKNOWN):
                change = after_try(state, attempt, Outcome(verdict), SMS, NOW)
                if change is not None:
                    may_be_there = (may_be_there or verdict is Verdict.UNCLEAR) and verdict is not Verdict.NOT_THERE
        if change is not None:
            state = replace(state, status=change.status, waits=change.waits, doubtful=change.doubtful)
        assert not (state.status is Status.QUEUED and may_be_there)


def test_what_cannot_be_sent_says_why() -> None:
    change = failed(QUEUED, ResultReason.CHANNEL_OFF, "no gateway")

    assert (change.status, change.told[0].reason, change.told[0].attempt) == (
        Status.FAILED,
        ResultReason.CHANNEL_OFF,
        0,
    )
