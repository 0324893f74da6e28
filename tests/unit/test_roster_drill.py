"""A test of the roster: who is called over what, and how the account reads."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from siaga.contracts.page import Language, Page, Purpose, drill_call_id, is_drill_call
from siaga.contracts.roster import AgencyEntry, ChannelEntry, OfficerEntry, RosterEntry
from siaga.escalation.drill import account, drill_pages
from siaga.escalation.message import sms_of
from tests.support import builders

DRILL = drill_call_id(12345)


def officer(officer_id: str, agency: str, *channels: tuple[str, str, str]) -> OfficerEntry:
    return OfficerEntry(
        officer_id=officer_id,
        name="Uji",
        agency=agency,
        language=Language.ENGLISH,
        channels=tuple(
            ChannelEntry.model_validate({"name": name, "kind": kind, "address": address})
            for name, kind, address in channels
        ),
    )


ROSTER = RosterEntry(
    schema_version=1,
    version="1",
    area="33.26",
    agencies=(
        AgencyEntry(agency="polsek-kajen", kind="polsek", name="Polsek Kajen", districts=(builders.DISTRICT,)),
        AgencyEntry(agency="bpbd", kind="bpbd", name="BPBD"),
    ),
    officers=(
        officer("budi", "polsek-kajen", ("wa", "whatsapp", "+628111"), ("hp", "sms", "+628111")),
        officer("sari", "bpbd", ("hook", "webhook", "http://127.0.0.1/sari")),
        officer("tono", "bpbd"),
    ),
    shifts=(),
)


def called(**chosen: tuple[str, ...]) -> list[Page]:
    return drill_pages(ROSTER, DRILL, builders.now(), timedelta(minutes=5), **chosen)


def test_everybody_is_called_over_every_channel_and_told_that_it_is_a_drill() -> None:
    pages = called()

    assert [(page.officer_id, page.channel, page.district) for page in pages] == [
        ("budi", "wa", builders.DISTRICT),
        ("budi", "hp", builders.DISTRICT),
        ("sari", "hook", builders.DISTRICT),
    ]
    assert {page.purpose for page in pages} == {Purpose.DRILL_CALL}
    assert len({page.page_id for page in pages}) == 3
    assert sms_of(pages[1], link=None).startswith("[DRILL] CALL TEST")


@pytest.mark.parametrize(("area", "district"), [("33", "33.01.01"), ("33.26", "33.26.01"), ("33.26.08", "33.26.08")])
def test_units_that_name_no_district_are_called_whatever_the_size_of_their_area(area: str, district: str) -> None:
    units = tuple(agency.model_copy(update={"districts": ()}) for agency in ROSTER.agencies)
    roster = ROSTER.model_copy(update={"area": area, "agencies": units})

    pages = drill_pages(roster, DRILL, builders.now(), timedelta(minutes=5))

    assert [page.district for page in pages] == [district] * 3


def test_some_can_be_called_by_name_or_by_unit() -> None:
    assert {page.officer_id for page in called(officers=("sari",))} == {"sari"}
    assert {page.officer_id for page in called(agencies=("polsek-kajen",))} == {"budi"}


def test_who_did_not_answer_comes_first_and_a_failed_channel_is_named() -> None:
    pages = called()
    statuses = {pages[0].page_id: "failed", pages[1].page_id: "accepted"}

    told = account(ROSTER, pages, statuses, {"budi"})

    assert [(one.officer_id, one.answered, one.is_taken, one.channels) for one in told] == [
        ("sari", False, False, (("hook", "due"),)),
        ("budi", True, False, (("wa", "failed"), ("hp", "accepted"))),
    ]


@given(st.integers(0, 2**80 - 1), st.uuids())
def test_an_answer_to_a_drill_is_never_taken_for_one_about_an_incident(number: int, other: uuid.UUID) -> None:
    assert is_drill_call(drill_call_id(number))
    assert not is_drill_call(uuid.uuid5(other, "incident"))
