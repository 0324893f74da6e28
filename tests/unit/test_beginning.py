"""What a process finds out before it begins: each is one line that names the setting and the remedy."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest

from siaga.beginning import make_directory, see_ports
from siaga.checks import State
from siaga.cli.doctor import findings
from siaga.settings import Settings, SettingsError, load_settings
from siaga.supervisor.runfile import owning


@pytest.mark.parametrize(
    ("process", "setting"),
    [
        ("gateway", "gateway_port"),
        ("gateway", "gateway_metrics_port"),
        ("streams", "streams_metrics_port"),
        ("sinks", "sinks_metrics_port"),
        ("console", "console_port"),
        ("console", "console_metrics_port"),
        ("watchdog", "watchdog_port"),
    ],
)
def test_a_port_in_use_is_told_before_anything_is_taken_or_stored(process: str, setting: str) -> None:
    names = ("gateway", "gateway_metrics", "console", "console_metrics", "watchdog")
    free: dict[str, Any] = {f"{name}_port": 0 for name in names}
    with socket.create_server(("127.0.0.1", 0)) as taken:
        number = taken.getsockname()[1]

        with pytest.raises(SettingsError) as caught:
            see_ports(Settings(**{**free, setting: number}), process)

    assert str(caught.value).startswith(f"{setting}: 127.0.0.1:{number} is taken; ")
    assert f"SIAGA_{setting.upper()}" in str(caught.value)
    see_ports(Settings(**{**free, setting: number}), process)


@pytest.mark.parametrize("address", ["203.0.113.9", "tiada.invalid"])
def test_an_address_that_is_none_of_this_machine_is_not_called_a_port_in_use(address: str) -> None:
    with pytest.raises(SettingsError, match=r"metrics_host: .* of this machine; correct SIAGA_METRICS_HOST"):
        see_ports(Settings(metrics_host=address), "sinks")


def test_a_data_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    file = tmp_path / "berkas"
    file.touch()

    for place in (file, file / "dalam"):
        with pytest.raises(SettingsError, match=f"data_dir: {place} cannot be used .*; set SIAGA_DATA_DIR"):
            make_directory(place)
        with pytest.raises(SettingsError, match="data_dir: "), owning(place):
            pass


@pytest.mark.parametrize(
    ("file", "said"),
    [
        (b"partitions = [", "SIAGA_CONFIG: siaga.toml cannot be read (is no TOML: "),
        (b"\xff\xfe", "SIAGA_CONFIG: siaga.toml cannot be read (is no TOML: "),
        (b"partitons = 4", "partitons: is no setting; did you mean partitions? "),
        (b"zzz = 4", "zzz: is no setting; docs/reference/settings.md names them. "),
        (b"log_level = 'rahasia'", "log_level: is none of DEBUG, INFO, WARNING, ERROR; correct SIAGA_LOG_LEVEL"),
        (b"public_url = 'rahasia'", "public_url: is no address that begins with http:// or https:// and a host; "),
        (b"gateway_ack_timeout = inf", "gateway_ack_timeout: Input should be a finite number; "),
    ],
)
def test_a_file_of_settings_that_is_wrong_is_one_line(
    file: bytes, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("siaga.toml").write_bytes(file)

    with pytest.raises(SettingsError) as caught:
        load_settings()

    (line,) = str(caught.value).splitlines()
    assert line.startswith(said)
    assert "rahasia" not in line


@pytest.mark.parametrize(
    ("process", "setting", "content"),
    [
        ("sinks", "channels_file", "[sms\n"),
        ("sinks", "link_key_file", "pendek\n"),
        ("console", "link_key_file", "pendek\n"),
        ("console", "answers_file", "[sms\n"),
        ("console", "outlines", "[]"),
        ("console", "outlines", None),
        ("watchdog", "watchdog_alarms_file", None),
        ("watchdog", "watchdog_alarms_file", "bukan alamat\n"),
    ],
)
def test_the_doctor_reads_the_files_of_the_settings_as_whoever_uses_them(
    process: str, setting: str, content: str | None, tmp_path: Path
) -> None:
    file = tmp_path / "berkas"
    if content is not None:
        file.touch(mode=0o600)
        file.write_text(content)

    given: dict[str, Any] = {"kafka": "127.0.0.1:1", "data_dir": tmp_path, setting: file}
    found = findings(Settings(**given), process)

    (wrong,) = [finding for finding in found if finding.state is State.WRONG]
    assert wrong.text.startswith(f"{setting}: ")
    assert "bukan alamat" not in wrong.text


def test_the_doctor_warns_where_the_watchdog_calls_nobody(tmp_path: Path) -> None:
    alarms = tmp_path / "alarms"
    alarms.touch(mode=0o600)
    alarms.write_text("# docs/how-to/watchdog.md\n")

    for given in ({}, {"watchdog_alarms_file": alarms}):
        (found,) = [
            each for each in findings(Settings(data_dir=tmp_path, **given), "watchdog") if each.subject == "alarms"
        ]
        assert found.state is State.WARNING
        assert "SIAGA_WATCHDOG_ALARMS_FILE" in found.text
