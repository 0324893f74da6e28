"""``siaga rules diff`` on what both databases hold."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from siaga.cli import rules as command
from siaga.rules.ruleset import builtin_ruleset_text
from siaga.types import Vulnerability
from tests.support import builders
from tests.support.databases import Database
from tests.support.stored import AT, Fed, snapshot

CROWD = "00000000-0000-4000-8000-000000000001"
PRONE = "00000000-0000-4000-8000-000000000002"
OLD = "00000000-0000-4000-8000-000000000003"


@pytest.fixture
def stored(database: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[Fed]:
    """A crowd of 60, an incident at a vulnerable station, and one of the day before."""
    fed = Fed(database.url)
    monkeypatch.setenv("SIAGA_DATABASE", database.url)
    prone = builders.district(vulnerability={builders.SECOND_STATION: Vulnerability.RAWAN})
    fed.registry(f"stations/{builders.DISTRICT}", prone.to_json())
    day_before = AT.replace(day=22)
    for incident, station, at in ((CROWD, 1, AT), (PRONE, 2, AT), (OLD, 3, day_before)):
        place = f"{builders.DISTRICT}.2001-{station:03d}"
        facts = {"crowd": 60} if incident != PRONE else {}
        report = builders.accepted(builders.report("order.crowd", station=place, at=at, facts=facts))
        fed.reports(report)
        fed.incidents(snapshot(uuid.UUID(incident), reports=[report.report_id], station_id=place))
    yield fed
    fed.close()


def compare(new: Path, *options: str, since: str = "2022-02-23T00:00:00+00:00") -> Result:
    app = typer.Typer()
    command.register(app)
    return CliRunner().invoke(app, ["rules", "diff", "builtin", str(new), "--since", since, *options])


def ours(directory: Path, was: str, now: str) -> Path:
    file = directory / "severity.toml"
    file.write_text(builtin_ruleset_text().replace(was, now))
    return file


@pytest.mark.usefixtures("stored")
def test_stored_reports_are_replayed_and_what_would_differ_is_told_with_its_reason(tmp_path: Path) -> None:
    result = compare(ours(tmp_path, "crowd >= 100", "crowd >= 50"))

    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        f"{CROWD} {builders.STATION} order.crowd: SEV4 -> SEV3",
        "    + crowd (raise_by 1): A crowd of 100 or more",
        "2 incidents replayed: 1 raised, 0 lowered, 0 otherwise changed.",
    ]


@pytest.mark.usefixtures("stored")
def test_a_difference_at_a_vulnerable_station_does_not_tell_that_it_is_one(tmp_path: Path) -> None:
    file = ours(tmp_path, 'vulnerability in ["rawan", "sangat_rawan"]', 'vulnerability == "sangat_rawan"')
    result = compare(file)

    assert (
        f"{PRONE} {builders.SECOND_STATION} order.crowd: SEV3 -> SEV4\n    - a confidential rule\n" in result.stdout
    )
    assert "rawan" not in result.stdout
    assert "vulnerable" not in compare(file, "--json").stdout


@pytest.mark.usefixtures("stored")
def test_a_program_reads_the_same(tmp_path: Path) -> None:
    file = ours(tmp_path, "crowd >= 100", "crowd >= 50")
    told = json.loads(compare(file, "--json", since="2022-02-22T00:00:00+00:00").stdout)

    assert (told["replayed"], told["raised"]) == (3, 2)
    first = told["differences"][0]
    assert (first["incident_id"], first["before"]["severity"], first["after"]["severity"]) == (CROWD, 4, 3)
