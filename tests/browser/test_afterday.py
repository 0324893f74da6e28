"""The report after the day in a real Chromium: on paper, on a phone, without a network."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from siaga.afterday.page import Edition
from siaga.afterday.paper import print_pdf
from siaga.afterday.report import make_report
from tests.support import paperday
from tests.support.databases import SqliteDatabase
from tests.support.filled import Filled

pytestmark = pytest.mark.browser


def test_the_paper_is_printed_and_fits_a_phone_without_asking_for_anything(
    browser: Any, sqlite: SqliteDatabase, tmp_path: Path
) -> None:
    rows, page = Filled(sqlite.url), tmp_path / "laporan.html"
    paperday.fill(rows)
    with rows.engine.connect() as connection:
        made = make_report(
            connection,
            paperday.DAY,
            edition=Edition.COMMANDER,
            language="id",
            outlines=None,
            at=paperday.at(24),
        )
    page.write_text(made, "utf-8")

    print_pdf(page, tmp_path / "laporan.pdf")
    phone = browser.new_context(viewport={"width": 390, "height": 844}).new_page()
    asked: list[str] = []
    phone.on("request", lambda request: asked.append(request.url))
    phone.goto(page.as_uri())

    pdf = (tmp_path / "laporan.pdf").read_bytes()
    assert pdf.startswith(b"%PDF-")
    assert len(re.findall(rb"/Type\s*/Page\b", pdf)) >= 2
    assert b"595" in pdf  # the width of A4 in points
    assert asked == [page.as_uri()]
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390
