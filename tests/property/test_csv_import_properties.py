"""Whatever a file holds, the import names what is wrong and reads the rest; it never falls over."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from producers.csv_import.columns import COLUMNS
from producers.csv_import.rows import FileUnusable, read_rows

NOW = datetime(2022, 2, 23, 6, 0, tzinfo=UTC)
CELL = st.one_of(
    st.text(max_size=30),
    st.sampled_from(
        [
            *("report", "checkin", "open", "violence.brawl", "33.26.08.2001-003", "2022-02-23T09:14:05+07:00"),
            *("officer", "a-1", "ya", "nan", "-0", "1e999", "9" * 400, "\ud800", "\x00", "٣"),
        ]
    ),
)


@given(st.text(max_size=300))
def test_any_text_is_read_or_refused_as_a_file(text: str) -> None:
    refusal = "no refusal; no remedy"
    try:
        list(read_rows(io.StringIO(text, newline=""), NOW))
    except FileUnusable as error:
        refusal = str(error)
    assert all(";" in line for line in refusal.splitlines())


@settings(max_examples=300)
@given(st.lists(st.lists(CELL, min_size=len(COLUMNS), max_size=len(COLUMNS)), max_size=5))
def test_every_row_is_a_message_or_has_problems_with_remedies(table: list[list[str]]) -> None:
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    writer.writerows(table)

    for row in read_rows(io.StringIO(out.getvalue(), newline=""), NOW):
        assert (row.message is None) == bool(row.problems)
        assert all(problem.message and problem.remedy for problem in row.problems)
        if row.message is not None:
            row.message.to_json()
