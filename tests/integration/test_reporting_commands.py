"""``siaga topics``, ``siaga device`` and ``siaga send`` as somebody types them."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
import typer
from click.testing import Result
from typer.testing import CliRunner

from siaga.cli import afterday, reporting, topics
from siaga.contracts.topics import REPORTS, TOPICS
from tests.support import builders
from tests.support.brokers import EmbeddedBroker
from tests.support.databases import SqliteDatabase
from tests.support.stack import Stack
from tests.support.topics import items_on
from tests.support.wait import until

Siaga = Callable[..., Result]


@pytest.fixture
def siaga(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Siaga:
    """Runs a command in an empty directory."""
    monkeypatch.chdir(tmp_path)
    app = typer.Typer()
    reporting.register(app)
    afterday.register(app)
    topics.register(app)

    def run(*arguments: str, **environment: str) -> Result:
        return CliRunner().invoke(app, list(arguments), env={f"SIAGA_{k.upper()}": v for k, v in environment.items()})

    return run


def test_topics_are_made_and_said(siaga: Siaga, embedded: EmbeddedBroker) -> None:
    first = siaga("topics", kafka=embedded.address)
    second = siaga("topics", "--json", kafka=embedded.address)

    assert first.exit_code == 0
    assert "siaga.reports created" in first.output
    assert json.loads(second.output)["present"] == [topic.name for topic in TOPICS]


def test_a_device_from_its_first_token_to_its_end(
    siaga: Siaga, embedded: EmbeddedBroker, sqlite: SqliteDatabase, tmp_path: Path
) -> None:
    with Stack(embedded, sqlite, tmp_path) as stack:
        stack.start("gateway")
        kafka, url = embedded.address, stack.gateway_url

        added = siaga("device", "add", "polsek-kajen", "--district", builders.DISTRICT, kafka=kafka)
        token = added.stdout.strip()
        sent = until(
            lambda: result if (result := report(siaga, url, token, builders.STATION)).exit_code == 0 else None,
            what="the device to be known",
        )
        elsewhere = report(siaga, url, token, builders.OTHER_STATION)
        twice = siaga("device", "add", "polsek-kajen", "--district", builders.DISTRICT, kafka=kafka)
        listed = json.loads(siaga("device", "list", "--json", kafka=kafka).stdout)
        phone = ("device", "add", "ponsel-1", "--district", builders.DISTRICT, "--link")
        linked = siaga(*phone, "--gateway", "https://lapor.example/", kafka=kafka)
        revoked = siaga("device", "revoke", "polsek-kajen", kafka=kafka)
        until(lambda: report(siaga, url, token, builders.STATION).exit_code == 1, what="the device to be refused")
        shown = siaga("device", "list", kafka=kafka).stdout

    answer = json.loads(sent.stdout)
    item = items_on(kafka, REPORTS)[0]
    assert (item["report_id"], item["device_id"]) == (answer["report_id"], "polsek-kajen")
    assert item["facts"]["injured"] == 2
    assert elsewhere.exit_code == 1
    assert "403" in elsewhere.output
    assert twice.exit_code == 2
    assert "--renew" in twice.output
    assert [device["device_id"] for device in listed] == ["polsek-kajen", builders.DEVICE]
    assert "secret" not in json.dumps(listed)
    assert linked.stdout.startswith("https://lapor.example/lapor#ponsel-1.")
    assert revoked.exit_code == 0
    assert f"polsek-kajen revoked {builders.DISTRICT}" in shown


def report(siaga: Siaga, gateway: str, token: str, station: str) -> Result:
    arguments = ("violence.brawl", station, "--injured", "2", "--text", "Cekcok", "--gateway", gateway, "--json")
    return siaga("send", *arguments, token=token)


def test_a_running_siaga_is_found_by_its_run_file(
    siaga: Siaga, embedded: EmbeddedBroker, sqlite: SqliteDatabase, tmp_path: Path
) -> None:
    with Stack(embedded, sqlite, tmp_path) as stack:
        stack.start("gateway")
        running = {"gateway": stack.gateway_url, "kafka": embedded.address, "device": {"token": stack.token}}
        (tmp_path / "var" / "demo").mkdir(parents=True)
        (tmp_path / "var" / "demo" / "run.json").write_text(json.dumps(running))

        # As it was typed before there was a report after the day.
        sent = siaga("report", "violence.brawl", builders.STATION)
        wrong = siaga("send", "violence.brwl", f"{builders.DISTRICT}.2001-044", "--dead", "1")
        listed = siaga("device", "list")

    words = sent.stdout.split()
    assert (uuid.UUID(words[0]).version, words[1]) == (4, "accepted")
    assert wrong.exit_code == 1
    assert "kind: unknown kind violence.brwl; did you mean violence.brawl?" in wrong.output
    assert "station_id: unknown station" in wrong.output
    assert builders.DEVICE in listed.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("send", "violence.brawl", builders.STATION), "SIAGA_TOKEN: is not set"),
        (("device", "add", "x"), "district: none is named"),
        (("device", "add", "x y", "--district", "33"), "device_id: "),
        (("device", "add", "x", "--district", "Kajen"), "districts.0: "),
    ],
)
def test_what_is_missing_or_wrong_is_said_with_its_remedy(
    siaga: Siaga, arguments: tuple[str, ...], said: str
) -> None:
    result = siaga(*arguments, kafka="127.0.0.1:1")

    assert result.exit_code == 2
    assert said in result.output


def test_a_gateway_that_does_not_answer_is_named(siaga: Siaga) -> None:
    result = siaga("send", "violence.brawl", builders.STATION, "--gateway", "http://127.0.0.1:1", token="a.b")

    assert result.exit_code == 2
    assert "gateway: http://127.0.0.1:1 does not answer" in result.output
