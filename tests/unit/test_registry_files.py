"""``siaga registry load`` as its user sees it, up to the publishing: what is read, and every mistake named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from siaga.cli import registry as command
from siaga.contracts.registry import Calendar, DistrictStations, RulesetEntry, TaxonomyEntry
from siaga.election.files import DirectoryUnusable, read_directory
from siaga.rules.ruleset import builtin_ruleset_text
from siaga.rules.taxonomy import builtin_taxonomy_text

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "registry"
HEADER = "station_id,name,village,lat,lon,vulnerability,voters"
GOOD = "33.26.08.2001-001,TPS 001,Tambakroto,-7.087,109.573,rawan,312"


def load(directory: Path, *options: str) -> Result:
    app = typer.Typer()
    command.register(app)
    return CliRunner().invoke(app, ["registry", "load", str(directory), "--dry-run", *options])


def refused(directory: Path) -> list[str]:
    with pytest.raises(DirectoryUnusable) as caught:
        read_directory(directory)
    return str(caught.value).splitlines()


def stations(directory: Path, *rows: str, header: str = HEADER) -> Path:
    (directory / "stations.csv").write_text("\n".join((header, *rows)) + "\n", encoding="utf-8")
    return directory


def test_the_example_of_the_documentation_can_be_loaded() -> None:
    result = load(EXAMPLE)

    assert result.exit_code == 0
    assert result.stdout == "12 stations in 2 districts, calendar pilkades-pekalongan-2022 would be loaded.\n"


def test_districts_within_five_kilometres_know_each_other(tmp_path: Path) -> None:
    across = GOOD.replace("33.26.08", "33.26.09").replace("-7.087", "-7.050")
    far = GOOD.replace("33.26.08", "33.26.10").replace("-7.087", "-7.000")
    districts = [e for e in read_directory(stations(tmp_path, GOOD, across, far)) if isinstance(e, DistrictStations)]

    assert {d.district: d.neighbours for d in districts} == {
        "33.26.08": ("33.26.09",),
        "33.26.09": ("33.26.08",),
        "33.26.10": (),
    }


def test_districts_are_called_by_their_names_where_these_are_given() -> None:
    districts = [e for e in read_directory(EXAMPLE) if isinstance(e, DistrictStations)]
    assert [d.name for d in districts] == ["Kajen", "Kesesi"]


def test_everything_a_directory_may_hold_is_read(tmp_path: Path) -> None:
    stations(tmp_path, GOOD)
    (tmp_path / "calendar.toml").write_text((EXAMPLE / "calendar.toml").read_text())
    (tmp_path / "kinds.toml").write_text(builtin_taxonomy_text())
    (tmp_path / "severity.toml").write_text(builtin_ruleset_text())

    kinds = {type(entry) for entry in read_directory(tmp_path)}
    assert kinds == {DistrictStations, Calendar, TaxonomyEntry, RulesetEntry}


def test_a_spreadsheet_with_semicolons_a_byte_order_mark_and_blank_rows_is_read(tmp_path: Path) -> None:
    rows = ("Station_ID;Name;Village;Lat;Lon", '33.26.08.2001-001;"TPS 001; barat";Kajen;-7.08;109.57', ";;;;", "")
    (tmp_path / "stations.csv").write_text("\r\n".join(rows), encoding="utf-8-sig", newline="")
    (entry,) = read_directory(tmp_path)

    assert isinstance(entry, DistrictStations)
    assert (entry.name, entry.stations[0].name, entry.stations[0].voters) == ("33.26.08", "TPS 001; barat", None)


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("33.26.08.2001-1,TPS,Desa,-7,109,,", "stations.csv:3 station_id: is no number of a station; write the"),
        ("33.26.08.2001-001,TPS,Desa,-7,109,,", "stations.csv:3 station_id: is that of line 2 too; give each"),
        (
            '33.26.08.2001-002,TPS,Desa,"-7,05",109,,',
            "stations.csv:3 lat: is no number; write degrees with a decimal",
        ),
        ("33.26.08.2001-002,TPS,Desa,109.5,-7,,", "stations.csv:3 lat: lies outside Indonesia; swap lat and lon"),
        ("33.26.08.2001-002,TPS,Desa,71.5,109,,", "stations.csv:3 lat: lies outside Indonesia; swap lat and lon"),
        ("33.26.08.2001-002,TPS,Desa,-7,10.9,,", "stations.csv:3 lon: lies outside Indonesia; swap lat and lon"),
        ("33.26.08.2001-002,TPS,Desa,-7,109,gawat,", "stations.csv:3 vulnerability: is no class; write one of aman"),
        ("33.26.08.2001-002,TPS,Desa,-7,109,,banyak", "stations.csv:3 voters: is no number of voters; write digits"),
        ("33.26.08.2001-002,,Desa,-7,109,,", "stations.csv:3 name: Field required; add the field"),
        ("33.26.08.2001-002,TPS,Desa,-7,109,,3,4", "stations.csv:3: has 8 cells, the header 7; put text that holds"),
    ],
)
def test_a_wrong_row_is_named_by_file_line_and_column_with_its_remedy(tmp_path: Path, row: str, told: str) -> None:
    (line,) = refused(stations(tmp_path, GOOD, row))
    assert line.startswith(told)


def test_a_wrong_class_of_vulnerability_is_not_repeated(tmp_path: Path) -> None:
    result = load(stations(tmp_path, GOOD.replace("rawan", "rawan-sekali")))

    assert result.exit_code == 1
    assert "rawan-sekali" not in result.output


def test_all_mistakes_of_all_files_are_named_at_once_and_nothing_is_loaded(tmp_path: Path) -> None:
    stations(tmp_path, GOOD, GOOD)
    (tmp_path / "districts.csv").write_text("code,name\n33.26,Kajen\n33.26.09,\n")
    (tmp_path / "calendar.toml").write_text('election = "uji"\nname = "Uji"\nstages = []\n')
    (tmp_path / "severity.toml").write_text(builtin_ruleset_text().replace("injured >= 5", "injured > 2000000"))
    (tmp_path / "station.csv").write_text("")

    lines = refused(tmp_path)
    places = [line.partition(": ")[0] for line in lines]
    assert places == [
        "station.csv",
        "severity.toml rule many_injured.when",
        "calendar.toml stages",
        "calendar.toml stage",
        "stations.csv:3 station_id",
        "districts.csv:2 code",
        "districts.csv:3 name",
    ]
    assert "did you mean stations.csv?" in lines[0]


def test_a_district_without_stations_is_named(tmp_path: Path) -> None:
    (stations(tmp_path, GOOD) / "districts.csv").write_text(
        "code,name\n33.26.09,Kesesi\n33.26.08,Kajen\n33.26.08,K\n"
    )
    first, second = refused(tmp_path)

    assert first.startswith("districts.csv:2 code: has no station in stations.csv;")
    assert second.startswith("districts.csv:4 code: is there twice;")


@pytest.mark.parametrize(
    ("header", "told"),
    [
        ("station_id,name,village,lat", "stations.csv:1 lon: is missing; add the column"),
        (HEADER + ",latt", "stations.csv:1 latt: is no column of this file; did you mean lat? known are"),
        (HEADER + ",lat", "stations.csv:1 lat: is there twice; keep one"),
        ("", "stations.csv:1 station_id: is missing; add the column"),
    ],
)
def test_a_wrong_header_is_named_with_its_column(tmp_path: Path, header: str, told: str) -> None:
    assert refused(stations(tmp_path, GOOD, header=header))[0].startswith(told)


def test_a_table_without_rows_an_empty_directory_and_one_that_is_not_there_are_refused(tmp_path: Path) -> None:
    assert "holds nothing to load" in refused(tmp_path)[0]
    assert "cannot be read" in refused(tmp_path / "nowhere")[0]
    assert refused(stations(tmp_path)) == ["stations.csv: has no station; add a row for each station"]


def test_duties_may_lie_beside_the_stations(tmp_path: Path) -> None:
    for name in ("policy.toml", "roster.toml", "roster-33.26.toml"):
        (stations(tmp_path, GOOD) / name).write_text("")
    assert [type(entry) for entry in read_directory(tmp_path)] == [DistrictStations]


def test_a_file_that_is_not_utf_8_names_the_line(tmp_path: Path) -> None:
    stations(tmp_path, GOOD)
    (tmp_path / "districts.csv").write_bytes(b"code,name\n33.26.08,Kaj\xe9n\n")
    assert refused(tmp_path)[0].startswith("districts.csv:2: is not UTF-8; save the file")


def test_a_program_reads_the_problems(tmp_path: Path) -> None:
    told = json.loads(load(stations(tmp_path, GOOD, GOOD), "--json").stdout)

    assert told["loaded"] is False
    assert told["problems"] == [
        {
            "file": "stations.csv",
            "line": 3,
            "field": "station_id",
            "message": "is that of line 2 too",
            "remedy": "give each station a number of its own",
        }
    ]
