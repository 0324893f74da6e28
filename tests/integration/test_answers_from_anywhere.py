"""The whole way: a page goes out by SMS and over Telegram, an answer comes back, and the incident is taken."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from producers.simulate.duty import demo_roster
from siaga.contracts.page import ChannelKind
from siaga.contracts.registry import DistrictStations
from siaga.contracts.roster import ChannelEntry, OfficerEntry
from tests.support import builders
from tests.support.messengers import ACCOUNT, BOT, PASSWORD, Messengers
from tests.support.stack import CONSOLE, GATEWAY, SINKS, STREAMS, Stack
from tests.support.wait import until

MakeStack = Callable[..., Stack]
SECRET = "rahasia-gateway-sms-1"
CHANNELS = """
[sms]
adapter = "http"
url = "http://{account}:{password}@127.0.0.1:{port}/2010-04-01/Accounts/{account}/Messages.json"
body = "form"
fields = {{ To = "{{address}}", From = "+15550001111", Body = "{{text}}" }}
receipt = "sid"

[telegram]
adapter = "telegram"
url = "http://127.0.0.1:{port}"
token = "{bot}"
poll = true
"""


@pytest.fixture
def messengers(tmp_path: Path) -> Iterator[Messengers]:
    with Messengers(tmp_path) as running:
        yield running


class Reached:
    """A running Siaga whose Polsek has telephones and whose Polres has Telegram."""

    def __init__(self, make_stack: MakeStack, messengers: Messengers, directory: Path) -> None:
        names = ("channels.toml", "answers.toml", "secret", "token")
        channels, answers, secret, token = (directory / name for name in names)
        told = {"account": ACCOUNT, "password": PASSWORD, "bot": BOT, "port": messengers.port}
        channels.write_text(CHANNELS.format(**told))
        secret.write_text(SECRET)
        registry = builders.small_registry()
        districts = [entry for entry in registry if isinstance(entry, DistrictStations)]
        (roster,) = demo_roster(districts, starting=builders.now(), inbox="http://127.0.0.1:1", seed=1)
        self.officers = {
            officer.officer_id: _reached(officer, 1000 + number) for number, officer in enumerate(roster.officers)
        }
        entry = roster.model_copy(update={"officers": tuple(self.officers.values())})
        self.messengers = messengers
        self.stack = make_stack(registry=[*registry, entry], channels_file=channels, answers_file=answers)
        self.stack.prepare()
        token.write_text(self.stack.token)
        gateway = f'reports = "{self.stack.gateway_url}"\ntoken = "{{file:{token}}}"\n'
        answers.write_text(f'[desa]\nformat = "generic"\nsecret = "{{file:{secret}}}"\n{gateway}')
        self.stack.start(SINKS, STREAMS, GATEWAY, CONSOLE)

    def report(self, kind: str, station: str) -> str:
        """A report; the incident it makes."""
        item = builders.report(kind, station=station)
        assert self.stack.post(item).status == 202
        asked = "SELECT incident_id FROM reports WHERE report_id = :id"
        found = until(
            lambda: self.stack.scalar(asked, id=item["report_id"]),
            what=lambda: f"an incident{self.stack.tails()}",
        )
        return str(found)

    def sms(self, sender: str, text: str, message_id: str) -> dict[str, str | None]:
        """Somebody's SMS, brought by the gateway; what the gateway is told."""
        url = f"http://127.0.0.1:{self.stack.settings.console_port}/answers/desa"
        told = {"from": sender, "text": text, "id": message_id}
        answer: dict[str, str | None] = httpx.post(url, json=told, headers={"X-Siaga-Secret": SECRET}).json()
        return answer

    def called(self, api: str, number: int = 1) -> dict[str, Any]:
        """What the ``number``-th officer called over an interface got."""
        taken = until(
            lambda: found if len(found := self.messengers.taken(api)) >= number else None,
            timeout=30,
            what=lambda: f"a page over {api}{self.stack.tails()}",
        )
        return taken[number - 1]

    def officer(self, address: str) -> str:
        """Whose address it is."""
        return next(o for o, entry in self.officers.items() if entry.channels[0].address.lstrip("+") == address)

    def until_taken(self, incident: str, officer: str) -> None:
        """Wait until an officer has an incident."""
        asked = "SELECT state, acknowledged_by FROM escalations WHERE incident_id = :id"
        until(
            lambda: self.stack.rows(asked, id=incident) == [{"state": "acknowledged", "acknowledged_by": officer}],
            timeout=30,
            what=lambda: f"{officer} to have it; it is {self.stack.rows(asked, id=incident)}{self.stack.tails()}",
        )

    def why(self, incident: str) -> str:
        """What ``siaga why-paged`` says."""
        argv = [sys.executable, "-m", "siaga", "why-paged", incident]
        options: dict[str, Any] = {"env": self.stack.environment, "cwd": self.stack.directory, "timeout": 60}
        return subprocess.run(argv, capture_output=True, text=True, check=True, **options).stdout


def _reached(officer: OfficerEntry, number: int) -> OfficerEntry:
    by_telephone = officer.agency.startswith("polsek")
    kind, address = (ChannelKind.SMS, f"+62812000{number}") if by_telephone else (ChannelKind.TELEGRAM, str(number))
    channel = ChannelEntry(name="hp", kind=kind, address=address)
    return officer.model_copy(update={"channels": (channel,)})


def test_an_sms_with_the_code_and_a_tap_in_telegram_take_what_they_are_about(
    make_stack: MakeStack, messengers: Messengers, tmp_path: Path
) -> None:
    reached = Reached(make_stack, messengers, tmp_path)
    stack = reached.stack

    # An officer reports by SMS, and only an officer; the Polsek's is called by SMS and sends the code back.
    line = f"LAPOR {builders.STATION} perkelahian, 2 orang luka ringan"
    witness = next(o for o in reached.officers.values() if o.channels[0].kind is ChannelKind.SMS)
    number = witness.channels[0].address.replace("+62", "0")
    until(
        lambda: (
            reached.sms("+628999888777", line, "sms-0")["status"] == "unknown_sender"
            and reached.sms(number, line, "sms-1")["status"] == "reported"
        ),
        what=lambda: f"the report to be taken{stack.tails()}",
    )
    brawl = stack.until_incident("kind = 'violence.brawl'")["incident_id"]
    (stored,) = stack.rows("SELECT body FROM reports")
    body = stored["body"] if isinstance(stored["body"], dict) else json.loads(stored["body"])
    assert (body["reporter"]["id"], body["facts"]["injured"], body["channel"]) == (witness.officer_id, 2, "sms")
    sms = reached.called("twilio")
    code = stack.scalar("SELECT code FROM pages WHERE incident_id = :id", id=brawl)
    assert code in sms["text"]
    answer = reached.sms(sms["to"].replace("+62", "0"), f"ok {code.lower()}", "sms-2")
    assert answer == {"status": "taken", "reply": f"{code} diterima. Terima kasih."}
    reached.until_taken(brawl, reached.officer(sms["to"].lstrip("+")))

    # The Polres's: its officer taps a button while the sinks are down, and Telegram keeps it until they ask.
    assault = reached.report("violence.assault", builders.OTHER_STATION)
    note = reached.called("telegram")
    stack.stop(SINKS)
    taken, *_ = note["buttons"]
    messengers.say("99999", data=taken["callback_data"])  # somebody else has no say
    messengers.say(note["to"], data=taken["callback_data"])
    stack.restart(SINKS)
    reached.until_taken(assault, reached.officer(note["to"]))
    replies = [reached.called("telegram-note", number)["text"] for number in (1, 2)]
    assert ("diterima" in replies[0], "diterima" in replies[1]) == (False, True)
    assert stack.scalar("SELECT reason FROM rejected WHERE source = 'sinks.telegram'") == "unauthorised"

    # Everybody can see how it was answered, and nobody whose number it was.
    assert "(by SMS)" in reached.why(brawl)
    assert "(by Telegram)" in reached.why(assault)
    ends = stack.rows("SELECT detail FROM audit_log WHERE action = 'command.acknowledge' ORDER BY seq")
    assert [re.sub(r"^.* ", "", row["detail"]) for row in ends] == ["via:sms", "via:telegram"]
    logs = "".join(stack.log(name) for name in (SINKS, CONSOLE))
    assert not any(
        entry.channels[0].address in logs for entry in reached.officers.values() if len(entry.channels[0].address) > 5
    )
