"""Devices: their tokens, what they may report for, and how much."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from producers.auth import allowance, is_genuine, make_device, may_report, renewed, split_token
from producers.limits import Limits

NOW = datetime(2022, 2, 23, 2, 0, tzinfo=UTC)


def test_a_new_device_proves_itself_with_its_token_and_with_no_other() -> None:
    device, token = make_device("polsek.kajen-1", ("33.26.09",))
    told = split_token(f"Bearer {token}")

    assert told is not None
    assert told[0] == "polsek.kajen-1"
    assert is_genuine(device, told[1], NOW)
    assert not is_genuine(device, told[1][:-1] + ("A" if told[1][-1] != "A" else "B"), NOW)
    assert not is_genuine(None, told[1], NOW)
    assert not is_genuine(device.model_copy(update={"active": False}), told[1], NOW)
    assert token.rpartition(".")[2] not in device.to_json().decode()


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer x", "Bearer .x", "Bearer x.", "Basic x.y", "x.y"])
def test_a_header_that_holds_no_token_names_nobody(header: str) -> None:
    assert split_token(header) is None


@pytest.mark.parametrize(
    ("areas", "stations", "station", "may"),
    [
        (("33",), (), "33.26.09.2001-001", True),
        (("33.26",), (), "33.26.09.2001-001", True),
        (("33.26.09",), (), "33.26.09.2001-001", True),
        (("33.26.08",), (), "33.26.09.2001-001", False),
        (("32",), (), "33.26.09.2001-001", False),
        ((), ("33.26.09.2001-001",), "33.26.09.2001-001", True),
        ((), ("33.26.09.2001-001",), "33.26.09.2001-002", False),
        ((), (), "33.26.09.2001-001", False),
    ],
)
def test_a_device_reports_for_its_areas_and_its_stations_only(
    areas: tuple[str, ...], stations: tuple[str, ...], station: str, may: bool
) -> None:
    device, _ = make_device("uji", areas, stations=stations)

    assert may_report(device, station) is may


def test_what_a_device_may_is_told_in_a_few_words() -> None:
    device, _ = make_device("uji", tuple(f"33.26.{n:02d}" for n in range(1, 8)), stations=("33.27.01.2001-001",))

    assert allowance(device) == (
        "areas 33.26.01, 33.26.02, 33.26.03, 33.26.04, 33.26.05 and 2 more and stations 33.27.01.2001-001"
    )


def test_a_device_may_burst_then_sends_at_its_rate() -> None:
    limits = Limits(burst=5)

    assert limits.take("a", 10, per_minute=60, now=100.0) == 5
    assert limits.take("a", 1, per_minute=60, now=100.5) == 0
    assert limits.wait("a", per_minute=60, now=100.5) == pytest.approx(0.5)
    assert limits.take("a", 3, per_minute=60, now=102.0) == 2
    assert limits.take("b", 3, per_minute=60, now=102.0) == 3


def test_a_device_that_only_asks_how_long_to_wait_need_not_wait_for_ever() -> None:
    limits = Limits(burst=5)
    limits.take("a", 5, per_minute=60, now=100.0)

    assert limits.wait("a", per_minute=60, now=100.25) == pytest.approx(0.75)
    assert limits.wait("a", per_minute=60, now=101.0) == 0


def test_silence_fills_the_bucket_no_further_than_its_burst() -> None:
    limits = Limits(burst=5)
    limits.take("a", 5, per_minute=60, now=0.0)

    assert limits.take("a", 100, per_minute=60, now=86_400.0) == 5


def test_a_clock_that_goes_back_gives_nothing() -> None:
    limits = Limits(burst=5)
    limits.take("a", 5, per_minute=60, now=100.0)

    assert limits.take("a", 1, per_minute=60, now=50.0) == 0
    assert limits.take("a", 1, per_minute=60, now=101.0) == 1


def test_a_renewed_device_proves_itself_with_both_tokens_until_the_old_one_ends() -> None:
    (before, old), (after, new) = (make_device("polsek.kajen-1", ("33.26.09",)) for _ in range(2))
    device = renewed(after, before, NOW + timedelta(hours=1))

    def good(token: str, at: datetime) -> bool:
        told = split_token(f"Bearer {token}")
        return told is not None and is_genuine(device, told[1], at)

    assert good(new, NOW)
    assert good(old, NOW)
    assert not good(old, NOW + timedelta(hours=1))
    assert good(new, NOW + timedelta(hours=1))
    assert not is_genuine(device.model_copy(update={"active": False}), old.rpartition(".")[2], NOW)
