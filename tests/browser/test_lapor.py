"""The reporting page on a phone, against a gateway and a store that run: what is pressed arrives, once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

import httpx
import pytest

from producers.auth import make_device
from siaga.contracts.registry import Device
from siaga.contracts.topics import REPORTS
from tests.browser.conftest import chromium
from tests.support import builders
from tests.support.brokers import embedded_broker
from tests.support.databases import SqliteDatabase
from tests.support.stack import GATEWAY, SINKS, Stack
from tests.support.wait import until

pytestmark = pytest.mark.browser

#: A small phone.
PHONE: Final = {"width": 360, "height": 640}
#: Milliseconds in which something shows on a loaded machine.
SOON: Final = 20_000


class Phone:
    """A browser profile of its own with the page open; everything that its pages asked for is kept."""

    def __init__(self, chromium: Any, stack: Stack, **more: Any) -> None:
        self.url = stack.gateway_url
        self.context = chromium.new_context(viewport=PHONE, locale="id-ID", **more)
        self.asked: list[str] = []
        self.errors: list[str] = []
        self.context.on("request", lambda request: self.asked.append(request.url))
        self.page: Any = None

    def open(self, fragment: str = "") -> Any:
        """Open the page, as a tab of its own; any other of this phone is closed."""
        if self.page is not None:
            self.page.close()
        self.page = self.context.new_page()
        self.page.set_default_timeout(SOON)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", lambda said: self.errors.append(said.text) if "Security" in said.text else None)
        self.page.goto(f"{self.url}/lapor{fragment}")
        return self.page

    def make_known(self, token: str, station: str = builders.STATION) -> Any:
        """Take the token out of a link, choose the station, and wait until the page would open without a signal."""
        page = self.open(f"#{token}")
        page.get_by_role("button", name="Simpan").click()
        page.get_by_label("TPS", exact=True).fill(station)
        page.get_by_role("button", name="Simpan").click()
        page.wait_for_selector(f".where >> text={station}")
        page.evaluate("navigator.serviceWorker.ready.then(() => null)")
        return page

    def report(self, family: str = "Kekerasan", kind: str = "Perkelahian", **fields: str) -> None:
        """Three taps, and whatever is filled in between."""
        self.page.get_by_role("button", name=family, exact=True).click()
        self.page.get_by_role("button", name=kind, exact=True).click()
        for label, value in fields.items():
            self.page.get_by_label(label.replace("_", " ")).fill(value)
        self.page.get_by_role("button", name="Kirim", exact=True).click()
        self.page.wait_for_selector("#items")

    def states(self) -> list[str]:
        """How what was pressed stands, the last first."""
        return list(self.page.eval_on_selector_all("#items > li", "all => all.map(one => one.className)"))

    def until_states(self, *wanted: str) -> None:
        until(lambda: self.states() == list(wanted), timeout=20, what=lambda: f"{wanted}; there is {self.states()}")


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A gateway and the sinks, on the embedded parts: what is stored does not depend on which they are."""
    directory = tmp_path_factory.mktemp("lapor")
    broker = embedded_broker(directory)
    with Stack(broker, SqliteDatabase(directory), directory, rate_burst=1) as made:
        yield made.start(GATEWAY, SINKS)
    broker.kill()


def device(stack: Stack, name: str, **more: Any) -> tuple[Device, str]:
    """A device of its own for the district, which the gateway knows, and its token."""
    made, token = make_device(name, (builders.DISTRICT,), **more)
    stack.publish(made)
    probe = {"Authorization": f"Bearer {token}"}
    until(
        lambda: httpx.get(f"{stack.gateway_url}/lapor/device", headers=probe).status_code == 200,
        what=f"the gateway to know {name}",
    )
    return made, token


@pytest.fixture(scope="module")
def launched() -> Iterator[Any]:
    """One Chromium for all phones."""
    with chromium() as found:
        yield found


@pytest.fixture
def phone(launched: Any, stack: Stack) -> Iterator[Phone]:
    made = Phone(launched, stack)
    yield made
    made.context.close()
    assert made.errors == []


def stored(stack: Stack, text: str) -> list[dict[str, Any]]:
    """The reports in the database that say ``text``."""
    rows = stack.rows("SELECT body FROM reports WHERE body LIKE :text", text=f"%{text}%")
    return [json.loads(row["body"]) if isinstance(row["body"], str) else row["body"] for row in rows]


def test_a_report_without_a_signal_outlives_its_page_and_is_stored_once(phone: Phone, stack: Stack) -> None:
    phone.make_known(stack.token)
    phone.context.set_offline(True)
    phone.report(Korban_luka="2", Keterangan="cekcok tanpa sinyal")
    phone.page.get_by_role("button", name="TPS dibuka, aman").click()
    phone.until_states("waiting", "waiting")
    assert "2 menunggu dikirim: menunggu sinyal" in phone.page.inner_text("#queue")

    page = phone.open()  # still without a signal
    phone.until_states("waiting", "waiting")
    assert stored(stack, "tanpa sinyal") == []
    phone.context.set_offline(False)

    phone.until_states("accepted", "accepted")
    assert page.inner_text("#queue") == "Semua terkirim."
    until(lambda: stack.count("checkins", "phase = 'open'") == 1, what="the check-in, which was pressed last")
    (report,) = stored(stack, "tanpa sinyal")
    assert report["facts"]["injured"] == 2
    assert report["facts"]["dead"] is None  # nobody counted
    assert (report["kind"], report["channel"]) == ("violence.brawl", "web")


def test_a_report_whose_answer_was_lost_is_sent_again_and_stored_once(phone: Phone, stack: Stack) -> None:
    page = phone.make_known(stack.token)
    lost = []

    def lose(route: Any) -> None:
        if lost:
            route.continue_()
            return
        lost.append(route.fetch().status)
        route.abort("connectionreset")

    phone.context.route("**/v1/reports", lose)
    phone.report(Keterangan="jawaban hilang")

    phone.until_states("accepted")  # by its own timer, or by the worker
    assert lost == [202]
    twice = [item["report_id"] for item in stack.items(REPORTS) if item["text"] == "jawaban hilang"]
    assert len(twice) >= 2
    assert len(set(twice)) == 1
    until(lambda: stored(stack, "jawaban hilang"), what="the report")
    assert len(stored(stack, "jawaban hilang")) == 1
    # Had the second answer been a refusal, the first copy might be there: put right, it is a correction of that one.
    mended = page.evaluate(
        """async () => {
            const [item] = await outbox.items();
            await outbox.mend({ ...item, doubtful: true }, item.body);
            return (await outbox.items())[0].body;
        }"""
    )
    assert mended["corrects"] == twice[0] != mended["report_id"]


def test_a_refused_report_says_what_is_wrong_is_put_right_and_can_be_taken_back(phone: Phone, stack: Stack) -> None:
    page = phone.make_known(stack.token, station=f"{builders.DISTRICT}.2001-099")
    phone.report(Keterangan="nomor keliru")

    phone.until_states("refused")
    row = page.inner_text("#items > li")
    assert "TPS tidak dikenal. Periksa nomornya." in row
    assert "TPS: unknown station" in row
    page.get_by_role("button", name="Perbaiki").click()
    page.get_by_label("TPS", exact=True).fill(f"{builders.OTHER_DISTRICT[:6]}99.2001-001")
    page.get_by_role("button", name="Kirim", exact=True).click()
    assert "Di luar wilayah perangkat ini" in page.inner_text("[aria-invalid=true] ~ .error")
    page.get_by_label("TPS", exact=True).fill(builders.SECOND_STATION)
    page.get_by_role("button", name="Kirim", exact=True).click()

    phone.until_states("accepted")
    until(lambda: stored(stack, "nomor keliru"), what="the report")
    (report,) = stored(stack, "nomor keliru")
    assert report["station_id"] == builders.SECOND_STATION

    page.get_by_text("Ralat", exact=True).first.click()
    page.get_by_role("button", name="Tarik kembali").click()
    page.get_by_role("button", name="Ya, tarik kembali").click()
    phone.until_states("accepted", "accepted")
    until(lambda: len(stored(stack, "nomor keliru")) == 2, what="the report that takes it back")
    until(lambda: page.get_by_text("Ralat", exact=True).count() == 0, what="nothing more to take back")
    (back,) = (told for told in stored(stack, "nomor keliru") if told["withdraws"])
    assert back["corrects"] == report["report_id"]


def test_a_gateway_that_asks_to_wait_is_asked_again_by_itself(phone: Phone, stack: Stack) -> None:
    _, token = device(stack, "pelan", rate_per_minute=60)
    page = phone.make_known(token)
    phone.context.set_offline(True)
    for phase in ("TPS dibuka, aman", "Pemungutan, aman"):
        page.get_by_role("button", name=phase).click()
    phone.until_states("waiting", "waiting")

    phone.context.set_offline(False)

    page.wait_for_selector("#queue:has-text('server sibuk')")
    phone.until_states("accepted", "accepted")


def test_a_device_that_is_not_known_keeps_its_reports_until_it_is_forgotten(phone: Phone, stack: Stack) -> None:
    known, token = device(stack, "hilang")
    page = phone.make_known(token)
    stack.publish(known.model_copy(update={"active": False}))
    answered = {"Authorization": f"Bearer {token}"}
    until(
        lambda: httpx.get(f"{stack.gateway_url}/lapor/device", headers=answered).status_code == 401,
        what="the device to be revoked",
    )

    phone.report(Keterangan="ponsel hilang")
    page.wait_for_selector("text=Perangkat tidak dikenal")
    phone.until_states("waiting")
    page.get_by_role("button", name="Perangkat", exact=True).click()
    page.get_by_role("button", name="Lepas perangkat").click()
    assert "1 laporan belum terkirim" in page.inner_text("main")
    page.get_by_role("button", name="Ya, lepas dan hapus").click()

    page.wait_for_selector("h1:has-text('Kenali perangkat ini')")
    assert page.evaluate("Promise.all([outbox.items(), outbox.get('token'), outbox.get('me')])") == [[], None, None]
    # The token was in no address that was asked for, in none that is shown, and in no line of the gateway's log.
    secret = token.rpartition(".")[2]
    assert phone.asked
    assert not [url for url in (*phone.asked, page.url) if secret in url]
    assert secret not in (stack.directory / "gateway.log").read_text("utf-8")


def test_every_view_is_accessible_on_a_small_phone_by_day_and_by_night(phone: Phone, stack: Stack, axe: str) -> None:
    page = phone.open(f"#{stack.token}")
    page.evaluate(axe)
    found: dict[str, Any] = {}

    def look(view: str) -> None:
        page.wait_for_selector("h1")
        for theme, rules in (("light", None), ("dark", ["color-contrast"])):
            page.emulate_media(color_scheme=theme)
            options = {"resultTypes": ["violations"], **({"runOnly": rules} if rules else {})}
            result = page.evaluate("options => axe.run(document, options)", options)
            found[f"{view} {theme}"] = [f"{v['id']}: {v['nodes'][0]['failureSummary']}" for v in result["violations"]]
        wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        small = page.eval_on_selector_all(
            "button:visible", "all => all.filter(one => one.offsetHeight < 44).map(one => one.innerText)"
        )
        found[view] = [*([f"{wide} px too wide"] if wide > 0 else []), *small]

    look("setup")
    page.keyboard.press("Tab")
    page.get_by_role("button", name="Simpan").press("Enter")
    look("station")
    page.get_by_label("TPS", exact=True).fill("3326092001001")
    assert page.get_by_label("TPS", exact=True).input_value() == builders.STATION
    page.get_by_label("TPS", exact=True).press("Enter")
    page.wait_for_selector(".where")
    look("home")
    page.get_by_role("button", name="English").press("Enter")
    page.get_by_role("button", name="Integrity").press("Enter")
    look("kinds")
    assert page.evaluate("document.activeElement.tagName") == "H1"
    page.get_by_role("button", name="Vote buying").press("Enter")
    page.get_by_text("More", exact=True).click()
    look("report")
    page.get_by_label("In words").fill("half written")
    page.get_by_role("button", name="Device", exact=True).press("Enter")
    page.get_by_role("button", name="Back").press("Enter")
    assert page.get_by_label("In words").input_value() == "half written"
    page.get_by_role("button", name="Send", exact=True).press("Enter")
    page.wait_for_selector("li.accepted")
    look("sent")
    page.get_by_role("button", name="Device", exact=True).press("Enter")
    look("device")

    assert {view: problems for view, problems in found.items() if problems} == {}
