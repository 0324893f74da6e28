"""What is done about due pages: sent in turn, bundled, held, asked about, repeated or given up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from siaga.contracts.page import ChannelKind, Page
from siaga.contracts.page_result import ResultReason
from sinks.notify.channels import ChannelSpec, parse_channels
from sinks.notify.directory import Contact
from sinks.notify.look import Facts
from sinks.notify.machine import PageState, Status
from sinks.notify.outbox import Candidate
from sinks.notify.plan import Errand, Plan, Planner, World
from tests.support import builders
from tests.support.paged import OFFICER, page

NOW = builders.now().timestamp() + 1.0
SMS = (OFFICER, "sms")


def specs(**changed: Any) -> dict[ChannelKind, ChannelSpec]:
    """Every channel is on."""
    built_in = parse_channels("")
    return {
        kind: replace(spec, adapter="http", url=spec.url or "http://gw.example/", **changed)
        for kind, spec in built_in.items()
    }


def candidate(about: Page | None = None, **state: Any) -> Candidate:
    about = about or page()
    known = {"status": Status.QUEUED, **state}
    return Candidate(about, PageState(str(about.page_id), severity=int(about.severity), **known), begun=False)


def sms(**changed: Any) -> Page:
    return page(channel="hp", channel_kind=ChannelKind.SMS, **changed)


def planned(planner: Planner, found: Sequence[Candidate], **known: Any) -> Plan:
    world = {
        "facts": Facts(),
        "contacts": {
            c.state.page_id: Contact(OFFICER, "http://hp.example/1", "polsek", False, "Asia/Jakarta") for c in found
        },
        "sent": {},
        "companions": {},
        "messages": {},
        "free": dict.fromkeys(ChannelKind, 8),
        **known,
    }
    return planner.plan(found, World(**world), NOW)


def test_no_channel_is_given_more_than_it_takes_at_once() -> None:
    found = [candidate() for _ in range(5)]

    plan = planned(Planner(specs()), found, free={**dict.fromkeys(ChannelKind, 8), ChannelKind.WEBHOOK: 2})

    assert [members[0] for _, members in plan.sends] == found[:2]
    assert plan.changes == []


def test_past_its_limits_a_contact_waits_and_the_streams_are_told() -> None:
    found = [candidate(sms())]

    plan = planned(Planner(specs()), found, sent={SMS: [NOW - 10.0]})

    assert plan.sends == []
    (change,) = plan.changes
    assert (change.status, change.available_at) == (Status.QUEUED, NOW + 50.0)
    assert [told.reason for told in change.told] == [ResultReason.BUNDLED]


def test_what_waits_for_a_contact_goes_in_one_message_as_far_as_it_fits_and_the_rest_next_time() -> None:
    waiting = [candidate(sms(severity=min(1 + n // 2, 3)), waits=True) for n in range(6)]

    plan = planned(Planner(specs()), waiting, companions={SMS: waiting})

    ((job, members),) = plan.sends
    assert members == waiting[: len(members)]
    assert 1 < len(members) < len(waiting)
    assert job.key not in {c.state.page_id for c in waiting}
    assert all(change.told == () for change in plan.changes)  # they were told before that they wait


def test_a_page_of_which_nobody_knows_is_asked_about_twice_and_then_repeated_under_its_key() -> None:
    planner = Planner(specs(ask_url="http://gw.example/{key}"))
    lost = candidate(status=Status.UNKNOWN, attempts=1, doubtful=True, message_key="kunci")

    plans = [planned(planner, [lost], messages={"kunci": [lost]}) for _ in range(3)]

    assert [[job.errand for job in plan.asks] for plan in plans] == [[Errand.ASK], [Errand.ASK], []]
    ((job, _),) = plans[2].sends
    assert (job.key, job.repeats, dict(job.attempts)) == ("kunci", True, {lost.state.page_id: 2})


def test_one_that_is_not_severe_is_given_up_where_it_can_neither_be_asked_about_nor_safely_repeated() -> None:
    lost = candidate(sms(severity=3), status=Status.UNKNOWN, attempts=1, reason=ResultReason.TIMEOUT)

    plan = planned(Planner(specs(repeats_safely=False)), [lost])

    assert plan.sends == plan.asks == []
    assert [(change.status, change.reason) for change in plan.changes] == [(Status.FAILED, ResultReason.TIMEOUT)]


def test_an_officers_own_server_that_is_down_holds_up_nobody_elses() -> None:
    planner = Planner(specs())
    found = [candidate(), candidate()]
    contacts = {
        c.state.page_id: Contact(OFFICER, f"http://hp{n}.example/", "polsek", False, "Asia/Jakarta")
        for n, c in enumerate(found)
    }
    broken = planner.breaker("webhook hp0.example", specs()[ChannelKind.WEBHOOK])
    for _ in range(broken.failures):
        broken.failed(NOW)

    plan = planned(planner, found, contacts=contacts)

    assert [members for _, members in plan.sends] == [[found[1]]]
    assert [told.reason for change in plan.changes for told in change.told] == [ResultReason.CIRCUIT_OPEN]
