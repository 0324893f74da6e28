"""What ``siaga rules check`` refuses, and what it says about it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from siaga.cli import rules as command
from siaga.rules.check import check_ruleset, check_taxonomy
from siaga.rules.errors import RulesError
from siaga.rules.ruleset import builtin_ruleset_text, parse_ruleset
from siaga.rules.taxonomy import builtin_taxonomy, builtin_taxonomy_text, parse_taxonomy

REASON = 'reason = { id = "Sebab", en = "Cause" }'


def rule(name: str, when: str, *lines: str, reason: str = REASON) -> str:
    return "\n".join(("[[rule]]", f'id = "{name}"', f"when = '{when}'", *lines, reason, ""))


def ruleset(*rules: str, version: str = 'version = "uji-1"') -> str:
    return "\n".join((version, *rules))


def problems(*rules: str) -> list[str]:
    return [f"{p.field}: {p.message}; {p.remedy}" for p in check_ruleset(ruleset(*rules), builtin_taxonomy())]


def refused(toml: str) -> str:
    with pytest.raises(RulesError) as caught:
        parse_ruleset(toml, builtin_taxonomy())
    return str(caught.value)


# -- what reading finds -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("toml", "told"),
    [
        ("version = ", "file: is not TOML: Invalid value"),
        ('version = "a b"\n' + rule("a", "dead > 0", "raise_to = 1"), "version: is no short identifier;"),
        ('version = "a"', "rule: there is none; add at least one [[rule]]"),
        ('version = "a"\nrules = 1\n' + rule("a", "dead > 0", "raise_to = 1"), "rules: is no part of a ruleset; did"),
        ('version = "a"\nrule = [1]', "rule[0]: is not a table; begin it with [[rule]]"),
        (rule("A", "dead > 0", "raise_to = 1"), "rule[0].id: is no id of a rule; write lower-case"),
        (rule("base", "dead > 0", "raise_to = 1"), "rule[0].id: is no id of a rule;"),
        (
            rule("a", "dead > 0", "raises_to = 1"),
            "rule a.raises_to: is no field or effect of a rule; did you mean rai",
        ),
        (rule("a", "dead > 0"), "rule a: has no effect; give it one of raise_by"),
        (
            rule("a", "dead > 0", "raise_to = 1", "cap_at = 3"),
            "rule a: has too many effects: raise_to, cap_at; split",
        ),
        (rule("a", "dead > 0", "raise_to = 5"), "rule a.raise_to: is out of range or no whole number; write a whole"),
        (rule("a", "dead > 0", "raise_to = true"), "rule a.raise_to: is out of range or no whole number"),
        (rule("a", "dead > 0", 'certainty = "sure"'), "rule a.certainty: is no certainty; known are observed"),
        (rule("a", "dead > 0", "raise_to = 1", reason=""), "rule a.reason: is missing or not a table; write"),
        (
            rule("a", "dead > 0", "raise_to = 1", reason='reason = { id = "x" }'),
            "rule a.reason.en: is missing; say in",
        ),
        (rule("a", "", "raise_to = 1"), "rule a.when: is missing or not text; write a CEL condition"),
        (rule("a", "dead >", "raise_to = 1"), "rule a.when: is not CEL:"),
        (rule("a", "killed > 0", "raise_to = 1"), "rule a.when: there is no variable killed;"),
        (rule("a", "dead", "raise_to = 1"), "rule a.when: answers int instead of bool; write a comparison"),
        (rule("a", 'dead > "1"', "raise_to = 1"), "rule a.when: cannot be evaluated:"),
        (rule("a", "timestamp(kind) > 0", "raise_to = 1"), "rule a.when: there is no function timestamp; known are"),
        (rule("a", "severity < 3", "raise_to = 1"), "rule a.when: asks for the severity that it helps to decide;"),
        (
            rule("a", 'kinds.exists(kind, kind == "x")', "raise_to = 1"),
            "rule a.when: kind is bound anew, which hides",
        ),
        (
            rule("a", 'vulnerability == "rawan"', "raise_by = 1"),
            "rule a.confidential: the condition asks what is conf",
        ),
        (rule("a", "dead > 0", "raise_to = 1", 'confidential = "yes"'), "rule a.confidential: is not true or false;"),
        (
            rule("a", "dead > 0", "raise_to = 1", reason=r'reason = { id = "x", en = "\u0000" }'),
            "file: holds a NUL character",
        ),
    ],
)
def test_a_ruleset_that_cannot_be_used_says_where_and_what_to_do(toml: str, told: str) -> None:
    assert told in refused(toml if toml.startswith("version") else ruleset(toml))


def test_two_rules_of_one_id_are_refused() -> None:
    twice = ruleset(rule("a", "dead > 0", "raise_to = 1"), rule("a", "injured > 0", "raise_to = 2"))
    assert "rule a: there are two of this id" in refused(twice)


def test_all_problems_are_told_at_once() -> None:
    assert len(refused(ruleset(rule("a", "dead >", "raise_to = 9"), rule("b", "true"))).splitlines()) == 3


# -- what looking over finds --------------------------------------------------------------------------------------


def test_the_built_in_ruleset_and_taxonomy_are_good() -> None:
    assert check_ruleset(builtin_ruleset_text(), builtin_taxonomy()) == []
    assert check_taxonomy(builtin_taxonomy_text()) == []


@pytest.mark.parametrize(
    "when",
    [
        "injured > 3 && injured < 4",
        "injured > 2000000",
        "reporters == 0",
        "officer && public_only",
        "verified && refuted",
        'families.exists(f, f == "violence") && families.exists(f, f == "order")',
        'kind == "violence.brawl" && family != "violence"',
        'kind == "violence.brawl" && "violence.mass_clash" in kinds',
        "crowd < 0 || dead < 0",
    ],
)
def test_a_rule_that_can_never_fire_is_refused(when: str) -> None:
    (problem,) = problems(rule("a", when, "raise_to = 1"))
    assert problem.startswith("rule a.when: can never be true")


@pytest.mark.parametrize(
    "when",
    [
        "dead + injured >= 7",
        "injured > crowd",
        "size(kinds) > 1",
        "size(kinds) > 4",
        'kinds.exists(k, k.startsWith("violence.")) && stage == ""',
        "late_minutes > 100000",
        "crowd % 7 == 3 && crowd > 1000",
        "officer && outage && skewed && accused",
    ],
)
def test_a_rule_that_can_fire_is_not(when: str) -> None:
    assert problems(rule("a", when, "raise_to = 1")) == []


def test_a_misspelt_value_is_named_even_where_others_are_right() -> None:
    (problem,) = problems(rule("a", 'stage in ["voting", "countin"]', "raise_to = 1"))
    assert "'countin' is no value of a variable it asks for; did you mean counting?" in problem


def test_a_kind_that_is_not_in_the_taxonomy_is_named() -> None:
    (problem,) = problems(rule("a", '"violence.brawls" in kinds || "violence.arson" in kinds', "raise_to = 1"))
    assert "did you mean violence.brawl?" in problem


@pytest.mark.parametrize(
    "idle",
    [
        rule("idle", "injured >= 10", "raise_to = 2"),
        rule("idle", "dead > 0", "lower_by = 1"),
        rule("idle", "injured >= 5 && crowd > 7", "raise_by = 1"),
        rule("idle", "officer", 'certainty = "possible"'),
        rule("idle", "severity == 5 && injured >= 5", 'urgency = "past"'),
    ],
)
def test_a_rule_that_never_matters_is_refused(idle: str) -> None:
    others = (rule("many", "injured >= 5", "raise_to = 1"), rule("sure", "true", 'certainty = "likely"'))
    (problem,) = problems(*others, idle)
    assert problem.startswith("rule idle: never matters")


def test_a_cap_that_matters_only_beside_two_other_rules_is_kept() -> None:
    raising = (
        rule("a", 'family == "other" && crowd > 5', "raise_by = 1"),
        rule("b", 'family == "other" && accused', "raise_by = 1"),
    )
    assert problems(*raising, rule("cap", 'family == "other"', "cap_at = 3")) == []


# -- taxonomies ---------------------------------------------------------------------------------------------------

KIND = '[kinds.violence]\nbrawl = { id = "perkelahian", en = "brawl", base = 3, lead = "polsek" }\n'


@pytest.mark.parametrize(
    ("toml", "told"),
    [
        (
            KIND.replace(", base = 3", ""),
            "kinds.violence.brawl.base: no level is defined for violence.brawl; give it",
        ),
        (KIND.replace("base = 3", "base = 6"), "kinds.violence.brawl.base: is no level;"),
        (KIND.replace("base = 3", "base = true"), "kinds.violence.brawl.base: is no level;"),
        (KIND.replace("base = 3", "base = 3, colour = 1"), "kinds.violence.brawl.colour: is no field of a kind;"),
        (KIND.replace('id = "perkelahian", ', ""), "kinds.violence.brawl.id: is missing; write its Indonesian name"),
        (KIND.replace('"polsek"', '"pol sek"'), "kinds.violence.brawl.lead: is no short identifier;"),
        (KIND.replace("brawl =", "Brawl ="), "kinds.violence.Brawl: is no name of a kind;"),
        (KIND.replace("kinds.violence", "kinds.Violence"), "kinds.Violence: is no name of a family;"),
        (KIND.replace('"polsek" }', '"polsek", support = ["polsek"] }'), "support[0]: names polsek twice;"),
        (KIND.replace('"polsek" }', '"polsek", support = "polres" }'), "support: is not a list;"),
        ("[kinds.violence]\n", "kinds.violence: has no kind;"),
        ("", "kinds: is missing or empty;"),
        ("[kinds.violence]\nbrawl = 3\n", "kinds.violence.brawl: is not a table;"),
    ],
)
def test_a_taxonomy_that_cannot_be_used_says_where_and_what_to_do(toml: str, told: str) -> None:
    found = check_taxonomy('version = "uji-1"\n' + toml)
    assert any(told in f"{p.field}: {p.message}; {p.remedy}" for p in found)


def test_every_built_in_kind_has_a_level_a_lead_and_both_names() -> None:
    kinds = parse_taxonomy(builtin_taxonomy_text()).kinds.values()

    assert len(kinds) == 53
    assert all(1 <= kind.base <= 5 and kind.lead and kind.id and kind.en for kind in kinds)


# -- the command --------------------------------------------------------------------------------------------------


def check(file: Path, *options: str) -> Result:
    app = typer.Typer()
    command.register(app)
    return CliRunner().invoke(app, ["rules", "check", str(file), *options])


def test_a_good_file_exits_with_zero_whichever_it_is(tmp_path: Path) -> None:
    for name, text in (("ruleset", builtin_ruleset_text()), ("taxonomy", builtin_taxonomy_text())):
        file = tmp_path / f"{name}.toml"
        file.write_text(text)
        result = check(file)
        assert (result.exit_code, result.stdout) == (0, f"{file} is a good {name}.\n")


def test_a_bad_file_exits_with_one_and_names_each_problem(tmp_path: Path) -> None:
    file = tmp_path / "keparahan.toml"
    file.write_text(ruleset(rule("a", "injured > 2000000", "raise_to = 1")))
    result = check(file)

    assert result.exit_code == 1
    assert result.stderr.startswith(f"{file} rule a.when: can never be true")


def test_a_program_reads_the_same(tmp_path: Path) -> None:
    file = tmp_path / "keparahan.toml"
    file.write_text(ruleset(rule("a", "dead >= 0 && reporters == 0", "raise_to = 1")))
    told = json.loads(check(file, "--json").stdout)

    assert (told["what"], told["good"], [p["field"] for p in told["problems"]]) == ("ruleset", False, ["rule a.when"])


def test_a_ruleset_is_looked_over_with_the_kinds_it_will_decide_with(tmp_path: Path) -> None:
    kinds, file = tmp_path / "kinds.toml", tmp_path / "severity.toml"
    kinds.write_text('version = "uji-1"\n' + KIND)
    file.write_text(ruleset(rule("a", '"violence.brawl" in kinds', "raise_to = 1")))

    assert check(file, "--taxonomy", str(kinds)).exit_code == 0
    file.write_text(ruleset(rule("a", '"hazard.flood" in kinds', "raise_to = 1")))
    assert check(file, "--taxonomy", str(kinds)).exit_code == 1


def test_a_file_that_is_not_there_exits_with_two(tmp_path: Path) -> None:
    result = check(tmp_path / "nowhere.toml")
    assert result.exit_code == 2
    assert "cannot be read" in result.stderr
