"""What ``siaga doctor`` sees without asking anybody. The time comes in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from siaga.certificates import expiry_of, validity_of
from siaga.checks import SECRET_FILES, State, check_settings, refuse_wrong
from siaga.settings import Settings, SettingsError
from tests.support.certificates import Authority

DAY = 86_400.0


def states(settings: Settings, process: str, now: float | None = None) -> dict[str, State]:
    return {finding.subject: finding.state for finding in check_settings(settings, (process,), now)}


def test_a_certificate_is_warned_of_two_weeks_before_it_ends_and_wrong_from_then_on(tmp_path: Path) -> None:
    pair = Authority(tmp_path).issue("web", days=60)
    settings = Settings(data_dir=tmp_path, gateway_cert_file=pair.certificate, gateway_key_file=pair.key)
    end = expiry_of(pair.certificate)

    seen = [states(settings, "gateway", end - left)["certificate gateway"] for left in (15 * DAY, 13 * DAY, 0.0)]

    assert seen == [State.RIGHT, State.WARNING, State.WRONG]


def test_each_process_answers_for_its_own_certificates_only(tmp_path: Path) -> None:
    expired = Authority(tmp_path).issue("web", days=-1)
    settings = Settings(data_dir=tmp_path, gateway_cert_file=expired.certificate, gateway_key_file=expired.key)

    assert State.WRONG in states(settings, "gateway").values()
    assert State.WRONG not in states(settings, "console").values()


def test_a_secret_that_everybody_may_read_is_a_warning_and_stops_nothing(tmp_path: Path) -> None:
    key = tmp_path / "link.key"
    key.write_text("k" * 32)
    key.chmod(0o644)
    found = list(check_settings(Settings(data_dir=tmp_path, link_key_file=key), ("sinks",)))

    (warned,) = refuse_wrong(found)

    assert warned.subject == "secret link_key_file"
    assert "chmod o-r" in warned.text
    key.chmod(0o640)
    assert refuse_wrong(check_settings(Settings(data_dir=tmp_path, link_key_file=key), ("sinks",))) == []


def test_whatever_is_wrong_is_told_together_each_on_a_line(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, gateway_host="192.0.2.7", disk_least_free=10**18)

    with pytest.raises(SettingsError) as caught:
        refuse_wrong(check_settings(settings, ("gateway",)))

    assert [line.partition(":")[0] for line in str(caught.value).splitlines()] == ["gateway_host", "disk_least_free"]


def test_every_setting_that_names_a_file_with_a_secret_is_looked_at() -> None:
    named = {name for name in Settings.model_fields if name.endswith(("password_file", "key_file", "secret_file"))}

    assert named <= set(SECRET_FILES)


def test_a_certificate_of_tomorrow_is_wrong_today(tmp_path: Path) -> None:
    pair = Authority(tmp_path).issue("web")
    settings = Settings(data_dir=tmp_path, gateway_cert_file=pair.certificate, gateway_key_file=pair.key)
    begins, _ = validity_of(pair.certificate)

    seen = [states(settings, "gateway", at)["certificate gateway"] for at in (begins - DAY, begins + DAY)]

    assert seen == [State.WRONG, State.RIGHT]


def test_a_password_that_no_line_uses_is_a_warning(tmp_path: Path) -> None:
    given: dict[str, Any] = {"data_dir": tmp_path, "kafka_user": "siaga-gateway", "kafka_password": "rahasia"}

    (warned,) = [
        finding
        for finding in check_settings(Settings(**given), ("gateway",))
        if finding.state is State.WARNING and finding.subject == "kafka's security"
    ]
    assert "does not use kafka_user, kafka_password; set SIAGA_KAFKA_SECURITY" in warned.text
    assert "rahasia" not in warned.text


def test_the_watchdog_needs_none_of_the_files_that_close_the_line_to_kafka(tmp_path: Path) -> None:
    settings = Settings(kafka="kafka:9093", kafka_security="SSL", kafka_ca_file=tmp_path / "ca.crt")

    assert State.WRONG not in states(settings, "watchdog").values()
    assert State.WRONG in states(settings, "streams").values()
