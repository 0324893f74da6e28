"""Two incidents made one, and reports split off, on an incident's own page."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.browser.conftest import LivePage
from tests.browser.test_live_page import own_errors, sign_in
from tests.support import builders, filled

pytestmark = pytest.mark.browser


def offered(page: Any) -> list[str]:
    """The ids of what can be chosen, in their order."""
    return list(page.eval_on_selector_all(".pick input", "inputs => inputs.map(input => input.value)"))


def test_an_operator_merges_by_keyboard_and_nothing_is_lost_where_it_is_refused(browser: Any, live: LivePage) -> None:
    old = builders.now() - timedelta(minutes=20)
    brawl = filled.incident("violence.brawl", severity=2)
    here = filled.incident("order.crowd", severity=4, opened=old)
    newer = filled.incident("order.blockade", station=builders.SECOND_STATION)
    older = filled.incident("hazard.flood", station=builders.SECOND_STATION, opened=old)
    closed = filled.incident("order.convoy", state="resolved")
    live.rows.put(brawl, here, newer, older, closed, filled.incident(station=builders.OTHER_STATION))
    page = sign_in(browser, live)
    page.wait_for_function("document.querySelectorAll('a.row').length === 5")
    page.goto(f"{live.url}/#/incident/{brawl['incident_id']}")
    page.get_by_role("button", name="Gabungkan").press("Enter")
    page.wait_for_selector(".pick input")
    send = page.get_by_role("button", name="Kirim")

    # Of the district and open: the nearest first, then the newest.
    assert offered(page) == [one["incident_id"] for one in (here, newer, older)]
    assert send.is_disabled()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    page.keyboard.type("kerumunan yang sama")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")

    page.wait_for_selector(".incident .sending")
    page.wait_for_selector(".toasts .bad", timeout=15000)  # Kafka is away
    assert page.query_selector(".incident .sending") is None
    assert page.input_value(".ask textarea") == "kerumunan yang sama"
    assert page.is_checked(f".pick input[value='{newer['incident_id']}']")

    # As the streams answer the command.
    live.rows.put({**brawl, "version": 2, "state": "merged", "merged_into": newer["incident_id"], "report_count": 0})
    page.get_by_role("link", name="Digabung ke kejadian").click()

    page.wait_for_function(f"location.hash === '#/incident/{newer['incident_id']}'")
    assert own_errors(page) == []


def test_some_of_the_reports_are_split_off_and_never_all(browser: Any, live: LivePage) -> None:
    one = filled.incident("violence.brawl", report_count=2, reporter_count=2)
    live.rows.put(one)
    first, second, third = (builders.report(by=f"anggota-{n}") for n in (1, 2, 3))
    for report in (first, second, {**third, "corrects": first["report_id"]}):
        live.rows.put_report(report, one["incident_id"])
    page = sign_in(browser, live)
    page.goto(f"{live.url}/#/incident/{one['incident_id']}")
    page.wait_for_selector(".incident .reports .meta")
    page.get_by_role("button", name="Pisahkan").click()
    page.wait_for_selector(".pick input")
    send = page.get_by_role("button", name="Kirim")

    # What was corrected does not stand any more.
    assert set(offered(page)) == {second["report_id"], third["report_id"]}
    assert send.is_disabled()
    page.keyboard.press("Space")
    assert send.is_enabled()
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    assert send.is_disabled()
    assert own_errors(page) == []
