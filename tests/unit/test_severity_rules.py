"""The built-in ruleset, row by row of what it promises."""

from __future__ import annotations

from datetime import timedelta

import pytest

from siaga.rules.taxonomy import builtin_taxonomy
from siaga.types import Certainty, Severity, Urgency, Vulnerability
from tests.support.deciding import decide, rules, said

SEV1, SEV2, SEV3, SEV4, SEV5 = Severity
FAMILIES = builtin_taxonomy().families
PRONE = {"violence": "violence.brawl", "intimidation": "intimidation.voter", "integrity": "integrity.secrecy"}
PRONE["order"] = "order.convoy"


# -- threats to life ----------------------------------------------------------------------------------------------


def test_any_death_is_sev1() -> None:
    assert decide(said(dead=1)).severity is SEV1


def test_five_injured_are_sev1() -> None:
    assert decide(said(injured=5)).severity is SEV1


def test_four_injured_are_not_yet_sev1() -> None:
    assert decide(said(injured=4)).severity is SEV2


def test_a_firearm_is_sev1() -> None:
    assert decide(said(weapons="firearm")).severity is SEV1


def test_an_explosive_is_sev1() -> None:
    assert decide(said(weapons="explosive")).severity is SEV1


def test_one_injured_is_at_least_sev2() -> None:
    assert decide(said("procedure.witness_absent", injured=1)).severity is SEV2


def test_a_sharp_weapon_is_at_least_sev2() -> None:
    assert decide(said(weapons="sharp")).severity is SEV2


def test_a_blunt_weapon_or_an_unknown_one_changes_nothing() -> None:
    assert decide(said(weapons="blunt")).severity is SEV4
    assert decide(said(weapons=None)).severity is SEV4


def test_a_floor_never_lowers_what_is_graver_already() -> None:
    assert decide(said("violence.mass_clash", injured=1)).severity is SEV1


# -- the vote -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stage", ["voting", "counting"])
def test_threatened_ballots_are_sev1_while_they_are_cast_or_counted(stage: str) -> None:
    assert decide(said(ballots_threatened=True), stage=stage).severity is SEV1


@pytest.mark.parametrize("stage", ["nomination", "campaign", "quiet", "dispute", "inauguration", None])
def test_threatened_ballots_are_sev2_at_other_times(stage: str | None) -> None:
    assert decide(said(ballots_threatened=True), stage=stage).severity is SEV2


def test_stopped_voting_is_at_least_sev2() -> None:
    assert decide(said(voting_stopped=True)).severity is SEV2


# -- size and place -----------------------------------------------------------------------------------------------


def test_a_crowd_of_100_is_one_level_graver() -> None:
    assert decide(said(crowd=99)).severity is SEV4
    assert decide(said(crowd=100)).severity is SEV3


def test_a_crowd_of_500_is_at_least_sev2() -> None:
    assert decide(said(crowd=499)).severity is SEV3
    assert decide(said(crowd=500)).severity is SEV2


@pytest.mark.parametrize("vulnerability", [Vulnerability.RAWAN, Vulnerability.SANGAT_RAWAN])
@pytest.mark.parametrize("family", FAMILIES)
def test_at_a_vulnerable_station_what_may_turn_violent_is_one_level_graver(family: str, vulnerability: str) -> None:
    kind = PRONE.get(family) or next(k for k in builtin_taxonomy().kinds.values() if k.family == family).code
    plain, there = decide(said(kind)), decide(said(kind), vulnerability=vulnerability)
    assert plain.severity - there.severity == (1 if family in PRONE else 0)


@pytest.mark.parametrize("vulnerability", [Vulnerability.AMAN, Vulnerability.KURANG_RAWAN])
def test_at_other_stations_it_is_not(vulnerability: str) -> None:
    assert decide(said("order.convoy"), vulnerability=vulnerability).severity is SEV4


def test_why_a_vulnerable_station_is_graver_is_confidential() -> None:
    decision = decide(said("order.convoy"), vulnerability="rawan")
    assert [r.rule for r in decision.reasons if r.confidential] == ["vulnerable_station"]


def test_part_of_a_spread_cluster_is_one_level_graver() -> None:
    assert decide(said("order.convoy"), clustered=True).severity is SEV3


@pytest.mark.parametrize("kind", ["facility.power", "facility.network"])
def test_power_or_contact_lost_during_counting_is_one_level_graver(kind: str) -> None:
    assert decide(said(kind), stage="voting").severity is SEV4
    assert decide(said(kind), stage="counting").severity is SEV3


def test_another_facility_during_counting_is_not() -> None:
    assert decide(said("facility.school"), stage="counting").severity is SEV3


def test_an_outage_of_a_district_is_at_least_sev3_and_sev2_during_counting() -> None:
    assert decide(said("facility.network"), outage=True).severity is SEV3
    assert decide(said("facility.network"), outage=True, stage="counting").severity is SEV2


def test_several_reasons_raise_by_two_levels_at_most() -> None:
    decision = decide(said("order.convoy", crowd=100), clustered=True, vulnerability="rawan")

    assert decision.severity is SEV2
    assert {"crowd", "spread", "vulnerable_station"} < set(rules(decision))


# -- what makes it lesser -----------------------------------------------------------------------------------------


def test_unverified_information_is_never_above_sev3() -> None:
    decision = decide(said("information.provocation", crowd=600), clustered=True)

    assert decision.severity is SEV3
    assert "unverified_information" in rules(decision)


def test_verified_information_is_as_grave_as_it_is() -> None:
    assert decide(said("information.provocation", crowd=600), verified=True).severity is SEV2


@pytest.mark.parametrize(
    ("facts", "severity"),
    [
        ({"dead": 1}, SEV1),
        ({"injured": 1}, SEV2),
        ({"weapons": "sharp"}, SEV2),
        ({"weapons": "firearm"}, SEV1),
        ({"weapons": "explosive"}, SEV1),
    ],
)
def test_low_certainty_never_caps_a_threat_to_life(facts: dict[str, object], severity: Severity) -> None:
    rumour = said("information.hoax", role="public", by="warga-1", **facts)
    assert decide(rumour).severity is severity


def test_what_arrives_more_than_six_hours_late_is_one_level_lesser_and_past() -> None:
    decision = decide(said("violence.brawl", late=timedelta(hours=6, minutes=1)))
    assert (decision.severity, decision.urgency) == (SEV4, Urgency.PAST)


def test_six_hours_to_the_minute_are_not_late() -> None:
    decision = decide(said("violence.brawl", late=timedelta(hours=6)))
    assert (decision.severity, decision.urgency) == (SEV3, Urgency.EXPECTED)


def test_in_a_demonstration_six_hours_pass_as_fast_as_its_day() -> None:
    assert "late" in rules(decide(said(late=timedelta(minutes=7)), speed=60.0))
    assert "late" not in rules(decide(said(late=timedelta(minutes=6)), speed=60.0))


def test_one_report_in_time_is_enough_for_an_incident_not_to_be_late() -> None:
    late, soon = said("violence.brawl", late=timedelta(hours=9)), said("violence.brawl", by="anggota-2")
    assert decide(late, soon).severity is SEV3


def test_where_somebody_died_nothing_lowers_and_the_reason_says_so() -> None:
    decision = decide(said("information.hoax", dead=1, late=timedelta(hours=9)))

    assert decision.severity is SEV1
    assert decision.urgency is Urgency.PAST
    assert [r.effect for r in decision.reasons if r.rule == "late"] == ["lower_by 1 withheld, urgency past"]


def test_a_late_report_of_the_least_grave_kind_stays_at_sev5() -> None:
    assert decide(said("procedure.witness_absent", late=timedelta(hours=9))).severity is SEV5


# -- how sure -----------------------------------------------------------------------------------------------------


def test_the_public_alone_makes_it_possible() -> None:
    assert decide(said(role="public", by="warga-1")).certainty is Certainty.POSSIBLE


def test_two_of_the_public_are_still_only_possible() -> None:
    public = [said(role="public", by=f"warga-{n}") for n in range(2)]
    assert decide(*public).certainty is Certainty.POSSIBLE


def test_three_independent_reporters_make_it_likely() -> None:
    public = [said(role="public", by=f"warga-{n}") for n in range(3)]
    assert decide(*public).certainty is Certainty.LIKELY


def test_three_reports_of_one_forwarded_text_do_not() -> None:
    text = "Awas, kotak suara di balai desa dibawa lari orang!"
    public = [said(role="public", by=f"warga-{n}", text=text) for n in range(3)]
    assert decide(*public).certainty is Certainty.POSSIBLE


def test_one_officer_makes_it_likely() -> None:
    assert decide(said(role="public", by="warga-1"), said()).certainty is Certainty.LIKELY


@pytest.mark.parametrize("role", ["committee", "witness", "sensor"])
def test_somebody_known_makes_it_likely(role: str) -> None:
    assert decide(said(role=role)).certainty is Certainty.LIKELY


def test_verified_by_a_named_officer_it_is_observed() -> None:
    assert decide(said(role="public"), verified=True).certainty is Certainty.OBSERVED


def test_refuted_it_is_unlikely_and_dismissed() -> None:
    decision = decide(said(), refuted=True)
    assert (decision.certainty, decision.dismissed) == (Certainty.UNLIKELY, True)


def test_what_is_not_refuted_is_not_dismissed() -> None:
    assert not decide(said(role="public")).dismissed


@pytest.mark.parametrize(
    ("kind", "role", "context", "asked"),
    [
        ("violence.mass_clash", "public", {}, True),
        ("violence.assault", "public", {}, True),
        ("violence.brawl", "public", {}, False),
        ("violence.mass_clash", "officer", {}, False),
        ("violence.mass_clash", "public", {"verified": True}, False),
        ("violence.mass_clash", "public", {"refuted": True}, False),
    ],
)
def test_what_is_grave_and_unsure_asks_to_be_verified_first(
    kind: str, role: str, context: dict[str, bool], asked: bool
) -> None:
    assert decide(said(kind, role=role), **context).needs_verification is asked


# -- how soon -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "urgency"),
    [
        ("violence.mass_clash", Urgency.IMMEDIATE),
        ("violence.assault", Urgency.IMMEDIATE),
        ("violence.brawl", Urgency.EXPECTED),
        ("other.other", Urgency.EXPECTED),
    ],
)
def test_sev1_and_sev2_are_dealt_with_at_once(kind: str, urgency: Urgency) -> None:
    assert decide(said(kind)).urgency is urgency


# -- kinds --------------------------------------------------------------------------------------------------------


def test_an_incident_bears_the_gravest_kind_reported() -> None:
    decision = decide(said("violence.brawl"), said("violence.mass_clash", by="anggota-2"))
    assert (decision.kind.code, decision.severity) == ("violence.mass_clash", SEV1)


def test_a_kind_that_left_the_taxonomy_is_neither_grave_nor_overlooked() -> None:
    decision = decide(said("sihir.santet"))
    assert (decision.severity, decision.kind.lead) == (SEV3, "polres")
