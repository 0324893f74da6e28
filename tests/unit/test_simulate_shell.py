"""``siaga simulate`` as its user sees it: the summary, the exit code, and what a wrong option is told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from siaga.cli import simulate as command
from tests.support.listening_gateway import ListeningGateway, listening_gateway

#: A day long over: everything is due at once.
PAST = "2022-02-23T07:00:00+07:00"


@pytest.fixture
def gateway() -> Iterator[ListeningGateway]:
    with listening_gateway() as listening:
        yield listening


def simulate(*options: str, device: str | None = "a.secret") -> Result:
    app = typer.Typer()
    command.register(app)
    environment: dict[str, Any] = {"SIAGA_TOKEN": device}
    return CliRunner().invoke(app, ["simulate", "--villages", "1", *options], env=environment)


def test_a_day_that_is_over_exits_with_zero_and_sums_up(gateway: ListeningGateway) -> None:
    result = simulate("--gateway", gateway.url, "--starting", PAST, "--json")
    summary = json.loads(result.stdout)

    assert result.exit_code == 0
    assert summary["complete"] is True
    assert summary["planned"] == summary["accepted"] == len(gateway.reports) + len(gateway.checkins)
    assert (summary["refused"], summary["waiting"]) == ({}, 0)


def test_a_person_reads_sentences(gateway: ListeningGateway) -> None:
    result = simulate("--gateway", gateway.url, "--starting", PAST)

    assert result.exit_code == 0
    assert "Planned" in result.stdout
    assert "refused 0." in result.stdout


def test_the_same_seed_and_start_send_the_same_messages_again(gateway: ListeningGateway) -> None:
    for _ in range(2):
        assert simulate("--gateway", gateway.url, "--starting", PAST, "--seed", "3").exit_code == 0

    ids = [item["report_id"] for item in gateway.reports]
    half = len(ids) // 2
    assert set(ids[:half]) == set(ids[half:])


def test_a_missing_token_says_how_to_get_one() -> None:
    result = simulate(device=None)
    assert result.exit_code == 2
    assert "siaga device add" in result.stderr


def test_a_wrong_address_exits_with_two() -> None:
    result = simulate("--gateway", "nowhere", "--starting", PAST)
    assert result.exit_code == 2
    assert "write one such as" in result.stderr


def test_no_token_reaches_the_output(gateway: ListeningGateway) -> None:
    result = simulate("--gateway", gateway.url, "--starting", PAST, device="a.verysecret")
    assert "verysecret" not in result.output
