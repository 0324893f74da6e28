"""``siaga csv`` as its user sees it, before anything is sent: the rows named, the exit codes, the summary."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from siaga.cli import simulate as command

HEADER = "kind,station_id,occurred_at,reporter_id,reporter_role,injured"
GOOD = "violence.brawl,33.26.08.2001-003,2022-02-23T09:14:05+07:00,anggota-1,officer,2"
WRONG = "violence.brawl,33.26.08.2001-003,2022-02-23T09:14:05+07:00,anggota-1,officer,dua"


def check(file: Path, *options: str) -> Result:
    app = typer.Typer()
    command.register(app)
    return CliRunner().invoke(app, ["csv", str(file), "--dry-run", *options])


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "laporan.csv"


def test_a_good_file_exits_with_zero(file: Path) -> None:
    file.write_text(f"{HEADER}\n{GOOD}\n", encoding="utf-8-sig")
    result = check(file)

    assert result.exit_code == 0
    assert "1 reports and 0 check-ins are good, 0 rows refused." in result.stdout


def test_a_wrong_row_is_named_by_file_line_and_column_with_its_remedy(file: Path) -> None:
    file.write_text(f"{HEADER}\n{GOOD}\n{WRONG}\n")
    result = check(file)

    assert result.exit_code == 1
    assert f"{file}:3 injured: is not a whole number; write digits only, such as 12" in result.stderr
    assert "1 reports and 0 check-ins are good, 1 rows refused." in result.stdout


def test_a_program_reads_the_same(file: Path) -> None:
    file.write_text(f"{HEADER}\n{GOOD}\n{WRONG}\n")
    told = json.loads(check(file, "--json").stdout)

    assert (told["reports"], told["checkins"], told["refused"], told["dry_run"]) == (1, 0, 1, True)
    assert told["problems"] == [
        {
            "line": 3,
            "field": "injured",
            "message": "is not a whole number",
            "remedy": "write digits only, such as 12",
        }
    ]


def test_a_file_that_is_not_utf_8_names_the_line(file: Path) -> None:
    file.write_bytes(f"{HEADER}\n{GOOD}\n".encode() + b"caf\xe9\n")
    result = check(file)

    assert result.exit_code == 2
    assert f"{file}:3: is not UTF-8" in result.stderr


def test_a_file_that_is_not_there_is_named(file: Path) -> None:
    result = check(file)
    assert result.exit_code == 2
    assert "check the name" in result.stderr


def test_an_unknown_column_refuses_the_file_and_names_the_nearest(file: Path) -> None:
    file.write_text(f"{HEADER},crowds\n{GOOD},3\n")
    result = check(file)

    assert result.exit_code == 2
    assert f"{file}:1 crowds: is no column of an import; rename it to crowd" in result.stderr
