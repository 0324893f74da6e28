"""What a command says where a file, Kafka or the database is not as it has to be: a line, and never a traceback."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa
from kafka.errors import GroupAuthorizationFailedError, KafkaTimeoutError

from siaga.cli import main
from siaga.cli.faults import told

INCIDENT = "0d9f2f51-6d8e-4a2b-9f1c-5b1f2a7c3e60"
#: Commands that ask the database before anything else.
ASKING = (
    ("incidents",),
    ("report", "--from", "2022-02-23"),
    ("why-paged", INCIDENT),
    ("ack", INCIDENT),
    ("override", INCIDENT, "2", "--reason", "uji coba"),
    ("oncall", "--district", "33.26.08", "--kind", "violence.brawl"),
    ("backup", "cadangan.zip"),
    ("erase", "--reporter", "a-1", "--reason", "permintaan", "--yes"),
    ("user", "list"),
    ("rejected", "list"),
    ("rejected", "replay", INCIDENT),
    ("audit",),
    ("audit", "verify"),
    ("db", "upgrade"),
    ("db", "rebuild"),
    ("registry", "restore"),
    ("roster", "drill", "--yes"),
)
#: Commands that read what they are told to, and commands that write there.
NAMING = (
    ("restore", "FILE"),
    ("csv", "FILE"),
    ("rules", "check", "FILE"),
    ("roster", "check", "FILE"),
    ("registry", "load", "FILE", "--dry-run"),
    ("scenario", "run", "FILE"),
    ("acl", "passwords", "FILE"),
)
WRITING = (("schemas", "FILE"), ("reference", "FILE"))


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where commands run: without settings but a broker that is not there."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SIAGA_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("SIAGA_KAFKA", "127.0.0.1:9")
    return tmp_path


@pytest.fixture
def told_by(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[[Sequence[str]], str]:
    """What a command says that cannot do its work; whatever it raises past its end ends the test."""

    def run(arguments: Sequence[str]) -> str:
        monkeypatch.setattr(sys, "argv", ["siaga", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code in (1, 2)
        captured = capsys.readouterr()
        return captured.out + captured.err

    return run


@pytest.mark.parametrize("command", ASKING, ids=" ".join)
@pytest.mark.parametrize("database", ["sqlite:///bukan.db", "postgresql://siaga:x@127.0.0.1:9/siaga"])
def test_a_database_that_cannot_be_used_is_one_line(
    command: tuple[str, ...],
    database: str,
    place: Path,
    told_by: Callable[[Sequence[str]], str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (place / "bukan.db").write_text("ini bukan basis data\n" * 100)
    monkeypatch.setenv("SIAGA_DATABASE", database)

    (line,) = (line for line in told_by(command).splitlines() if line.startswith("siaga: "))

    assert line.startswith("siaga: database: ")


@pytest.mark.parametrize(
    ("command", "name"),
    [
        *itertools.product(NAMING, ["tidak-ada", "map", "biner", "biner/di-dalam"]),
        *itertools.product(WRITING, ["biner", "biner/di-dalam"]),
    ],
    ids=lambda told: told if isinstance(told, str) else " ".join(told),
)
def test_a_file_that_cannot_be_used_is_named(
    command: tuple[str, ...],
    name: str,
    place: Path,
    told_by: Callable[[Sequence[str]], str],
) -> None:
    (place / "map").mkdir()
    (place / "biner").write_bytes(b"\xff\xfe\x00bukan teks")

    text = told_by([name if word == "FILE" else word for word in command])

    assert name.partition("/")[0] in text


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (GroupAuthorizationFailedError("siaga-store"), "kafka_user: nobody may not do this"),
        (KafkaTimeoutError("Unable to bootstrap"), "kafka: cannot be reached"),
        (sa.exc.ProgrammingError("SELECT 1", {}, psycopg.errors.InsufficientPrivilege()), "this role may not"),
        (PermissionError(13, "Permission denied", "link.key"), "file: link.key cannot be used (Permission denied)"),
    ],
)
def test_an_error_from_outside_is_told_as_the_doctor_would(error: Exception, line: str, place: Path) -> None:
    assert line in (told(error) or "")


def test_a_fault_of_our_own_keeps_its_details(place: Path) -> None:
    assert told(KeyError("x")) is None
    assert told(sa.exc.ArgumentError("x")) is None
