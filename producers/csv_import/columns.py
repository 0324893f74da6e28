"""The columns of an import file: how each is written, and where it belongs in the contract."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

#: What a spreadsheet or a clerk writes for yes and no.
_BOOLEANS: Final = {
    **dict.fromkeys(("true", "yes", "ya", "1", "benar"), True),
    **dict.fromkeys(("false", "no", "tidak", "0", "salah"), False),
}


class CellError(ValueError):
    """A cell cannot be read; ``message`` says what is wrong and ``remedy`` what to write."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(f"{message}; {remedy}")
        self.message = message
        self.remedy = remedy


def _text(cell: str) -> str:
    return cell


def _whole(cell: str) -> int:
    try:
        return int(cell) if cell.isascii() else int("x")
    except ValueError:
        raise CellError("is not a whole number", "write digits only, such as 12") from None


def _decimal(cell: str) -> float:
    try:
        return float(cell)
    except ValueError:
        raise CellError("is not a number", "write degrees with a decimal point, such as -7.0591") from None


def _boolean(cell: str) -> bool:
    try:
        return _BOOLEANS[cell.lower()]
    except KeyError:
        raise CellError("is neither yes nor no", "write true or false (or ya, tidak)") from None


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its place in the contract, how it is read, and which type of row may fill it."""

    place: tuple[str, ...]
    read: Callable[[str], Any] = _text
    only: str | None = None


#: Every column a file may have.
COLUMNS: Final[Mapping[str, Column]] = {
    "type": Column(()),
    "report_id": Column(("report_id",)),
    "station_id": Column(("station_id",)),
    "occurred_at": Column(("occurred_at",)),
    "sent_at": Column(("sent_at",)),
    "reporter_id": Column(("reporter", "id")),
    "reporter_role": Column(("reporter", "role")),
    "lat": Column(("location", "lat"), _decimal),
    "lon": Column(("location", "lon"), _decimal),
    "accuracy_m": Column(("location", "accuracy_m"), _decimal),
    "drill": Column(("drill",), _boolean),
    "kind": Column(("kind",), only="report"),
    "injured": Column(("facts", "injured"), _whole, "report"),
    "dead": Column(("facts", "dead"), _whole, "report"),
    "crowd": Column(("facts", "crowd"), _whole, "report"),
    "weapons": Column(("facts", "weapons"), only="report"),
    "ballots_threatened": Column(("facts", "ballots_threatened"), _boolean, "report"),
    "voting_stopped": Column(("facts", "voting_stopped"), _boolean, "report"),
    "accused_unit": Column(("facts", "accused_unit"), only="report"),
    "text": Column(("text",), only="report"),
    "corrects": Column(("corrects",), only="report"),
    "withdraws": Column(("withdraws",), _boolean, "report"),
    "phase": Column(("phase",), only="checkin"),
    "turnout": Column(("turnout",), _whole, "checkin"),
    "queue": Column(("queue",), _whole, "checkin"),
    "personnel": Column(("personnel",), _whole, "checkin"),
}

#: Columns without which no row can be used.
REQUIRED: Final = ("station_id", "occurred_at", "reporter_id", "reporter_role")
TYPES: Final = ("report", "checkin")

_BY_PLACE: Final = {".".join(column.place): name for name, column in COLUMNS.items() if column.place}


def column_of(place: str) -> str:
    """The column of a contract's field, such as ``reporter_id`` for ``reporter.id``."""
    return _BY_PLACE.get(place, {"reporter": "reporter_id", "location": "lat"}.get(place, place))
