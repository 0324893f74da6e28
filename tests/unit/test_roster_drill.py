"""A test of the roster: who is called over what, and how the account reads."""

from __future__ import annotations

import uuid
from datetime import timedelta

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
    return drill_pages(
        ROSTER, DRILL, builders.now(), timedelta(minutes=5), district=builders.OTHER_DISTRICT, **chosen
    )


def test_everybody_is_called_over_every_channel_and_told_that_it_is_a_drill() -> None:
    pages = called()

    assert [(page.officer_id, page.channel, page.district) for page in pages] == [
        ("budi", "wa", builders.DISTRICT),
        ("budi", "hp", builders.DISTRICT),
        ("sari", "hook", builders.OTHER_DISTRICT),
    ]
    assert {page.purpose for page in pages} == {Purpose.DRILL_CALL}
    assert len({page.page_id for page in pages}) == 3
    assert sms_of(pages[1], link=None).startswith("[DRILL] CALL TEST")


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
