"""The stream workers on a real broker: what goes in comes out decided, whatever dies in between."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType

from siaga.contracts.canary import Canary
from siaga.contracts.topics import INCIDENTS, NEIGHBOURS, REJECTED, REPORTS, STATE_CHANGELOG, TIMERS, partition_of
from siaga.triage.joining import incident_id_of
from streams.stall import STALLED
from tests.conftest import BOTH_BROKERS, EMBEDDED
from tests.support import builders
from tests.support.brokers import ApacheKafka
from tests.support.databases import SqliteDatabase
from tests.support.stack import Stack
from tests.support.topics import records_on
from tests.support.wait import until

MakeStack = Callable[..., Stack]


@pytest.fixture(params=BOTH_BROKERS)
def streams(request: pytest.FixtureRequest, tmp_path: Any) -> Any:
    """Makes a stack of streams alone, on either broker."""
    broker = request.getfixturevalue("embedded" if request.param == EMBEDDED else "kafka")
    made: list[Stack] = []

    def make(**options: Any) -> Stack:
        stack = Stack(broker, SqliteDatabase(tmp_path), tmp_path, **options)
        made.append(stack)
        return stack

    yield make
    for stack in made:
        stack.close()


def latest(stack: Stack) -> dict[str, dict[str, Any]]:
    """The newest snapshot of every incident."""
    found: dict[str, dict[str, Any]] = {}
    for item in stack.items(INCIDENTS):
        known = found.get(item["incident_id"])
        if known is None or item["version"] >= known["version"]:
            found[item["incident_id"]] = item
    return found


def send(stack: Stack, *items: dict[str, Any]) -> None:
    for item in items:
        stack.produce(REPORTS, item["station_id"][:8], builders.accepted(item).to_json())


def send_at_once(stack: Stack, items: list[dict[str, Any]]) -> None:
    """Each a record of its own, as fast as a producer can."""
    for code in (builders.DISTRICT, builders.OTHER_DISTRICT):
        here = [builders.accepted(item).to_json() for item in items if item["station_id"].startswith(code)]
        stack.produce(REPORTS, code, *here)


def until_reported(stack: Stack, count: int, timeout: float = 60.0) -> dict[str, dict[str, Any]]:
    """Wait until the incidents together have ``count`` reports; answers their newest snapshots."""
    until(
        lambda: sum(item["report_count"] for item in latest(stack).values()) == count,
        timeout=timeout,
        what=lambda: f"{count} reports in incidents; there are {latest(stack)}{stack.tails()}",
    )
    return latest(stack)


def test_a_report_becomes_an_incident_with_its_reasons_and_garbage_beside_it_is_set_aside(
    streams: MakeStack,
) -> None:
    stack = streams().start("streams")
    district = builders.DISTRICT
    good = builders.accepted(builders.report("violence.brawl", facts={"injured": 1}))
    unknown = builders.accepted(builders.report(station=f"{district}.2001-099"))
    mixed = b"[" + good.to_json() + b',{"schema_version":1},' + unknown.to_json() + b"]"

    stack.produce(REPORTS, district, b"\xff\x00 not JSON", mixed)

    (incident,) = until_reported(stack, 1).values()
    assert incident["severity"] == 2
    assert {reason["rule"] for reason in incident["reasons"]} >= {"base", "injured"}
    until(lambda: len(stack.items(REJECTED)) == 3, what=lambda: f"rejections; there are {stack.items(REJECTED)}")
    reasons = sorted(item["reason"] for item in stack.items(REJECTED))
    assert reasons == ["invalid", "not_json", "unknown_station"]


def test_a_canary_is_passed_on_with_the_time_it_was_triaged(streams: MakeStack) -> None:
    stack = streams().start("streams")
    partition = partition_of(builders.DISTRICT, stack.settings.partitions)
    canary = Canary(schema_version=1, canary=True, partition=partition, source="uji", sent_at=builders.now())

    stack.produce(REPORTS, builders.DISTRICT, canary.to_json())

    (record,) = until(lambda: records_on(stack.broker.address, INCIDENTS), timeout=30, what="the canary")
    passed = Canary.model_validate_json(record.value)
    assert passed.triaged_at is not None
    assert passed.triaged_at >= canary.sent_at


@pytest.mark.chaos
def test_a_worker_that_is_killed_in_mid_load_forgets_nothing_and_doubles_nothing(streams: MakeStack) -> None:
    stack = streams().start("streams")
    first = [builders.report(by=f"anggota-{n}", station=builders.STATION) for n in range(40)]
    send(stack, *first[:20])
    until(lambda: latest(stack), timeout=30, what="an incident")

    stack.kill("streams")
    send(stack, *first[20:], *first[:5])
    stack.restart("streams")

    (incident,) = until_reported(stack, 40).values()
    assert incident["state"] == "open"
    versions = [item["version"] for item in stack.items(INCIDENTS)]
    assert versions[-1] == max(versions)
    assert set(range(1, max(versions) + 1)) == set(versions)


@pytest.mark.chaos
def test_of_what_waits_for_a_worker_nothing_is_passed_over(streams: MakeStack) -> None:
    stack = streams().start("streams")
    places = (builders.STATION, builders.OTHER_STATION)
    known = [builders.report(by=f"anggota-{n}", station=places[n % 2]) for n in range(60)]
    send_at_once(stack, known)
    until_reported(stack, 60)
    assert stack.stop("streams") == 0
    waiting = [builders.report(by=f"pelapor-{n}", station=places[n % 2]) for n in range(1200)]
    send_at_once(stack, waiting)

    stack.restart("streams")

    incidents = until_reported(stack, 1260)
    assert sorted(item["report_count"] for item in incidents.values()) == [630, 630]


@pytest.mark.chaos
def test_a_second_worker_takes_over_what_the_first_knew(streams: MakeStack) -> None:
    stack = streams(workers=2).start("streams")
    send(stack, builders.report(by="anggota-1"), builders.report(by="a-2", station=builders.OTHER_STATION))
    until_reported(stack, 2)

    stack.launch("streams-1")
    stack.wait_ready("streams-1")
    send(stack, builders.report(by="anggota-3"), builders.report(by="a-4", station=builders.OTHER_STATION))
    until_reported(stack, 4)
    stack.kill("streams")
    send(stack, builders.report(by="anggota-5"), builders.report(by="a-6", station=builders.OTHER_STATION))

    incidents = until_reported(stack, 6)
    assert sorted(item["report_count"] for item in incidents.values()) == [3, 3]


def test_a_new_calendar_decides_open_incidents_anew_without_a_restart(streams: MakeStack) -> None:
    stack = streams().start("streams")
    send(stack, builders.report("order.crowd", facts={"ballots_threatened": True, "crowd": 5}))
    (before,) = until_reported(stack, 1).values()
    assert before["severity"] == 1

    day = builders.calendar(stage=builders.Stage.CAMPAIGN, starts=builders.now() - timedelta(hours=3))
    stack.publish(day)

    until(
        lambda: next(iter(latest(stack).values()))["severity"] == 2,
        timeout=30,
        what=lambda: f"a lower severity; there is {latest(stack)}{stack.tails()}",
    )
    (after,) = latest(stack).values()
    assert "reclassified" in [entry["change"] for entry in after["history"]]
    assert stack.is_running("streams")


def test_trouble_on_both_sides_of_a_border_is_one_cluster(streams: MakeStack) -> None:
    near = [
        builders.calendar(),
        builders.district(builders.DISTRICT, neighbours=(builders.OTHER_DISTRICT,), at=(-7.0, 109.6)),
        builders.district(builders.OTHER_DISTRICT, neighbours=(builders.DISTRICT,), at=(-7.0, 109.61)),
    ]
    stack = streams(registry=near).start("streams")
    stations = (builders.STATION, builders.SECOND_STATION, builders.OTHER_STATION)

    send(stack, *(builders.report(station=station, by=f"a-{n}") for n, station in enumerate(stations)))

    until(
        lambda: len([i for i in latest(stack).values() if i["cluster_id"]]) == 3,
        timeout=30,
        what=lambda: f"a cluster of three; there are {latest(stack)}{stack.tails()}",
    )
    assert len({item["cluster_id"] for item in latest(stack).values()}) == 1
    assert {item["to_district"] for item in stack.items(NEIGHBOURS)} == {builders.DISTRICT, builders.OTHER_DISTRICT}


def test_a_station_that_nobody_ever_heard_of_is_noticed_to_be_silent(streams: MakeStack) -> None:
    # At this speed a check-in that is 30 minutes late is late by less than a second.
    day = builders.calendar(checkin_every=timedelta(seconds=0.5), speed=3600.0)
    stack = streams(registry=builders.small_registry(day=day, stations=1)).start("streams")

    incident = until(
        lambda: next((i for i in latest(stack).values() if i["kind"] == "facility.network"), None),
        timeout=30,
        what=lambda: f"a silence; there are {stack.items(TIMERS)}{stack.tails()}",
    )
    assert incident["station_id"] in (builders.STATION, builders.OTHER_STATION)


def test_a_decision_that_is_read_before_its_report_waits_for_it_and_one_about_nothing_is_refused(
    streams: MakeStack,
) -> None:
    stack = streams()
    stack.prepare()
    report = builders.report()
    decided = builders.command("acknowledge", incident_id_of(report["report_id"]))
    about_nothing = builders.command("acknowledge", "00000000-0000-4000-8000-000000000001")
    stack.command(decided)
    stack.command(about_nothing)
    send(stack, report)

    stack.start("streams")

    until(
        lambda: [i["state"] for i in latest(stack).values()] == ["acknowledged"],
        timeout=30,
        what=lambda: f"the acknowledgement; there are {latest(stack)} {stack.items(REJECTED)}{stack.tails()}",
    )
    until(lambda: stack.items(REJECTED), timeout=30, what="the refusal of the other")
    assert [item["reason"] for item in stack.items(REJECTED)] == ["unknown_incident"]


@pytest.mark.chaos
@pytest.mark.kafka
def test_a_worker_without_progress_ends_itself_and_says_so(kafka: ApacheKafka, tmp_path: Path) -> None:
    with Stack(kafka, SqliteDatabase(tmp_path), tmp_path, stall_seconds=4.0).start("streams") as stack:
        # A worker that cannot write its state makes no progress, like one that hangs.
        too_small = ConfigResource(ConfigResourceType.TOPIC, STATE_CHANGELOG, {"max.message.bytes": "1"})
        with closing(KafkaAdminClient(bootstrap_servers=kafka.address)) as admin:
            admin.alter_configs([too_small])

        send(stack, builders.report())

        until(lambda: not stack.is_running("streams"), timeout=60, what=lambda: f"its end{stack.tails()}")
        assert stack.processes["streams"].returncode == STALLED
        assert "without any progress" in stack.log("streams")
        assert stack.items(INCIDENTS) == []
