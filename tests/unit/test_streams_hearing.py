"""When the streams may hold an absent check-in against its station."""

from __future__ import annotations

from streams.hearing import BROKEN, MOST_PATIENCE, Hearing, Where

CHECKINS = Where("siaga.checkins", 3)


def test_a_partition_without_a_backlog_can_be_heard() -> None:
    assert Hearing().can_tell(3, {CHECKINS: (10, 10)}, now=100.0)


def test_check_ins_that_wait_to_be_handled_are_not_missing() -> None:
    hearing = Hearing()
    assert not hearing.can_tell(3, {CHECKINS: (10, 11)}, now=100.0)

    hearing.handled(CHECKINS, 11)

    assert hearing.can_tell(3, {CHECKINS: (10, 11)}, now=100.0)


def test_another_partition_s_backlog_does_not_matter() -> None:
    assert Hearing().can_tell(1, {CHECKINS: (0, 99)}, now=100.0)


def test_nothing_is_known_while_kafka_cannot_be_asked() -> None:
    assert not Hearing().can_tell(3, None, now=100.0)


def test_where_canaries_stopped_coming_nobody_is_held_to_be_silent() -> None:
    hearing = Hearing()
    hearing.canary(3, 100.0)

    assert hearing.can_tell(3, {}, now=100.0 + BROKEN)
    assert not hearing.can_tell(3, {}, now=100.1 + BROKEN)


def test_after_a_break_what_was_spooled_is_waited_for_as_long_as_the_break_lasted() -> None:
    hearing = Hearing()
    hearing.canary(3, 100.0)
    hearing.canary(3, 160.0)
    for now in range(160, 225, 5):
        hearing.canary(3, float(now))

    assert not hearing.can_tell(3, {}, now=219.0)
    assert hearing.can_tell(3, {}, now=221.0)


def test_patience_after_a_long_break_has_an_end() -> None:
    hearing = Hearing()
    hearing.canary(3, 0.0)
    hearing.canary(3, 50_000.0)
    for now in range(50_000, 50_310, 5):
        hearing.canary(3, float(now))

    assert hearing.can_tell(3, {}, now=50_000.0 + MOST_PATIENCE)


def test_partitions_given_out_anew_are_heard_afresh() -> None:
    hearing = Hearing()
    hearing.canary(3, 0.0)
    hearing.handled(CHECKINS, 50)

    hearing.forget()

    assert hearing.can_tell(3, {}, now=1000.0)
    assert not hearing.can_tell(3, {CHECKINS: (10, 11)}, now=1000.0)
