"""``siaga csv`` with a real broker behind it."""

from __future__ import annotations

from pathlib import Path

import pytest

from producers import publisher
from producers.csv_import.shell import run
from siaga.contracts.rejection import RejectReason
from siaga.contracts.topics import CHECKINS, REJECTED, REPORTS
from siaga.settings import Settings
from siaga.wire.topics_admin import ensure_topics
from tests.support import builders
from tests.support.brokers import Broker, EmbeddedBroker
from tests.support.topics import items_on

_HEAD = "type,kind,station_id,occurred_at,reporter_id,reporter_role,phase\n"
_REPORT = f"report,violence.brawl,{builders.STATION},2022-02-23T09:14:05+07:00,anggota-1,officer,\n"
_CHECKIN = f"checkin,,{builders.OTHER_STATION},2022-02-23T09:15:00+07:00,anggota-1,officer,voting\n"
_WRONG = f"report,violence.brawl,{builders.STATION},2022-02-23T09:14:05,anggota-1,officer,\n"


def test_good_rows_reach_their_topics_and_wrong_ones_are_kept_with_their_reason(
    broker: Broker, tmp_path: Path
) -> None:
    settings = Settings(kafka=broker.address)
    ensure_topics(settings)
    file = tmp_path / "laporan.csv"
    file.write_text(_HEAD + _REPORT * 700 + _CHECKIN + _WRONG)

    code = run(file, dry_run=False, as_json=True, settings=settings)

    assert code == 1
    assert len(items_on(broker.address, REPORTS)) == 700
    assert [item["station_id"] for item in items_on(broker.address, CHECKINS)] == [builders.OTHER_STATION]
    rejected = items_on(broker.address, REJECTED)
    assert [(item["reason"], item["source"]) for item in rejected] == [(RejectReason.INVALID, "csv")]


def test_a_broker_that_is_away_is_said_and_nothing_claimed(
    embedded: EmbeddedBroker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    wait_less = publisher.Publisher.publish
    monkeypatch.setattr(
        publisher.Publisher,
        "publish",
        lambda self, *arguments: wait_less(self, *arguments, timeout=0.5),
    )
    embedded.kill()
    file = tmp_path / "laporan.csv"
    file.write_text(_HEAD + _REPORT)

    code = run(file, dry_run=False, as_json=True, settings=Settings(kafka=embedded.address))

    said = capsys.readouterr()
    assert code == 2
    assert "import the same file again" in said.err
    assert said.out == ""
