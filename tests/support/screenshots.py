"""``make screenshots``: pictures of every view of the command centre, taken of a running demonstration.

In: nothing, or SIAGA_OUTLINES, a GeoJSON file to draw under the map. Out: PNG files in ``build/screenshots``. It
takes a few minutes: the day has to become lively first.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import httpx
from playwright.sync_api import Browser, Page, sync_playwright

from siaga.afterday.paper import find_chromium
from tests.support import builders
from tests.support.demo import Demo
from tests.support.wait import until

OUT: Final = Path("build/screenshots")
DESKTOP: Final = (1366, 768)
PHONE: Final = (390, 844)
#: Enough has happened when there are so many incidents, and goes on when so many grave ones are open at once.
_MANY: Final = 40
_LIVELY: Final = 4
#: What is reported just before, so that the pictures do not depend on when the day has its worst minute.
_TROUBLE: Final[tuple[tuple[str, dict[str, Any], str], ...]] = (
    (
        "violence.mass_clash",
        {"injured": 3, "crowd": 180, "voting_stopped": True},
        "Dua kubu pendukung saling dorong di halaman TPS, tiga warga luka",
    ),
    (
        "integrity.ballot_box",
        {"ballots_threatened": True},
        "Kotak suara dibawa keluar dari TPS oleh orang tak dikenal",
    ),
    ("order.blockade", {"crowd": 120}, "Jalan menuju TPS ditutup massa"),
    ("violence.brawl", {"injured": 1, "crowd": 40}, "Perkelahian dua saksi"),
    ("hazard.flood", {}, "Air rob masuk ke lokasi TPS"),
    ("intimidation.voter", {}, "Pemilih dihadang di gang"),
    ("dispute.count", {"crowd": 60}, "Saksi menolak hasil penghitungan"),
)
_SPEED: Final = "40"
_GRAVE: Final = "state IN ('open', 'acknowledged') AND severity <= 3"


def main() -> None:
    """Take them all."""
    OUT.mkdir(parents=True, exist_ok=True)
    # A database in the working tree would be found by other commands.
    with tempfile.TemporaryDirectory(prefix="siaga-screenshots-") as directory:
        demo = Demo(Path(directory), "--speed", _SPEED, **_outlines())
        demo.process.start()
        try:
            demo.wait_ready()
            with sync_playwright() as playwright:
                chromium = playwright.chromium.launch(
                    executable_path=find_chromium(), args=["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"]
                )
                _Camera(chromium, demo).take_all()
                chromium.close()
        finally:
            demo.process.stop()


def _outlines() -> dict[str, str]:
    path = os.environ.get("SIAGA_OUTLINES")
    return {"SIAGA_OUTLINES": str(Path(path).resolve())} if path else {}


class _Camera:
    """Takes pictures of one demonstration."""

    def __init__(self, chromium: Browser, demo: Demo) -> None:
        self._chromium = chromium
        self._demo = demo
        self._url: str = demo.run["console"]

    def take_all(self) -> None:
        """Wait until the day is lively, then take one picture after the other."""
        until(lambda: self._count("1 = 1") >= _MANY, timeout=600, what="a day on which things happen", every=0.5)
        for kind, facts, text in _TROUBLE:
            self._report_trouble(kind, facts, text)
        until(lambda: self._count(_GRAVE) >= _LIVELY, timeout=60, what="a lively moment", every=0.2)
        for scheme in ("light", "dark"):
            with self._signed_in("commander", DESKTOP, scheme=scheme) as page:
                page.wait_for_timeout(1500)
                self._take(page, f"queue-and-map-{scheme}")
                self._grave(page)
                self._take(page, f"incident-{scheme}")
                for view in ("trends", "duty"):
                    self._view(page, view)
                    self._take(page, f"{view}-{scheme}")
        with self._signed_in("auditor", DESKTOP) as page:
            self._view(page, "audit")
            self._take(page, "audit-light")
        self._on_a_phone()
        self._plain_pages()
        self._reporting_page()
        self._report()

    # -- the live page --------------------------------------------------------------------------------------------

    @contextmanager
    def _signed_in(self, role: str, size: tuple[int, int], *, scheme: str = "light") -> Iterator[Page]:
        user = self._demo.run["users"][role]
        with self._page(size, scheme=scheme) as page:
            page.goto(f"{self._url}/login")
            page.fill("#name", user["name"])
            page.fill("#password", user["password"])
            page.click("button")
            page.wait_for_selector(".pulse")
            page.wait_for_selector("a.row")
            yield page

    @contextmanager
    def _page(self, size: tuple[int, int], *, scheme: str = "light") -> Iterator[Page]:
        context = self._chromium.new_context(
            viewport={"width": size[0], "height": size[1]},
            color_scheme="dark" if scheme == "dark" else "light",
            locale="id-ID",
            timezone_id="Asia/Jakarta",
        )
        try:
            yield context.new_page()
        finally:
            context.close()

    def _on_a_phone(self) -> None:
        with self._signed_in("operator", PHONE) as page:
            page.wait_for_timeout(1000)
            self._take(page, "phone-queue")
            page.locator(".switch button").nth(1).click()
            page.wait_for_timeout(1500)
            self._take(page, "phone-map")
            page.locator(".switch button").nth(0).click()
            self._grave(page)
            self._take(page, "phone-incident")
        with self._signed_in("operator", PHONE, scheme="dark") as page:
            page.wait_for_timeout(1000)
            self._take(page, "phone-queue-dark")

    def _grave(self, page: Page) -> None:
        """Open the gravest incident."""
        page.locator("a.row").first.click()
        page.wait_for_selector(".incident .reasons li")
        page.wait_for_timeout(800)

    @staticmethod
    def _view(page: Page, name: str) -> None:
        page.locator(f'nav a[href*="{name}"]').first.click()
        page.wait_for_timeout(1500)

    # -- the others -----------------------------------------------------------------------------------------------

    def _plain_pages(self) -> None:
        inbox: str = self._demo.run["inbox"]
        for name, address, size in (
            ("login", f"{self._url}/login", DESKTOP),
            ("public", f"{self._url}/public", DESKTOP),
            ("phone-public", f"{self._url}/public", PHONE),
            ("inbox", inbox, DESKTOP),
            ("phone-inbox", inbox, PHONE),
        ):
            with self._page(size) as page:
                page.goto(address)
                page.wait_for_timeout(800)
                self._take(page, name)
        with self._page(PHONE) as page:
            page.goto(inbox)
            link = page.locator('a[href*="/ack/"]').first.get_attribute("href")
            if link is not None:
                page.goto(link)
                self._take(page, "phone-answer")

    def _reporting_page(self) -> None:
        """The page on which an officer's phone reports: its first view, and a report about to be sent."""
        token = self._demo.run["device"]["token"]
        with self._page(PHONE) as page:
            page.goto(f"{self._demo.run['gateway']}/lapor#{token}")
            page.get_by_role("button", name="Simpan").click()
            page.get_by_label("TPS", exact=True).fill(str(self._demo.read("SELECT min(station_id) FROM stations")))
            page.get_by_role("button", name="Simpan").click()
            page.wait_for_selector("#queue")
            page.wait_for_timeout(800)
            self._take(page, "phone-lapor")
            page.get_by_role("button", name="Kekerasan", exact=True).click()
            page.get_by_role("button", name="Perkelahian", exact=True).click()
            page.get_by_label("Korban luka").fill("2")
            page.get_by_label("tajam", exact=True).check()
            self._take(page, "phone-lapor-report")

    def _report(self) -> None:
        token = self._demo.run["users"]["commander"]["token"]
        hours = {"from": (datetime.now(UTC) - timedelta(hours=1)).isoformat(), "for": "leaders"}
        got = httpx.get(f"{self._url}/report", params=hours, headers={"Authorization": f"Bearer {token}"}, timeout=30)
        path = OUT / "report.html"
        path.write_text(got.raise_for_status().text, "utf-8")
        with self._page((900, 1180)) as page:
            page.goto(path.resolve().as_uri())
            self._take(page, "report")

    def _count(self, condition: str) -> int:
        return int(self._demo.read(f"SELECT count(*) FROM incidents WHERE {condition}") or 0)  # noqa: S608 (ours)

    def _report_trouble(self, kind: str, facts: dict[str, Any], text: str) -> None:
        wanted = (
            "SELECT min(station_id) FROM stations WHERE district = (SELECT district FROM districts LIMIT 1 OFFSET :n)"
        )
        station = self._demo.read(wanted, n=len(kind) % 19)
        self._demo.post(builders.report(kind, station=station, facts=facts, text=text)).raise_for_status()

    @staticmethod
    def _take(page: Page, name: str) -> None:
        path = OUT / f"{name}.png"
        page.screenshot(path=path)
        print(path)


if __name__ == "__main__":
    main()
