"""A roster as people write it, and what ``siaga roster check`` and ``siaga oncall`` say of it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from producers.simulate.cast import Place
from producers.simulate.duty import demo_roster
from producers.simulate.places import play_districts
from siaga.contracts.page import ChannelKind
from siaga.contracts.registry import key_of, parse_entry
from siaga.contracts.roster import ChannelEntry
from siaga.escalation.check import Trouble, address_problem, check_roster
from siaga.escalation.policy import builtin_policy, builtin_policy_text, parse_policy
from siaga.escalation.roster_file import parse_roster
from siaga.rules.errors import RulesError
from siaga.rules.taxonomy import builtin_taxonomy

ROSTER = """
version = "uji-1"
area = "33.26"
timezone = "Asia/Jakarta"

[agency.polsek-kajen]
kind = "polsek"
name = "Polsek Kajen"
districts = ["33.26.09"]

[agency.polres]
name = "Polres Pekalongan"

[officer.budi]
name = "Budi"
agency = "polsek-kajen"
cleared = true
channels = [{ kind = "sms", address = "+6281234567890" }, { kind = "email", address = "budi@example.org" }]

[officer.sari]
name = "Sari"
agency = "polsek-kajen"
channels = [{ kind = "sms", address = "+6281234567891" }]

[officer.tono]
name = "Tono"
agency = "polres"
language = "en"
channels = [{ kind = "webhook", address = "https://example.org/tono" }]

[[rotation]]
desk = "polsek-kajen/duty"
officers = ["budi", "sari"]
from = 2022-02-23T06:00:00
to = 2022-02-24T06:00:00
hours = 12
handover_minutes = 30

[[shift]]
desk = "polres/ops"
officer = "tono"
from = 2022-02-23T06:00:00
to = 2022-02-23T20:00:00

[[override]]
desk = "polsek-kajen/duty"
officer = "sari"
instead_of = "budi"
from = 2022-02-23T12:00:00+07:00
to = 2022-02-23T13:00:00+07:00

[mediators]
"33.26.09.2001" = "sari"
"""


def problems(text: str) -> str:
    with pytest.raises(RulesError) as caught:
        parse_roster(text)
    return str(caught.value)


def test_local_times_become_utc_and_a_handover_overlaps() -> None:
    roster = parse_roster(ROSTER)

    assert [(s.officer_id, s.starts_at, s.ends_at) for s in roster.shifts if s.role == "duty"] == [
        ("budi", datetime(2022, 2, 22, 23, tzinfo=UTC), datetime(2022, 2, 23, 11, 30, tzinfo=UTC)),
        ("sari", datetime(2022, 2, 23, 11, tzinfo=UTC), datetime(2022, 2, 23, 23, tzinfo=UTC)),
    ]
    assert parse_entry(key_of(roster), roster.to_json()) == roster


def test_every_problem_is_named_at_once_with_its_remedy_and_no_address() -> None:
    wrong = (
        ROSTER.replace('officer = "tono"', 'officer = "toni"')
        .replace('kind = "sms", address = "+6281234567890"', 'kind = "fax", address = "+6281234567890"')
        .replace("to = 2022-02-23T20:00:00", "to = 2022-02-23T05:00:00")
        .replace("handover_minutes = 30", "handover = 30")
    )
    told = problems(wrong)

    assert "shift[0].officer: is no officer of the roster; did you mean tono?" in told
    assert "officer.budi.channels[0].kind: is no kind of channel of the roster" in told
    assert "shift[0].to: is not after its beginning; swap or correct the times" in told
    assert "rotation[0].handover: is no field of a rotation; did you mean handover_minutes?" in told
    assert "+62812" not in told


@pytest.mark.parametrize("moment", ["2022-03-27T02:30:00", "2022-10-30T02:30:00"])
def test_a_time_that_a_change_of_clocks_skips_or_repeats_needs_an_offset(moment: str) -> None:
    told = problems(ROSTER.replace("Asia/Jakarta", "Europe/Berlin").replace("2022-02-23T20:00:00", moment))

    assert "shift[0].to: is no single time in Europe/Berlin: the clocks change; add an offset" in told


def test_a_policy_with_faults_is_told_all_of_them() -> None:
    wrong = (
        builtin_policy_text()
        .replace("SEV2 = 5", "SEV2 = 1", 1)
        .replace('desks = ["polres/ops"]', 'desks = ["polres ops"]')
        .replace("lease = 30", "lease = 0")
        .replace("digest_minutes = 2", "digest_minutes = 60")
    )
    with pytest.raises(RulesError) as caught:
        parse_policy(wrong)
    fields = {problem.field for problem in caught.value.problems}

    assert fields == {"acknowledge_minutes", "level 2.desks", "minutes.lease", "storm.digest_minutes"}


def test_an_edit_that_forgot_to_raise_the_version_is_another_version() -> None:
    edited = parse_policy(builtin_policy_text().replace("lease = 30", "lease = 31"))

    assert edited.version != builtin_policy().version


def test_the_demonstrations_roster_has_no_gap() -> None:
    districts = play_districts(None, 1)
    starting = datetime(2022, 2, 23, tzinfo=UTC)
    (roster,) = demo_roster(districts, starting=starting, inbox="http://127.0.0.1:9/inbox", seed=1)
    findings = check_roster(
        roster,
        builtin_policy(),
        builtin_taxonomy(),
        districts=[d.district for d in districts],
        since=starting,
        until=starting + timedelta(days=2),
    )

    assert findings == []
    assert {d.district for d in districts} == {d for a in roster.agencies for d in a.districts}
    # The day that is played accuses units by the codes that the roster knows.
    assert {Place(d.stations[0], d.name).unit for d in districts} <= {a.agency for a in roster.agencies}
    assert demo_roster(districts, starting=starting, inbox="http://127.0.0.1:9/inbox", seed=1) == [roster]


def test_gaps_double_duties_and_dead_channels_are_found_before_the_day() -> None:
    text = ROSTER.replace("+6281234567891", "081234567891").replace(
        "[[override]]",
        '[[shift]]\ndesk = "polres/deputy"\nofficer = "tono"\n'
        "from = 2022-02-23T10:00:00\nto = 2022-02-23T12:00:00\n\n[[override]]",
        1,
    )
    findings = check_roster(
        parse_roster(text),
        builtin_policy(),
        builtin_taxonomy(),
        districts=["33.26.09"],
        since=datetime(2022, 2, 23, 0, tzinfo=UTC),
        until=datetime(2022, 2, 23, 23, tzinfo=UTC),
    )
    told = {(f.trouble, f.desk, f.officer_id, f.since, f.until) for f in findings}

    ops_gap = (datetime(2022, 2, 23, 13, tzinfo=UTC), datetime(2022, 2, 23, 23, tzinfo=UTC))
    both = (datetime(2022, 2, 23, 3, tzinfo=UTC), datetime(2022, 2, 23, 5, tzinfo=UTC))
    assert (Trouble.NOBODY_ON_DUTY, "polres/ops", None, *ops_gap) in told
    assert (Trouble.TWO_DUTIES, "polres/deputy", "tono", *both) in told
    assert (Trouble.UNREACHABLE_CHANNEL, None, "sari", None, None) in told
    assert (Trouble.NO_SUCH_DESK, "polres/chief", None, None, None) in told
    assert not [f for f in findings if f.desk == "polsek/duty"]
    assert not [f for f in findings if "0812" in f.message + f.remedy]


@pytest.mark.parametrize("address", ["siaga-polsek-kajen", "https://ntfy.example/siaga-polsek-kajen"])
def test_a_topic_of_ntfy_may_be_a_name_or_a_url(address: str) -> None:
    assert address_problem(ChannelEntry(name="ntfy", kind=ChannelKind.NTFY, address=address)) is None


# -- the commands ----------------------------------------------------------------------------------------------------


def run(*arguments: str) -> tuple[int, str]:
    import typer

    from siaga.cli.roster import register

    app = typer.Typer()
    register(app)
    result = CliRunner().invoke(app, list(arguments))
    return result.exit_code, result.output


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    (tmp_path / "roster.toml").write_text(ROSTER, encoding="utf-8")
    return tmp_path


def test_oncall_answers_who_would_be_called_in_which_order_and_why(directory: Path) -> None:
    question = ("oncall", "--at", "2022-02-23T12:30+07:00", "--district", "33.26.09", "--kind", "violence.brawl")
    code, output = run(*question, "--severity", "2", "--roster", str(directory), "--json")
    answer = json.loads(output)

    assert code == 0
    assert [[o["officer_id"] for o in level["officers"]] for level in answer["levels"]] == [
        ["sari"],
        ["tono"],
        [],
        [],
    ]
    assert answer["levels"][0]["officers"][0]["stands_in"] is True
    assert {s["reason"] for s in answer["levels"][2]["skipped"]} == {"no_such_desk"}
    assert "+6281" not in output


def test_oncall_calls_nobody_of_the_accused_unit(directory: Path) -> None:
    question = ("oncall", "--at", "2022-02-23T09:00+07:00", "--district", "33.26.09", "--kind", "violence.brawl")
    code, output = run(*question, "--accused", "polsek-kajen", "--roster", str(directory))

    assert code == 0
    assert "not budi: accused unit" in output
    assert "2. Operations desk of the Polres\n   tono (polres/ops) by webhook" in output


def test_a_directory_that_is_not_there_is_named_so(tmp_path: Path) -> None:
    code, output = run("roster", "check", str(tmp_path / "latihan"))

    assert code == 2
    assert f"{tmp_path / 'latihan'}: is no directory; name the one that holds roster.toml" in output


def test_roster_check_fails_where_there_are_gaps_and_says_how_to_close_them(directory: Path) -> None:
    code, output = run("roster", "check", str(directory))

    assert code == 1
    assert "polres/ops: nobody is on duty for 33.26.09" in output
    assert "add a shift or an override for polres/ops" in output


def test_a_roster_whose_units_all_cover_its_area_is_looked_through_too(directory: Path) -> None:
    text = ROSTER.replace('area = "33.26"', 'area = "33.26.09"').replace('districts = ["33.26.09"]\n', "")
    (directory / "roster.toml").write_text(text, encoding="utf-8")

    code, output = run("roster", "check", str(directory))

    assert code == 1
    assert "polres/chief: no shift seats anybody there for 33.26.09; add shifts for polres/chief" in output


def test_a_district_with_stations_and_no_unit_or_no_roster_is_a_gap(directory: Path) -> None:
    rows = "".join(f"{code}.2001-001,TPS 001,Desa,-7.0,109.5\n" for code in ("33.26.10", "33.25.12"))
    (directory / "stations.csv").write_text(f"station_id,name,village,lat,lon\n{rows}", encoding="utf-8")

    _, output = run("roster", "check", str(directory))

    assert "polsek/duty: no shift seats anybody there for 33.26.10;" in output
    assert "roster: none covers 33.25.12, so that nobody is called there; write and load a roster" in output


def test_a_directory_can_be_tried_before_it_is_loaded(directory: Path) -> None:
    (directory / "policy.toml").write_text(builtin_policy_text(), encoding="utf-8")
    code, output = run("roster", "load", str(directory), "--dry-run")

    assert (code, output) == (
        0,
        "policy pilkades-2022-1, 1 roster with 3 officers and 3 shifts would be loaded.\n",
    )


def test_a_wrong_file_is_named_with_every_problem(directory: Path) -> None:
    (directory / "roster.toml").write_text(ROSTER.replace('area = "33.26"', ""), encoding="utf-8")
    code, output = run("roster", "check", str(directory))

    assert code == 2
    assert "roster.toml: area: is missing or no area; write a Kemendagri code" in output
