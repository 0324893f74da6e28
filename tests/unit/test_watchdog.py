"""When the watchdog calls somebody: after how long, how often, and when it falls silent again."""

from __future__ import annotations

import math

import pytest

from siaga.rules.errors import RulesError
from siaga.watchdog.alarms import text_of
from siaga.watchdog.checks import Samples, builtin_checks, parse_checks
from siaga.watchdog.watch import Kind, Notice, Watch


def samples(**values: float) -> Samples:
    return {(name, ()): value for name, value in values.items()}


WELL = samples(
    siaga_store_canary_age_seconds=1,
    siaga_store_database_up=1,
    siaga_pages_oldest_due_seconds=0,
    siaga_escalations_exhausted_total=0,
)


class Dog:
    """The built-in checks over one sinks process, and a clock moved by hand."""

    def __init__(self) -> None:
        self.watch = Watch(builtin_checks(), ["sinks"], repeat=300)
        self.now = 1000.0

    def sees(self, reading: Samples | None, *, seconds: float) -> list[Notice]:
        """Look every five seconds for so long, and be told all that is told."""
        told = []
        for _ in range(max(1, int(seconds / 5))):
            told += self.watch.look({"sinks": reading}, self.now)
            self.now += 5
        return told


@pytest.fixture
def dog() -> Dog:
    made = Dog()
    assert made.sees(WELL, seconds=60) == []
    assert made.watch.all_is_well
    return made


def kinds(notices: list[Notice]) -> list[tuple[str, str]]:
    return [(notice.check.id, notice.kind.value) for notice in notices]


def test_a_canary_that_stays_away_is_told_once_and_again_while_it_lasts(dog: Dog) -> None:
    late = {**WELL, ("siaga_store_canary_age_seconds", ()): 45.0}

    assert dog.sees(late, seconds=25) == []
    assert not dog.watch.all_is_well
    assert kinds(dog.sees(late, seconds=60)) == [("canary", "raised")]
    assert kinds(dog.sees(late, seconds=600)) == [("canary", "repeated"), ("canary", "repeated")]


def test_what_is_over_is_told_as_over_after_it_stayed_well(dog: Dog) -> None:
    away = {**WELL, ("siaga_store_database_up", ()): 0.0}
    assert kinds(dog.sees(away, seconds=30)) == [("database", "raised")]

    assert dog.sees(WELL, seconds=5) == []
    assert not dog.watch.all_is_well
    assert kinds(dog.sees(WELL, seconds=30)) == [("database", "cleared")]
    assert dog.watch.all_is_well


def test_a_hiccup_calls_nobody(dog: Dog) -> None:
    for _ in range(10):
        assert dog.sees(None, seconds=20) == []
        assert dog.sees(WELL, seconds=5) == []


def test_a_flapping_process_is_one_alarm(dog: Dog) -> None:
    told = dog.sees(None, seconds=40)
    for _ in range(5):
        told += dog.sees(WELL, seconds=5) + dog.sees(None, seconds=5)

    assert kinds(told) == [("away", "raised")]


def test_a_process_that_does_not_answer_is_one_alarm_and_not_one_a_metric(dog: Dog) -> None:
    assert kinds(dog.sees(None, seconds=120)) == [("away", "raised")]


def test_a_canary_that_never_came_is_wrong_as_well() -> None:
    unknown = {**WELL, ("siaga_store_canary_age_seconds", ()): math.nan}

    assert kinds(Dog().sees(unknown, seconds=60)) == [("canary", "raised")]


def test_an_escalation_that_nobody_answered_is_told_at_once(dog: Dog) -> None:
    exhausted = {**WELL, ("siaga_escalations_exhausted_total", ()): 1.0}

    assert kinds(dog.sees(exhausted, seconds=5)) == [("exhausted", "raised")]
    # The same number later is no news; after two quiet minutes it is over.
    assert kinds(dog.sees(exhausted, seconds=150)) == [("exhausted", "cleared")]


def test_a_message_says_in_both_languages_what_is_wrong_where() -> None:
    check = next(check for check in builtin_checks() if check.id == "database")

    assert text_of(Notice(Kind.RAISED, check, "sinks", 0.0, 0.0, 1)) == (
        "SIAGA GANGGUAN / TROUBLE: sinks\nBasis data tidak menjawab (0)\nThe database does not answer (0)"
    )


def test_a_check_that_would_never_say_anything_is_refused() -> None:
    text = """
[[check]]
id = "a"
part = "sinks"
metric = "siaga_pages_unknown"
for_seconds = 1
clear_seconds = "lama"
text = { id = "a" }
"""
    with pytest.raises(RulesError) as refused:
        parse_checks(text)

    told = str(refused.value)
    assert "check 1.above: nothing says what is wrong" in told
    assert "check 1.clear_seconds" in told
    assert "check 1.text.en" in told
