"""Playing a plan against a gateway: nothing is dropped, refusals are counted, and the schedule is kept."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from producers.simulate import play as play_module
from producers.simulate.client import Outcome, outcome_of, retry_after_seconds
from producers.simulate.plan import Event
from producers.simulate.play import Unauthorised, play
from producers.simulate.tally import Tally
from tests.support.listening_gateway import ListeningGateway, listening_gateway
from tests.support.simulated import day
from tests.support.wait import until

MANY = 1200


@pytest.fixture
def gateway() -> Iterator[ListeningGateway]:
    with listening_gateway() as listening:
        yield listening


def run(gateway: ListeningGateway, events: Sequence[Event], tokens: Sequence[str] = ("a.secret",)) -> Tally:
    tally = Tally()
    play(events, gateway=gateway.url, tokens=tokens, tally=tally, stop=threading.Event())
    return tally


def started(
    gateway: ListeningGateway, events: Sequence[Event], tally: Tally, stop: threading.Event
) -> threading.Thread:
    """A thread that plays the events, so that something can happen meanwhile."""
    options = {"gateway": gateway.url, "tokens": ["a.b"], "tally": tally, "stop": stop}
    player = threading.Thread(target=play, args=(events,), kwargs=options, daemon=True)
    player.start()
    return player


def some(kind: str, count: int) -> list[Event]:
    """Events of a day long past: all are due at once."""
    return [event for event in day(villages=33) if event.kind == kind][:count]


def test_every_event_arrives_and_is_counted(gateway: ListeningGateway) -> None:
    events = [*some("checkin", MANY), *some("report", 40)]
    summary = run(gateway, events).summary()

    assert [e.item for e in events if e.kind == "checkin"] == gateway.checkins
    assert {e.item["report_id"] for e in events if e.kind == "report"} == {r["report_id"] for r in gateway.reports}
    assert summary["planned"] == summary["sent"] == summary["accepted"] == len(events)
    assert summary["waiting"] == 0


def test_check_ins_share_requests(gateway: ListeningGateway) -> None:
    run(gateway, some("checkin", MANY))
    assert gateway.requests < MANY / 50


def test_a_gateway_that_is_not_ready_gets_everything_later(gateway: ListeningGateway) -> None:
    gateway.troubles = [(503, {"Retry-After": "0"}), (502, {}), (429, {"Retry-After": "0"})]
    summary = run(gateway, some("checkin", 50)).summary()

    assert summary["accepted"] == len(gateway.checkins) == 50
    assert summary["retries"] == 3


def test_retry_after_is_honoured(gateway: ListeningGateway) -> None:
    gateway.troubles = [(429, {"Retry-After": "1"})]
    begun = time.monotonic()
    run(gateway, some("checkin", 1))
    assert time.monotonic() - begun >= 1.0


def test_a_gateway_that_comes_back_gets_everything_in_order(gateway: ListeningGateway) -> None:
    """Nobody listens at first: the phones keep what they have."""
    events = some("checkin", 20)
    tally, stop = Tally(), threading.Event()
    gateway.close()
    port = int(gateway.url.rpartition(":")[2])
    player = started(gateway, events, tally, stop)
    until(lambda: tally.summary()["retries"] > 0, timeout=10, what="a first try")
    with listening_gateway(port) as back:
        player.join(20)

        assert not player.is_alive()
        assert back.checkins == [event.item for event in events]


def test_a_refused_item_is_counted_by_its_reason_and_the_rest_goes_on(gateway: ListeningGateway) -> None:
    events = [*some("checkin", 30), *some("report", 10)]
    first_checkin, first_report = events[0].item["station_id"], events[30].item["station_id"]
    gateway.refuse = {first_checkin: (403, "forbidden"), first_report: (422, "invalid")}
    refused = sum(event.item["station_id"] in gateway.refuse for event in events)
    summary = run(gateway, events).summary()

    assert set(summary["refused"]) == {"forbidden", "invalid"}
    assert sum(summary["refused"].values()) == refused
    assert summary["accepted"] == len(events) - refused


def test_an_unknown_device_ends_the_day_with_the_remedy(
    gateway: ListeningGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(play_module, "_PATIENCE", 0.1)
    gateway.known = {"another.token"}
    with pytest.raises(Unauthorised, match="siaga device add"):
        run(gateway, some("checkin", 3))


def test_a_device_that_is_known_a_moment_later_loses_nothing(gateway: ListeningGateway) -> None:
    gateway.known = set()

    def learn() -> None:
        until(lambda: gateway.requests > 0, timeout=10, what="a first try")
        gateway.known = {"a.secret"}

    learning = threading.Thread(target=learn)
    learning.start()
    summary = run(gateway, some("checkin", 5)).summary()
    learning.join()

    assert summary["accepted"] == 5


def test_people_of_a_scene_use_different_devices(gateway: ListeningGateway) -> None:
    events = [event for event in day(villages=33) if event.scene == "pesan-berantai"]
    run(gateway, events, tokens=[f"simulasi-{n}.x" for n in range(9)])

    assert len(set(gateway.tokens.values())) == len(gateway.tokens) == 5


def test_corrections_arrive_after_what_they_correct(gateway: ListeningGateway) -> None:
    run(gateway, some("report", 200))

    seen: set[str] = set()
    for report in gateway.reports:
        assert report.get("corrects") is None or report["corrects"] in seen
        seen.add(report["report_id"])


def test_an_event_is_not_sent_before_its_time(gateway: ListeningGateway) -> None:
    event = some("report", 1)[0]
    due = time.time() + 0.4
    tally = run(gateway, [Event(due, "report", event.item, 1)])

    assert time.time() >= due
    assert tally.summary()["most_behind_seconds"] < 5


def test_how_far_the_sending_is_behind_is_told(gateway: ListeningGateway) -> None:
    event = some("report", 1)[0]
    summary = run(gateway, [Event(time.time() - 30, "report", event.item, 1)]).summary()
    assert 30 <= summary["most_behind_seconds"] < 60


def test_stopping_leaves_what_waits_and_says_how_much(gateway: ListeningGateway) -> None:
    stop, tally = threading.Event(), Tally()
    gateway.troubles = [(503, {})] * 1000
    events = some("checkin", 10)
    player = started(gateway, events, tally, stop)
    until(lambda: tally.summary()["planned"] == 10 and tally.summary()["retries"] > 0, timeout=10, what="a first try")
    stop.set()
    player.join(10)

    assert not player.is_alive()
    assert tally.summary()["waiting"] == 10


@pytest.mark.parametrize("url", ["127.0.0.1:8081", "ftp://example.org", ""])
def test_a_wrong_address_is_named(url: str) -> None:
    with pytest.raises(ValueError, match="write one such as"):
        play([], gateway=url, tokens=["a.b"], tally=Tally(), stop=threading.Event())


def test_retry_after_may_be_a_date() -> None:
    soon = datetime.now(UTC) + timedelta(seconds=30)
    assert 25 < (retry_after_seconds(format_datetime(soon, usegmt=True)) or 0) <= 31
    assert retry_after_seconds("7") == 7.0
    assert retry_after_seconds("soon") is None


@pytest.mark.parametrize(
    ("code", "answer", "outcome", "reason"),
    [
        (202, {"status": "accepted"}, Outcome.ACCEPTED, "accepted"),
        (202, {"status": "spooled"}, Outcome.SPOOLED, "spooled"),
        (200, {"status": 403, "title": "forbidden"}, Outcome.REFUSED, "forbidden"),
        (200, {"status": 429}, Outcome.LATER, "http_429"),
        (200, {"status": "full"}, Outcome.LATER, "full"),
        (200, {"status": "invalid"}, Outcome.REFUSED, "invalid"),
        (413, None, Outcome.REFUSED, "too_large"),
        (502, None, Outcome.LATER, "http_502"),
        (401, {"status": 401}, Outcome.UNAUTHORISED, "unauthorised"),
        (404, "no such page", Outcome.REFUSED, "http_404"),
    ],
)
def test_each_answer_means_one_thing(code: int, answer: object, outcome: Outcome, reason: str) -> None:
    assert outcome_of(code, answer) == (outcome, reason)
