"""The map on a phone, where it begins behind the list."""

from __future__ import annotations

from typing import Any

import pytest

from tests.browser.conftest import LivePage
from tests.browser.test_live_page import PHONE, sign_in
from tests.support import filled
from tests.support.wait import until

pytestmark = pytest.mark.browser


def test_the_map_shows_the_incident_when_it_comes_out_from_behind_the_list(browser: Any, live: LivePage) -> None:
    live.rows.put(filled.incident(severity=1))
    page = sign_in(browser, live, size=PHONE)
    page.wait_for_selector("a.row")

    page.get_by_role("button", name="Peta").click()

    def in_view() -> bool:
        box = page.locator(".leaflet-marker-icon").first.bounding_box()
        frame = page.locator(".leaflet-container").bounding_box()
        inside = box and frame and frame["x"] <= box["x"] and box["x"] + box["width"] <= frame["x"] + frame["width"]
        return bool(inside) and frame["y"] <= box["y"] <= frame["y"] + frame["height"]

    until(in_view, what="the incident on the map")
