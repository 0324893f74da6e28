"""What officers type, and what is made of it."""

from __future__ import annotations

import pytest

from siaga.answers.senders import is_same_telephone, masked, masked_text
from siaga.answers.words import Fault, read_answer
from siaga.contracts.command import Action

TAKE, CANNOT, ESCALATE, COMING = Action.ACKNOWLEDGE, Action.CANNOT, Action.ESCALATE, Action.ON_MY_WAY


@pytest.mark.parametrize(
    ("text", "action", "minutes"),
    [
        ("OK K7Q2M", TAKE, None),
        ("terima k7q2m", TAKE, None),
        ("1 K7Q2M", TAKE, None),
        ("K7Q2M", TAKE, None),
        ("k7q2m pak", TAKE, None),
        ("  k7q2m,  OK! ", TAKE, None),
        ("ok k7q 2m", TAKE, None),
        ("OKK7Q2M", TAKE, None),
        ("Siap komandan, saya terima K7Q2M segera ke lokasi", TAKE, None),
        ("tidak bisa K7Q2M", CANNOT, None),
        ("tdk bisa terima k7q2m", CANNOT, None),
        ("ok, tidak bisa k7q2m", CANNOT, None),
        ("2 k7q2m", CANNOT, None),
        ("Can’t K7Q2M", CANNOT, None),
        ("naikkan k7q2m", ESCALATE, None),
        ("3 K7Q2M", ESCALATE, None),
        ("siap naikkan K7Q2M", ESCALATE, None),
        ("otw 15 K7Q2M", COMING, 15),
        ("OTW K7Q2M 45 mnt", COMING, 45),
        ("4 15 K7Q2M", COMING, 15),
        ("meluncur 1 jam K7Q2M", COMING, 60),
        ("ok otw15menit K7Q2M on my way", COMING, None),
        ("K7Q2M di jalan", COMING, None),
    ],
)
def test_an_answer_is_understood_as_people_write_it(text: str, action: Action, minutes: int | None) -> None:
    said = read_answer(text)

    assert (said.action, said.codes, said.minutes, said.fault) == (action, ("K7Q2M",), minutes, None)


@pytest.mark.parametrize(
    "text",
    [
        "jangan naikkan K7Q2M",
        "belum otw K7Q2M",
        "bukan saya K7Q2M",
        "siapa yang terima K7Q2M",
        "terima K7Q2M?",
        "K7Q2M kenapa",
        "terima atau tidak bisa K7Q2M",
        "tidak bisa, naikkan K7Q2M",
        "15 K7Q2M",
    ],
)
def test_what_may_mean_something_else_takes_nothing(text: str) -> None:
    said = read_answer(text)

    assert (said.action, said.codes, said.fault) == (None, ("K7Q2M",), Fault.UNCLEAR)


def test_an_answer_to_several_pages_names_each() -> None:
    assert read_answer("ok K7Q2M m3n4p").codes == ("K7Q2M", "M3N4P")


def test_a_word_that_looks_like_a_code_does_not_hide_the_code() -> None:
    assert "K7Q2M" in read_answer("terima bapak K7Q2M").codes


def test_without_a_code_there_is_nothing_to_answer() -> None:
    assert {read_answer(text).fault for text in ("OK", "", "otw 15 menit", "1")} == {Fault.NO_CODE}


def test_one_telephone_is_written_in_many_ways() -> None:
    ways = ("+62 812-3456-7890", "6281234567890", "081234567890", "0062812 3456 7890", "+62 (0)812 3456 7890")

    assert all(is_same_telephone("+6281234567890", way) for way in (*ways, "whatsapp:+6281234567890"))
    others = ("+6281234567891", "81234567890", "1234", "", "+628123456789", "TELKOMSEL", "@petugas")
    assert not any(is_same_telephone("+6281234567890", other) for other in others)
    # Two that are no numbers are not the same telephone, however alike.
    assert not is_same_telephone("TELKOMSEL", "TELKOMSEL")


def test_what_is_kept_of_a_message_names_no_telephone() -> None:
    assert masked("+6281234567890") == "…90"
    assert masked_text("ok K7Q2M hubungi 0812-3456-7890 ya") == "ok K7Q2M hubungi … ya"
