"""The parts of the supervisor that decide: pauses, ports, the run file, and what the status says."""

from __future__ import annotations

import json
import socket
import stat
from collections.abc import Mapping
from pathlib import Path

import pytest
from rich.console import Console

from siaga.cli.running import running
from siaga.settings import Settings, SettingsError
from siaga.supervisor.backoff import MOST, STEADY, Backoff
from siaga.supervisor.ports import choose_ports
from siaga.supervisor.runfile import RunFile, empty, owning
from siaga.supervisor.scrape import Reading, Sample
from siaga.supervisor.status import as_line, as_table, summarise


def reading(samples: Mapping[str, float], *, at: float = 10.0, before: Reading | None = None) -> Reading:
    """A reading out of ``name{label=value,…}`` → value."""
    parsed: dict[Sample, float] = {}
    for text, value in samples.items():
        name, _, labels = text.rstrip("}").partition("{")
        pairs = tuple(sorted((k, v) for k, _, v in (label.partition("=") for label in labels.split(",") if label)))
        parsed[name, pairs] = value
    return Reading(at, parsed, before)


# -- backoff ------------------------------------------------------------------------------------------------------


def test_a_process_that_keeps_ending_is_given_longer_and_longer_pauses_up_to_a_limit() -> None:
    backoff = Backoff()

    pauses = [backoff.after(1.0) for _ in range(8)]

    assert pauses == [0.5, 1.0, 2.0, 4.0, 8.0, MOST, MOST, MOST]


def test_a_process_that_ran_well_is_started_again_soon() -> None:
    backoff = Backoff()
    for _ in range(6):
        backoff.after(1.0)

    assert backoff.after(STEADY) == 0.5


# -- ports --------------------------------------------------------------------------------------------------------


def free_settings(**chosen: object) -> Settings:
    metrics = ("gateway_metrics", "sinks_metrics", "streams_metrics", "console_metrics")
    names = ("gateway", *metrics, "inbox", "watchdog", "console")
    zero = {f"{name}_port": 0 for name in names}
    return Settings.model_validate({**zero, **chosen})


def test_a_port_of_zero_becomes_a_free_one_and_workers_get_a_row() -> None:
    ports = choose_ports(free_settings(stream_workers=3))

    first = ports.streams_metrics[0]
    assert ports.streams_metrics == (first, first + 1, first + 2)
    assert len({ports.gateway, ports.gateway_metrics, ports.sinks_metrics, *ports.streams_metrics}) == 6


def test_a_taken_port_is_named_with_what_it_is_for_and_the_setting_that_moves_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        with pytest.raises(SettingsError, match=rf"port {port} for the gateway is taken.*SIAGA_GATEWAY_PORT"):
            choose_ports(free_settings(gateway_port=port))


def test_two_parts_on_one_port_are_refused() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

    with pytest.raises(SettingsError, match="sinks_metrics_port"):
        choose_ports(free_settings(gateway_port=port, sinks_metrics_port=port))


# -- run file -----------------------------------------------------------------------------------------------------


def test_the_run_file_says_where_everything_is_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    device = {"id": "demo-1", "token": "demo-1.rahasia", "districts": ["33.26.08"]}
    metrics = {"sinks": "http://127.0.0.1:9102/metrics"}

    path = RunFile("http://127.0.0.1:8081", "127.0.0.1:9092", "sqlite:///x.db", metrics, device).write(tmp_path)

    assert json.loads(path.read_text()) == {
        "gateway": "http://127.0.0.1:8081",
        "kafka": "127.0.0.1:9092",
        "database": "sqlite:///x.db",
        "metrics": metrics,
        "device": device,
        "inbox": None,
        "console": None,
        "users": None,
    }
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == ["run.json"]


def test_a_data_directory_belongs_to_one_run_at_a_time(tmp_path: Path) -> None:
    with owning(tmp_path), pytest.raises(SettingsError, match="another siaga runs"), owning(tmp_path):
        pass

    with owning(tmp_path):
        pass


def test_what_a_run_that_was_killed_said_of_itself_misleads_nobody(tmp_path: Path) -> None:
    told, settings = tmp_path / "run.json", Settings(data_dir=tmp_path)
    with owning(tmp_path):
        told.write_text('{"kafka": "127.0.0.1:29092"}')
        while_it_runs = running(settings)
    after_it_was_killed = running(settings)

    assert (while_it_runs, after_it_was_killed) == ({"kafka": "127.0.0.1:29092"}, {})
    with owning(tmp_path):
        assert not told.exists()


def test_a_new_demonstration_begins_with_an_empty_directory(tmp_path: Path) -> None:
    (tmp_path / "siaga.db").write_text("kemarin")
    (tmp_path / "spool").mkdir()
    (tmp_path / "spool" / "segment").write_text("kemarin")
    elsewhere = tmp_path.parent / f"{tmp_path.name}-elsewhere"
    elsewhere.mkdir()
    (elsewhere / "kept").write_text("tetap")
    (tmp_path / "link").symlink_to(elsewhere)

    with owning(tmp_path):
        empty(tmp_path)

    assert [entry.name for entry in tmp_path.iterdir()] == [".lock"]
    assert (elsewhere / "kept").read_text() == "tetap"


# -- status -------------------------------------------------------------------------------------------------------

STATES = [("gateway", "ready", 0), ("streams", "ready", 2), ("sinks", "ready", 0)]


def test_rates_come_from_two_readings_and_a_restarted_counter_is_no_negative_rate() -> None:
    first = reading({"siaga_gateway_items_total{outcome=accepted}": 100}, at=10)
    faster = reading({"siaga_gateway_items_total{outcome=accepted}": 150}, at=12, before=first)
    restarted = reading({"siaga_gateway_items_total{outcome=accepted}": 5}, at=12, before=first)

    assert faster.rate("siaga_gateway_items_total") == 25
    assert restarted.rate("siaga_gateway_items_total") == 0
    assert first.rate("siaga_gateway_items_total") == 0


def test_the_status_shows_open_incidents_by_severity_and_the_oldest_canary() -> None:
    sinks = reading(
        {
            "siaga_incidents_open{severity=1}": 2,
            "siaga_incidents_open{severity=4}": 7,
            "siaga_store_canary_age_seconds{partition=0,stage=triaged}": 1.5,
            "siaga_store_canary_age_seconds{partition=1,stage=triaged}": 4.25,
            "siaga_store_canary_age_seconds{partition=1,stage=received}": 99,
            "siaga_store_lag_records{topic=siaga.reports}": 12,
            "siaga_store_database_up": 1,
        }
    )

    line = as_line(summarise(STATES, {"sinks": sinks}, uptime=60))

    assert "open SEV1=2 SEV2=0 SEV3=0 SEV4=7 SEV5=0" in line
    assert "canary 4.2 s" in line
    assert "lag 12" in line
    assert "streams ready, restarted 2x" in line


def test_what_nobody_could_be_asked_about_is_unknown_and_not_zero() -> None:
    line = as_line(summarise(STATES, {}, uptime=60))

    assert "open unknown" in line
    assert "canary unknown" in line


def test_a_process_that_hangs_is_not_called_ready() -> None:
    status = summarise(STATES, {"sinks": reading({})}, uptime=60, asked={"sinks", "streams"})

    assert "streams not ready, restarted 2x" in as_line(status)
    assert "sinks not ready" not in as_line(status)


def test_a_canary_that_never_arrived_is_unknown() -> None:
    sinks = reading({"siaga_store_canary_age_seconds{partition=0,stage=triaged}": float("nan")})

    assert summarise(STATES, {"sinks": sinks}, uptime=60).canary_age is None


def test_a_lost_database_and_a_filling_spool_are_said() -> None:
    sinks = reading({"siaga_store_database_up": 0})
    refused = {"siaga_gateway_items_total{outcome=forbidden}": 3, "siaga_gateway_items_total{outcome=limited}": 9}
    gateway = reading({"siaga_spool_items": 1234, **refused})

    line = as_line(summarise(STATES, {"sinks": sinks, "gateway": gateway}, uptime=60))

    assert "DATABASE AWAY" in line
    assert "1,234 on the spool" in line
    assert "3 refused" in line


def test_the_table_fits_a_terminal_of_eighty_columns() -> None:
    gateway = reading({"siaga_spool_items": 1_234_567, "siaga_gateway_items_total{outcome=forbidden}": 1_234})
    status = summarise(STATES, {"gateway": gateway, "sinks": reading({"siaga_store_database_up": 0})}, uptime=60)
    console = Console(width=80, record=True, force_terminal=True, color_system=None)

    console.print(as_table(status, "Siaga http://127.0.0.1:8081"))

    text = console.export_text()
    assert "SEV1 0" in text
    assert "restarted 2x" in text
    assert max(len(line.rstrip()) for line in text.splitlines()) <= 80
    assert len(text.splitlines()) == 5
