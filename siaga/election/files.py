"""An election as files in a directory, made into entries of the registry: all of them, or none and every problem.

Input: ``stations.csv``, ``districts.csv``, ``calendar.toml``, ``kinds.toml``, ``severity.toml``, ``posture.toml``;
each may be missing, not all. Output: registry entries, the districts with their neighbours. State: none. How the
files are written is in
``docs/how-to/load-your-own-stations.md``.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from pydantic import ValidationError

from siaga.contracts.decode import Problem, problems_of
from siaga.contracts.registry import (
    Calendar,
    DistrictStations,
    PostureEntry,
    RegistryEntry,
    RulesetEntry,
    StationEntry,
    TaxonomyEntry,
)
from siaga.election.calendar import parse_calendar
from siaga.election.geo import neighbours
from siaga.election.posture import parse_posture
from siaga.rules.check import check_ruleset
from siaga.rules.errors import RulesError, suggestion
from siaga.rules.ruleset import parse_ruleset
from siaga.rules.taxonomy import Taxonomy, builtin_taxonomy, parse_taxonomy
from siaga.rules.windows import Windows
from siaga.types import DISTRICT_PATTERN, Vulnerability, district_of

STATIONS: Final = "stations.csv"
DISTRICTS: Final = "districts.csv"
CALENDAR: Final = "calendar.toml"
KINDS: Final = "kinds.toml"
SEVERITY: Final = "severity.toml"
POSTURE: Final = "posture.toml"
#: Every file a directory may hold.
FILES: Final = (STATIONS, DISTRICTS, CALENDAR, KINDS, SEVERITY, POSTURE)
#: Duties and the policy of escalation lie beside them: :mod:`siaga.escalation.files` reads those.
_OF_OTHERS: Final = re.compile(r"^(policy|roster.*)\.toml$")

_STATION_COLUMNS: Final = ("station_id", "name", "village", "lat", "lon", "vulnerability", "voters")
_STATION_NEEDED: Final = _STATION_COLUMNS[:5]
_DISTRICT_COLUMNS: Final = ("code", "name")
#: Indonesia, roughly (WGS 84 degrees): what lies outside has its columns swapped or a digit too many.
_LAT: Final = (-12.0, 7.0)
_LON: Final = (94.0, 142.0)
_OUTSIDE: Final = ("lies outside Indonesia", "swap lat and lon, or correct the decimal point")
_DISTRICT: Final = re.compile(DISTRICT_PATTERN)

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class FileProblem:
    """What is wrong at one place: ``line`` is that of a table's row, ``None`` where a file as a whole is meant."""

    file: str
    line: int | None
    problem: Problem

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        field = f" {self.problem.field}" if self.problem.field else ""
        return f"{place}{field}: {self.problem.message}; {self.problem.remedy}"


class DirectoryUnusable(ValueError):
    """The directory cannot be loaded. The message has a line for each problem."""

    def __init__(self, problems: Iterable[FileProblem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))


def read_directory(path: Path) -> list[RegistryEntry]:
    """The entries that the files in ``path`` make; none where only duties lie there.

    Neighbours are reckoned among the stations of the directory: load areas that border on each other together.

    Raises:
        DirectoryUnusable: something is wrong; every problem of every file is named with its remedy.
    """
    found: list[FileProblem] = []
    texts = _texts(path, found)
    entries: list[RegistryEntry] = []
    taxonomy = builtin_taxonomy()
    if KINDS in texts:
        taxonomy = _toml(KINDS, parse_taxonomy, texts[KINDS], found) or taxonomy
        entries.append(TaxonomyEntry(schema_version=1, version=taxonomy.version, toml=texts[KINDS]))
    if SEVERITY in texts:
        entries += _ruleset(texts[SEVERITY], taxonomy, found)
    if CALENDAR in texts:
        calendar = _toml(CALENDAR, _calendar, texts[CALENDAR], found)
        entries += [calendar] if calendar is not None else []
    if POSTURE in texts and (posture := _toml(POSTURE, parse_posture, texts[POSTURE], found)) is not None:
        entries.append(PostureEntry(schema_version=1, version=posture.version, toml=texts[POSTURE]))
    if STATIONS in texts:
        entries += _districts(texts[STATIONS], texts.get(DISTRICTS), found)
    elif DISTRICTS in texts:
        found.append(
            FileProblem(DISTRICTS, None, Problem("", f"names districts without {STATIONS}", "add the stations"))
        )
    if found:
        raise DirectoryUnusable(found)
    return entries


def voting_districts(path: Path) -> set[str]:
    """Codes of the districts with a station in the directory; what is wrong there is for :func:`read_directory`."""
    text = _text(path / STATIONS, []) if (path / STATIONS).is_file() else None
    rows = _rows(STATIONS, text or "", _STATION_COLUMNS, _STATION_NEEDED, [])
    return {code for _, cells in rows if _DISTRICT.match(code := cells.get("station_id", "")[:8])}


def _texts(path: Path, found: list[FileProblem]) -> dict[str, str]:
    """The files' texts by name."""
    try:
        names = sorted(entry.name for entry in path.iterdir() if entry.is_file())
    except OSError as error:
        told = Problem("", f"cannot be read: {error.strerror}", "name a directory that holds the files")
        raise DirectoryUnusable([FileProblem(str(path), None, told)]) from None
    texts = {}
    for name in names:
        if name in FILES:
            text = _text(path / name, found)
            if text is not None:
                texts[name] = text
        elif name.endswith((".csv", ".toml")) and not _OF_OTHERS.match(name):
            remedy = f"{suggestion(name, FILES)}rename or move it; known are {', '.join(FILES)}"
            found.append(FileProblem(name, None, Problem("", "is no file of a registry", remedy)))
    if not texts and not found and not any(map(_OF_OTHERS.match, names)):
        told = Problem("", "holds nothing to load", f"put at least one of {', '.join(FILES)} into it")
        found.append(FileProblem(str(path), None, told))
    return texts


def _text(file: Path, found: list[FileProblem]) -> str | None:
    line, problem = None, None
    try:
        return file.read_bytes().decode("utf-8-sig")
    except OSError as error:
        problem = Problem("", f"cannot be read: {error.strerror}", "check its permissions")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        problem = Problem("", "is not UTF-8", "save the file as UTF-8 (in a spreadsheet: CSV UTF-8)")
    found.append(FileProblem(file.name, line, problem))
    return None


def _toml(file: str, read: Callable[[str], _T], text: str, found: list[FileProblem]) -> _T | None:
    try:
        return read(text)
    except RulesError as error:
        found.extend(FileProblem(file, None, problem) for problem in error.problems)
        return None


def _calendar(text: str) -> Calendar:
    return parse_calendar(text)


def _ruleset(text: str, taxonomy: Taxonomy, found: list[FileProblem]) -> list[RegistryEntry]:
    problems = check_ruleset(text, taxonomy)
    found.extend(FileProblem(SEVERITY, None, problem) for problem in problems)
    if problems:
        return []
    return [RulesetEntry(schema_version=1, version=parse_ruleset(text, taxonomy).version, toml=text)]


# -- tables ---------------------------------------------------------------------------------------------------------


def _rows(
    file: str, text: str, columns: tuple[str, ...], needed: tuple[str, ...], found: list[FileProblem]
) -> Iterator[tuple[int, dict[str, str]]]:
    """The rows that are not blank, each with the number of its line; an empty cell is left out."""
    first = text.partition("\n")[0]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=";" if first.count(";") > first.count(",") else ",")
    header = [name.strip().lower() for name in next(reader, [])]
    wrong = [
        Problem(name[:40], "is no column of this file", f"{suggestion(name, columns)}known are {', '.join(columns)}")
        for name in header
        if name not in columns
    ]
    wrong += [Problem(name, "is missing", "add the column") for name in needed if name not in header]
    wrong += [Problem(name, "is there twice", "keep one") for name in dict.fromkeys(header) if header.count(name) > 1]
    found.extend(FileProblem(file, 1, problem) for problem in wrong)
    if wrong:
        return
    line = reader.line_num
    while True:
        begins = line + 1
        try:
            cells = next(reader, None)
        except csv.Error as error:
            told = Problem("", f"cannot be read: {error}", "check the quotation marks; what follows was not read")
            found.append(FileProblem(file, begins, told))
            return
        if cells is None:
            return
        line = reader.line_num
        if any(cell.strip() for cell in cells[len(header) :]):
            message = f"has {len(cells)} cells, the header {len(header)}"
            remedy = "put text that holds the separator in quotation marks"
            found.append(FileProblem(file, begins, Problem("", message, remedy)))
        elif any(cell.strip() for cell in cells):
            filled = zip(header, cells, strict=False)
            yield begins, {name: cell.strip() for name, cell in filled if cell.strip()}


def _districts(stations_text: str, names_text: str | None, found: list[FileProblem]) -> list[RegistryEntry]:
    stations = _stations(stations_text, found)
    # Where rows were refused, which districts have stations is not known yet.
    complete = not found
    names = _names(names_text, stations if complete else None, found) if names_text is not None else {}
    if found:
        return []
    districts = [
        DistrictStations(schema_version=1, district=code, name=names.get(code, code), stations=tuple(here))
        for code, here in sorted(stations.items())
    ]
    near = neighbours(districts, Windows().spread_metres)
    return [district.model_copy(update={"neighbours": near[district.district]}) for district in districts]


def _stations(text: str, found: list[FileProblem]) -> dict[str, list[StationEntry]]:
    """The stations by district, in the order of the file."""
    stations: dict[str, list[StationEntry]] = {}
    lines: dict[str, int] = {}
    before = len(found)
    for line, cells in _rows(STATIONS, text, _STATION_COLUMNS, _STATION_NEEDED, found):
        station = _station(line, cells, found)
        if station is None:
            continue
        first = lines.setdefault(station.station_id, line)
        if first != line:
            told = Problem("station_id", f"is that of line {first} too", "give each station a number of its own")
            found.append(FileProblem(STATIONS, line, told))
            continue
        stations.setdefault(district_of(station.station_id), []).append(station)
    if not stations and len(found) == before:
        found.append(FileProblem(STATIONS, None, Problem("", "has no station", "add a row for each station")))
    return stations


def _station(line: int, cells: dict[str, str], found: list[FileProblem]) -> StationEntry | None:
    problems = []
    try:
        station = StationEntry.model_validate(cells)
    except ValidationError as error:
        problems = [_worded(problem) for problem in problems_of(error)]
    else:
        for name, value, (least, most) in (("lat", station.lat, _LAT), ("lon", station.lon, _LON)):
            if not least <= value <= most:
                problems.append(Problem(name, *_OUTSIDE))
        if not problems:
            return station
    found.extend(FileProblem(STATIONS, line, problem) for problem in problems)
    return None


def _worded(problem: Problem) -> Problem:
    """A contract's problem in the words of who fills in a table."""
    match problem.field:
        case "station_id" if "pattern" in problem.message:
            remedy = "write the village's code, - and three digits, such as 33.26.08.2001-003"
            return Problem(problem.field, "is no number of a station", remedy)
        case "lat" | "lon" if "valid number" in problem.message:
            return Problem(problem.field, "is no number", "write degrees with a decimal point, such as -7.0591")
        case "lat" | "lon":
            return Problem(problem.field, *_OUTSIDE)
        case "vulnerability":
            return Problem(problem.field, "is no class", f"write one of {', '.join(Vulnerability)}")
        case "voters":
            return Problem(
                problem.field, "is no number of voters", "write digits only, such as 312, or leave it empty"
            )
        case _:
            return Problem(problem.field, problem.message, problem.remedy)


def _names(text: str, stations: Collection[str] | None, found: list[FileProblem]) -> dict[str, str]:
    """The districts' names by code."""
    names: dict[str, str] = {}
    for line, cells in _rows(DISTRICTS, text, _DISTRICT_COLUMNS, _DISTRICT_COLUMNS, found):
        code, name = cells.get("code", ""), cells.get("name", "")
        problem = _name_problem(code, name, names, stations)
        if problem is not None:
            found.append(FileProblem(DISTRICTS, line, problem))
        names.setdefault(code, name)
    return names


def _name_problem(code: str, name: str, names: Collection[str], stations: Collection[str] | None) -> Problem | None:
    if not _DISTRICT.match(code):
        return Problem("code", "is no code of a district", "write it as 33.26.08")
    if not name or len(name) > 120:
        return Problem("name", "is missing or longer than 120 characters", "write the district's name")
    if code in names:
        return Problem("code", "is there twice", "keep one")
    if stations is not None and code not in stations:
        return Problem("code", f"has no station in {STATIONS}", "add its stations, or remove the row")
    return None
