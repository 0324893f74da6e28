"""Whatever is sent in, an answer is somebody's own or it is nothing."""

from __future__ import annotations

import base64
import uuid
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from siaga.answers.desk import Asked, Outcome, Received, settle
from siaga.answers.telegram import keyboard_of, read_button, read_update
from siaga.answers.words import LONGEST, MOST_CODES, read_answer
from siaga.contracts.command import Action, Via
from siaga.contracts.page import CODE_ALPHABET, CODE_LENGTH, ChannelKind, Language, Purpose
from tests.support.paged import page

NOW = datetime(2022, 2, 23, 5, 0, tzinfo=UTC)
CODES = st.text(CODE_ALPHABET, min_size=CODE_LENGTH, max_size=CODE_LENGTH).filter(lambda code: not code.isalpha())
WORDS = {
    Action.ACKNOWLEDGE: ("ok", "terima", "1", "siap", "taken"),
    Action.CANNOT: ("tidak bisa", "berhalangan", "2", "cannot", "ok tidak bisa"),
    Action.ESCALATE: ("naikkan", "eskalasi", "3", "escalate"),
    Action.ON_MY_WAY: ("otw", "di jalan", "4", "on my way"),
}
NUMBERS = st.integers(10_000_000, 99_999_999_999).map(lambda number: f"+628{number}")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=10,
)


def asked(code: str, number: str, *, barred: bool = False) -> Asked:
    return Asked(
        page_id=uuid.uuid5(uuid.NAMESPACE_URL, code),
        code=code,
        purpose=Purpose.PAGE,
        incidents=(uuid.uuid5(uuid.NAMESPACE_URL, f"{code} incident"),),
        district="33.26.08",
        officer_id="kapolsek-kajen",
        language=Language.INDONESIAN,
        addresses=((ChannelKind.SMS, number), (ChannelKind.TELEGRAM, "42")),
        barred=barred,
    )


@given(st.text(max_size=LONGEST + 50))
def test_no_text_breaks_the_reading(text: str) -> None:
    said = read_answer(text)

    assert len(said.codes) <= MOST_CODES
    assert (said.fault is None) is (said.action is not None)
    assert said.fault is None or said.minutes is None


@given(st.sampled_from(sorted(WORDS)), st.data(), CODES, st.sampled_from(("", " ", "  ", ", ", " - ", "\n")))
def test_an_answer_means_the_same_in_any_case_and_spacing(
    action: Action, data: st.DataObject, code: str, gap: str
) -> None:
    word = data.draw(st.sampled_from([w for w in WORDS[action] if gap or (" " not in w and not w.isdecimal())]))
    text = f"{gap}{word}{gap}{code}{gap}"

    for written in (text, text.upper(), text.lower()):
        assert (read_answer(written).action, read_answer(written).codes) == (action, (code,))


@given(CODES, NUMBERS, NUMBERS, st.sampled_from(sorted(WORDS)), st.booleans())
def test_only_the_officers_own_telephone_answers_and_nothing_shows_a_number(
    code: str, own: str, sender: str, action: Action, barred: bool
) -> None:
    received = Received(Via.SMS, "pesan-1", sender, f"{WORDS[action][0]} {code} dari {own}")
    settled = settle(received, lambda codes, _: [asked(code, own, barred=barred)], source="uji", now=NOW)

    assert bool(settled.commands) is (sender == own and not barred)
    if sender != own:
        assert (settled.outcome, settled.reply) == (Outcome.WRONG_SENDER, None)
    for command in settled.commands:
        assert (command.action, command.by, command.via) == (action, "kapolsek-kajen", Via.SMS)
    if settled.rejection is not None:
        kept = base64.b64decode(settled.rejection.original).decode() + settled.rejection.message
        assert own.removeprefix("+") not in kept
        assert sender.removeprefix("+") not in kept
    assert own not in repr(received) + repr(settled)


@given(CODES, NUMBERS, st.text(min_size=1, max_size=20))
def test_a_message_that_is_brought_twice_is_one_answer(code: str, number: str, message_id: str) -> None:
    received = Received(Via.SMS, message_id, number, f"ok {code}")
    later = Received(Via.SMS, f"{message_id}'", number, f"ok {code}")
    first, second = (settle(received, lambda *_: [asked(code, number)], source="uji", now=NOW) for _ in range(2))
    other = settle(later, lambda *_: [asked(code, number)], source="uji", now=NOW)

    assert first.commands == second.commands
    assert first.commands[0].command_id != other.commands[0].command_id


@given(st.uuids(), st.sampled_from(("id", "en")))
def test_a_button_says_its_page_and_its_answer_in_64_bytes(page_id: uuid.UUID, language: str) -> None:
    about = page(page_id=page_id, language=language)
    buttons = [button for row in keyboard_of(about) for button in row]

    said = [read_button(button["callback_data"]) for button in buttons]

    assert [one and (one[0], one[1].action, one[1].minutes) for one in said] == [
        (page_id, Action.ACKNOWLEDGE, None),
        (page_id, Action.CANNOT, None),
        (page_id, Action.ESCALATE, None),
        (page_id, Action.ON_MY_WAY, 15),
    ]
    assert all(len(button["callback_data"].encode()) <= 64 for button in buttons)


@given(JSON | st.fixed_dictionaries({"update_id": st.integers(), "callback_query": JSON, "message": JSON}))
def test_no_update_breaks_the_reading(told: object) -> None:
    update = read_update(told)

    assert update is None or update.received is None or update.received.via is Via.TELEGRAM


@given(st.text(max_size=64))
def test_a_button_that_is_none_of_ours_says_nothing_or_names_a_page(data: str) -> None:
    said = read_button(data)

    assert said is None or isinstance(said[0], uuid.UUID)
