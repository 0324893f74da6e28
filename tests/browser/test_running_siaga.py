"""A shift at the command centre while all of Siaga runs: reports come over the gateway, decisions go through Kafka.

Once on the embedded parts and once on Apache Kafka and PostgreSQL; one demonstration each, because its start costs
more than what follows.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import psutil
import pytest

from producers.simulate.places import POINTS
from tests.support import builders
from tests.support.demo import Demo
from tests.support.wait import until

pytestmark = [pytest.mark.browser]

DESKTOP: Final = {"width": 1366, "height": 768}
PHONE: Final = {"width": 390, "height": 844}
#: Milliseconds in which something that the whole pipeline has to do shows on a page of a loaded machine.
SOON: Final = 30_000

ROLES: Final = ("viewer", "operator", "commander", "auditor", "admin")
NUMBER: Final = "081234567899"
REPORTER: Final = "anggota-1187"


@pytest.fixture
def demo(parts: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Demo]:
    """A demonstration of three villages in which nobody plays the officers, with the outlines of the districts."""
    chosen = {"SIAGA_OUTLINES": str(outlines(tmp_path))}
    if parts == "real":
        chosen["SIAGA_KAFKA"] = request.getfixturevalue("kafka").address
        chosen["SIAGA_DATABASE"] = request.getfixturevalue("postgres").url
    made = Demo(tmp_path, "--no-simulation", "--villages", "3", **chosen)
    made.process.start()
    try:
        made.wait_ready()
        yield made
    finally:
        made.process.stop(60)


def outlines(directory: Path) -> Path:
    """A square around each district's point, as a file for the map."""
    corners = ((-0.02, -0.02), (0.02, -0.02), (0.02, 0.02), (-0.02, 0.02), (-0.02, -0.02))
    made = [
        {
            "type": "Feature",
            "properties": {"code": code, "name": f"Kecamatan {code}"},
            "geometry": {"type": "Polygon", "coordinates": [[(lon + x, lat + y) for x, y in corners]]},
        }
        for code, (lat, lon) in POINTS.items()
    ]
    path = directory / "outlines.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": made}))
    return path


class Desk:
    """A screen at which somebody has signed in."""

    def __init__(self, browser: Any, demo: Demo, role: str, size: dict[str, int] = DESKTOP) -> None:
        self.url = demo.run["console"]
        self.context = browser.new_context(viewport=size, reduced_motion="reduce")
        self.page: Any = self.context.new_page()
        self.page.set_default_timeout(SOON)
        self.errors: list[str] = []
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.goto(self.url)
        self.page.fill("#name", demo.run["users"][role]["name"])
        self.page.fill("#password", demo.run["users"][role]["password"])
        self.page.click("button")
        self.page.wait_for_selector(".pulse")

    def row(self, incident: str, *, state: str = "", fresh: bool = False) -> Any:
        """The row of an incident in the queue, once it is there and as it should be."""
        classes = f"{f'.{state}' if state else ''}{'.fresh' if fresh else ''}"
        return self.page.wait_for_selector(f"a.row{classes}[data-id='{incident}']")

    def look_away(self) -> None:
        """Be at another window, as browsers without a screen otherwise never are."""
        self.context.new_cdp_session(self.page).send("Emulation.setFocusEmulationEnabled", {"enabled": False})
        other = self.context.new_page()
        other.bring_to_front()

    def open(self, incident: str) -> None:
        self.page.goto(f"{self.url}/#/incident/{incident}")
        self.page.wait_for_selector(".incident section > .timeline")

    def press(self, word: str) -> None:
        self.page.locator(".incident").get_by_role("button", name=word, exact=True).click()

    def buttons(self) -> set[str]:
        return set(self.page.eval_on_selector_all(".actions button", "all => all.map(b => b.innerText)"))

    def happened(self, *words: str) -> None:
        """Wait until the incident's history says all of this."""
        for word in words:
            self.page.wait_for_selector(f".incident section > .timeline li:has-text('{word}')")

    def fits(self) -> bool:
        wide = self.page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        return int(wide) <= 0


def report(demo: Demo, kind: str, **more: Any) -> str:
    """Post a report to the gateway; the incident it became."""
    posted = builders.report(kind, station=demo.a_station(), **more)
    answer = demo.post(posted)
    assert answer.status_code == 202, answer.text
    demo.until_triaged(posted["report_id"])
    found = demo.scalar("SELECT incident_id FROM reports WHERE report_id = :id", id=posted["report_id"])
    return str(found)


def test_a_shift_at_the_command_centre(browser: Any, demo: Demo) -> None:
    operator, commander = Desk(browser, demo, "operator"), Desk(browser, demo, "commander")
    text = f"Massa dua kubu, hubungi {NUMBER}"

    # A new SEV1 appears by itself: in its colour, in the number of the tab, in words for a screen reader.
    operator.look_away()
    clash = report(demo, "violence.mass_clash", by=REPORTER, text=text)
    for desk in (operator, commander):
        assert "sev1" in desk.row(clash, fresh=True).get_attribute("class")
    operator.page.wait_for_function("document.title.startsWith('(1)')")
    assert "SEV1" in operator.page.inner_text(".unseen")
    operator.page.bring_to_front()

    two_decide_at_once(operator, commander, clash)
    the_queue_is_filtered_and_spoken_in_another_language(operator, demo, clash)
    the_map_has_its_outlines(operator)
    each_role_finds_what_it_may(browser, demo, clash)
    the_page_outlives_its_server(commander, demo)
    assert operator.errors == commander.errors == []


def two_decide_at_once(operator: Desk, commander: Desk, incident: str) -> None:
    """Each sees what the other did, and what one is typing stays."""
    for desk in (operator, commander):
        desk.open(incident)
    commander.press("Catatan")
    commander.page.fill(".ask textarea", "Dua peleton digeser dari Kajen")

    operator.press("Terima")
    commander.row(incident, state="acknowledged")
    commander.page.wait_for_selector(".toasts >> text=operator")
    assert commander.page.input_value(".ask textarea") == "Dua peleton digeser dari Kajen"
    operator.press("Benarkan")
    operator.page.fill(".ask textarea", "dilihat sendiri")
    operator.press("Kirim")
    commander.press("Kirim")

    for desk in (operator, commander):
        desk.happened("diterima · operator", "dibenarkan · operator", "Dua peleton digeser dari Kajen")
        assert "operator" in desk.row(incident, state="acknowledged").inner_text()


def the_queue_is_filtered_and_spoken_in_another_language(desk: Desk, demo: Demo, clash: str) -> None:
    flood = report(demo, "hazard.flood")
    page = desk.page
    page.goto(f"{desk.url}/#/situation")
    desk.row(flood)
    page.fill("input[type=search]", "banjir")
    page.wait_for_selector(f"a.row[data-id='{clash}']", state="detached")
    assert page.query_selector(f"a.row[data-id='{flood}']") is not None
    page.click(".filters .link")
    desk.row(clash)

    page.click("a.language")
    page.wait_for_selector("a.row:has-text('flood')")
    assert page.get_attribute("html", "lang").startswith("en")
    page.click("a.language")
    page.wait_for_selector("a.row:has-text('banjir')")


def the_map_has_its_outlines(desk: Desk) -> None:
    page = desk.page
    page.wait_for_selector(".district-name >> text=Kecamatan 33.26.08")
    assert len(page.query_selector_all(".leaflet-land-pane path")) == len(POINTS)
    page.wait_for_selector(".pin.sev1")


def each_role_finds_what_it_may(browser: Any, demo: Demo, incident: str) -> None:
    """On a desktop or a phone: the tabs, the decisions, and what of the incident each may read."""
    tabs, buttons, texts = {}, {}, {}
    for number, role in enumerate(ROLES):
        desk = Desk(browser, demo, role, (DESKTOP, PHONE)[number % 2])
        tabs[role] = "#/audit" in desk.page.content()
        assert desk.fits(), role
        desk.open(incident)
        desk.page.wait_for_selector(".incident .reports .text")
        assert desk.fits(), role
        buttons[role], texts[role] = desk.buttons(), desk.page.inner_text(".incident")
        if tabs[role]:
            desk.page.goto(f"{desk.url}/#/audit")
            desk.page.wait_for_selector("td:has-text('command.acknowledge')")
        assert desk.errors == []
        desk.context.close()

    assert {role for role, shown in tabs.items() if shown} == {"auditor", "admin"}
    assert {role for role, shown in buttons.items() if "Selesai" in shown} == {"operator", "commander", "admin"}
    assert {role for role, shown in buttons.items() if "Ubah keparahan" in shown} == {"commander", "admin"}
    assert {role for role, text in texts.items() if REPORTER in text} == {"commander", "admin"}
    assert {role for role, text in texts.items() if NUMBER in text} == {"operator", "commander", "admin"}
    assert {role for role, text in texts.items() if "diterima operator" in text} == set(ROLES) - {"viewer"}


def the_page_outlives_its_server(desk: Desk, demo: Demo) -> None:
    """It says in red that it is stale, and catches up by itself when the supervisor has brought the server back."""

    def is_red() -> bool:
        # Started again at once; killed until its absence is long enough to be noticed.
        with suppress(ProcessLookupError, psutil.NoSuchProcess):
            demo.part("siaga console").kill()
        return desk.page.query_selector(".alarm-bar") is not None

    until(is_red, timeout=40, every=0.2, what=lambda: f"the page in red\n{demo.process.tail()}")
    assert "TIDAK MUTAKHIR" in desk.page.inner_text(".alarm-bar")
    missed = report(demo, "violence.arson")

    desk.page.goto(f"{desk.page.url.partition('#')[0]}#/situation")
    desk.page.wait_for_selector(f"a.row.sev1[data-id='{missed}']", timeout=90_000)
    desk.page.wait_for_selector(".alarm-bar", state="detached")
