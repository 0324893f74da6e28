"""Gateways bring what officers sent back: who is believed, and what it becomes on Kafka."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from siaga.contracts.command import Command, Via
from siaga.contracts.topics import COMMANDS, REJECTED
from siaga.settings import Settings
from siaga.store.tables import registry
from siaga.wire.topics_admin import ensure_topics
from tests.support import builders, filled
from tests.support.brokers import Broker
from tests.support.centre import Centre
from tests.support.databases import SqliteDatabase
from tests.support.filled import Filled
from tests.support.paged import OFFICER, roster
from tests.support.topics import items_on

SECRET = "rahasia-gateway-sms-1"
NUMBER, CHAT, CODE = "+6281234567890", "4242", "K7M2P"
URL = "https://siaga.example/answers/twilio"
GATEWAYS = f"""
[desa]
format = "generic"
secret = "{{file:SECRET}}"
[twilio]
secret = "{{file:SECRET}}"
url = "{URL}"
[android]
secret = "{{file:SECRET}}"
[fonnte]
secret = "{{file:SECRET}}"
[bot]
format = "telegram"
secret = "{{file:SECRET}}"
"""


class Posko:
    """A command centre with a page to one officer, and gateways that may bring answers."""

    def __init__(self, centre: Centre, page_id: uuid.UUID) -> None:
        self.centre = centre
        self.page_id = page_id

    def bring(self, name: str, content: Any, **headers: str) -> httpx.Response:
        """Post as a gateway does: a form where it is bytes, else JSON."""
        kind = "application/x-www-form-urlencoded" if isinstance(content, bytes) else "application/json"
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        told = {"Content-Type": kind, **{key.replace("_", "-"): value for key, value in headers.items()}}
        return self.centre.http.post(f"/answers/{name}", content=body, headers=told)

    def sms(self, text: str, sender: str = NUMBER, message_id: str = "sms-1") -> dict[str, Any]:
        """An SMS through the generic gateway; what it is told."""
        told = {"from": sender, "text": text, "id": message_id}
        answer = self.bring("desa", told, Authorization=f"Bearer {SECRET}")
        assert answer.status_code == 200
        said: dict[str, Any] = answer.json()
        return said

    def commands(self) -> list[Command]:
        address = self.centre.settings.kafka
        assert address is not None
        return [Command.model_validate(item) for item in items_on(address, COMMANDS, partitions=4)]

    def rejected(self) -> list[dict[str, Any]]:
        address = self.centre.settings.kafka
        assert address is not None
        return items_on(address, REJECTED, partitions=4)


@pytest.fixture
def posko(sqlite: SqliteDatabase, embedded: Broker, tmp_path: Path) -> Iterator[Posko]:
    secret, file = tmp_path / "secret", tmp_path / "answers.toml"
    secret.write_text(SECRET)
    file.write_text(GATEWAYS.replace("SECRET", str(secret)))
    settings = Settings(database=sqlite.url, data_dir=tmp_path, kafka=embedded.address, answers_file=file)
    ensure_topics(settings)
    rows = Filled(sqlite.url)
    incident = filled.incident(severity=1)
    rows.put(incident)
    page_id = rows.put_page(incident, officer=OFFICER)
    entry = roster({"hp": NUMBER, "hook": "https://hp.example"}).model_dump(mode="json")
    entry["officers"][0]["channels"].append({"name": "tg", "kind": "telegram", "address": CHAT})
    with rows.engine.begin() as connection:
        value = json.dumps(entry).encode()
        row = {"key": f"roster/{entry['area']}", "value": value, "epoch": 1, "kafka_offset": 1, "at": builders.now()}
        connection.execute(registry.insert().values(row))
    with Centre(settings) as centre:
        yield Posko(centre, page_id)


def test_a_code_sent_back_by_sms_is_the_officers_answer_however_often_it_is_brought(posko: Posko) -> None:
    told = [posko.sms(f"otw 15 {CODE.lower()}", sender) for sender in (NUMBER, "0812-3456-7890".replace("-", " "))]

    assert told == [{"status": "taken", "reply": f"{CODE}: tercatat dalam perjalanan."}] * 2
    first, second = posko.commands()
    assert first.command_id == second.command_id
    assert (first.by, first.action, first.minutes, first.via) == (OFFICER, "on_my_way", 15, Via.SMS)


def test_a_strangers_answer_is_set_aside_without_their_number_and_tells_them_nothing(posko: Posko) -> None:
    stranger = "+628999888777"

    told = [posko.sms(f"OK {CODE}", stranger), posko.sms("OK 22222"), posko.sms("OK"), posko.sms(f"jangan {CODE}")]

    assert [answer["status"] for answer in told] == ["wrong_sender", "unknown_code", "no_code", "unclear"]
    assert [answer["reply"] for answer in told[:3]] == [None] * 3
    assert CODE in told[3]["reply"]
    assert posko.commands() == []
    kept = posko.rejected()
    assert sorted(item["reason"] for item in kept) == ["invalid", "invalid", "unauthorised", "unknown_incident"]
    assert not any(stranger[3:] in base64.b64decode(item["original"]).decode() for item in kept)
    metrics = posko.centre.metrics
    assert 'siaga_console_answers_total{outcome="wrong_sender",via="sms"} 1.0' in metrics
    assert stranger[3:] not in metrics


def test_twilio_is_believed_by_its_signature_and_told_what_to_send_back(posko: Posko) -> None:
    fields = {"From": NUMBER, "Body": f"tidak bisa {CODE}", "MessageSid": "SM1", "To": "+15550001111"}
    form = httpx.Request("POST", URL, data=fields).read()
    signed = URL + "".join(name + fields[name] for name in sorted(fields))
    signature = base64.b64encode(hmac.new(SECRET.encode(), signed.encode(), hashlib.sha1).digest()).decode()

    answer = posko.bring("twilio", form, X_Twilio_Signature=signature)
    forged = posko.bring("twilio", form.replace(b"tidak", b"saya"), X_Twilio_Signature=signature)

    assert (answer.status_code, forged.status_code) == (200, 401)
    assert f"<Message>{CODE}: tercatat berhalangan.</Message>" in answer.text
    assert [command.action for command in posko.commands()] == ["cannot"]


def test_a_phone_as_gateway_and_fonnte_are_believed_by_their_own_proofs(posko: Posko) -> None:
    body = {"event": "sms:received", "payload": {"phoneNumber": NUMBER, "message": f"1 {CODE}", "receivedAt": "x"}}
    when, late = str(int(time.time())), str(int(time.time()) - 3600)

    def signed(at: str) -> dict[str, str]:
        mark = hmac.new(SECRET.encode(), json.dumps(body).encode() + at.encode(), hashlib.sha256).hexdigest()
        return {"X_Signature": mark, "X_Timestamp": at}

    android = [posko.bring("android", body, **signed(at)).status_code for at in (when, late)]
    whatsapp = {"sender": NUMBER[1:], "message": f"naikkan {CODE}", "inboxid": 7}
    fonnte = [posko.bring(path, whatsapp).status_code for path in (f"fonnte/{SECRET}", "fonnte/salah", "fonnte")]

    assert (android, fonnte) == ([200, 401], [200, 401, 401])
    assert {(c.action.value, c.via) for c in posko.commands()} == {
        ("acknowledge", Via.SMS),
        ("escalate", Via.WHATSAPP),
    }


def test_telegrams_webhook_answers_the_tap_and_believes_the_chat(posko: Posko) -> None:
    from siaga.answers.telegram import button_data

    def tap(chat: str, query: str) -> dict[str, Any]:
        data = button_data(posko.page_id, {"action": "acknowledge"})
        told = {"id": query, "from": {"id": int(chat)}, "message": {"chat": {"id": int(chat)}}, "data": data}
        return {"update_id": 1, "callback_query": told}

    proof = {"X_Telegram_Bot_Api_Secret_Token": SECRET}
    own, other = posko.bring("bot", tap(CHAT, "Q1"), **proof), posko.bring("bot", tap("666", "Q2"), **proof)

    assert posko.bring("bot", tap(CHAT, "Q3")).status_code == 401
    assert (own.json()["method"], own.json()["callback_query_id"]) == ("answerCallbackQuery", "Q1")
    assert own.json()["text"] == f"{CODE} diterima. Terima kasih."
    assert CODE not in other.text
    (command,) = posko.commands()
    assert (command.by, command.action, command.via) == (OFFICER, "acknowledge", Via.TELEGRAM)
    (refused,) = posko.rejected()
    assert refused["reason"] == "unauthorised"


def test_what_is_no_message_of_a_gateway_is_refused_by_name(posko: Posko) -> None:
    proof = {"X_Siaga_Secret": SECRET}
    codes = {
        "unknown": posko.bring("bukan", {}).status_code,
        "no proof": posko.bring("desa", {"from": NUMBER, "text": "OK"}).status_code,
        "no sender": posko.bring("desa", {"text": "OK"}, **proof).status_code,
        "no JSON": posko.bring("desa", [1], **proof).status_code,
        "large": posko.bring("desa", b"x" * 70_000, **proof).status_code,
    }

    assert codes == {"unknown": 404, "no proof": 401, "no sender": 422, "no JSON": 422, "large": 413}


def test_half_a_character_or_a_nul_in_a_message_stops_nobody(posko: Posko) -> None:
    told = [posko.sms(f"OK {CODE}\x00", message_id="sms-\ud800"), posko.sms("\x00\ud800", message_id="\x00")]

    assert [answer["status"] for answer in told] == ["taken", "no_code"]
    (command,), (kept,) = posko.commands(), posko.rejected()
    assert command.by == OFFICER
    assert kept["reason"] == "invalid"
    update = {
        "update_id": 1,
        "message": {"chat": {"id": 4242}, "from": {"id": 4242}, "text": "\ud800", "message_id": 1},
    }
    assert posko.bring("bot", update, X_Telegram_Bot_Api_Secret_Token=SECRET).status_code == 200
