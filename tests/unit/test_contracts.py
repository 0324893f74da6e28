"""Bad input and small types: what is refused says which field and what to do, and shows nothing it should not."""

from __future__ import annotations

import json
import pickle
from datetime import UTC, datetime
from typing import Any

import pytest
from kafka.partitioner.default import murmur2

from siaga.contracts.checkin import CheckIn
from siaga.contracts.command import Command
from siaga.contracts.decode import Refused, decode
from siaga.contracts.headers import cloud_event
from siaga.contracts.rejection import RejectReason, rejection_id
from siaga.contracts.report import Report
from siaga.contracts.topics import MAX_RECORD_BYTES, partition_of
from siaga.types import Confidential, district_of, village_of
from tests.support import builders
from tests.support.country import district_codes


def report(**changes: Any) -> dict[str, Any]:
    at = datetime(2022, 2, 23, 2, 14, 5, tzinfo=UTC)
    return {**builders.report(at=at, report_id="01938d0e-0000-7000-8000-000000000001"), **changes}


def refusals(value: bytes | None) -> list[Refused]:
    return decode(Report, value).refused


def problem(value: dict[str, Any]) -> str:
    (refused,) = refusals(json.dumps(value).encode())
    (found,) = refused.problems
    return f"{found.field}: {found.message}; {found.remedy}"


# -- decoding -----------------------------------------------------------------------------------------------------


def test_a_field_that_nobody_knows_is_named_so_that_a_database_can_keep_it() -> None:
    assert problem(report(**{"war\x00na": "merah"})).startswith("war\N{REPLACEMENT CHARACTER}na: ")


@pytest.mark.parametrize("value", [None, b"", b"{", b"hello", b"\xff\xfe", b'{"a": NaN}', b"[" * 100_000])
def test_what_is_no_json_is_refused_whole(value: bytes | None) -> None:
    (refused,) = refusals(value)

    assert refused.reason in (RejectReason.NOT_JSON, RejectReason.INVALID)
    assert refused.original == (value or b"")
    assert refused.problems[0].remedy


@pytest.mark.parametrize("value", [b"1", b'"text"', b"null", b"true", b"[1]", b"[[]]", b"[null]"])
def test_json_that_is_no_object_is_refused(value: bytes) -> None:
    (refused,) = refusals(value)
    assert refused.problems[0].remedy == "send a JSON object"


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (
            {"colour": "red"},
            "colour: Extra inputs are not permitted; remove the field; the contract does not know it",
        ),
        ({"facts": {"killed": 1}}, "facts.killed: Extra inputs are not permitted; remove the field"),
        ({"occurred_at": "2022-02-23T09:14:05"}, "occurred_at: Input should have timezone info; add an offset"),
        ({"occurred_at": "kemarin"}, "send ISO 8601 with an offset, such as 2022-02-23T09:14:05+07:00"),
        ({"occurred_at": "0001-01-01T00:00:00+07:00"}, "occurred_at: lies outside the calendar; send a date"),
        ({"report_id": "1"}, "send a UUID (version 7 preferred)"),
        ({"kind": "Violence"}, "kind: String should match pattern"),
        ({"station_id": "33.26.08.2001-3"}, "station_id: String should match pattern"),
        ({"facts": {"injured": -1}}, "facts.injured: Input should be greater than or equal to 0; send 0 or more"),
        ({"facts": {"injured": 1_000_001}}, "facts.injured: Input should be less than or equal to 1000000; send"),
        ({"facts": {"injured": "2"}}, "facts.injured: Input should be a valid integer; send a whole number without"),
        ({"facts": {"injured": 2.5}}, "facts.injured: Input should be a valid integer; send a whole number"),
        ({"facts": {"weapons": "tank"}}, "facts.weapons: Input should be 'none', 'blunt',"),
        ({"facts": []}, "facts: Input should be an object; send a JSON object"),
        ({"reporter": {"id": "a b", "role": "officer"}}, "reporter.id: String should match pattern"),
        ({"reporter": {"role": "officer"}}, "reporter.id: Field required; add the field"),
        ({"text": "a\x00b"}, "text: holds a NUL character; remove it"),
        ({"text": "x" * 2001}, "text: is too long; shorten it to 2000 characters"),
        ({"location": {"lat": 91, "lon": 0}}, "location.lat: Input should be less than or equal to 90; send 90.0 or"),
        ({"evidence": [{"sha256": "x", "media_type": "image/jpeg", "bytes": 1}]}, "evidence.0.sha256: String should"),
        ({"drill": "maybe"}, "drill: Input should be a valid boolean"),
        ({"schema_version": 0}, "schema_version: Input should be 1; send 1"),
        ({"schema_version": "1"}, "schema_version: Input should be 1; send 1"),
    ],
)
def test_a_wrong_field_is_named_with_its_remedy(changes: dict[str, Any], told: str) -> None:
    assert told in problem(report(**changes))


def test_every_wrong_field_is_named_at_once() -> None:
    (refused,) = refusals(json.dumps(report(kind="x", station_id="y", colour="z")).encode())
    assert {p.field for p in refused.problems} == {"kind", "station_id", "colour"}


def test_a_version_from_the_future_is_refused_as_that_and_not_guessed_at() -> None:
    (refused,) = refusals(json.dumps({"schema_version": 2, "anything": "else"}).encode())

    assert refused.reason is RejectReason.UNSUPPORTED_VERSION
    assert refused.problems[0].field == "schema_version"
    assert "upgrade Siaga" in refused.problems[0].remedy


def test_half_of_a_surrogate_pair_is_refused() -> None:
    value = json.dumps(report(text="@@")).replace("@@", "\\ud83d").encode()
    (refused,) = refusals(value)
    assert refused.original == value


def test_deep_nesting_is_refused_and_harms_nothing() -> None:
    deep = json.dumps(report()).replace('""', "[" * 5000 + "]" * 5000, 1).encode()
    assert len(refusals(deep)) == 1


def test_a_wrong_item_is_refused_and_the_rest_of_its_array_is_handled() -> None:
    decoded = decode(Report, json.dumps([report(), report(kind="x"), report()]).encode())

    assert len(decoded.items) == 2
    (refused,) = decoded.refused
    assert refused.index == 1
    assert json.loads(refused.original)["kind"] == "x"


def test_500_items_are_taken_and_501_are_too_many() -> None:
    items = [report()] * 500
    assert len(decode(Report, json.dumps(items).encode()).items) == 500

    (refused,) = refusals(json.dumps([*items, report()]).encode())
    assert refused.reason is RejectReason.TOO_MANY


def test_a_record_that_is_too_large_is_refused_before_it_is_parsed() -> None:
    (refused,) = refusals(b" " * (MAX_RECORD_BYTES + 1))
    assert refused.reason is RejectReason.TOO_LARGE


def test_what_was_wrong_is_told_without_the_value() -> None:
    secret = "3326084501900001"
    for changes in ({"reporter": {"id": f"NIK {secret}", "role": "officer"}}, {"text": f"{secret}\x00"}):
        assert secret not in problem(report(**changes))


def test_a_check_in_has_no_kind() -> None:
    item = {**builders.checkin(at=datetime(2022, 2, 23, tzinfo=UTC)), "kind": "violence.brawl"}
    (refused,) = decode(CheckIn, json.dumps(item).encode()).refused
    assert refused.problems[0].field == "kind"


def test_times_are_kept_in_utc() -> None:
    (item,) = decode(Report, json.dumps(report(occurred_at="2022-02-23T09:14:05+07:00")).encode()).items
    assert item.occurred_at.isoformat() == "2022-02-23T02:14:05+00:00"


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"action": "dismiss", "reason": " "}, "reason: dismiss needs one; say why in a sentence"),
        ({"action": "assign"}, "assignee: assign needs an officer's id"),
        ({"action": "override", "severity": 6}, "severity: Input should be 1, 2, 3, 4 or 5"),
    ],
)
def test_a_command_that_lacks_what_it_needs_says_so(changes: dict[str, Any], told: str) -> None:
    incident = "01938d0e-0000-7000-8000-000000000005"
    item = {**json.loads(builders.command("note", incident).to_json()), **changes}
    (refused,) = decode(Command, json.dumps(item).encode()).refused
    found = refused.problems[0]
    assert f"{found.field}: {found.message}; {found.remedy}".startswith(told)


# -- topics and headers -------------------------------------------------------------------------------------------


def test_a_district_has_the_partition_that_every_kafka_client_gives_it() -> None:
    for code in district_codes(500):
        assert partition_of(code, 48) == (murmur2(code.encode()) & 0x7FFFFFFF) % 48


@pytest.mark.parametrize(
    ("key", "partition"), [("33.26.08", 0), ("33.26.09", 3), ("33.26.13", 1), ("11.01.01", 3), ("94.01.01", 2)]
)
def test_a_partition_never_changes(key: str, partition: int) -> None:
    assert partition_of(key, 4) == partition


def test_the_hash_is_the_one_of_kafkas_own_tests() -> None:
    # org.apache.kafka.common.utils.UtilsTest.testMurmur2
    for key, expected in (("21", -973932308), ("foobar", -790332482), ("a-little-bit-long-string", -985981536)):
        assert partition_of(key, 2**31) == expected & 0x7FFFFFFF


def test_districts_are_shared_out_evenly() -> None:
    counts = [0] * 48
    for code in district_codes():
        counts[partition_of(code, 48)] += 1
    assert min(counts) > 7277 / 48 * 0.6


def test_headers_say_what_a_record_is() -> None:
    headers = dict(
        cloud_event(
            kind="report",
            source="gateway",
            event_id="7",
            at=datetime(2022, 2, 23, tzinfo=UTC),
            subject="33.26.08",
            traceparent="00-1-2-01",
        )
    )
    assert headers["ce_type"] == b"id.siaga.report.v1"
    assert headers["ce_subject"] == b"33.26.08"
    assert headers["traceparent"] == b"00-1-2-01"


def test_the_same_item_refused_again_has_the_same_id() -> None:
    first = rejection_id("streams.intake", "siaga.reports-3@912#4", b"x")
    assert first == rejection_id("streams.intake", "siaga.reports-3@912#4", b"x")
    assert first != rejection_id("streams.intake", "siaga.reports-3@913#4", b"x")


# -- small types --------------------------------------------------------------------------------------------------


def test_a_confidential_value_shows_nothing_however_it_is_written() -> None:
    hidden = Confidential("sangat_rawan")

    assert "rawan" not in f"{hidden} {hidden!r} {hidden!s} {[hidden]} {hidden:>20}"
    assert hidden.reveal() == "sangat_rawan"
    assert hidden == Confidential("sangat_rawan") != Confidential("aman")
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(hidden)


def test_a_station_tells_its_district_and_village() -> None:
    assert (district_of("33.26.08.2001-003"), village_of("33.26.08.2001-003")) == ("33.26.08", "33.26.08.2001")
