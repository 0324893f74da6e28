"""The pages' words: both languages say the same things, and everything that has a code has a word."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest

from console.pages.plain import LANGUAGES, live_words, words
from siaga.contracts.command import Action
from siaga.contracts.escalation import EscalationReason, EscalationState
from siaga.contracts.incident import Change, IncidentState
from siaga.contracts.page_result import PageStatus
from siaga.contracts.report import Role, Weapons
from siaga.redaction import UserRole
from siaga.rules.taxonomy import builtin_taxonomy
from siaga.types import Certainty, Stage, Urgency

#: What the page calls by its code, by prefix.
CODES = {
    "a": [action.value for action in Action],
    "c": [change.value for change in Change],
    "s": [state.value for state in IncidentState],
    "v": [certainty.value for certainty in Certainty],
    "u": [urgency.value for urgency in Urgency],
    "r": [role.value for role in Role],
    "w": [weapon.value for weapon in Weapons],
    "f": list(builtin_taxonomy().families),
    "g": [stage.value for stage in Stage],
    "role": [role.value for role in UserRole if role is not UserRole.PUBLIC],
    "e": [state.value for state in EscalationState],
    "y": [reason.value for reason in EscalationReason],
    "p": [status.value for status in PageStatus],
}


@pytest.mark.parametrize("prefix", CODES)
def test_every_code_has_an_indonesian_word(prefix: str) -> None:
    assert [code for code in CODES[prefix] if f"{prefix}_{code}" not in live_words("id")] == []


def test_both_languages_say_the_same_things() -> None:
    assert set(words("id")) == set(words("en"))
    # An English code with spaces for its underscores is an English word already.
    missing = {key for key in live_words("id") if key not in live_words("en")}
    assert {key.partition("_")[0] for key in missing} <= {"d", "e", "y", "p"}
    for key, english in live_words("en").items():
        # Only English has another word for one of something.
        indonesian = live_words("id")[key.removesuffix("_one")]
        assert set(re.findall(r"\{\w+\}", english)) == set(re.findall(r"\{\w+\}", indonesian)), key


def test_every_word_a_component_asks_for_exists() -> None:
    asked: set[str] = set()
    for path in (files("console") / "web").iterdir():
        if path.name.endswith(".js"):
            text = path.read_text("utf-8")
            asked |= set(re.findall(r"(?<![\w.])t\(['\"]([a-z_0-9]+)['\"]", text))

    assert len(asked) > 80
    for language in LANGUAGES:
        assert asked - set(live_words(language)) == set()
