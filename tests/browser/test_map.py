"""The map beside the queue: many incidents on it, and leaving it while it moves."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.browser.conftest import LivePage
from tests.browser.test_live_page import own_errors, sign_in
from tests.support import builders, filled

pytestmark = pytest.mark.browser

#: Filters whose chosen word needs more room than there is.
_NARROW = """() => [...document.querySelectorAll('.filters select')].filter((select) => {
  const alone = select.cloneNode(false);
  alone.append(select.selectedOptions[0].cloneNode(true));
  alone.style.cssText = 'width: auto; position: absolute';
  select.parentNode.append(alone);
  const needed = alone.offsetWidth;
  alone.remove();
  return needed > select.offsetWidth;
}).map((select) => select.getAttribute('aria-label'))"""


@pytest.mark.parametrize("language", ["id", "en"])
def test_the_words_of_the_filters_are_not_cut(browser: Any, live: LivePage, language: str) -> None:
    live.rows.put(filled.incident(severity=2))
    page = sign_in(browser, live)
    page.goto(f"{live.url}/?language={language}")
    page.wait_for_selector("a.row")

    assert page.evaluate(_NARROW) == []


def test_leaving_the_map_while_it_moves_breaks_nothing(browser: Any, live: LivePage) -> None:
    live.rows.put(filled.incident(severity=1))
    page = sign_in(browser, live)
    for turn in range(3):
        page.wait_for_selector(".pin.sev1")
        # Away in the same moment; what the map had begun would end a quarter of a second later.
        page.evaluate("""() => {
          document.querySelector('.leaflet-control-zoom-in').click();
          window.location.hash = '#/trends';
          window.left = performance.now();
        }""")
        page.wait_for_selector(".trends")
        page.wait_for_function("performance.now() - window.left > 700")
        assert (turn, own_errors(page)) == (turn, [])
        page.evaluate("window.location.hash = '#/situation'")


def test_with_hundreds_open_the_gravest_are_pins_and_a_new_grave_one_is_among_them(
    browser: Any, live: LivePage
) -> None:
    start = builders.now() - timedelta(hours=1)
    live.rows.put(*(filled.incident(severity=4, opened=start + timedelta(seconds=n)) for n in range(400)))
    page = sign_in(browser, live)
    page.wait_for_selector(".pin.sev4")
    page.wait_for_function("document.querySelector('.count').innerText.includes('400')")

    new = filled.incident("violence.mass_clash", severity=1, station=builders.OTHER_STATION)
    live.rows.put(new)

    page.wait_for_selector(".pin.sev1.open")
    assert page.locator(".leaflet-marker-icon").count() == 150
    page.click(".pin.sev1")
    page.wait_for_selector(".incident .facts")
    assert page.evaluate("window.location.hash") == f"#/incident/{new['incident_id']}"
    assert own_errors(page) == []
