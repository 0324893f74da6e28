"""Imports a file: good rows to Kafka, wrong ones to ``siaga.rejected``, and every one of these named to the user."""

from __future__ import annotations

import base64
import io
import json
import sys
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from producers.csv_import.rows import FileUnusable, Row, read_rows
from producers.publisher import Publisher
from siaga.contracts.checkin import AcceptedCheckIn
from siaga.contracts.decode import words_of
from siaga.contracts.rejection import Rejection, rejection_id
from siaga.contracts.topics import CHECKINS, MAX_ARRAY, REJECTED, REPORTS
from siaga.settings import Settings, load_settings
from siaga.types import district_of

SOURCE: Final = "csv"
#: Key of rejected rows: a row that cannot be used names no district that could be trusted.
_NO_DISTRICT: Final = "csv"
#: How long Kafka may take for what was sent, in seconds.
_PATIENCE: Final = 60.0


class KafkaAway(Exception):
    """Kafka did not take everything; importing the same file again completes it and doubles nothing."""


def run(file: Path, *, dry_run: bool, as_json: bool, settings: Settings | None = None) -> int:
    """Import ``file``; the exit code: 0, 1 if rows were refused, 2 if the file or Kafka cannot be used.

    Raises:
        siaga.settings.SettingsError: no broker is set (never in a dry run).
    """
    err = Console(stderr=True, highlight=False)
    counts = {"reports": 0, "checkins": 0, "refused": 0}
    wrong: list[dict[str, Any]] = []
    try:
        text = _read(file)
        # Unlike splitlines, this ends a line only where CSV does.
        rows = read_rows(io.StringIO(text, newline=""), datetime.now(UTC))
        with _sender(dry_run, settings) as send, _progress(err, text.count("\n")) as advance:
            for row in rows:
                send(row, file.name)
                advance(row.line)
                if row.message is None:
                    counts["refused"] += 1
                    for p in row.problems:
                        wrong.append({"line": row.line, "field": p.field, "message": p.message, "remedy": p.remedy})
                        place = f"{file}:{row.line} {p.field}".rstrip()
                        err.print(f"{place}: {p.message}; {p.remedy}", markup=False, soft_wrap=True)
                else:
                    counts["checkins" if isinstance(row.message, AcceptedCheckIn) else "reports"] += 1
    except FileUnusable as error:
        for line in str(error).splitlines():
            err.print(f"{file}:{line}", markup=False, soft_wrap=True)
        return 2
    except KafkaAway as error:
        err.print(f"siaga: {error}", markup=False, soft_wrap=True)
        return 2
    if as_json:
        sys.stdout.write(json.dumps({"file": str(file), "dry_run": dry_run, **counts, "problems": wrong}) + "\n")
    else:
        done = "are good" if dry_run else "imported"
        said = f"{counts['reports']:,} reports and {counts['checkins']:,} check-ins {done}"
        sys.stdout.write(f"{said}, {counts['refused']:,} rows refused.\n")
    return 1 if counts["refused"] else 0


def _read(file: Path) -> str:
    try:
        return file.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise FileUnusable(f" cannot be read: {error.strerror}; check the name and the permissions") from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise FileUnusable(f"{line}: is not UTF-8; save the file as 'CSV UTF-8'") from None


@contextmanager
def _sender(dry_run: bool, settings: Settings | None) -> Iterator[Any]:
    """What to call with each row; at the end, everything has been taken by Kafka."""
    if dry_run:
        yield lambda row, name: None
        return
    sender = _Sender(settings or load_settings())
    try:
        yield sender.send
        sender.finish()
    finally:
        sender.close()


class _Sender:
    """Gathers rows of a district into arrays, and remembers what Kafka has not taken yet."""

    def __init__(self, settings: Settings) -> None:
        self._publisher = Publisher(settings, "siaga-csv")
        self._gathered: defaultdict[tuple[str, str, str], list[bytes]] = defaultdict(list)
        self._sent: list[Future[None]] = []

    def send(self, row: Row, name: str) -> None:
        message = row.message
        if message is None:
            self._gather(REJECTED, _NO_DISTRICT, "rejection", _rejection(row, name).to_json())
        elif isinstance(message, AcceptedCheckIn):
            self._gather(CHECKINS, district_of(message.station_id), "checkin", message.to_json())
        else:
            self._gather(REPORTS, district_of(message.station_id), "report", message.to_json())

    def finish(self) -> None:
        """Wait until Kafka has everything.

        Raises:
            KafkaAway: it has not, or refused something.
        """
        for topic, district, kind in list(self._gathered):
            self._publish(topic, district, kind)
        try:
            self._publisher.flush(_PATIENCE)
            for future in self._sent:
                future.result(timeout=_PATIENCE)
        except Exception as error:
            raise _away(error) from error

    def close(self) -> None:
        self._publisher.close(5.0)

    def _gather(self, topic: str, district: str, kind: str, item: bytes) -> None:
        gathered = self._gathered[topic, district, kind]
        gathered.append(item)
        if len(gathered) >= MAX_ARRAY:
            self._publish(topic, district, kind)

    def _publish(self, topic: str, district: str, kind: str) -> None:
        items = self._gathered.pop((topic, district, kind))
        sent = self._publisher.publish(topic, district, items, kind)
        if sent.done() and (error := sent.exception()) is not None:
            # It waited for Kafka already; every further array would wait as long again.
            raise _away(error) from error
        self._sent.append(sent)


def _away(error: BaseException) -> KafkaAway:
    return KafkaAway(
        f"kafka: did not take every row ({type(error).__name__}: {error}); "
        "import the same file again when it answers, nothing is doubled"
    )


def _rejection(row: Row, name: str) -> Rejection:
    """A wrong row as it is kept: its own line, whole, and every problem. Values stay in ``original`` alone."""
    original = row.raw.encode()
    return Rejection(
        schema_version=1,
        rejection_id=rejection_id(SOURCE, f"{name}:{row.line}", original),
        reason=row.reason,
        **words_of(row.problems),
        source=SOURCE,
        index=row.line,
        original=base64.b64encode(original).decode(),
        at=datetime.now(UTC),
    )


@contextmanager
def _progress(err: Console, lines: int) -> Iterator[Any]:
    if not err.is_terminal:
        yield lambda line: None
        return
    with Progress(TextColumn("lines"), BarColumn(), MofNCompleteColumn(), console=err) as bar:
        task = bar.add_task("lines", total=lines)
        yield lambda line: bar.update(task, completed=line)
