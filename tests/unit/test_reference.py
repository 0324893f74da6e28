"""The generated pages of the reference say what the code does. Run ``siaga reference`` where they do not."""

from __future__ import annotations

from pathlib import Path

from siaga.rules.reference import rules_page
from siaga.rules.ruleset import builtin_ruleset
from siaga.rules.taxonomy import builtin_taxonomy
from siaga.rules.vocabulary import VARIABLES
from siaga.settings import Settings
from siaga.settings_page import settings_page

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"


def test_the_page_of_rules_is_in_step() -> None:
    assert (REFERENCE / "rules.md").read_text(encoding="utf-8") == rules_page()


def test_the_page_of_rules_names_every_variable_rule_and_kind() -> None:
    page = rules_page()
    named = [*VARIABLES, *(rule.id for rule in builtin_ruleset().rules), *builtin_taxonomy().kinds]
    assert [name for name in named if f"| `{name}` |" not in page] == []


def test_the_page_of_settings_is_in_step() -> None:
    assert (REFERENCE / "settings.md").read_text(encoding="utf-8") == settings_page()


def test_every_setting_says_what_it_means() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []
