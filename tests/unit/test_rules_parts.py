"""The small rules: which incident, which agency, who counts as one voice, how durations shrink with speed."""

from __future__ import annotations

from datetime import timedelta

import pytest

from siaga.contracts.report import Facts, Weapons
from siaga.rules.agency import agencies, is_accused
from siaga.rules.correlation import Candidate, correlate
from siaga.rules.subject import Standing, Subject, harm_of, is_worse, standing_of, text_digest
from siaga.rules.taxonomy import builtin_taxonomy
from siaga.rules.windows import Windows
from tests.support.deciding import AT, said, subject

WINDOW = 45 * 60.0
FORWARDED = "Awas, kotak suara di balai desa dibawa lari orang!"


# -- correlation --------------------------------------------------------------------------------------------------


def open_(name: str, first: float, last: float) -> Candidate:
    return Candidate(name, first, last, is_open=True)


def closed(name: str, first: float, last: float) -> Candidate:
    return Candidate(name, first, last, is_open=False)


def test_a_report_joins_what_was_last_heard_of_within_the_window() -> None:
    assert correlate([open_("a", 0, 100)], 100 + WINDOW, WINDOW) == "a"


def test_a_report_after_the_window_opens_a_new_incident() -> None:
    assert correlate([open_("a", 0, 100)], 100 + WINDOW + 1, WINDOW) is None


def test_a_report_that_happened_before_the_first_joins_too() -> None:
    assert correlate([open_("a", 5000, 5000)], 5000 - WINDOW, WINDOW) == "a"


def test_an_open_incident_goes_before_a_nearer_closed_one() -> None:
    assert correlate([closed("a", 0, 900), open_("b", 0, 100)], 1000, WINDOW) == "b"


def test_the_nearer_of_two_goes_before_the_other() -> None:
    assert correlate([open_("a", 0, 100), open_("b", 2000, 2100)], 2000, WINDOW) == "b"


def test_a_closed_incident_within_the_window_is_found_again() -> None:
    assert correlate([closed("a", 0, 100)], 200, WINDOW) == "a"


# -- agencies -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "accused", "lead"),
    [
        ("violence.brawl", None, "polsek"),
        ("violence.brawl", "polres", "polsek"),
        ("violence.brawl", "polsek-kajen", "propam"),
        ("violence.brawl", "POLSEK-Kajen", "propam"),
        ("violence.assault", "polres", "propam"),
        ("neutrality.officer", "polsek-kajen", "propam"),
        ("neutrality.officer", "propam", "inspektorat"),
        ("neutrality.civil_servant", "inspektorat", "propam"),
        ("order.liquor", "satpol-pp", "propam"),
    ],
)
def test_nobody_leads_the_incident_that_accuses_him(kind: str, accused: str | None, lead: str) -> None:
    assert agencies(builtin_taxonomy().kinds[kind], accused)[0] == lead


@pytest.mark.parametrize(
    "accused", [None, "polsek", "polres", "polres-pekalongan", "propam", "inspektorat", "panitia"]
)
def test_the_accused_agency_neither_leads_nor_supports_any_kind(accused: str | None) -> None:
    for kind in builtin_taxonomy().kinds.values():
        lead, support = agencies(kind, accused)
        assert not any(is_accused(agency, accused) for agency in (lead, *support))
        assert lead not in support


def test_a_name_that_only_begins_alike_is_another_agency() -> None:
    assert not is_accused("polres", "polresta")
    assert is_accused("polres", "polres-pekalongan")


# -- independent reporters ----------------------------------------------------------------------------------------


def test_different_people_with_different_phones_count_each() -> None:
    assert subject(said(by="a"), said(by="b"), said(by="c")).reporter_count == 3


def test_the_same_person_counts_once() -> None:
    assert subject(said(by="a", device="hp-1"), said(by="a", device="hp-2")).reporter_count == 1


def test_the_same_phone_counts_once() -> None:
    assert subject(said(by="a", device="hp-1"), said(by="b", device="hp-1")).reporter_count == 1


def test_a_forwarded_text_counts_once_whatever_its_case_and_punctuation() -> None:
    again = FORWARDED.upper().replace(",", " - ").replace("!", "...")
    assert subject(said(by="a", text=FORWARDED), said(by="b", text=again)).reporter_count == 1


def test_ornamental_letters_are_the_same_text() -> None:
    bold = "".join(chr(0x1D5EE + ord(c) - ord("a")) if "a" <= c <= "z" else c for c in FORWARDED.lower())
    assert text_digest(bold) == text_digest(FORWARDED) != ""


def test_a_short_text_repeats_by_chance() -> None:
    assert subject(said(by="a", text="TPS aman"), said(by="b", text="TPS aman")).reporter_count == 2


def test_a_third_report_can_show_that_two_voices_are_one() -> None:
    apart = [said(by="a", device="hp-1"), said(by="b", device="hp-2")]
    assert subject(*apart).reporter_count == 2
    assert subject(*apart, said(by="a", device="hp-2")).reporter_count == 1


def test_a_report_that_comes_twice_counts_once() -> None:
    one = said()
    twice = subject(one, one)
    assert (twice.report_count, twice.reporter_count) == (1, 1)


# -- facts --------------------------------------------------------------------------------------------------------


def test_the_worst_of_each_fact_counts_and_the_unknown_stays_unknown() -> None:
    facts = subject(
        said(injured=2, weapons="blunt", ballots_threatened=False), said(by="b", injured=1, weapons="sharp")
    ).facts()
    assert facts == Facts(injured=2, weapons=Weapons.SHARP, ballots_threatened=False)


def test_a_clock_that_runs_ahead_is_flagged_and_the_time_of_receipt_counts() -> None:
    ahead, within = said(late=timedelta(minutes=-11)), said(late=timedelta(minutes=-10))
    skew = Windows().clock_skew.total_seconds()

    assert standing_of(ahead, skew).skewed
    assert standing_of(ahead, skew).at == ahead.received_at.timestamp()
    assert not standing_of(within, skew).skewed
    assert standing_of(within, skew).at == AT.timestamp()


def test_a_standing_report_survives_being_written_down() -> None:
    standing = standing_of(said("violence.brawl", injured=2, weapons="sharp", text=FORWARDED), 600)
    assert Standing.from_row(standing.to_row()) == standing


def test_a_standing_report_names_nobody() -> None:
    shown = repr(standing_of(said(by="anggota-1187", device="hp-77", text=FORWARDED), 600))
    assert not any(secret in shown for secret in ("anggota-1187", "hp-77", "kotak"))


@pytest.mark.parametrize(
    ("facts", "worse"),
    [
        ({"injured": 3}, True),
        ({"injured": 2, "dead": 1}, True),
        ({"injured": 2, "weapons": "sharp"}, True),
        ({"injured": 2, "crowd": 100}, True),
        ({"injured": 2, "crowd": 99}, False),
        ({"injured": 2, "voting_stopped": True}, True),
        ({"injured": 1}, False),
        ({"injured": 2}, False),
    ],
)
def test_facts_are_worse_where_any_of_them_is(facts: dict[str, object], worse: bool) -> None:
    then = harm_of(subject(said("violence.brawl", injured=2)))
    assert is_worse(harm_of(subject(said("violence.brawl", **facts))), then) is worse


def test_a_graver_kind_is_worse() -> None:
    assert is_worse(harm_of(subject(said("violence.assault"))), harm_of(subject(said("violence.brawl"))))
    assert not is_worse(harm_of(Subject()), harm_of(subject(said("procedure.witness_absent"))))


# -- windows ------------------------------------------------------------------------------------------------------


def test_a_faster_election_has_shorter_windows_and_the_same_distances() -> None:
    fast = Windows().at_speed(60)

    assert fast.correlate == timedelta(seconds=45)
    assert fast.dedupe == timedelta(minutes=48)
    assert (fast.spread_metres, fast.spread_stations, fast.speed) == (5000.0, 3, 60)
