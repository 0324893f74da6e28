"""Rows of an import file: what becomes a message, and what a wrong row is told."""

from __future__ import annotations

import io
from datetime import UTC, datetime

import pytest

from producers.csv_import.columns import COLUMNS
from producers.csv_import.rows import FileUnusable, Row, read_rows
from siaga.contracts.checkin import AcceptedCheckIn, CheckIn, Phase
from siaga.contracts.rejection import RejectReason
from siaga.contracts.report import AcceptedReport, Channel, Report, Role, Weapons

NOW = datetime(2022, 2, 23, 6, 0, tzinfo=UTC)
GOOD = {
    "kind": "violence.brawl",
    "station_id": "33.26.08.2001-003",
    "occurred_at": "2022-02-23T09:14:05+07:00",
    "reporter_id": "anggota-1",
    "reporter_role": "officer",
}
CHECKIN = {
    "type": "checkin",
    "station_id": "33.26.08.2001-003",
    "occurred_at": "2022-02-23T09:14:05+07:00",
    "reporter_id": "anggota-1",
    "reporter_role": "officer",
    "phase": "voting",
}


def rows(text: str) -> list[Row]:
    return list(read_rows(io.StringIO(text, newline=""), NOW))


def one(**cells: str) -> Row:
    """The only row of a file with these columns and cells."""
    names, values = ",".join(cells), ",".join(f'"{cell}"' for cell in cells.values())
    (row,) = rows(f"{names}\n{values}\n")
    return row


def told(row: Row) -> dict[str, str]:
    return {problem.field: f"{problem.message}; {problem.remedy}" for problem in row.problems}


def test_a_report_is_read_from_every_column_it_has() -> None:
    row = one(
        **GOOD,
        type="report",
        report_id="01938d0e-0000-7000-8000-000000000001",
        sent_at="2022-02-23T02:15:00Z",
        injured="2",
        dead="0",
        crowd="60",
        weapons="blunt",
        ballots_threatened="tidak",
        voting_stopped="ya",
        accused_unit="polsek-kajen",
        text="Cekcok, dua kubu",
        lat="-7.03",
        lon="109.58",
        accuracy_m="12",
        corrects="01938d0e-0000-7000-8000-000000000000",
        withdraws="false",
        drill="1",
    )
    report = row.message

    assert isinstance(report, AcceptedReport)
    assert str(report.report_id) == "01938d0e-0000-7000-8000-000000000001"
    assert report.reporter.role is Role.OFFICER
    assert report.facts.model_dump() == {
        "injured": 2,
        "dead": 0,
        "crowd": 60,
        "weapons": Weapons.BLUNT,
        "ballots_threatened": False,
        "voting_stopped": True,
        "accused_unit": "polsek-kajen",
    }
    assert (report.text, report.drill, report.withdraws) == ("Cekcok, dua kubu", True, False)
    assert report.location is not None
    assert report.location.accuracy_m == 12
    assert (report.channel, report.device_id, report.received_at) == (Channel.CSV, "csv", NOW)


def test_a_check_in_is_read_from_every_column_it_has() -> None:
    row = one(**CHECKIN, turnout="120", queue="14", personnel="2")

    assert isinstance(row.message, AcceptedCheckIn)
    assert row.message.phase is Phase.VOTING
    assert (row.message.turnout, row.message.queue, row.message.personnel) == (120, 14, 2)


def test_an_empty_cell_is_an_unknown_and_never_a_zero() -> None:
    report = one(**GOOD, injured="", dead=" ", text="").message

    assert isinstance(report, AcceptedReport)
    assert (report.facts.injured, report.facts.dead, report.text) == (None, None, "")


def test_every_field_of_the_contracts_has_a_column() -> None:
    places = {column.place[0] for column in COLUMNS.values() if column.place}
    # The import sets these itself; evidence stays on a device, which a file is not.
    own = {"schema_version", "channel", "evidence"}
    assert (set(Report.model_fields) | set(CheckIn.model_fields)) - own == places - {"type"}


@pytest.mark.parametrize(
    ("column", "cell", "says"),
    [
        ("kind", "brawl", "pattern"),
        ("station_id", "33.26.08", "pattern"),
        ("occurred_at", "2022-02-23T09:14:05", "add an offset"),
        ("occurred_at", "pagi tadi", "ISO 8601 with an offset"),
        ("reporter_role", "polisi", "officer"),
        ("injured", "dua", "is not a whole number; write digits only"),
        ("injured", "1.5", "is not a whole number"),
        ("injured", "-1", "send 0 or more"),
        ("weapons", "keris", "send one of"),
        ("voting_stopped", "mungkin", "write true or false"),
        ("lat", "-7,03", "decimal point"),
        ("report_id", "12", "send a UUID"),
        ("phase", "voting", "belongs to a checkin, not to a report; leave the cell empty"),
        ("type", "laporan", "write report or checkin"),
    ],
)
def test_a_wrong_cell_is_named_by_its_column_with_the_remedy(column: str, cell: str, says: str) -> None:
    row = one(**{**GOOD, column: cell, **({"lon": "109.5"} if column == "lat" else {})})

    assert row.message is None
    assert says in told(row)[column]


def test_every_wrong_cell_of_a_row_is_named_at_once() -> None:
    row = one(**{**GOOD, "kind": "x", "reporter_role": "x", "dead": "x"})
    assert set(told(row)) == {"kind", "reporter_role", "dead"}


def test_a_missing_cell_is_named_by_its_column() -> None:
    assert set(told(one(**{**GOOD, "reporter_id": "", "kind": ""}))) == {"reporter_id", "kind"}
    assert "phase" in told(one(**{**CHECKIN, "phase": ""}))


def test_half_a_position_asks_for_the_other_half() -> None:
    assert set(told(one(**GOOD, lat="-7.03"))) == {"lon"}


def test_good_rows_stand_beside_wrong_ones() -> None:
    header, good = ",".join(GOOD), ",".join(GOOD.values())
    found = rows(f"{header}\n{good}\nnonsense\n{good}\n")

    assert [row.message is not None for row in found] == [True, False, True]
    assert [row.line for row in found] == [2, 3, 4]
    assert found[1].raw == "nonsense"
    assert found[1].reason is RejectReason.INVALID


def test_a_cell_over_several_lines_keeps_the_count_of_lines() -> None:
    header, good = ",".join([*GOOD, "text"]), ",".join(GOOD.values())
    found = rows(f'{header}\n{good},"satu\ndua\ntiga"\n{good},x\n\n,,\nwrong\n')

    assert [row.line for row in found] == [2, 5, 8]
    assert found[0].message is not None
    assert found[0].raw == f'{good},"satu\ndua\ntiga"'


def test_a_semicolon_may_separate_cells_and_a_column_may_be_in_capitals() -> None:
    header, good = ";".join(name.upper() for name in GOOD), ";".join(GOOD.values())
    assert rows(f"{header}\n{good}\n")[0].message is not None


def test_a_row_with_too_many_cells_asks_for_quotation_marks() -> None:
    header, good = ",".join(GOOD), ",".join(GOOD.values())
    (row,) = rows(f"{header}\n{good},lagi\n")
    assert "quotation marks" in told(row)[""]


def test_a_cell_beyond_all_measure_is_refused_and_the_next_row_is_read() -> None:
    header, good = ",".join([*GOOD, "text"]), ",".join(GOOD.values())
    found = rows(f"{header}\n{good},{'x' * 200_000}\n{good},x\n")
    assert [row.message is not None for row in found] == [False, True]


@pytest.mark.parametrize(
    ("header", "says"),
    [
        ("", "has no header"),
        (",".join([*GOOD, "colour"]), "1 colour: is no column of an import; remove it"),
        (",".join([*GOOD, "injurd"]), "rename it to injured"),
        (",".join([*GOOD, "kind"]), "1 kind: is there 2 times; keep one"),
        (",".join(sorted(set(GOOD) - {"station_id"})), "1 station_id: is missing; add the column"),
    ],
)
def test_a_wrong_header_is_refused_with_the_remedy(header: str, says: str) -> None:
    with pytest.raises(FileUnusable, match=says):
        rows(f"{header}\n")


def test_a_file_read_twice_gives_the_same_ids() -> None:
    header, good = ",".join(GOOD), ",".join(GOOD.values())
    text = f"{header}\n{good}\n{good}\n"

    assert _ids(text) == _ids(text)
    assert len(set(_ids(text))) == 2


def test_mending_or_removing_another_row_changes_no_id() -> None:
    header, good = ",".join([*GOOD, "text"]), ",".join(GOOD.values())
    first, second = _ids(f"{header}\n{good},satu\nwrong\n{good},dua\n")

    assert _ids(f"{header}\n{good},nol\n{good},satu\n\n{good},dua\n")[1:] == [first, second]


def test_a_report_and_a_check_in_never_share_an_id() -> None:
    cells = {**GOOD, "phase": "", "type": "report"}
    both = {**cells, "type": "checkin", "kind": "", "phase": "voting"}
    text = "\n".join([",".join(cells), ",".join(cells.values()), ",".join(both[name] for name in cells)])
    assert len(set(_ids(text + "\n"))) == 2


def test_an_id_of_the_files_own_is_kept() -> None:
    own = "01938d0e-0000-7000-8000-000000000001"
    message = one(**GOOD, report_id=own).message
    assert message is not None
    assert str(message.report_id) == own


def _ids(text: str) -> list[str]:
    return [str(row.message.report_id) for row in rows(text) if row.message is not None]
