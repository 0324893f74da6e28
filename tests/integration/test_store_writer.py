"""What the store writes, on both databases, without a broker."""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Iterator
from datetime import timedelta

import pytest
import sqlalchemy as sa

from siaga.contracts.incident import Change
from siaga.contracts.rejection import Rejection
from siaga.contracts.report import AcceptedReport
from siaga.contracts.topics import CHECKINS, COMMANDS, INCIDENTS, REGISTRY, REJECTED, REPORTS
from siaga.types import Vulnerability
from sinks import audit_log, tables
from sinks.database import make_engine
from sinks.writer import PositionsMovedError, Writer
from tests.support import builders
from tests.support.databases import Database, PostgresDatabase, SqliteDatabase
from tests.support.stored import AT, Fed, happened, snapshot


@pytest.fixture
def fed(database: Database) -> Iterator[Fed]:
    made = Fed(database.url)
    yield made
    made.close()


def test_a_report_a_checkin_and_a_command_are_stored_whole(fed: Fed) -> None:
    report = builders.accepted(
        builders.report(
            text="Cekcok – \N{POLICE CAR}",
            facts={"injured": 2},
            location={"lat": -7.03, "lon": 109.5, "accuracy_m": 4},
        )
    )
    checkin = builders.accepted_checkin(builders.checkin(turnout=120, location={"lat": -7.03, "lon": 109.5}))
    command = builders.command("dismiss", uuid.uuid4(), reason="bukan apa-apa")

    fed.reports(report)
    fed.checkins(checkin)
    fed.commands(command)

    with fed.engine.begin() as connection:
        stored = connection.execute(sa.select(tables.reports)).mappings().one()
        routine = connection.execute(sa.select(tables.checkins)).mappings().one()
        decided = connection.execute(sa.select(tables.commands)).mappings().one()
    assert AcceptedReport.model_validate(stored["body"]) == report
    assert (stored["received_at"], stored["incident_id"]) == (report.received_at, None)
    assert (routine["turnout"], routine["lat"], routine["accuracy_m"]) == (120, -7.03, None)
    assert (decided["action"], decided["reason"], decided["at"]) == ("dismiss", "bukan apa-apa", command.at)


def test_a_replay_of_everything_leaves_every_table_as_it_was(fed: Fed) -> None:
    reports = [builders.accepted(builders.report()) for _ in range(5)]
    checkins = [builders.accepted_checkin(builders.checkin()) for _ in range(120)]
    incident = snapshot(reports=[r.report_id for r in reports], history=[happened(Change.OPENED)])
    command = builders.command("acknowledge", incident.incident_id)
    district = builders.district()

    def everything() -> None:
        fed.reports(*reports)
        fed.checkins(*checkins)
        fed.incidents(incident)
        fed.commands(command)
        fed.registry("stations/33.26.09", district.to_json())
        fed.write(fed.record(REPORTS, b"rusak", offset=99, partition=7))

    def dump() -> dict[str, list[dict[str, object]]]:
        skipped = ("offsets", "clusters", "feed", "registry")
        ordered = (table for table in tables.metadata.sorted_tables if table.name not in skipped)
        return {t.name: fed.rows(f'SELECT * FROM "{t.name}" ORDER BY 1') for t in ordered}  # noqa: S608

    everything()
    before = dump()
    fed.begin("pertama")  # from where it was; everything comes once more, as further records
    fed.writer._positions.clear()
    everything()

    assert dump() == before
    assert {name: len(found) for name, found in before.items() if found} == {
        "reports": 5,
        "checkins": 120,
        "incidents": 1,
        "incident_events": 1,
        "incident_reports": 5,
        "commands": 1,
        "districts": 1,
        "stations": 3,
        "rejected": 1,
        "audit_log": 2,
        "audit_head": 1,
    }


def test_an_older_snapshot_never_replaces_a_newer_one(fed: Fed) -> None:
    incident_id = uuid.uuid4()
    first, second, third = (snapshot(incident_id, version=n, severity=4 - n) for n in (1, 2, 3))

    for told in (second, first, third, second):
        fed.incidents(told)

    assert fed.rows("SELECT version, severity FROM incidents") == [{"version": 3, "severity": 1}]


def test_a_new_cluster_starts_its_versions_over_and_counts_as_newer(fed: Fed) -> None:
    incident_id = uuid.uuid4()
    fed.incidents(snapshot(incident_id, version=9, severity=2))

    fed.begin("kedua")
    fed.incidents(snapshot(incident_id, version=1, severity=4))

    assert fed.rows("SELECT epoch, version, severity FROM incidents") == [{"epoch": 2, "version": 1, "severity": 4}]
    fed.begin("pertama")
    fed.incidents(snapshot(incident_id, version=10, severity=1))
    assert fed.scalar("SELECT epoch FROM incidents") == 2


@pytest.mark.parametrize("first", ["the report", "the snapshot", "both at once"])
def test_a_report_gets_its_incident_whichever_comes_first(fed: Fed, first: str) -> None:
    report = builders.accepted(builders.report())
    incident = snapshot(reports=[report.report_id, uuid.uuid4()])

    if first == "both at once":
        written = fed.write(fed.record(INCIDENTS, incident.to_json()), fed.record(REPORTS, report.to_json()))
    elif first == "the report":
        fed.reports(report)
        written = fed.incidents(incident)
    else:
        fed.incidents(incident)
        written = fed.reports(report)

    assert fed.scalar("SELECT incident_id FROM reports") == str(incident.incident_id)
    assert written.triaged_received == [report.received_at]


def test_a_report_is_of_the_incident_that_it_moved_to_last_whatever_comes_again(fed: Fed) -> None:
    report = builders.report()
    report_id = uuid.UUID(report["report_id"])
    first, second = sorted((uuid.uuid4(), uuid.uuid4()), reverse=True)
    fed.write(fed.record(REPORTS, builders.accepted(report).to_json()))
    joined, moved = (
        fed.record(INCIDENTS, snapshot(i, reports=[report_id], report_moves=moves).to_json())
        for i, moves in ((first, ()), (second, (1,)))
    )
    fed.write(joined)
    fed.write(moved)
    fed.write(fed.record(INCIDENTS, snapshot(first, version=2, reports=[report_id]).to_json()))

    assert fed.rows("SELECT incident_id FROM reports") == [{"incident_id": str(second)}]


def test_a_command_stored_before_a_field_was_added_is_the_same_told_again(fed: Fed) -> None:
    said = builders.command("note", uuid.uuid4())
    before = {name: value for name, value in said.model_dump(mode="json").items() if value not in (None, [])}
    fed.write(fed.record(COMMANDS, json.dumps(before).encode()))
    with fed.engine.begin() as connection:
        connection.execute(sa.update(tables.commands).values(body=before))
    fed.write(fed.record(COMMANDS, said.to_json()))

    assert fed.rows("SELECT reason FROM rejected") == []


def test_a_row_that_does_not_fit_is_set_aside_and_the_rest_of_its_batch_lands(fed: Fed) -> None:
    def rejection(**changed: object) -> bytes:
        fields = {
            "schema_version": 1,
            "rejection_id": uuid.uuid4(),
            "reason": "invalid",
            "message": "-",
            "remedy": "-",
            "source": "streams.intake",
            "original": "",
            "at": AT,
            **changed,
        }
        return Rejection.model_validate(fields).to_json()

    report = builders.accepted(builders.report())

    fed.write(
        fed.record(REJECTED, b"[" + rejection() + b"," + rejection(offset=2**70) + b"," + rejection() + b"]"),
        fed.record(REPORTS, report.to_json()),
    )

    assert fed.count("reports") == 1
    assert fed.rows("SELECT reason, source, item_index, topic FROM rejected WHERE source <> 'streams.intake'") == [
        {"reason": "unstorable", "source": "sinks.store", "item_index": 1, "topic": REJECTED}
    ]
    assert fed.count("rejected") == 3


def test_another_item_under_a_stored_id_is_rejected_and_the_first_stays(fed: Fed) -> None:
    report = builders.accepted(builders.report(text="pertama"))
    checkin = builders.accepted_checkin(builders.checkin(turnout=1))
    command = builders.command("note", uuid.uuid4(), reason="pertama")
    fed.reports(report)
    fed.checkins(checkin)
    fed.commands(command)

    fed.reports(report.model_copy(update={"text": "lain"}))
    fed.checkins(checkin.model_copy(update={"turnout": 2}), builders.accepted_checkin(builders.checkin()))
    fed.commands(command.model_copy(update={"reason": "lain"}))
    fed.reports(report.model_copy(update={"received_at": AT, "device_id": "uji-02"}))

    assert fed.rows("SELECT reason, field FROM rejected ORDER BY field, topic") == [
        {"reason": "conflicting_id", "field": "command_id"},
        {"reason": "conflicting_id", "field": "report_id"},
        {"reason": "conflicting_id", "field": "report_id"},
    ]
    assert fed.rows("SELECT turnout FROM checkins WHERE report_id = :id", id=str(checkin.report_id)) == [
        {"turnout": 1}
    ]
    assert fed.scalar("SELECT reason FROM commands") == "pertama"


def test_stations_follow_the_registry_and_an_older_entry_changes_nothing(fed: Fed) -> None:
    prone = {builders.STATION: Vulnerability.SANGAT_RAWAN}
    first = builders.district(stations=3)
    second = builders.district(stations=2, vulnerability=prone)
    fed.registry("stations/33.26.09", first.to_json())
    fed.registry("stations/33.26.09", second.to_json())

    fed.write(fed.record(REGISTRY, first.to_json(), key=b"stations/33.26.09", offset=0, partition=1))

    assert fed.rows("SELECT station_id, vulnerability FROM stations ORDER BY station_id") == [
        {"station_id": builders.STATION, "vulnerability": "sangat_rawan"},
        {"station_id": builders.SECOND_STATION, "vulnerability": "aman"},
    ]
    assert fed.scalar("SELECT station_count FROM districts") == 2
    fed.registry("stations/33.26.09", None)
    assert (fed.count("stations"), fed.count("districts")) == (0, 0)
    assert fed.scalar("SELECT value FROM registry") is None
    assert [row["action"] for row in fed.rows("SELECT action FROM audit_log ORDER BY seq")] == [
        "registry.changed",
        "registry.changed",
        "registry.deleted",
    ]


def test_the_feed_tells_what_changed_since_it_was_last_asked(fed: Fed) -> None:
    first, second = snapshot(), snapshot()
    fed.incidents(first, second)
    seen = fed.scalar("SELECT seq FROM feed")

    fed.incidents(snapshot(first.incident_id, version=2))

    changed = fed.rows("SELECT incident_id FROM incidents WHERE seq > :seen", seen=seen)
    assert [row["incident_id"] for row in changed] == [str(first.incident_id)]
    assert fed.scalar("SELECT seq FROM feed") == fed.scalar("SELECT max(seq) FROM incidents")


def test_open_incidents_are_counted_without_drills(fed: Fed) -> None:
    fed.incidents(
        snapshot(severity=1),
        snapshot(severity=2, state="acknowledged"),
        snapshot(severity=2),
        snapshot(severity=2, state="resolved"),
        snapshot(severity=1, drill=True),
    )

    assert fed.writer.open_incidents() == {1: 1, 2: 2}


def test_the_audit_trail_goes_on_where_it_was_and_cannot_be_changed(fed: Fed, database: Database) -> None:
    fed.commands(builders.command("note", uuid.uuid4()))
    fed.close()
    again = Fed(database.url)
    again.commands(builders.command("note", uuid.uuid4()))

    with again.engine.begin() as connection:
        verdict = audit_log.verify(connection)
    assert (verdict.head.seq, verdict.breaks) == (2, ())
    for statement in ("UPDATE audit_log SET actor = 'x'", "DELETE FROM audit_log"):
        with pytest.raises(sa.exc.DBAPIError, match="append-only"), again.engine.begin() as connection:
            connection.execute(sa.text(statement))
    again.close()


def test_a_batch_from_before_what_is_stored_is_not_written(fed: Fed) -> None:
    late = fed.batch(fed.record(CHECKINS, builders.accepted_checkin(builders.checkin()).to_json()))
    fed.checkins(builders.accepted_checkin(builders.checkin()))

    with pytest.raises(PositionsMovedError):
        fed.writer.write(late)

    assert fed.count("checkins") == 1


def test_a_failed_batch_leaves_nothing_and_can_be_written_again(fed: Fed, monkeypatch: pytest.MonkeyPatch) -> None:
    fed.commands(builders.command("note", uuid.uuid4()))
    batch = fed.batch(
        fed.record(REPORTS, builders.accepted(builders.report()).to_json()),
        fed.record("siaga.commands", builders.command("note", uuid.uuid4()).to_json()),
    )
    with monkeypatch.context() as broken:
        broken.setattr(Writer, "_audit", lambda *_: (_ for _ in ()).throw(OSError("disk")))
        with pytest.raises(OSError, match="disk"):
            fed.writer.write(batch)
    assert fed.count("reports") == 0

    fed.writer.write(batch)

    with fed.engine.begin() as connection:
        assert audit_log.verify(connection).breaks == ()
    assert (fed.count("reports"), fed.count("commands")) == (1, 2)
    assert fed.scalar("SELECT seq FROM feed") == 3


def test_a_second_store_stands_by_until_the_first_is_gone(fed: Fed, database: Database) -> None:
    second = Writer(make_engine(database.url, writes=True))

    assert not second.open()
    fed.close()

    assert second.open()
    second.release()


def test_sqlite_locked_by_somebody_else_waits_and_writes(sqlite: SqliteDatabase) -> None:
    fed = Fed(sqlite.url)
    locked, free = threading.Event(), threading.Event()

    def hold() -> None:
        with make_engine(sqlite.url, writes=True).begin() as connection:
            connection.execute(sa.text("UPDATE feed SET seq = seq"))
            locked.set()
            free.wait(10)

    holder = threading.Thread(target=hold)
    holder.start()
    assert locked.wait(10)
    threading.Timer(0.3, free.set).start()

    fed.checkins(builders.accepted_checkin(builders.checkin()))

    holder.join()
    assert fed.count("checkins") == 1
    fed.close()


def test_a_writer_whose_postgresql_died_writes_again_once_it_is_back(postgres: PostgresDatabase) -> None:
    fed = Fed(postgres.url)
    fed.checkins(builders.accepted_checkin(builders.checkin()))
    batch = fed.batch(fed.record(CHECKINS, builders.accepted_checkin(builders.checkin()).to_json()))
    postgres.kill()
    with pytest.raises(sa.exc.DBAPIError):
        fed.writer.write(batch)
    fed.writer.close()
    postgres.start()

    assert fed.writer.open()
    fed.begin("pertama")
    fed.writer.write(batch)

    assert fed.count("checkins") == 2
    fed.close()


def test_times_come_back_as_they_were_whatever_offset_they_had(fed: Fed) -> None:
    at = AT + timedelta(microseconds=7)
    item = builders.checkin()
    item["occurred_at"] = at.astimezone().isoformat()

    fed.checkins(builders.accepted_checkin(item))

    with fed.engine.begin() as connection:
        assert connection.scalar(sa.select(tables.checkins.c.occurred_at)) == at
