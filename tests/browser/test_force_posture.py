"""The force posture on the duty board: for who commands, and for nobody else."""

from __future__ import annotations

from typing import Any

import pytest

from siaga.types import Vulnerability
from tests.browser.conftest import LivePage
from tests.browser.test_live_page import sign_in
from tests.support import builders, filled

pytestmark = pytest.mark.browser


def test_a_commander_sees_where_officers_are_short_and_an_operator_sees_no_plan(browser: Any, live: LivePage) -> None:
    live.rows.put(filled.incident("violence.mass_clash", severity=1))
    commander, operator = sign_in(browser, live, "commander"), sign_in(browser, live, "operator")
    for page in (commander, operator):
        page.goto(f"{live.url}/#/duty")

    commander.wait_for_selector(".posture tbody tr")
    rows = [row.inner_text() for row in commander.query_selector_all(".posture tbody tr")]
    operator.wait_for_selector(".tables .empty")

    # The sum, then the district that is short: a clash needs more than three safe stations have.
    assert len(rows) == 3
    assert rows[1].startswith(f"Kecamatan {builders.DISTRICT}")
    assert f"{Vulnerability.AMAN} 3" in rows[1]
    assert rows[1].split()[-1] != "0"
    assert rows[2].split()[-1] == "0"
    assert operator.query_selector(".posture") is None
