"""The generated pages of the reference say what the code does. Run ``siaga reference`` where they do not."""

from __future__ import annotations

from pathlib import Path

import pytest

import console.accounts.tables
import siaga.store.paging
import siaga.store.tables
from siaga.cli.pages.metrics import metrics_page
from siaga.cli.pages.tables import meanings
from siaga.cli.schemas import reference_pages
from siaga.contracts.schemas import CONTRACTS
from siaga.contracts.topics import TOPICS
from siaga.rules.reference import rules_page
from siaga.rules.ruleset import builtin_ruleset
from siaga.rules.taxonomy import builtin_taxonomy
from siaga.rules.vocabulary import VARIABLES
from siaga.settings import Settings

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "docs" / "reference"
PAGES = (
    *("cli.md", "metrics.md", "rules.md", "settings.md", "tables.md", "topics.md"),
    *("http-api.md", "console-openapi.json", "gateway-openapi.json"),
)


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    return reference_pages()


@pytest.mark.parametrize("name", PAGES)
def test_a_generated_page_is_in_step(name: str, pages: dict[str, str]) -> None:
    assert set(pages) == set(PAGES)
    assert (REFERENCE / name).read_text(encoding="utf-8") == pages[name]


def test_the_page_of_rules_names_every_variable_rule_and_kind() -> None:
    page = rules_page()
    named = [*VARIABLES, *(rule.id for rule in builtin_ruleset().rules), *builtin_taxonomy().kinds]
    assert [name for name in named if f"| `{name}` |" not in page] == []


def test_every_setting_says_what_it_means() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


def test_every_topic_says_what_it_holds_and_names_contracts_there_are() -> None:
    assert [topic.name for topic in TOPICS if not (topic.what and topic.written_by)] == []
    assert {name for topic in TOPICS for name in topic.contracts} <= set(CONTRACTS)
    # A device sends the two others; they travel as what the gateway made of them.
    assert set(CONTRACTS) - {name for topic in TOPICS for name in topic.contracts} == {"report", "checkin"}


def test_every_table_says_what_it_holds() -> None:
    stored = {**meanings(siaga.store.tables), **meanings(siaga.store.paging)}
    assert set(stored) == set(siaga.store.tables.metadata.tables)
    assert set(meanings(console.accounts.tables)) == set(console.accounts.tables.METADATA.tables)


def test_every_metric_is_in_base_units_and_belongs_to_one_process() -> None:
    rows = [line.split(" | ") for line in metrics_page().splitlines() if line.startswith("| `")]
    names = [row[0].strip("| `") for row in rows]
    assert len(names) == len(set(names))
    assert [name for name in names if not name.startswith("siaga_")] == []
    assert [name for name in names if name.endswith(("_ms", "_minutes", "_kb", "_mb"))] == []
    assert [row[0] for row in rows if not row[3].rstrip(" |")] == []
