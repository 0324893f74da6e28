"""A variable of the environment that is no setting is named: somebody believes that it is set."""

from __future__ import annotations

import pytest

from siaga.settings import SettingsError, load_settings, unknown_variables


@pytest.mark.parametrize(
    ("given", "value", "word"),
    [
        ("SIAGA_GATEWAY_POORT", "8081", "SIAGA_GATEWAY_PORT?"),
        ("SIAGA_KAFKA_PASSWORT", "x", "SIAGA_KAFKA_PASSWORD?"),
        ("SIAGA_ANYTHING_AT_ALL", "x", "docs/reference/settings.md"),
        # A service that is named siaga-gateway, as Kubernetes tells every pod of it.
        ("SIAGA_GATEWAY_PORT", "tcp://10.0.0.1:8081", "enableServiceLinks: false"),
        ("SIAGA_GATEWAY_SERVICE_HOST", "10.0.0.1", "enableServiceLinks: false"),
        ("SIAGA_GATEWAY_PORT_8081_TCP_PROTO", "tcp", "enableServiceLinks: false"),
    ],
)
def test_what_is_no_setting_stops_a_process_and_is_told_with_a_remedy(
    given: str, value: str, word: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(given, value)

    with pytest.raises(SettingsError) as caught:
        load_settings()

    assert str(caught.value).startswith(f"{given}: ")
    assert word in str(caught.value)


def test_settings_and_what_commands_read_are_no_mistake() -> None:
    right = {"SIAGA_GATEWAY_PORT": "8081", "siaga_log_level": "INFO", "SIAGA_TOKEN": "x", "SIAGA_TEST_X": "1"}

    assert unknown_variables({**right, "PATH": "/bin"}) == []
