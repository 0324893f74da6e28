"""The live page in a real browser, as operators use it through the day."""

from __future__ import annotations

import json
import re
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest

from siaga.contracts.command import Action
from siaga.links import Link, make_links
from tests.browser.conftest import LivePage
from tests.support import builders, filled
from tests.support.centre import PASSWORD
from tests.support.wait import until

pytestmark = pytest.mark.browser

DESKTOP = {"width": 1366, "height": 768}
PHONE = {"width": 390, "height": 844}
#: Of the cheaper telephones that officers carry.
SMALL = {"width": 360, "height": 640}


def sign_in(browser: Any, live: LivePage, name: str = "operator", size: dict[str, int] | None = None) -> Any:
    """A page of its own on which somebody has signed in, with the errors it met."""
    page = browser.new_context(viewport=size or DESKTOP).new_page()
    page.errors = []
    page.on("pageerror", lambda error: page.errors.append(str(error)))
    page.on("request", lambda request: page.errors.append(request.url) if live.url not in request.url else None)
    page.goto(live.url)
    page.fill("#name", name)
    page.fill("#password", PASSWORD)
    page.click("button")
    page.wait_for_selector(".pulse")
    return page


def queue(page: Any) -> list[str]:
    """The ids of the rows, in their order."""
    return list(page.eval_on_selector_all("a.row", "rows => rows.map(row => row.dataset.id)"))


def own_errors(page: Any) -> list[str]:
    return [error for error in page.errors if not error.startswith(("data:", "blob:"))]


@contextmanager
def canaries_arrive(port: int) -> Iterator[None]:
    """Sinks that say that a canary arrived a second ago."""

    class Sinks(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"siaga_store_canary_age_seconds 1.0\n")

        def log_message(self, format: str, *args: object) -> None:
            """Nobody reads it."""

    with ThreadingHTTPServer(("127.0.0.1", port), Sinks) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield
        server.shutdown()


def age_of_data(page: Any) -> int:
    """What the strip says of it, in seconds; -1 where it says nothing."""
    found = re.match(r"(\d+) ", page.inner_text(".figure:has-text('Usia data') b"))
    return int(found[1]) if found else -1


def test_a_new_incident_appears_by_itself_and_an_operator_takes_it_on_two_screens(
    browser: Any, live: LivePage
) -> None:
    first, second = sign_in(browser, live), sign_in(browser, live, "commander")
    old = filled.incident("hazard.flood", severity=3)
    live.rows.put(old)
    for page in (first, second):
        page.wait_for_selector("a.row.sev3", timeout=3000)

    new = filled.incident("violence.mass_clash", severity=1)
    live.rows.put(new)

    for page in (first, second):
        page.wait_for_selector("a.row.sev1.fresh", timeout=3000)
        assert queue(page) == [new["incident_id"], old["incident_id"]]
    first.click("a.row.sev1")
    first.wait_for_selector(".incident .reasons li")
    # As the streams answer the command, which has no broker to go to here.
    taken = {**new, "version": 2, "state": "acknowledged", "acknowledged_by": "operator"}
    live.rows.put(taken)
    second.wait_for_selector(f"a.row.acknowledged[data-id='{new['incident_id']}']", timeout=3000)
    assert "operator" in second.inner_text(f"a.row[data-id='{new['incident_id']}']")
    assert own_errors(first) == own_errors(second) == []


def test_a_decision_that_is_refused_is_undone_and_what_was_typed_is_kept(browser: Any, live: LivePage) -> None:
    incident = filled.incident(severity=2)
    live.rows.put(incident)
    page = sign_in(browser, live)
    page.click("a.row")
    page.get_by_role("button", name="Bantah").click()
    page.fill(".ask textarea", "hanya cekcok mulut")

    page.get_by_role("button", name="Kirim").click()

    page.wait_for_selector(".incident .sending")
    page.wait_for_selector(".toasts .bad", timeout=15000)  # Kafka is away
    assert page.query_selector(".incident .sending") is None
    assert page.input_value(".ask textarea") == "hanya cekcok mulut"
    assert page.query_selector("a.row.open") is not None


def test_the_page_says_in_red_that_it_is_stale_and_catches_up_when_the_server_is_back(
    browser: Any, live: LivePage
) -> None:
    with canaries_arrive(live.settings.sinks_metrics_port):
        page = sign_in(browser, live)
        live.rows.put(filled.incident(severity=4))
        page.wait_for_selector("a.row.sev4", timeout=3000)
        until(lambda: 1 <= age_of_data(page) <= 3, what="the age of data")

    live.process.kill()
    page.wait_for_selector(".alarm-bar", timeout=15000)
    assert age_of_data(page) >= 5
    missed = filled.incident(severity=1)
    live.rows.put(missed)
    live.start()

    page.wait_for_selector(f"a.row.sev1[data-id='{missed['incident_id']}']", timeout=20000)
    page.wait_for_selector(".alarm-bar", state="detached", timeout=10000)
    assert len(queue(page)) == 2


def test_filters_language_and_keyboard(browser: Any, live: LivePage) -> None:
    old = builders.now() - timedelta(minutes=5)
    flood = filled.incident("hazard.flood", severity=3, station=builders.OTHER_STATION, opened=old)
    brawl = filled.incident("violence.brawl", severity=2, opened=old)
    over = filled.incident("violence.assault", severity=2, state="resolved")
    live.rows.put(flood, brawl, over)
    page = sign_in(browser, live)
    page.wait_for_selector("a.row")

    page.fill("input[type=search]", "banjir")
    until(lambda: queue(page) == [flood["incident_id"]], what="the search")
    page.fill("input[type=search]", "")
    page.keyboard.press("Escape")
    page.keyboard.press("2")
    until(lambda: queue(page) == [brawl["incident_id"]], what="the severity")
    page.keyboard.press("2")
    page.select_option("select[aria-label=Keadaan]", "closed")
    until(lambda: queue(page) == [over["incident_id"]], what="the state")
    page.click(".link")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_selector(".incident h2")
    assert page.inner_text(".incident h2").startswith("Perkelahian")
    page.keyboard.press("Escape")
    page.wait_for_selector(".incident", state="detached")
    page.click("a.language")
    page.wait_for_selector("a.row:has-text('Brawl')")
    assert page.get_attribute("html", "lang").startswith("en")
    assert page.inner_text("a.row .age").endswith(" · 1 report")
    assert page.inner_text(".filters .count").startswith("2 of 2 incidents")
    assert own_errors(page) == []


def test_every_role_sees_on_the_page_what_it_may(browser: Any, live: LivePage) -> None:
    ids = filled.secrets_everywhere(live.rows)
    seen = {}
    for role in ("viewer", "operator", "commander", "auditor"):
        page = sign_in(browser, live, role)
        page.goto(f"{live.url}/#/incident/{ids['plain']}")
        page.wait_for_selector(".incident .reports")
        seen[role] = (page.content(), len(page.query_selector_all(".actions button")))
        if role == "auditor":
            page.fill(".ask input", "pemeriksaan nomor 4")
            page.click(".ask button")
            page.wait_for_selector(f".reports >> text={filled.REPORTER}")
        page.context.close()

    texts = {role: text for role, (text, _) in seen.items()}
    assert {role for role, text in texts.items() if filled.REPORTER in text} == {"commander"}
    assert {role for role, text in texts.items() if filled.WHY in text} == {"commander"}
    assert {role for role, text in texts.items() if filled.PHONE in text} == {"operator", "commander"}
    assert {role for role, text in texts.items() if filled.OFFICER in text} == {"operator", "commander", "auditor"}
    assert [buttons > 0 for _, buttons in seen.values()] == [False, True, True, False]


def answered(live: LivePage, incident: dict[str, Any]) -> str:
    """The address that an officer's phone opens to answer a call about an incident."""
    page_id = live.rows.put_page(incident, officer="ipda-sari")
    soon = builders.now().timestamp() + 600
    return make_links(live.settings).url(Link(page_id, "ipda-sari", Action.ACKNOWLEDGE, soon))


def every_view(live: LivePage, incident: dict[str, Any]) -> dict[str, str]:
    """Each page and each part of the live page, with what stands on it when it is all there."""
    return {
        f"{live.url}/login": "form",
        f"{live.url}/public": ".figures",
        answered(live, incident): "form button",
        f"{live.url}/#/situation": "a.row",
        f"{live.url}/#/trends": ".trends .card",
        f"{live.url}/#/duty": ".tables",
        f"{live.url}/#/audit": ".tables td",
        f"{live.url}/#/incident/{incident['incident_id']}": ".incident .facts",
    }


def open_view(page: Any, live: LivePage, address: str, shown: str) -> None:
    """Go there, signing in on the way where it is part of the live page."""
    if "#" in address and page.query_selector(".pulse") is None:
        page.goto(f"{live.url}/login")
        page.fill("#name", "admin")
        page.fill("#password", PASSWORD)
        page.click("button")
        page.wait_for_selector("a.row")
    page.goto(address)
    page.wait_for_selector(shown)


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_nothing_serious_stands_in_the_way_of_a_screen_reader(
    browser: Any, live: LivePage, axe: str, theme: str
) -> None:
    incident = filled.incident(severity=2, opened=builders.now() - timedelta(minutes=9))
    live.rows.put(
        incident,
        filled.incident(severity=1, state="acknowledged", acknowledged_by="sari"),
        filled.incident("hazard.flood", severity=3, drill=True),
        filled.incident("facility.power", severity=4, needs_verification=True),
    )
    live.rows.put_ladder(incident)
    live.rows.put_page(incident, status="failed")
    page = browser.new_context(viewport=DESKTOP, color_scheme=theme, reduced_motion="reduce").new_page()
    found = {}
    for address, shown in every_view(live, incident).items():
        open_view(page, live, address, shown)
        page.evaluate(axe)
        result = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        grave = [v for v in result["violations"] if v["impact"] in ("serious", "critical")]
        found[address] = [f"{v['id']}: {v['nodes'][0]['target']} {v['nodes'][0]['failureSummary']}" for v in grave]

    assert {view: problems for view, problems in found.items() if problems} == {}


#: What can be touched or names a figure, and is cut off at a side of the screen, or whose words do not fit into it.
_CUT = """() => [...document.querySelectorAll('a, button, input, select, textarea, .figure > span, .totals span')]
  .filter((e) => e.checkVisibility({ visibilityProperty: true }) && !e.closest('.leaflet-container, .skip'))
  .filter((e) => {
    const box = e.getBoundingClientRect();
    const wide = ['BUTTON', 'SPAN'].includes(e.tagName) && e.scrollWidth > e.clientWidth + 1;
    return box.width && (box.left < -1 || box.right > window.innerWidth + 1 || wide);
  })
  .map((e) => e.outerHTML.slice(0, 120))"""


@pytest.mark.parametrize(
    ("size", "language"), [(DESKTOP, "id"), (SMALL, "id"), (SMALL, "en")], ids=["desktop", "phone", "phone-english"]
)
def test_nothing_runs_out_of_the_screen(browser: Any, live: LivePage, size: dict[str, int], language: str) -> None:
    incident = filled.incident(severity=2, needs_verification=True)
    live.rows.put(incident)
    context = browser.new_context(viewport=size)
    context.add_cookies([{"name": "siaga_language", "value": language, "url": live.url}])
    page = context.new_page()

    for address, shown in every_view(live, incident).items():
        open_view(page, live, address, shown)
        page.wait_for_function("document.readyState === 'complete'")
        wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        assert (address, wide <= 0, page.evaluate(_CUT)) == (address, True, [])


def test_a_slow_line_is_not_told_as_a_browser_that_is_too_old(browser: Any, live: LivePage) -> None:
    page = sign_in(browser, live)
    page.route(re.compile(r"/vue\."), lambda route: None)  # never comes

    page.goto(live.url, wait_until="commit")
    page.wait_for_selector("#esm-fallback", state="attached")

    told = page.evaluate("getComputedStyle(document.querySelector('#esm-fallback')).animationDelay")
    words = page.evaluate("getComputedStyle(document.body, '::before').content")
    assert (told, words) == ("30s", '"Memuat … · Loading …"')


def test_the_map_draws_the_outlines_of_the_settings(browser: Any, live: LivePage, tmp_path: Any) -> None:
    square = [[109.4, -7.2], [109.8, -7.2], [109.8, -6.9], [109.4, -6.9], [109.4, -7.2]]
    feature = {
        "type": "Feature",
        "properties": {"code": "33.26.09", "name": "Kecamatan Uji"},
        "geometry": {"type": "Polygon", "coordinates": [square]},
    }
    path = tmp_path / "outlines.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    live.process.kill()
    assert live.process.env is not None
    live.process.env["SIAGA_OUTLINES"] = str(path)
    live.start()
    live.rows.put(filled.incident(severity=1))
    page = sign_in(browser, live)

    page.wait_for_selector(".leaflet-land-pane path")
    page.wait_for_selector(".district-name >> text=Kecamatan Uji")
    page.wait_for_selector(".pin.sev1.open")
    assert re.search(r"\d", page.inner_text(".pulse"))
    page.click(".pin.sev1")
    page.wait_for_selector(".incident h2")


def test_an_address_that_is_none_gets_a_page_of_ours_and_stands_in_no_log(live: LivePage) -> None:
    token = make_links(live.settings).token(Link(uuid.uuid4(), "polsek-kajen-1", Action.ACKNOWLEDGE, 4e9))
    address = f"{live.url}/ack/{token}"

    seen = [httpx.head(address), httpx.put(address), httpx.get(f"{address}/lagi")]
    page = httpx.get(f"{live.url}/salah-ketik", headers={"Accept": "text/html"})

    assert [answer.status_code for answer in (*seen, page)] == [405, 405, 404, 404]
    assert "Tidak ada apa-apa di alamat ini." in page.text
    assert token not in live.process.log
