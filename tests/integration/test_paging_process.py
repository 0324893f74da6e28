"""``siaga sinks`` as a process between Kafka and a provider: pages in, messages and results out, deadlines swept."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from siaga.contracts.topics import ESCALATIONS, PAGE_RESULTS, PAGES, TIMERS
from tests.support import builders
from tests.support.paged import OFFICER, escalation, page, roster
from tests.support.provider import Provider
from tests.support.stack import SINKS, Stack
from tests.support.wait import until

MakeStack = Callable[..., Stack]


@pytest.fixture
def provider(tmp_path: Path) -> Iterator[Provider]:
    with Provider(tmp_path) as running:
        yield running


@pytest.fixture
def paging(make_stack: MakeStack, provider: Provider) -> Stack:
    """Only the sinks are running; one officer is in the roster."""
    registry = [*builders.small_registry(), roster({"hook": provider.address("{}")})]
    return make_stack(registry=registry).start(SINKS)


def test_a_page_goes_out_and_what_became_of_it_comes_back_also_when_it_is_asked_for_again(
    paging: Stack, provider: Provider
) -> None:
    sent = page()
    paging.produce(PAGES, builders.DISTRICT, sent.to_json())

    until(lambda: [item["status"] for item in paging.items(PAGE_RESULTS)] == ["accepted"], timeout=30, every=0.2)
    paging.produce(PAGES, builders.DISTRICT, sent.to_json())
    until(lambda: len(paging.items(PAGE_RESULTS)) == 2, timeout=30, every=0.2)

    first, again = paging.items(PAGE_RESULTS)
    assert first == again
    assert (first["page_id"], first["officer_id"]) == (str(sent.page_id), OFFICER)
    assert provider.pages() == {str(sent.page_id): 1}
    paging.until_count("page_results", 1, "published_at IS NOT NULL AND epoch = 1")
    metrics = paging.metrics(SINKS)
    assert metrics['siaga_pages_sent_total{channel="webhook"}'] == 1
    until(lambda: paging.metrics(SINKS)["siaga_pages_accepted"] == 1)
    assert paging.metrics(SINKS)["siaga_pages_unaccounted"] == 0
    for secret in (OFFICER, provider.url):
        assert secret not in paging.log(SINKS)


def test_what_is_due_is_told_to_the_streams_by_the_database_alone_and_once_it_is_over_no_more(paging: Stack) -> None:
    past = builders.now() - timedelta(seconds=5)
    overdue, done = page(level=2, round=3), page()
    due = {"next_due_at": past, "next_timer": "deadline", "digest_due_at": past}
    states = [escalation(overdue, "paging", **due), escalation(done, "resolved", **due)]
    paging.produce(ESCALATIONS, builders.DISTRICT, *(state.to_json() for state in states))

    digest, timer = until(lambda: paging.items(TIMERS), timeout=30, every=0.2)

    key = ("incident_id", "generation", "level", "round", "kind")
    assert tuple(timer[name] for name in key) == (str(overdue.incident_id), 1, 2, 3, "deadline")
    assert (digest["kind"], digest["district"], digest["incident_id"]) == ("digest", builders.DISTRICT, None)
    swept = paging.metrics(SINKS)
    assert [swept[f'siaga_sweeper_timers_total{{kind="{kind}"}}'] for kind in ("deadline", "digest")] == [1, 1]
