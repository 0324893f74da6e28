"""When a worker looks for what came due, and what it tells of it."""

from __future__ import annotations

import math
from datetime import timedelta

from siaga.contracts.decode import decode
from siaga.contracts.timer import Timer, TimerKind
from siaga.contracts.topics import partition_of
from streams.deadlines import Deadlines
from streams.districts import District, Districts
from streams.outputs import timer_records
from tests.support import builders
from tests.support.pager import World

PARTITIONS = 4


def test_a_worker_looks_again_when_the_next_officer_has_had_their_time() -> None:
    world = World()
    districts = Districts(PARTITIONS)
    districts.know([])
    deadlines = Deadlines(districts, world.duties.registry)
    nothing = deadlines.next_in(world.now)
    districts.all[builders.DISTRICT] = District(districts.touch(builders.DISTRICT, world.now).state, world.book)
    world.report("violence.mass_clash")
    world.advance(minutes=1)

    assert nothing == math.inf
    assert deadlines.next_in(world.now) == 60.0
    assert deadlines.next_in(world.now + 61.0) == 0.0


def test_a_deadline_that_kafka_did_not_take_is_sent_as_soon_as_it_does() -> None:
    world = World()
    districts = Districts(PARTITIONS)
    deadlines = Deadlines(districts, world.duties.registry)
    districts.all[builders.DISTRICT] = District(districts.touch(builders.DISTRICT, world.now).state, world.book)
    world.report("violence.mass_clash")
    now = world.now + 600.0

    due = deadlines.due(now, now, lambda _: True)
    on_its_way = deadlines.due(now + 1.0, now + 1.0, lambda _: True)
    deadlines.not_sent(due)
    again = deadlines.due(now + 2.0, now + 2.0, lambda _: True)

    assert TimerKind.DEADLINE in [timer.kind for timer in due]
    assert on_its_way == []
    assert [(t.kind, t.due_at) for t in again] == [(t.kind, t.due_at) for t in due]


def test_what_comes_due_in_a_district_at_once_is_one_record() -> None:
    now = builders.now()
    timers = [
        Timer(
            schema_version=1,
            district=district,
            kind=TimerKind.EXPIRY,
            due_at=now + timedelta(seconds=number),
            at=now,
        )
        for number in range(3)
        for district in (builders.DISTRICT, builders.OTHER_DISTRICT)
    ]

    records = timer_records(Districts(PARTITIONS), timers, now)

    assert [record.partition for record in records] == [
        partition_of(district, PARTITIONS) for district in (builders.DISTRICT, builders.OTHER_DISTRICT)
    ]
    assert [item for record in records for item in decode(Timer, record.value).items] == [
        *timers[::2],
        *timers[1::2],
    ]
