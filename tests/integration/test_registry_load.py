"""``siaga registry load`` against a real broker: what was in the files is known everywhere."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from siaga.cli import registry as command
from siaga.election.registry import Registry
from siaga.settings import Settings
from siaga.wire.registry_tail import RegistryTail
from siaga.wire.topics_admin import ensure_topics
from tests.support.brokers import Broker

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "registry"


def load(*arguments: str) -> Result:
    app = typer.Typer()
    command.register(app)
    return CliRunner().invoke(app, ["registry", "load", *arguments])


def test_the_example_is_loaded_and_a_change_of_it_replaces_a_whole_district(
    broker: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(kafka=broker.address)
    ensure_topics(settings)
    monkeypatch.setenv("SIAGA_KAFKA", broker.address)
    rows = (EXAMPLE / "stations.csv").read_text().splitlines()
    (tmp_path / "stations.csv").write_text("\n".join(row for row in rows if "33.26.08.2001-002" not in row))

    first, second = load(str(EXAMPLE)), load(str(tmp_path))

    assert (first.exit_code, second.exit_code) == (0, 0), first.output + second.output
    assert first.stdout == "12 stations in 2 districts, calendar pilkades-pekalongan-2022 loaded.\n"
    registry = Registry()
    tail = RegistryTail(settings, registry.apply, client_id="uji")  # type: ignore[arg-type]
    tail.start()
    try:
        assert tail.wait_caught_up(20)
    finally:
        tail.stop()
    kajen = registry.district("33.26.08")
    assert kajen is not None
    assert [station for station in kajen.station_ids if station.endswith("2001-002")] == []
    assert (len(kajen), len(registry.district_codes)) == (5, 2)
    assert registry.calendar is not None


def test_a_broker_that_does_not_answer_is_said_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIAGA_KAFKA", "127.0.0.1:9")
    monkeypatch.setattr("siaga.wire.registry_tail._CONNECT_MS", 500)
    result = load(str(EXAMPLE))

    assert result.exit_code == 2
    assert result.stderr.startswith("siaga: kafka: 127.0.0.1:9 does not answer")
