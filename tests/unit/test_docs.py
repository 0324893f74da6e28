"""What people read names only what there is: files, headings, commands, options, settings, make targets."""

from __future__ import annotations

import re
import shlex
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from siaga.answers.gateways import load_gateways
from siaga.cli import _MODULES, whole_app
from siaga.contracts.checkin import CheckIn
from siaga.contracts.page import ChannelKind
from siaga.contracts.rejection import RejectReason
from siaga.contracts.report import Report
from siaga.settings import Settings
from sinks.notify.channels import parse_channels

ROOT = Path(__file__).parents[2]
DOCUMENTS = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
NAMES = [str(path.relative_to(ROOT)) for path in DOCUMENTS]
APP: Any = typer.main.get_command(whole_app())

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"`(siaga [^`]+)`")
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_FILE = re.compile(r"`((?:siaga|producers|streams|sinks|console|tests|docs|deploy)/[\w./-]+)`")
_QUOTED = re.compile(r"'(siaga(?: [a-z][a-z-]*)+)")
_MAKE = re.compile(r"`make ([a-z-]+)|^make ([a-z-]+)", re.MULTILINE)
_VARIABLE = re.compile(r"\bSIAGA_([A-Z_]+[A-Z])\b")
#: Variables that are no settings: where the settings are, tokens and passwords of commands, the tests' own.
_OTHER_VARIABLES = {"CONFIG", "TOKEN", "PASSWORD", "TEST_REQUIRE_ALL", "TEST_KAFKA_JARS", "TEST_RATE"}


def command_of(words: list[str]) -> tuple[Any, list[str]]:
    """The command that ``words`` (after ``siaga``) name, and what is left for it."""
    command, rest = APP, list(words)
    while rest and rest[0] in getattr(command, "commands", {}):
        command = command.commands[rest.pop(0)]
    return command, rest


def is_whole(command: Any) -> bool:
    """Whether it does something, rather than wait for a sub-command."""
    return not hasattr(command, "commands") or bool(command.invoke_without_command)


def options_of(command: Any) -> set[str]:
    return {"--help", *(name for p in command.params for name in (*p.opts, *p.secondary_opts) if name[0] == "-")}


def fenced_commands(text: str) -> Iterator[list[str]]:
    """The words after ``siaga`` of each command in a block of shell."""
    for language, block in _FENCE.findall(text):
        if language not in {"bash", "console"}:
            continue
        lines = re.sub(r"<<-?'?(\w+)'?\n.*?^\1$", "", block, flags=re.MULTILINE | re.DOTALL).replace("\\\n", " ")
        for line in lines.splitlines():
            if language == "console" and not line.startswith("$ "):
                continue
            for part in re.split(r"\||;|&&", re.sub(r"\$\(\(.*?\)\)", "1", line.removeprefix("$ "))):
                words = shlex.split(part, comments=True) if part.count("'") % 2 == 0 else part.split()
                at = next((n for n, word in enumerate(words) if word.removeprefix(".venv/bin/") == "siaga"), None)
                if at is not None and all("=" in word for word in words[:at]):
                    yield words[at + 1 :]


def anchors_of(document: Path) -> set[str]:
    """The anchors of a document's headings, as GitHub makes them."""
    text = _FENCE.sub("", document.read_text(encoding="utf-8"))
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("name", NAMES)
def test_every_link_leads_somewhere(name: str) -> None:
    document = ROOT / name
    text = _FENCE.sub("", document.read_text(encoding="utf-8"))
    broken = []
    for target in _LINK.findall(text):
        if "://" in target or target.startswith("mailto:"):
            continue
        path, _, anchor = target.partition("#")
        found = (document.parent / path).resolve() if path else document
        if not found.exists() or (anchor and anchor not in anchors_of(found)):
            broken.append(target)
    assert broken == []


@pytest.mark.parametrize("name", NAMES)
def test_every_file_named_is_there(name: str) -> None:
    named = set(_FILE.findall((ROOT / name).read_text(encoding="utf-8")))
    assert {path for path in named if not (ROOT / path).exists()} == set()


@pytest.mark.parametrize("name", NAMES)
def test_every_command_in_a_block_is_understood(name: str) -> None:
    for words in fenced_commands((ROOT / name).read_text(encoding="utf-8")):
        command, rest = command_of(words)
        assert is_whole(command), f"siaga {' '.join(words)}: there is no such command"
        # Raises where an option is unknown, or an argument missing or too many.
        command.make_context(command.name, [word for word in rest if word != "…"])


@pytest.mark.parametrize("name", NAMES)
def test_every_command_in_a_sentence_exists(name: str) -> None:
    text = _FENCE.sub("", (ROOT / name).read_text(encoding="utf-8"))
    for said in _INLINE.findall(text):
        command, rest = command_of(said.replace("[", "").replace("]", "").split()[1:])
        assert command is not APP or said == "siaga COMMAND --help", f"{said}: there is no such command"
        unknown = {word.partition("=")[0] for word in rest if word.startswith("--")} - options_of(command)
        assert not unknown, f"{said}: has no {', '.join(unknown)}"


@pytest.mark.parametrize("name", NAMES)
def test_every_setting_and_make_target_exists(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    known = {field.upper() for field in Settings.model_fields} | _OTHER_VARIABLES
    assert {variable for variable in _VARIABLE.findall(text) if variable not in known} == set()
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert {one or other for one, other in _MAKE.findall(text)} <= targets


def test_the_messages_shown_are_good_ones() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    posted = re.search(r"<<JSON\n(.*?)^JSON$", readme, re.MULTILINE | re.DOTALL)
    assert posted is not None
    filled = {"python3": str(uuid.uuid4()), "date": "2022-02-23T02:14:05Z"}
    made = re.sub(r"\$\((\w+).*?\)(?=\")", lambda found: filled[found[1]], posted[1])
    page = (ROOT / "docs" / "reference" / "gateway.md").read_text(encoding="utf-8")
    report, checkin, *_ = [block for language, block in _FENCE.findall(page) if language == "json"]

    assert Report.model_validate_json(made).kind == "violence.brawl"
    assert Report.model_validate_json(report).kind == "violence.brawl"
    assert CheckIn.model_validate_json(checkin).turnout == 120


def test_the_channels_shown_are_good_ones(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("rahasia-rahasia-1")
    page = (ROOT / "docs" / "how-to" / "reach-your-officers.md").read_text(encoding="utf-8")
    shown = [
        re.sub(r"/run/secrets/\w+", str(secret), b) for language, b in _FENCE.findall(page) if language == "toml"
    ]
    told = dict.fromkeys(("SMS_TOKEN", "TELEGRAM_BOT", "TWILIO_SID", "TWILIO_TOKEN"), "rahasia-rahasia-2")
    answers = tmp_path / "answers.toml"
    answers.write_text(shown.pop())

    on = [{kind for kind, channel in parse_channels(toml, told).items() if channel.is_on} for toml in shown]
    gateways = load_gateways(Settings(answers_file=answers), told)

    assert on[0] == {ChannelKind.SMS, ChannelKind.TELEGRAM, ChannelKind.EMAIL, ChannelKind.WEBHOOK}
    assert on[1] == {ChannelKind.WHATSAPP, ChannelKind.WEBHOOK}
    assert on[2] == {ChannelKind.SMS, ChannelKind.WHATSAPP, ChannelKind.WEBHOOK}
    assert on[3] == {ChannelKind.VOICE, ChannelKind.NTFY, ChannelKind.WEBHOOK}
    assert set(gateways) == {"twilio", "modem", "android", "fonnte"}


@pytest.mark.parametrize("name", ["registry", "drill"])
def test_the_directories_shown_can_be_loaded(name: str) -> None:
    done = CliRunner().invoke(whole_app(), ["registry", "load", str(ROOT / "docs" / "examples" / name), "--dry-run"])

    assert (done.exit_code, done.stderr) == (0, "")


def test_the_roster_of_the_first_drill_has_the_gap_that_its_page_shows() -> None:
    done = CliRunner().invoke(whole_app(), ["roster", "check", str(ROOT / "docs" / "examples" / "drill")])

    assert done.exit_code == 1
    assert done.stdout in (ROOT / "docs" / "tutorial" / "first-drill.md").read_text(encoding="utf-8")


def test_every_document_is_reached_from_the_index() -> None:
    index = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    listed = {(ROOT / "docs" / target.partition("#")[0]).resolve() for target in _LINK.findall(index)}
    decisions = (ROOT / "docs" / "decisions" / "README.md").read_text(encoding="utf-8")
    listed |= {(ROOT / "docs" / "decisions" / target).resolve() for target in _LINK.findall(decisions)}
    alerts = (ROOT / "docs" / "reference" / "alerts.md").read_text(encoding="utf-8")
    listed |= {(ROOT / "docs" / "reference" / target).resolve() for target in _LINK.findall(alerts)}
    left_out = {path for path in DOCUMENTS if path.is_relative_to(ROOT / "docs")} - listed
    assert left_out - {ROOT / "docs" / "README.md"} == set()


def test_every_remedy_names_a_command_there_is() -> None:
    wrong = []
    for part in ("siaga", "producers", "streams", "sinks", "console"):
        for path in (ROOT / part).rglob("*.py"):
            # A remedy may be broken over two literals, and ends with another quotation mark.
            text = re.sub(r'"\n\s*f?"', "", path.read_text(encoding="utf-8"))
            for said in _QUOTED.findall(text):
                command, _ = command_of(said.split()[1:])
                if not is_whole(command):
                    wrong.append(f"{path.relative_to(ROOT)}: {said}")
    assert wrong == []


def test_every_file_and_port_is_in_its_page() -> None:
    page = (ROOT / "docs" / "reference" / "files-and-ports.md").read_text(encoding="utf-8")
    assert [name for name in Settings.model_fields if name.endswith("_port") and f"`{name}`" not in page] == []


def test_every_reason_for_a_rejection_is_explained() -> None:
    page = (ROOT / "docs" / "how-to" / "read-rejections.md").read_text(encoding="utf-8")
    assert [reason.value for reason in RejectReason if f"`{reason.value}`" not in page] == []


def test_every_command_says_what_it_does_and_what_each_option_means() -> None:
    from siaga.cli.pages.commands import commands

    silent = []
    for path, command in commands(APP):
        silent += [" ".join(path)] if not command.help else []
        silent += [f"{' '.join(path)} {p.opts[0]}" for p in command.params if not getattr(p, "help", None)]
    assert silent == []


def test_every_module_of_commands_is_registered() -> None:
    holds = {
        path.stem
        for path in (ROOT / "siaga" / "cli").glob("*.py")
        if re.search(r"^def register\(", path.read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert holds == set(_MODULES)
