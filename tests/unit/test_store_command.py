"""What the operator sees of the database on the command line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
import typer
from typer.testing import CliRunner

from siaga.cli import store
from siaga.contracts.topics import REPORTS
from siaga.settings import SettingsError
from tests.support import builders
from tests.support.stored import Fed, snapshot


@pytest.fixture
def fed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Fed]:
    """A database that the command finds."""
    url = f"sqlite:///{tmp_path / 'siaga.db'}"
    monkeypatch.setenv("SIAGA_DATABASE", url)
    monkeypatch.setenv("COLUMNS", "220")
    made = Fed(url)
    yield made
    made.close()


def run(*arguments: str) -> Any:
    app = typer.Typer()
    store.register(app)
    return CliRunner().invoke(app, arguments, catch_exceptions=False)


def listed(*arguments: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(run("incidents", "--json", *arguments).stdout)
    return found


def test_open_incidents_come_first_and_of_them_the_gravest(fed: Fed) -> None:
    closed, mild, grave = (
        snapshot(severity=1, state="resolved"),
        snapshot(severity=4),
        snapshot(severity=2, district=builders.OTHER_DISTRICT, station_id=builders.OTHER_STATION),
    )
    fed.incidents(closed, mild, grave)

    assert [row["incident_id"] for row in listed()] == [str(i.incident_id) for i in (grave, mild, closed)]
    assert len(listed("--open")) == 2
    assert [row["severity"] for row in listed("--severity", "1", "--severity", "4")] == [4, 1]
    assert [row["incident_id"] for row in listed("--district", builders.OTHER_DISTRICT)] == [str(grave.incident_id)]
    assert len(listed("--district", "33.26.")) == 3


def test_a_table_names_kinds_in_both_languages_and_marks_drills(fed: Fed) -> None:
    fed.incidents(snapshot(drill=True, needs_verification=True))

    shown = run("incidents").stdout

    assert "LATIHAN / DRILL: Perkelahian / " in shown or "LATIHAN / DRILL: perkelahian / " in shown
    assert "terbuka" in shown
    assert "open" in shown
    assert "unverified" in shown


def test_nothing_confidential_is_listed(fed: Fed) -> None:
    fed.incidents(snapshot(acknowledged_by="komandan-9", assigned_to="anggota-9", verified_by="anggota-8"))

    shown = run("incidents").stdout + run("incidents", "--json").stdout

    assert "TPS rawan" not in shown
    assert "anggota" not in shown
    assert "komandan" not in shown
    assert "A crowd of 100" in shown


def test_originals_are_shown_only_when_asked_for(fed: Fed) -> None:
    fed.write(fed.record(REPORTS, b"[bold]telepon 0812345678"))

    plain = run("rejected", "list").stdout + run("rejected", "list", "--json").stdout
    whole = json.loads(run("rejected", "list", "--json", "--original").stdout)

    assert "0812345678" not in plain
    assert whole[0]["bytes"] == 24
    assert whole[0]["original"]


def test_an_id_to_send_again_is_whole_in_a_narrow_terminal(fed: Fed, monkeypatch: pytest.MonkeyPatch) -> None:
    fed.write(fed.record(REPORTS, b"bukan json"))
    monkeypatch.setenv("COLUMNS", "80")

    (one,) = json.loads(run("rejected", "list", "--json").stdout)

    assert f" {one['rejection_id']} " in run("rejected", "list").stdout


def test_an_unknown_reason_is_answered_with_those_there_are(fed: Fed) -> None:
    with pytest.raises(SettingsError, match="not_json"):
        run("rejected", "list", "--reason", "entah")


def test_a_broken_trail_is_told_with_its_row_and_exit_code_1(fed: Fed) -> None:
    fed.commands(builders.command("note", uuid4()))
    assert run("audit", "verify").exit_code == 0
    with fed.engine.begin() as connection:
        connection.execute(sa.text("DROP TRIGGER audit_log_no_update"))
        connection.execute(sa.text("UPDATE audit_log SET actor = 'orang-lain'"))

    verdict = run("audit", "verify", "--json")

    assert verdict.exit_code == 1
    assert json.loads(verdict.stdout)["breaks"] == [{"seq": 1, "why": "was changed after it was written"}]


def test_a_database_that_is_not_there_is_not_made_by_looking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "tidak-ada.db"
    monkeypatch.setenv("SIAGA_DATABASE", f"sqlite:///{path}")

    with pytest.raises(SettingsError, match="siaga up"):
        run("incidents")

    assert not path.exists()
    assert "it was empty" in run("db", "upgrade").stdout
    assert "Tidak ada kejadian" in run("incidents").stdout


def test_a_district_that_is_no_code_is_refused_and_not_called_calm(fed: Fed) -> None:
    for wrong in ("kajen", "33.26.8", "33-26"):
        with pytest.raises(SettingsError, match="district: is no code; write one such as 33"):
            run("incidents", "--district", wrong)
    for right in ("33", "33.", "33.26.", "33.26.08"):
        assert run("incidents", "--district", right).exit_code == 0
