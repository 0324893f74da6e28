"""Each adapter against a real server that takes, refuses, fails, hangs up and hangs: what it makes of it."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from siaga.contracts.page import ChannelKind
from siaga.contracts.page_result import ResultReason
from sinks.notify import adapters, http_adapter
from sinks.notify.channels import ChannelSpec, parse_channels
from sinks.notify.outcome import Message, Verdict
from tests.support.mailserver import MailMode, MailServer
from tests.support.processes import free_port
from tests.support.provider import Mode, Provider

SECRET = "rahasia-gateway"
#: What the adapter says, and how often the server took the message.
Expected = tuple[Verdict, ResultReason, int]


@pytest.fixture
def webhook() -> ChannelSpec:
    return replace(parse_channels("")[ChannelKind.WEBHOOK], timeout=0.5)


@pytest.fixture
def logged() -> Iterator[list[str]]:
    """What our process would log at its most talkative. (pytest's own capture listens at silenced loggers too.)"""
    lines: list[str] = []

    class _Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.name != "mail.log":  # the server's, which is in this process here
                lines.append(record.getMessage())

    root, handler = logging.getLogger(), _Keep()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield lines
    root.removeHandler(handler)
    root.setLevel(level)


def message(address: str) -> Message:
    key = str(uuid.uuid4())
    return Message(key, address, "SEV1", "SEV1 perkelahian", {"text": "SEV1 perkelahian", "pages": []})


def email(port: int) -> ChannelSpec:
    url = f"mailto://127.0.0.1:{port}/?from=siaga@example.org&to={{address}}&format=text"
    return replace(parse_channels("")[ChannelKind.EMAIL], adapter="apprise", url=url, timeout=2.0)


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        (Mode.OK, (Verdict.ACCEPTED, ResultReason.NONE, 1)),
        (Mode.TWICE, (Verdict.ACCEPTED, ResultReason.NONE, 1)),
        (Mode.FAIL, (Verdict.FAILED_TEMPORARILY, ResultReason.SERVER_ERROR, 0)),
        (Mode.BUSY, (Verdict.FAILED_TEMPORARILY, ResultReason.RATE_LIMITED, 0)),
        (Mode.REFUSE, (Verdict.FAILED, ResultReason.CLIENT_ERROR, 0)),
        (Mode.DROP, (Verdict.UNCLEAR, ResultReason.OTHER, 1)),
        (Mode.DROP_UNTAKEN, (Verdict.UNCLEAR, ResultReason.OTHER, 0)),
        (Mode.HANG, (Verdict.UNCLEAR, ResultReason.TIMEOUT, 1)),
        (Mode.TRICKLE, (Verdict.UNCLEAR, ResultReason.TIMEOUT, 1)),
    ],
)
def test_a_webhook_says_what_surely_did_not_arrive_and_what_may_have(
    provider: Provider, webhook: ChannelSpec, mode: Mode, expected: Expected
) -> None:
    sent = message(provider.address(uuid.uuid4().hex))
    provider.behave(mode, 1, sent.address.removeprefix(provider.url))

    outcome = adapters.send(webhook, sent)

    taken = [entry for entry in provider.taken() if entry["key"] == sent.key]
    assert (outcome.verdict, outcome.reason, len(taken)) == expected
    if expected[0] is Verdict.ACCEPTED:
        assert outcome.provider_id == taken[0]["id"]
    assert sent.address not in repr(outcome)


def test_a_server_that_is_not_there_has_surely_not_got_it(webhook: ChannelSpec) -> None:
    outcome = adapters.send(webhook, message(f"http://127.0.0.1:{free_port()}/"))

    assert outcome.verdict is Verdict.FAILED_TEMPORARILY


def test_an_address_that_is_no_url_fails_for_good(webhook: ChannelSpec) -> None:
    outcome = adapters.send(webhook, message("file:///etc/passwd"))

    assert (outcome.verdict, outcome.reason) == (Verdict.FAILED, ResultReason.NO_ADDRESS)


def test_an_sms_gateway_gets_its_own_fields_and_says_what_it_has(provider: Provider) -> None:
    spec = parse_channels(
        f'[sms]\nadapter = "http"\nurl = "{provider.url}/send/gateway?to={{address}}"\nbody = "form"\n'
        'fields = { message = "{text}", token = "{env:TOKEN}" }\n'
        f'receipt = "id"\nask_url = "{provider.url}/messages/{{key}}"\n',
        {"TOKEN": SECRET},
    )[ChannelKind.SMS]
    sent = message("+62 811&x=1")

    assert adapters.ask(spec, sent, None).verdict is Verdict.NOT_THERE
    outcome = adapters.send(spec, sent)

    (taken,) = [entry for entry in provider.taken() if entry["key"] == sent.key]
    assert taken["path"] == "/send/gateway?to=%2B62%20811%26x%3D1"
    assert taken["text"] == f"message=SEV1+perkelahian&token={SECRET}"
    assert outcome.provider_id == taken["id"]
    assert adapters.ask(spec, sent, None).provider_id == taken["id"]
    assert SECRET not in repr(spec)


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        (MailMode.OK, (Verdict.ACCEPTED, ResultReason.NONE, 1)),
        (MailMode.LATER, (Verdict.FAILED_TEMPORARILY, ResultReason.SERVER_ERROR, 0)),
        (MailMode.NEVER, (Verdict.FAILED, ResultReason.CLIENT_ERROR, 0)),
        (MailMode.DROP, (Verdict.UNCLEAR, ResultReason.OTHER, 1)),
        (MailMode.HANG, (Verdict.UNCLEAR, ResultReason.TIMEOUT, 1)),
    ],
)
def test_mail_says_what_surely_did_not_arrive_and_what_may_have(
    mail: MailServer, mode: MailMode, expected: Expected, logged: list[str]
) -> None:
    mail.behave(mode)
    officer = uuid.uuid4().hex

    outcome = adapters.send(email(mail.port), message(f"{officer}@example.org"))

    taken = [one for one in mail.mails if officer in str(one["X-To"])]
    assert (outcome.verdict, outcome.reason, len(taken)) == expected
    assert all("SEV1 perkelahian" in str(one.get_payload()) for one in taken)
    assert not any(officer in line for line in logged)


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        ({"status": True, "id": ["80367170"]}, Verdict.ACCEPTED),
        ({"status": "Queued", "id": ["80367170"]}, Verdict.ACCEPTED),
        ({"status": False, "reason": "token invalid"}, Verdict.FAILED),
        ({}, Verdict.UNCLEAR),
    ],
)
def test_a_gateway_that_refuses_in_an_answer_of_200_has_refused(answer: dict[str, Any], verdict: Verdict) -> None:
    toml = '[sms]\nadapter = "http"\nurl = "https://gateway.example"\ntook_status = "status"'
    spec = parse_channels(f'{toml}\ntook = ["true", "queued"]\nreceipt = "id.0"')[ChannelKind.SMS]

    outcome = http_adapter.outcome_of_answer(spec, answer)

    assert outcome.verdict is verdict
    assert outcome.provider_id == ("80367170" if verdict is Verdict.ACCEPTED else None)


def test_no_mail_server_has_surely_not_got_it() -> None:
    outcome = adapters.send(email(free_port()), message("petugas@example.org"))

    assert outcome.verdict is Verdict.FAILED_TEMPORARILY


@pytest.mark.parametrize(
    ("kind", "url"),
    [
        (ChannelKind.TELEGRAM, "tgram://123456789:abcdefg_hijklmnop/{address}"),
        (ChannelKind.WHATSAPP, "whatsapp://token@1234567890/{address}"),
        (
            ChannelKind.SMS,
            "twilio://AC0123456789abcdef0123456789abcdef:0123456789abcdef0123456789abcdef@15551234567/{address}",
        ),
        (ChannelKind.VOICE, "twilio://AC0123456789abcdef0123456789abcdef:abcdef@15551234567/{address}?method=call"),
        (ChannelKind.NTFY, "ntfy://127.0.0.1:{port}/{address}"),
    ],
)
def test_apprise_takes_the_url_of_every_channel_that_we_name(kind: ChannelKind, url: str) -> None:
    from apprise import Apprise

    from sinks.notify.channels import fill

    address = "6281112345678"
    made = Apprise.instantiate(fill(url.replace("{port}", "9"), {"address": address}, is_url=True))

    assert made is not None
    assert parse_channels(f'[{kind}]\nadapter = "apprise"\nurl = "{url.replace("{port}", "9")}"')[kind].is_on


def test_ntfy_goes_through_apprise_to_a_real_server(provider: Provider) -> None:
    spec = replace(
        parse_channels("")[ChannelKind.NTFY],
        adapter="apprise",
        url=f"ntfy://127.0.0.1:{provider.port}/{{address}}",
        timeout=2.0,
    )

    for mode, verdict in (
        (Mode.FAIL, Verdict.FAILED_TEMPORARILY),
        (Mode.REFUSE, Verdict.FAILED),
        (Mode.DROP, Verdict.UNCLEAR),
    ):
        provider.behave(mode, 1, "/")
        assert adapters.send(spec, message("topik")).verdict is verdict
    assert adapters.send(spec, message("topik")).verdict is Verdict.ACCEPTED
