"""Telegram, Twilio and WhatsApp against servers that speak their interfaces: what each answer is taken to mean."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from threading import Event, Thread

import pytest

from siaga.contracts.page import ChannelKind
from siaga.contracts.page_result import ResultReason
from siaga.settings import Settings
from sinks.notify import adapters
from sinks.notify.channels import ChannelSpec, parse_channels
from sinks.notify.outcome import Message, Verdict
from sinks.notify.telegram_answers import TelegramAnswers
from tests.support.messengers import ACCOUNT, BOT, NOBODY, PASSWORD, SWITCHED_OFF, WHATSAPP, Messengers, Trouble
from tests.support.wait import until

SECRETS = {"BOT": BOT, "SID": ACCOUNT, "TOKEN": PASSWORD, "WA": WHATSAPP}
TO = "6281234567890"
#: As the how-to has them, but for where they lead.
CHANNELS = """
[telegram]
adapter = "telegram"
url = "{url}"
token = "{{env:BOT}}"

[sms]
adapter = "http"
url = "http://{{env:SID}}:{{env:TOKEN}}@{place}/2010-04-01/Accounts/{{env:SID}}/Messages.json"
body = "form"
fields = {{ To = "{{address}}", From = "+15550001111", Body = "{{text}}" }}
receipt = "sid"
ask_url = "http://{{env:SID}}:{{env:TOKEN}}@{place}/2010-04-01/Accounts/{{env:SID}}/Messages/{{receipt}}.json"
ask_status = "status"

[whatsapp]
adapter = "http"
url = "{url}/v23.0/1234567890/messages"
body = "json"
fields = {{ messaging_product = "whatsapp", to = "{{address}}", type = "text", text = {{ body = "{{text}}" }} }}
headers = {{ Authorization = "Bearer {{env:WA}}" }}
receipt = "messages.0.id"
"""
PATHS = {ChannelKind.TELEGRAM: "/bot", ChannelKind.SMS: "/2010-04-01/", ChannelKind.WHATSAPP: "/v23.0/"}
APIS = {ChannelKind.TELEGRAM: "telegram", ChannelKind.SMS: "twilio", ChannelKind.WHATSAPP: "whatsapp"}
KINDS = tuple(PATHS)


@pytest.fixture(scope="module")
def messengers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Messengers]:
    with Messengers(tmp_path_factory.mktemp("messengers")) as running:
        yield running


def spec(messengers: Messengers, kind: ChannelKind, **secrets: str) -> ChannelSpec:
    toml = CHANNELS.format(url=messengers.url, place=f"127.0.0.1:{messengers.port}")
    return parse_channels(f"[defaults]\ntimeout_seconds = 1\n{toml}", {**SECRETS, **secrets})[kind]


def message(to: str = TO) -> Message:
    return Message(
        "kunci", to, "SEV1", "SEV1 perkelahian K7Q2M", buttons=[[{"text": "Terima", "callback_data": "x"}]]
    )


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_taken_has_the_providers_id(messengers: Messengers, kind: ChannelKind) -> None:
    outcome = adapters.send(spec(messengers, kind), message())

    taken = messengers.taken(APIS[kind])[-1]
    assert (outcome.verdict, taken["to"], taken["text"]) == (Verdict.ACCEPTED, TO, "SEV1 perkelahian K7Q2M")
    number = taken["number"]
    ids = {"telegram": str(number), "twilio": f"SM{number:032x}", "whatsapp": f"wamid.{number}"}
    assert outcome.provider_id == ids[APIS[kind]]


def test_telegram_shows_the_buttons_that_answer(messengers: Messengers) -> None:
    adapters.send(spec(messengers, ChannelKind.TELEGRAM), message())

    assert messengers.taken("telegram")[-1]["buttons"] == [{"text": "Terima", "callback_data": "x"}]


def test_twilio_is_asked_whether_an_sms_arrived(messengers: Messengers) -> None:
    sms = spec(messengers, ChannelKind.SMS)
    receipts = {to: adapters.send(sms, message(to)).provider_id for to in (TO, SWITCHED_OFF)}

    verdicts = [adapters.ask(sms, message(to), receipt).verdict for to, receipt in receipts.items()]

    assert verdicts == [Verdict.DELIVERED, Verdict.UNDELIVERED]


@pytest.mark.parametrize(
    ("trouble", "verdict", "reason"),
    [
        (Trouble.BUSY, Verdict.FAILED_TEMPORARILY, ResultReason.RATE_LIMITED),
        (Trouble.FAIL, Verdict.FAILED_TEMPORARILY, ResultReason.SERVER_ERROR),
        (Trouble.DROP, Verdict.UNCLEAR, ResultReason.OTHER),
        (Trouble.HANG, Verdict.UNCLEAR, ResultReason.TIMEOUT),
    ],
)
@pytest.mark.parametrize("kind", KINDS)
def test_a_provider_that_is_not_well_is_known_for_what_it_did(
    messengers: Messengers, kind: ChannelKind, trouble: Trouble, verdict: Verdict, reason: ResultReason
) -> None:
    messengers.behave(trouble, PATHS[kind])
    before = len(messengers.taken(APIS[kind]))

    outcome = adapters.send(spec(messengers, kind), message())

    assert (outcome.verdict, outcome.reason) == (verdict, reason)
    assert len(messengers.taken(APIS[kind])) == before
    waits = {ChannelKind.TELEGRAM: 7.0}.get(kind, 3.0) if trouble is Trouble.BUSY else None
    assert outcome.retry_after == waits


@pytest.mark.parametrize("kind", KINDS)
def test_who_cannot_be_reached_there_is_tried_elsewhere_at_once(messengers: Messengers, kind: ChannelKind) -> None:
    outcome = adapters.send(spec(messengers, kind), message(NOBODY))

    assert (outcome.verdict, outcome.reason) == (Verdict.FAILED, ResultReason.CLIENT_ERROR)
    assert NOBODY not in repr(outcome)


@pytest.mark.parametrize("kind", KINDS)
def test_credentials_that_are_refused_are_said_to_be(messengers: Messengers, kind: ChannelKind) -> None:
    outcome = adapters.send(spec(messengers, kind, BOT="1:salah", TOKEN="salah", WA="salah"), message())

    assert (outcome.verdict, outcome.reason) == (Verdict.FAILED, ResultReason.AUTH)
    assert "salah" not in repr(outcome)


def test_a_chat_that_blocked_the_bot_is_no_wrong_token(messengers: Messengers) -> None:
    outcome = adapters.send(spec(messengers, ChannelKind.TELEGRAM), message("403"))

    assert (outcome.verdict, outcome.reason) == (Verdict.FAILED, ResultReason.CLIENT_ERROR)


def test_updates_that_nobody_can_confirm_are_not_asked_for_without_a_pause(
    messengers: Messengers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    channels, stop, active = tmp_path / "channels.toml", Event(), Event()
    bot = f'adapter = "telegram"\nurl = "{messengers.url}"\ntoken = "{{env:BOT}}"\npoll = true\n'
    channels.write_text(f"[telegram]\n{bot}")
    monkeypatch.setenv("BOT", BOT)
    settings = Settings(channels_file=channels, database=f"sqlite:///{tmp_path}/siaga.db", kafka="127.0.0.1:9")
    answers = TelegramAnswers(settings, stop, active=active)
    messengers.give({"message": {"text": "tanpa nomor"}})
    active.set()
    asking = Thread(target=answers.run)
    asking.start()
    try:
        until(lambda: "updates without a number" in caplog.text, what="it to be noticed")
    finally:
        stop.set()
        asking.join(30)

    assert not asking.is_alive()
