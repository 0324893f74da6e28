"""The script of troubles: what it must hold, and how a wrong one is refused."""

from __future__ import annotations

import re

import pytest

from producers.simulate.script import ScriptError, builtin_script, parse_script, seconds
from siaga.contracts.report import Role

FAMILIES = {
    "violence", "intimidation", "order", "integrity", "dispute", "procedure", "neutrality", "health", "information",
    "hazard", "facility", "security", "other",
}  # fmt: skip

SCENE = """
version = 1
[[scene]]
name = "uji"
about = "a test"
cast = { a = "33.26.08" }
step = [ { at = "voting+5m", kind = "order.crowd", station = "a", by = "officer 1", text = "Massa berkumpul" } ]
"""


def test_the_script_plays_every_family_of_trouble() -> None:
    assert builtin_script().families == FAMILIES


def test_names_of_scenes_and_outages_are_unique() -> None:
    script = builtin_script()
    names = [scene.name for scene in script.scene] + [outage.name for outage in script.outage]
    assert len(names) == len(set(names))


def test_no_text_holds_what_looks_like_personal_data() -> None:
    script = builtin_script()
    texts = [step.text for scene in script.scene for step in scene.step] + [t for n in script.noise for t in n.texts]
    assert not [text for text in texts if re.search(r"\d{6,}|@|\b08\d", text)]


def test_the_script_has_a_withdrawal_a_lowering_a_drill_repeats_wrong_clocks_and_an_accused_unit() -> None:
    steps = [step for scene in builtin_script().scene for step in scene.step]

    assert any(step.withdraws for step in steps)
    assert any(step.corrects and not step.withdraws for step in steps)
    assert any(step.drill for step in steps)
    assert any(step.copies > 1 for step in steps)
    assert {step.clock > 0 for step in steps if step.clock} == {True, False}
    assert any(step.accuses for step in steps)


def test_one_hoax_is_forwarded_word_for_word_by_three_people_of_the_public() -> None:
    scene = next(s for s in builtin_script().scene if s.name == "pesan-berantai")
    by_text: dict[str, set[tuple[Role, int]]] = {}
    for step in scene.step:
        by_text.setdefault(step.text, set()).add(step.by)
    assert max(len(people) for people in by_text.values()) >= 3


def test_one_trouble_spreads_over_three_stations_and_a_border() -> None:
    scene = next(s for s in builtin_script().scene if s.name == "cekcok-menjalar")
    assert len({step.station for step in scene.step}) >= 3
    assert any(wish.startswith("across ") for wish in scene.cast.values())


@pytest.mark.parametrize(
    ("text", "expected"), [("90s", 90.0), ("1h30m", 5400.0), ("-2d", -172_800.0), ("+12h", 43_200.0)]
)
def test_durations_are_read_in_seconds(text: str, expected: float) -> None:
    assert seconds(text) == expected


@pytest.mark.parametrize("text", ["", "12", "m", "1,5h", "1h 30m", None, 7])
def test_what_is_no_duration_is_refused_with_an_example(text: object) -> None:
    with pytest.raises(ValueError, match="1h30m"):
        seconds(text)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('at = "voting+5m"', 'at = "campaign+5m"', r"scene\.0\.step\.0\.at.*voting\+95m"),
        ('kind = "order.crowd"', 'kind = "crowd"', r"scene\.0\.step\.0\.kind"),
        ('station = "a"', 'station = "b"', "not in the cast"),
        ('by = "officer 1"', 'by = "mayor 1"', "public 2"),
        ('text = "Massa', 'corrects = "x", text = "Massa', "no earlier step"),
        ('text = "Massa', 'withdraws = true, text = "Massa', "withdraws nothing"),
        ('text = "Massa', 'colour = "red", text = "Massa', r"scene\.0\.step\.0\.colour"),
        ("version = 1", "version = 2", "version"),
        ("[[scene]]", "[[scene", "not TOML"),
    ],
)
def test_a_wrong_script_is_refused_by_the_place_that_is_wrong(old: str, new: str, told: str) -> None:
    assert parse_script(SCENE).scene[0].name == "uji"
    with pytest.raises(ScriptError, match=told):
        parse_script(SCENE.replace(old, new, 1))


def test_every_wrong_place_of_a_script_is_named_at_once() -> None:
    broken = SCENE.replace("voting+5m", "noon").replace("order.crowd", "crowd")
    with pytest.raises(ScriptError) as error:
        parse_script(broken)
    assert len(str(error.value).splitlines()) == 2
