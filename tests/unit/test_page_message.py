"""What an officer reads."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from siaga.contracts.incident import Reason
from siaga.contracts.page import ChannelKind, Language, Page, Purpose, code_of
from siaga.escalation.gsm7 import ONE_SMS, fit, plain, septets
from siaga.escalation.message import sms_of, text_of
from tests.support.pager import World, roster

LINK = "https://siaga.example.go.id/ack/K3vXq0ZtT4u1"
SECRET = Reason(
    rule="vulnerable", effect="raise_by 1", id="TPS sangat rawan", en="a very vulnerable station", confidential=True
)


@pytest.fixture
def page() -> Page:
    world = World(roster(cleared=["polres"]))
    injured = Reason(rule="injured", effect="raise_to 2", id="ada korban luka", en="somebody is injured")
    world.report("violence.mass_clash", reasons=(injured, SECRET), reporter_count=3)
    return world.pages[0]


def test_a_page_says_what_where_how_grave_why_and_how_many(page: Page) -> None:
    text = text_of(page, link=LINK)

    assert text.splitlines() == [
        "SEV1 (sangat gawat): bentrokan massa",
        "Lokasi: TPS 001 Desa Uji",
        "Alasan: ada korban luka",
        "3 pelapor, kemungkinan besar benar",
        "Waktu kejadian: 23-02-2022 12:00 WIB",
        "Mohon dijawab sebelum: 12:02 WIB",
        f"Terima: {LINK}",
        f"Balas {page.code}",
    ]


def test_an_english_officer_reads_english(page: Page) -> None:
    english = page.model_copy(update={"language": Language.ENGLISH})

    assert "Because: somebody is injured" in text_of(english, link=LINK)
    assert sms_of(english, link=LINK).startswith(f"SEV1 {page.code} mass clash TPS 001 Desa Uji, 3 reporting")


def test_an_sms_holds_all_that_matters(page: Page) -> None:
    assert sms_of(page, link=LINK) == (
        f"SEV1 {page.code} bentrokan massa TPS 001 Desa Uji, 3 pelapor, ada korban luka Terima: {LINK}"
    )


def test_only_the_cleared_are_told_confidential_reasons(page: Page) -> None:
    assert page.confidential_reasons
    assert "rawan" not in page.to_json().decode()
    for text in (text_of(page, link=LINK, confidential=[SECRET]), sms_of(page, link=None, confidential=[SECRET])):
        assert "rawan" not in text

    cleared = page.model_copy(update={"cleared": True})
    assert "ada korban luka; TPS sangat rawan" in text_of(cleared, link=LINK, confidential=[SECRET])


@pytest.mark.parametrize(
    ("purpose", "words"),
    [
        (Purpose.VERIFY, "MOHON VERIFIKASI SEV1"),
        (Purpose.HANDOFF, "MOHON AMBIL ALIH SEV1"),
        (Purpose.RETRACTION, "DIBATALKAN, TIDAK BENAR SEV1"),
        (Purpose.DRILL_CALL, "[LATIHAN] UJI PANGGILAN"),
    ],
)
def test_what_is_asked_comes_first(page: Page, purpose: Purpose, words: str) -> None:
    asked = page.model_copy(update={"purpose": purpose})

    assert text_of(asked, link=LINK).startswith(words)
    assert sms_of(asked, link=LINK).startswith(words)


def test_a_retraction_asks_for_nothing(page: Page) -> None:
    retraction = page.model_copy(update={"purpose": Purpose.RETRACTION})

    assert LINK not in text_of(retraction, link=LINK) + sms_of(retraction, link=LINK)


@pytest.mark.parametrize(("language", "mark"), [(Language.INDONESIAN, "[LATIHAN]"), (Language.ENGLISH, "[DRILL]")])
def test_a_drill_cannot_be_taken_for_the_real_thing(page: Page, language: Language, mark: str) -> None:
    drill = page.model_copy(update={"drill": True, "language": language})

    assert text_of(drill, link=LINK).startswith(f"{mark} SEV1")
    assert sms_of(drill, link=LINK).startswith(f"{mark} SEV1")


def test_past_the_last_level_a_page_says_that_nobody_has_answered() -> None:
    world = World()
    world.report("violence.mass_clash")
    world.advance(minutes=8)

    assert sms_of(world.pages[-1], link=LINK).startswith("BELUM ADA YANG MENERIMA SEV1")
    assert text_of(world.pages[-1], link=LINK).startswith("BELUM ADA YANG MENERIMA SEV1")


def test_a_digest_says_how_many_incidents_it_is_about() -> None:
    world = World()
    for _ in range(7):
        world.report("violence.brawl")
    world.advance(minutes=2)

    assert sms_of(world.pages[-1], link=LINK).startswith(
        f"RANGKUMAN SEV3 {world.pages[-1].code} 2 kejadian: perkelahian"
    )


@given(
    place=st.text(max_size=160).filter(lambda text: "\x00" not in text and text.isprintable()),
    kind=st.text(max_size=120).filter(lambda text: "\x00" not in text and text.isprintable()),
    purpose=st.sampled_from(Purpose),
    language=st.sampled_from(Language),
    drill=st.booleans(),
    link=st.none() | st.sampled_from([LINK, "https://s.id/x", "https://" + "a" * 120, "https://contoh.id/~é"]),
)
def test_an_sms_is_always_one_sms_with_its_code(
    *, place: str, kind: str, purpose: Purpose, language: Language, drill: bool, link: str | None
) -> None:
    page = sample().model_copy(
        update={
            "place": place,
            "kind_id": kind,
            "kind_en": kind,
            "purpose": purpose,
            "language": language,
            "drill": drill,
            "channel_kind": ChannelKind.SMS,
        }
    )
    text = sms_of(page, link=link)

    assert septets(text) <= ONE_SMS
    assert page.code in text


def sample() -> Page:
    world = World()
    world.report("violence.mass_clash")
    return world.pages[0]


def test_the_alphabet_counts_as_a_telephone_does() -> None:
    assert septets("Tes 123 é") == 9
    assert septets("{€}") == 6
    assert plain("Desa “Sidò” — Łódź…") == 'Desa "Sidò" - Lódz...'.replace("ó", "o")
    assert fit("Bentrokan massa di lapangan", 18) == "Bentrokan massa."
    with pytest.raises(ValueError, match="no SMS alphabet"):
        septets("😀")


def test_a_code_is_short_and_holds_nothing_that_is_misread(page: Page) -> None:
    assert code_of(page.page_id) == page.code
    assert len(page.code) == 5
    assert not set(page.code) & set("01ILOU")
