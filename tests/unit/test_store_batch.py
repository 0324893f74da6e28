"""From records to rows: what is folded, what is refused, and that every row fits its table."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime, timedelta

import pytest

from siaga.contracts.canary import Canary
from siaga.contracts.decode import encode_array
from siaga.contracts.incident import Change
from siaga.contracts.rejection import Rejection
from siaga.contracts.topics import CHECKINS, COMMANDS, INCIDENTS, REGISTRY, REJECTED, REPORTS
from sinks import batch as batch_module
from sinks import rows, tables
from sinks.batch import Batch, Kept, Record
from tests.support import builders
from tests.support.stored import AT, happened, snapshot


def batch_of(*values: tuple[str, bytes | None], key: bytes | None = None) -> Batch:
    batch = Batch(epoch=1, now=AT)
    for offset, (topic, value) in enumerate(values):
        batch.add(Record(topic, 0, offset, key, value, AT))
    return batch


def refusals(batch: Batch) -> list[dict[str, object]]:
    names = [column.name for column in tables.rejected.columns]
    return [dict(zip(names, row, strict=True)) for row, _, _ in batch.rejected.values()]


def only(kept: dict[str, Kept]) -> tuple[object, ...]:
    ((row, _, _),) = kept.values()
    return row


def test_every_row_has_as_many_values_as_its_table_has_columns() -> None:
    incident = snapshot(history=[happened(Change.OPENED)])
    numbered = 1
    event = rows.event_row(str(incident.incident_id), incident.history[0])
    command = builders.command("note", uuid.uuid4())
    district = builders.district()

    assert len(rows.checkin_row(builders.accepted_checkin(builders.checkin()))) == len(tables.checkins.c)
    assert len(rows.report_row(builders.accepted(builders.report()))) + numbered == len(tables.reports.c)
    assert len(rows.incident_row(incident, 1)) + numbered == len(tables.incidents.c)
    assert len(event) + numbered == len(tables.incident_events.c)
    assert len(rows.command_row(command)) + numbered == len(tables.commands.c)
    assert len(rows.district_row(district)) + numbered == len(tables.districts.c)
    assert len(next(iter(rows.station_rows(district)))) + numbered == len(tables.stations.c)


def test_a_report_told_again_by_another_way_is_the_same_report() -> None:
    report = builders.report(sent_at="2022-02-23T09:00:00+07:00")
    first = builders.accepted(report)
    again = builders.accepted(
        {**report, "sent_at": "2022-02-23T09:05:00+07:00"}, received=datetime.now(UTC), device="uji-02"
    )

    batch = batch_of((REPORTS, first.to_json()), (REPORTS, again.to_json()))

    assert only(batch.reports)[13] == first.model_dump_json()
    assert not batch.rejected


def test_an_answer_that_is_brought_twice_is_one_and_sets_nothing_aside() -> None:
    first = builders.command("acknowledge", uuid.uuid4())
    again = first.model_copy(update={"at": first.at + timedelta(seconds=9)})
    told = builders.report(channel="sms")
    later = {**told, "occurred_at": (builders.now() + timedelta(seconds=9)).isoformat()}
    reports = [builders.accepted(item) for item in (told, later)]

    batch = batch_of(*((COMMANDS, c.to_json()) for c in (first, again)), *((REPORTS, r.to_json()) for r in reports))

    assert refusals(batch) == []
    assert (len(batch.commands), len(batch.reports)) == (1, 1)


def test_another_report_under_the_same_id_is_refused_with_its_bytes() -> None:
    first = builders.accepted(builders.report(text="pertama"))
    other = builders.accepted(builders.report(text="lain", report_id=first.report_id))
    harmless = builders.accepted(builders.report())

    batch = batch_of((REPORTS, first.to_json()), (REPORTS, encode_array([harmless.to_json(), other.to_json()])))

    (refusal,) = refusals(batch)
    assert (refusal["reason"], refusal["field"]) == ("conflicting_id", "report_id")
    assert (refusal["kafka_offset"], refusal["item_index"]) == (1, 1)
    assert json.loads(refusal["original"]) == json.loads(other.to_json())  # type: ignore[arg-type]
    assert set(batch.reports) == {str(first.report_id), str(harmless.report_id)}


def test_another_checkin_under_the_same_id_is_refused_and_one_received_again_is_not() -> None:
    item = builders.checkin(turnout=10)
    first = builders.accepted_checkin(item)
    again = builders.accepted_checkin(item, received=datetime.now(UTC))
    other = builders.accepted_checkin({**item, "turnout": 11})

    batch = batch_of(*((CHECKINS, c.to_json()) for c in (first, again, other)))

    assert [refusal["kafka_offset"] for refusal in refusals(batch)] == [2]


def test_a_broken_item_keeps_its_place_and_the_rest_of_its_array_is_used() -> None:
    good = [builders.accepted(builders.report()).to_json() for _ in range(2)]

    batch = batch_of((REPORTS, encode_array([good[0], b'{"schema_version": 2}', good[1]])))

    (refusal,) = refusals(batch)
    assert (refusal["reason"], refusal["item_index"]) == ("unsupported_version", 1)
    assert [index for _, _, index in batch.reports.values()] == [0, 2]


def test_garbage_is_refused_whole() -> None:
    too_many = encode_array([b"{}"] * 501)

    batch = batch_of((REPORTS, b"\xff\xfe\x00"), (CHECKINS, None), (INCIDENTS, b'"'), (COMMANDS, too_many))

    assert [refusal["reason"] for refusal in refusals(batch)] == ["not_json", "not_json", "not_json", "too_many"]
    assert [refusal["original"] for refusal in refusals(batch)] == [b"\xff\xfe\x00", b"", b'"', too_many]
    assert batch.positions == {(t, 0): n for n, t in enumerate((REPORTS, CHECKINS, INCIDENTS, COMMANDS), 1)}


def test_the_newest_snapshot_counts_and_the_history_of_all_is_kept() -> None:
    incident_id = uuid.uuid4()
    first = snapshot(incident_id, version=1, history=[happened(Change.OPENED)], reports=[uuid.uuid4()])
    second = snapshot(incident_id, version=2, history=[happened(Change.RAISED)], reports=[uuid.uuid4()])

    batch = batch_of((INCIDENTS, second.to_json()), (INCIDENTS, first.to_json()), (INCIDENTS, first.to_json()))

    assert only(batch.incidents)[2] == 2
    assert sorted(row[2] for row, _, _ in batch.events.values()) == ["opened", "raised"]
    assert len(batch.links) == 2


def test_a_canary_is_no_report() -> None:
    canary = Canary(schema_version=1, canary=True, partition=3, source="gateway", sent_at=AT)

    batch = batch_of((REPORTS, canary.to_json()), (INCIDENTS, canary.to_json()))

    assert batch.canaries == [(REPORTS, 3, AT.timestamp()), (INCIDENTS, 3, AT.timestamp())]
    assert not batch.reports
    assert not batch.incidents
    assert not batch.rejected


def test_a_defect_of_ours_costs_one_record_and_says_nothing_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def defect(*_: object) -> None:
        raise KeyError("anggota-1")

    monkeypatch.setitem(batch_module._TAKERS, REPORTS, defect)

    batch = batch_of(
        (REPORTS, builders.accepted(builders.report()).to_json()),
        (CHECKINS, builders.accepted_checkin(builders.checkin()).to_json()),
    )

    (refusal,) = refusals(batch)
    assert (refusal["reason"], refusal["message"]) == ("internal", "could not be handled (KeyError)")
    assert len(batch.checkins) == 1


def test_a_rejection_without_its_original_is_itself_refused() -> None:
    rejection = Rejection(
        schema_version=1,
        rejection_id=uuid.uuid4(),
        reason="invalid",
        message="-",
        remedy="-",
        source="streams.intake",
        original="bukan base64!",
        at=AT,
    )

    batch = batch_of((REJECTED, rejection.to_json()))

    assert [refusal["source"] for refusal in refusals(batch)] == ["sinks.store"]


def test_an_entry_of_the_registry_that_does_not_fit_is_refused_without_its_values() -> None:
    secret = b'{"schema_version": 1, "district": "33.26.09", "name": "x", "stations": [{"vulnerability": "rahasia"}]}'

    batch = batch_of((REGISTRY, secret), key=b"stations/33.26.09")
    batch.add(Record(REGISTRY, 0, 1, b"apa/saja", b"{}", AT))

    assert not batch.registry
    invalid, unknown = refusals(batch)
    assert str(invalid["field"]).startswith("stations")
    assert "rahasia" not in f"{invalid['message']} {invalid['remedy']}"
    assert "no registry entity" in str(unknown["message"])
