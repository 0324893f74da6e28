"""Reads an import file row by row: each comes out as a report, a check-in, or as refused with its remedies. Pure."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from typing import Any, Final
from uuid import UUID, uuid5

from producers.csv_import.columns import COLUMNS, REQUIRED, TYPES, CellError, column_of
from siaga.contracts.checkin import AcceptedCheckIn
from siaga.contracts.decode import Problem, validate
from siaga.contracts.rejection import RejectReason
from siaga.contracts.report import AcceptedReport

#: Name space of ids made for rows that bring none.
_NAMESPACE: Final = UUID("0d9d5c0c-6a0e-5b62-9e0b-2d1b6c5f7a44")
DEVICE: Final = "csv"


class FileUnusable(ValueError):
    """The file as a whole cannot be imported; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row: the message it became, or the problems that it has. ``line`` is its first line in the file."""

    line: int
    raw: str
    message: AcceptedReport | AcceptedCheckIn | None = None
    reason: RejectReason = RejectReason.INVALID
    problems: tuple[Problem, ...] = ()


def read_rows(lines: Iterable[str], received_at: datetime) -> Iterator[Row]:
    """The rows of a file.

    A row without a ``report_id`` gets one made from its own content (and, among rows that are alike, its place among
    them), so that importing a file again, or again after another row was mended, makes no report twice.

    Args:
        lines: the file's lines, with their ends, header first. Comma or semicolon between cells.
        received_at: the time of the import.

    Raises:
        FileUnusable: there is no header, or a column is missing, unknown or named twice.
    """
    kept = _Kept(lines)
    first = next(kept, None)
    if first is None or not first.strip():
        raise FileUnusable(f"1: has no header; write the columns in the first line: {', '.join(REQUIRED)}, …")
    delimiter = ";" if first.count(";") > first.count(",") else ","
    try:
        header = [name.strip().lower() for name in next(csv.reader([first], delimiter=delimiter))]
    except csv.Error as error:
        raise FileUnusable(f"1: cannot be read: {error}; write the columns' names, such as {REQUIRED[0]}") from None
    _check(header)
    return _rows(csv.reader(kept, delimiter=delimiter), kept, header, received_at)


class _Kept:
    """Lines as they are consumed, so that a refused row can be kept as it came."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = iter(lines)
        self._taken: list[str] = []
        self.number = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        self.number += 1
        self._taken.append(line)
        return line

    def take(self) -> tuple[int, str]:
        """The number of the first line since the last call, and the lines."""
        raw = "".join(self._taken)
        first = self.number - len(self._taken) + 1
        self._taken.clear()
        return first, raw.rstrip("\r\n")


def _check(header: list[str]) -> None:
    problems = []
    for name, times in Counter(header).items():
        if name not in COLUMNS:
            near = get_close_matches(name, COLUMNS, 1)
            remedy = f"rename it to {near[0]}" if near else "remove it"
            shown = name if name.isidentifier() else repr(name[:40])
            problems.append(f"1 {shown}: is no column of an import; {remedy}")
        elif times > 1:
            problems.append(f"1 {name}: is there {times} times; keep one")
    problems += [f"1 {name}: is missing; add the column" for name in REQUIRED if name not in header]
    if problems:
        raise FileUnusable("\n".join(problems))


def _rows(reader: Any, kept: _Kept, header: list[str], received_at: datetime) -> Iterator[Row]:
    alike: Counter[str] = Counter()
    kept.take()
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            line, raw = kept.take()
            yield Row(line, raw, problems=(Problem("", f"cannot be read: {error}", "check the quotation marks"),))
            continue
        line, raw = kept.take()
        if any(cell.strip() for cell in cells):
            yield _row(
                line=line,
                raw=raw,
                header=header,
                cells=[cell.strip() for cell in cells],
                received_at=received_at,
                alike=alike,
            )


def _row(
    *, line: int, raw: str, header: list[str], cells: list[str], received_at: datetime, alike: Counter[str]
) -> Row:
    if len(cells) > len(header) and any(cells[len(header) :]):
        found = f"has {len(cells)} cells, the header {len(header)}"
        problem = Problem("", found, "put text that holds the separator in quotation marks")
        return Row(line, raw, problems=(problem,))
    filled = {name: cell for name, cell in zip(header, cells, strict=False) if cell}
    kind = filled.pop("type", "report").lower()
    if kind not in TYPES:
        problem = Problem("type", f"{kind[:40]!r} is no type of row", f"write {' or '.join(TYPES)}")
        return Row(line, raw, problems=(problem,))

    item, problems = _item(filled, kind)
    if "report_id" not in filled:
        content = json.dumps([kind, sorted(filled.items())])
        alike[content] += 1
        item["report_id"] = str(uuid5(_NAMESPACE, f"{content}|{alike[content]}"))
    item |= {"schema_version": 1, "channel": "csv", "received_at": received_at.isoformat(), "device_id": DEVICE}
    return _judged(line, raw, AcceptedReport if kind == "report" else AcceptedCheckIn, item, problems)


def _judged(
    line: int,
    raw: str,
    model: type[AcceptedReport] | type[AcceptedCheckIn],
    item: dict[str, Any],
    problems: list[Problem],
) -> Row:
    """The row, with the contract's objections besides the cells' own."""
    result: AcceptedReport | AcceptedCheckIn | tuple[RejectReason, tuple[Problem, ...]] = validate(model, item)
    if not isinstance(result, tuple):
        # A cell that could not be read left no trace in the item: the contract alone cannot miss it.
        return Row(line, raw, problems=tuple(problems)) if problems else Row(line, raw, message=result)
    reason, found = result
    known = {problem.field for problem in problems}
    named = [Problem(column_of(p.field), p.message, p.remedy) for p in found]
    return Row(line, raw, reason=reason, problems=(*problems, *(p for p in named if p.field not in known)))


def _item(filled: dict[str, str], kind: str) -> tuple[dict[str, Any], list[Problem]]:
    """The contract's object as far as the cells can be read, and what is wrong with the cells."""
    item: dict[str, Any] = {}
    problems: list[Problem] = []
    for name, cell in filled.items():
        column = COLUMNS[name]
        if column.only is not None and column.only != kind:
            problems.append(Problem(name, f"belongs to a {column.only}, not to a {kind}", "leave the cell empty"))
            continue
        try:
            value = column.read(cell)
        except CellError as error:
            problems.append(Problem(name, error.message, error.remedy))
            continue
        into = item
        for part in column.place[:-1]:
            into = into.setdefault(part, {})
        into[column.place[-1]] = value
    return item, problems
