"""What a scenario may say, and how what came of it is judged."""

from __future__ import annotations

import json
from typing import Any

import pytest

from siaga.contracts.page import Purpose
from siaga.rules.errors import RulesError
from siaga.scenario.judge import PageSeen, Seen, unmet
from siaga.scenario.script import Expected, parse_scenario

BEGIN = 'id = "uji"\ntitle = { id = "uji", en = "test" }\nplaces = ["tps"]\n'
REPORT = '[[step]]\nreport = { name = "a", place = "tps", kind = "violence.brawl" }\n'


def page(officer: str, desk: str | None, *, level: int = 1, status: str = "accepted", **more: Any) -> PageSeen:
    told = {"agency": officer.rpartition("-")[0], "generation": 1, "purpose": Purpose.PAGE, "channel": "inbox"}
    return PageSeen(
        officer_id=officer,
        desk=desk,
        level=level,
        status=status,
        severity=3,
        due_at=0.0,
        sent_at=0.1,
        **{**told, **more},
    )


def seen(*pages: PageSeen, incident: str = "1", cluster: str | None = None, **more: Any) -> Seen:
    told: dict[str, Any] = {"severity": 3, "state": "open", "certainty": "likely", "lead": "polsek", "generation": 1}
    return Seen(incident_id=incident, district="33.26.09", cluster_id=cluster, pages=pages, **{**told, **more})


def judged(expected: dict[str, Any], **incidents: Seen | None) -> list[str]:
    asked = Expected.model_validate_json(json.dumps({"incidents": list(incidents), **expected}))
    return unmet(asked, incidents, lambda text: text.strip("{}"))


BUDI, SARI = page("polsek-kajen-1", "polsek/duty"), page("polres-ops-1", "polres/ops", level=2)


@pytest.mark.parametrize(
    ("expected", "what", "problem"),
    [
        ({"severity": 1}, seen(), "a: severity is 3, not 1"),
        ({"called": [{"level": 1, "desks": ["polsek/duty"]}]}, seen(), "level 1: not called: polsek/duty"),
        (
            {"called": [{"level": 1, "desks": ["panitia/duty"]}]},
            seen(BUDI, page("panitia-1", "panitia/duty")),
            "level 1: called besides: polsek/duty",
        ),
        (
            {"called": [{"level": 1, "desks": ["polsek/duty"]}]},
            seen(page("polsek-kajen-1", "polsek/duty", status="sending")),
            "level 1: no provider has taken the page of polsek-kajen-1 (level 1)",
        ),
        ({"nobody_called": True}, seen(BUDI), "called: polsek-kajen-1 (level 1), though nobody was to be"),
        ({"highest_level": 1}, seen(BUDI, SARI), "called above level 1: polres-ops-1 (level 2)"),
        ({"not_called": ["{polsek-kajen}"]}, seen(BUDI), "called of {polsek-kajen}: polsek-kajen-1 (level 1)"),
        ({"acknowledged_by": "sari"}, seen(acknowledged_by="budi"), "a: acknowledged_by is budi, not sari"),
        ({"severity": 3}, None, "a: there is no incident of it yet"),
    ],
)
def test_what_is_not_as_expected_is_named(expected: dict[str, Any], what: Seen | None, problem: str) -> None:
    assert judged(expected, a=what) == [problem]


def test_a_retraction_must_reach_exactly_those_who_were_called() -> None:
    def taken_back(officer: str) -> PageSeen:
        return page(officer, None, purpose=Purpose.RETRACTION)

    failed = page("tono-1", "polres/duty", status="failed")

    assert judged({"retracted": True}, a=seen(BUDI, failed, taken_back(BUDI.officer_id))) == []
    assert judged({"retracted": True}, a=seen(BUDI, SARI, taken_back(BUDI.officer_id))) == [
        "retracted: not told to polres-ops-1"
    ]
    assert judged({"retracted": True}, a=seen(BUDI, taken_back(BUDI.officer_id), taken_back("tono-1"))) == [
        "retracted: told to tono-1, who had not been called"
    ]


def test_pages_are_looked_at_over_all_incidents_that_are_named() -> None:
    ones = {"a": seen(BUDI, incident="1", cluster="k"), "b": seen(SARI, incident="2", cluster="k")}
    called = {"called": [{"level": 1, "desks": ["polsek/duty"]}, {"level": 2, "desks": ["polres/ops"]}]}

    assert judged({"one_cluster": True, **called}, **ones) == []
    assert judged({"one_incident": True}, **ones) == ["a, b: are 2 incidents, not one"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (BEGIN + REPORT.replace("tps", "balai"), "there is no place balai"),
        (BEGIN + REPORT + "within = 1\n", "belongs to expect"),
        (BEGIN + REPORT + REPORT, "a name is used twice"),
        (BEGIN + '[[step]]\nexpect = { incidents = ["b"] }\nwithin = 1\n', "names what no step before has reported"),
        (BEGIN + REPORT + '[[step]]\nexpect = { incidents = ["a"] }\n', "needs either within or throughout"),
        (BEGIN + '[[step]]\nstations = "silent"\n', "silence means nothing without checkin_minutes"),
        (BEGIN + REPORT.replace("}", ", facts = { ded = 1 } }"), "ded"),
    ],
)
def test_a_scenario_that_cannot_be_played_is_refused_before_it_begins(text: str, problem: str) -> None:
    with pytest.raises(RulesError) as refused:
        parse_scenario(text)

    assert problem in str(refused.value)
