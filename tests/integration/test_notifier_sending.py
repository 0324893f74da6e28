"""The notifier against a real provider, on both databases: what is sent, repeated, given up and let be."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from siaga.contracts.page import ChannelKind, Page
from siaga.contracts.page_result import PageResult
from siaga.links import make_links
from siaga.store import tables
from sinks.notify import outbox
from tests.support import builders
from tests.support.databases import Database, PostgresDatabase
from tests.support.mailserver import MailMode, MailServer
from tests.support.paged import AGENCY, PagerRoom, escalation, page, roster
from tests.support.provider import Mode, Provider
from tests.support.stored import snapshot
from tests.support.wait import until

CHANNELS = """
[defaults]
timeout_seconds = 1
tries = 3
pause_seconds = 0.05
longest_pause_seconds = 0.2
circuit_failures = 4
circuit_pause_seconds = 1
receipt_seconds = [0.2, 1, 5]

[webhook]
ask_url = "{provider}/messages/{{key}}"
ask_status = "status"

[sms]
adapter = "http"
url = "{provider}/send/sms/{{address}}"
receipt = "id"
limits = [{{ messages = 2, seconds = 2 }}]

[email]
adapter = "apprise"
url = "mailto://127.0.0.1:{mail}/?from=siaga@example.org&to={{address}}&format=text"
"""


@pytest.fixture
def officer() -> str:
    """Somebody nobody has written to before."""
    return f"petugas-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def quiet(
    database: Database, tmp_path: Path, provider: Provider, mail: MailServer, officer: str
) -> Iterator[PagerRoom]:
    """A notifier that does not send yet."""
    room = PagerRoom(database.url, tmp_path, CHANNELS.format(provider=provider.url, mail=mail.port))
    addresses = {"hook": provider.address("{}"), "surat": "{}@example.org", "hp": "{}"}
    room.load(roster(addresses, [officer], cleared=True))
    mail.behave(MailMode.OK)
    yield room
    room.close()


@pytest.fixture
def room(quiet: PagerRoom) -> PagerRoom:
    return quiet.start()


def sms(officer: str, **changed: object) -> Page:
    return page(officer_id=officer, channel="hp", channel_kind=ChannelKind.SMS, **changed)


def tellings(provider: Provider, about: Page) -> list[dict[str, object]]:
    """Each time that the provider took a message which tells this page."""
    return [entry for entry in provider.taken() if str(about.page_id) in entry["pages"]]


# -- sent ------------------------------------------------------------------------------------------------------------


def test_a_page_reaches_the_officer_once_with_a_link_that_answers_it(
    room: PagerRoom, provider: Provider, officer: str
) -> None:
    sent = page(officer_id=officer)
    room.put(sent)
    room.put(sent)

    row = room.until(sent, "delivered")

    (taken,) = tellings(provider, sent)
    assert (taken["key"], taken["path"]) == (str(sent.page_id), f"/send/{officer}")
    assert row["provider_id"] == taken["id"]
    token = str(taken["text"]).partition("/ack/")[2].split()[0]
    link = make_links(room.settings).read(token, builders.now().timestamp())
    assert (link.page_id, link.officer_id, link.action) == (sent.page_id, officer, "acknowledge")
    assert [told[0] for told in room.results(sent)] == ["accepted", "delivered"]


def test_a_mail_reaches_the_officer_and_one_that_was_refused_for_good_is_told(
    room: PagerRoom, mail: MailServer, officer: str
) -> None:
    sent = page(officer_id=officer, channel="surat", channel_kind=ChannelKind.EMAIL)
    refused = page(officer_id=officer, channel="surat", channel_kind=ChannelKind.EMAIL)
    room.put(sent)
    room.until(sent, "accepted")
    mail.behave(MailMode.NEVER)

    room.put(refused)

    room.until(refused, "failed")
    assert [sent.code in str(one.get_payload()) for one in mail.mails if officer in str(one["X-To"])] == [True]
    assert room.results(refused) == [("failed", "client_error", 1)]


def test_whoever_is_cleared_is_told_why_and_nobody_else(room: PagerRoom, provider: Provider, officer: str) -> None:
    told = page(officer_id=officer, cleared=True, confidential_reasons=True)
    untold = page(officer_id=officer, cleared=False, confidential_reasons=True, incident_id=told.incident_id)

    room.put(snapshot(told.incident_id), told, untold)
    room.until_sent(told)
    room.until_sent(untold)

    assert ["TPS rawan" in str(tellings(provider, about)[0]["text"]) for about in (told, untold)] == [True, False]


# -- repeated, and not -----------------------------------------------------------------------------------------------


def test_a_provider_that_fails_is_tried_again_and_then_the_next_channel_is(
    room: PagerRoom, provider: Provider, officer: str
) -> None:
    recovering, hopeless = page(officer_id=officer), page(officer_id=officer)
    provider.behave(Mode.FAIL, 2, f"/send/{officer}")
    room.put(recovering)
    room.until_sent(recovering)
    provider.behave(Mode.FAIL, 3, f"/send/{officer}")

    room.put(hopeless)

    room.until(hopeless, "failed")
    assert room.results(recovering)[:3] == [
        ("failed_temporarily", "server_error", 1),
        ("failed_temporarily", "server_error", 2),
        ("accepted", "none", 3),
    ]
    assert room.results(hopeless)[-1] == ("failed", "server_error", 3)
    assert len(tellings(provider, recovering)) == 1


@pytest.mark.parametrize("mode", [Mode.DROP, Mode.HANG, Mode.DROP_UNTAKEN])
def test_where_the_answer_was_lost_the_provider_is_asked_before_anything_is_repeated(
    room: PagerRoom, provider: Provider, officer: str, mode: Mode
) -> None:
    sent = page(officer_id=officer, severity=3)
    provider.behave(mode, 1, f"/send/{officer}")

    room.put(sent)

    room.until_sent(sent)
    assert len(tellings(provider, sent)) == 1
    assert room.results(sent)[0][0] == "unknown"


def test_a_severe_page_is_repeated_under_the_same_key_where_nobody_can_be_asked(
    room: PagerRoom, provider: Provider, officer: str
) -> None:
    severe, lesser = sms(officer), sms(officer, severity=3)
    provider.behave(Mode.DROP, 1, f"/send/sms/{officer}")
    room.put(severe)
    room.until(severe, "accepted")
    until(lambda: room.results(severe)[-1][0] == "accepted")
    provider.behave(Mode.DROP, 1, f"/send/sms/{officer}")

    room.put(lesser)

    room.until(lesser, "failed")
    assert [entry["key"] for entry in tellings(provider, severe)] == [str(severe.page_id)] * 2
    assert [told[0] for told in room.results(severe)] == ["unknown", "accepted"]
    assert len(tellings(provider, lesser)) == 1
    assert [told[0] for told in room.results(lesser) if told[0] != "suppressed"] == ["unknown", "failed"]


def test_past_a_contacts_limits_pages_are_bundled_and_the_next_channel_is_tried(
    quiet: PagerRoom, provider: Provider, officer: str
) -> None:
    with quiet.fed.engine.begin() as connection:
        for _ in range(2):
            key, now = str(uuid.uuid4()), builders.now().timestamp()
            outbox.count_message(connection, (officer, "sms"), key=key, attempt=1, now=now)
    more = [sms(officer) for _ in range(3)]
    quiet.put(*more)

    quiet.start()

    for one in more:
        quiet.until(one, "accepted")
        assert [told[:2] for told in quiet.results(one)] == [("suppressed", "bundled"), ("accepted", "none")]
    (message,) = {str(entry["text"]) for one in more for entry in tellings(provider, one)}
    assert all(one.code in message for one in more)


def test_a_provider_that_is_down_is_left_alone_for_a_while_and_nothing_is_lost(
    room: PagerRoom, provider: Provider, officer: str
) -> None:
    first, second = page(officer_id=officer), page(officer_id=officer)
    provider.behave(Mode.FAIL, 4, f"/send/{officer}")
    room.put(first, second)
    room.until_sent(first)
    room.until_sent(second)

    waited = [told for about in (first, second) for told in room.results(about) if told[1] == "circuit_open"]
    assert waited
    assert [len(tellings(provider, about)) for about in (first, second)] == [1, 1]


def test_a_page_of_a_worker_whose_clock_is_hours_behind_is_sent_all_the_same(
    room: PagerRoom, provider: Provider, officer: str
) -> None:
    behind = builders.now() - timedelta(hours=3)
    late = page(officer_id=officer, due_at=behind, answer_by=None, expires_at=behind + timedelta(hours=1))
    room.put_now(late)
    room.until_sent(late)

    assert len(tellings(provider, late)) == 1


# -- not sent --------------------------------------------------------------------------------------------------------


def test_what_was_answered_closed_cancelled_or_is_too_old_is_not_sent_and_says_why(
    quiet: PagerRoom, provider: Provider, officer: str
) -> None:
    taken, over, recalled, old = (page(officer_id=officer) for _ in range(4))
    old = old.model_copy(update={"expires_at": old.due_at - timedelta(seconds=1)})
    conflicted = page(officer_id=officer)
    quiet.put(taken, over, recalled, old, conflicted)
    quiet.put(
        escalation(taken, "acknowledged"),
        escalation(over, "resolved"),
        escalation(recalled, "paging", cancelled=[recalled.page_id]),
        snapshot(conflicted.incident_id, facts={"accused_unit": AGENCY}),
    )

    quiet.start()

    expected = {taken: "acknowledged", over: "closed", recalled: "cancelled", old: "expired"}
    for about, reason in {**expected, conflicted: "accused_unit"}.items():
        quiet.until(about, "suppressed")
        assert quiet.results(about) == [("suppressed", reason, 0)]
        assert tellings(provider, about) == []


def test_an_answer_to_an_earlier_round_does_not_hold_up_a_later_page(
    quiet: PagerRoom, provider: Provider, officer: str
) -> None:
    again = page(officer_id=officer, round=2)
    earlier = again.model_copy(update={"round": 1, "due_at": again.due_at - timedelta(minutes=40)})
    quiet.put(again, escalation(earlier, "acknowledged"))

    quiet.start()

    quiet.until_sent(again)
    assert len(tellings(provider, again)) == 1


def test_only_what_was_told_is_taken_back(quiet: PagerRoom, provider: Provider, officer: str) -> None:
    told, untold = page(officer_id=officer), page(officer_id=officer)
    quiet.put(told)
    quiet.start()
    quiet.until_sent(told)
    quiet.put(untold, escalation(untold, "dismissed"))
    quiet.until(untold, "suppressed")
    back, nothing = (
        page(officer_id=officer, purpose="retraction", incident_id=about.incident_id, retracts=about.page_id)
        for about in (told, untold)
    )

    quiet.put(back, nothing)

    quiet.until_sent(back)
    quiet.until(nothing, "suppressed")
    assert "DIBATALKAN" in str(tellings(provider, back)[0]["text"])


def test_a_channel_that_is_off_or_not_in_the_roster_fails_at_once(room: PagerRoom, officer: str) -> None:
    off = page(officer_id=officer, channel="tg", channel_kind=ChannelKind.TELEGRAM)
    nowhere = page(officer_id=officer, channel="hook-2")
    nobody = page(officer_id="bukan-siapa-siapa")

    room.put(off, nowhere, nobody)

    for about, reason in ((off, "channel_off"), (nowhere, "no_address"), (nobody, "no_address")):
        room.until(about, "failed")
        assert room.results(about) == [("failed", reason, 0)]


# -- what survives ---------------------------------------------------------------------------------------------------


def test_a_database_made_anew_sends_nothing_once_more(quiet: PagerRoom, provider: Provider, officer: str) -> None:
    """It reads pages and results from Kafka's beginning, in whatever order; what has a result was sent before."""
    fed = quiet.fed
    fed.begin("lain")
    before = {"due_at": builders.now() - timedelta(minutes=1)}
    with fed.engine.begin() as connection:
        connection.execute(sa.update(tables.clusters).values(first_seen_at=builders.now()))
    sent, unsent = page(officer_id=officer, **before), page(officer_id=officer, **before)
    fresh = page(officer_id=officer)
    quiet.put(sent, unsent, fresh)
    quiet.start()
    quiet.until_sent(fresh)
    assert (quiet.row(sent)["status"], quiet.row(unsent)["status"]) == ("queued", "queued")

    quiet.put(
        PageResult.model_validate(
            {
                "schema_version": 1,
                "status": "accepted",
                "attempt": 1,
                "provider_id": "SM-9",
                "at": builders.now(),
                **sent.model_dump(
                    include={"page_id", "incident_id", "generation", "district", "officer_id", "channel"}
                ),
            }
        )
    )
    fed.writer.caught_up(builders.now())

    quiet.until_sent(unsent)
    assert quiet.until(sent, "accepted")["provider_id"] == "SM-9"
    assert tellings(provider, sent) == []


def test_one_notifier_sends_and_the_other_takes_over(room: PagerRoom, provider: Provider, officer: str) -> None:
    until(room.active.is_set)
    other = room.beside()

    first, second = page(officer_id=officer), page(officer_id=officer)
    room.put(first)
    room.until_sent(first)
    stood_by = not other.active.is_set()
    room.stop()
    room.put(second)
    room.until_sent(second)
    other.stop()

    assert stood_by
    assert [len(tellings(provider, about)) for about in (first, second)] == [1, 1]


def test_the_notifier_goes_on_when_its_database_comes_back(
    postgres: PostgresDatabase, tmp_path: Path, provider: Provider, officer: str
) -> None:
    room = PagerRoom(postgres.url, tmp_path)
    room.load(roster({"hook": provider.address("{}")}, [officer]))
    room.start()
    until(room.active.is_set)
    postgres.cluster.kill()
    until(lambda: not room.active.is_set())
    postgres.cluster.start()
    room.reopen()
    sent = page(officer_id=officer)

    room.put(sent)

    room.until(sent, "accepted")
    room.close()
