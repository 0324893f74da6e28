"""A serious incident reaches a human: from the gateway's answer to the officer's phone and back."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from datetime import datetime
from typing import Any

import httpx
import pytest

from siaga.contracts.roster import ChannelEntry, OfficerEntry, RosterEntry
from tests.support import builders
from tests.support.duty import SPEED, Manned
from tests.support.stack import SINKS, STREAMS, Stack
from tests.support.wait import until

MakeStack = Callable[..., Stack]
#: Seconds that a level has to answer about SEV1.
DEADLINE = 120.0 / SPEED
POLSEK = f"polsek-kecamatan-{builders.DISTRICT.replace('.', '-')}-duty"


def siaga(stack: Stack, *arguments: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "siaga", *arguments]
    return subprocess.run(
        argv, env=stack.environment, cwd=stack.directory, capture_output=True, text=True, timeout=60, check=False
    )


def due(page: dict[str, Any]) -> float:
    """When a page was due, in epoch seconds; SQLite has times as text."""
    at = page["due_at"]
    return (at if isinstance(at, datetime) else datetime.fromisoformat(at)).timestamp()


def test_a_serious_incident_climbs_until_an_officer_takes_it_by_link_and_climbs_anew_when_it_is_reopened(
    make_stack: MakeStack,
) -> None:
    manned = Manned(make_stack)
    incident = manned.report(facts={"dead": 1})
    manned.until_received(POLSEK, "polres-duty")
    # Nobody answers: the operations desk is called at the deadline, not before.
    received = manned.until_received("polres-ops")
    assert due(manned.pages(2)[0]) - due(manned.pages(1)[0]) >= DEADLINE - 0.01

    call = next(message for message in received if message["officer_id"].startswith("polres-ops"))
    assert httpx.get(call["answer_url"]).status_code == 200
    assert manned.escalation()["state"] == "paging"  # a messenger that looks at a link answers nothing
    assert httpx.post(call["answer_url"]).status_code == 200

    manned.until_escalation(state="acknowledged", acknowledged_by=call["officer_id"])
    assert not manned.pages(3)

    # Every decision is in the audit trail: who, what, about what, and the command's own hash.
    assert siaga(manned.stack, "resolve", incident, "--by", call["officer_id"], "--reason", "aman").returncode == 0
    assert siaga(manned.stack, "reopen", incident, "--by", "posko-duty-1").returncode == 0
    trail = manned.stack.rows(
        "SELECT actor, action, object FROM audit_log WHERE action LIKE 'command.%' ORDER BY seq"
    )
    assert [(row["actor"], row["action"], row["object"]) for row in trail] == [
        (call["officer_id"], "command.acknowledge", incident),
        (call["officer_id"], "command.resolve", incident),
        ("posko-duty-1", "command.reopen", incident),
    ]

    # It is another generation, called from the first level with pages of its own.
    manned.until_escalation(generation=2)
    until(lambda: len(manned.pages(1, generation=2)) == 2, what=lambda: f"calls anew{manned.stack.tails()}")
    assert not {p["page_id"] for p in manned.pages(1)} & {p["page_id"] for p in manned.pages(1, generation=2)}
    assert not any(message["repeats"] for message in manned.inbox())

    why = siaga(manned.stack, "why-paged", incident[:8], call["officer_id"]).stdout
    assert "polres/ops inbox: the level before did not answer in time [accepted]" in why
    assert f"act {call['officer_id']}: took it" in why


# On Kafka and PostgreSQL tests/chaos has it with many incidents and two workers.
@pytest.mark.parametrize("parts", ["embedded"], indirect=True)
def test_what_came_due_while_every_worker_was_dead_fires_once_and_climbs_one_level(make_stack: MakeStack) -> None:
    manned = Manned(make_stack)
    manned.report(facts={"dead": 1})
    manned.until_received(POLSEK, "polres-duty")
    began = due(manned.pages(1)[0])

    manned.stack.kill(STREAMS)
    # Both other clocks go on: more than one deadline passes, and the database's tells of the first, again and again.
    until(
        lambda: (
            manned.stack.metrics(SINKS).get('siaga_sweeper_timers_total{kind="deadline"}', 0) >= 1
            and builders.now().timestamp() > began + 2.5 * DEADLINE
        ),
        timeout=60,
        what=lambda: f"the sweeper to tell what is due{manned.stack.tails()}",
    )
    manned.stack.restart(STREAMS)

    manned.until_received("polres-ops", timeout=60)
    manned.until_received("polres-deputy", "kodim-liaison", timeout=60)
    (second,), third = manned.pages(2), manned.pages(3)
    assert {page["officer_id"].rpartition("-")[0] for page in third} == {"polres-deputy", "kodim-liaison"}
    assert all(due(page) - due(second) >= DEADLINE - 0.01 for page in third)
    assert len(manned.pages(1)) == 2
    assert not any(message["repeats"] for message in manned.inbox())


def _without_level_three(roster: RosterEntry) -> RosterEntry:
    kept = tuple(shift for shift in roster.shifts if shift.role not in ("deputy", "liaison"))
    return roster.model_copy(update={"shifts": kept})


def _with_another_at_the_operations_desk(roster: RosterEntry) -> RosterEntry:
    newcomer = next(officer for officer in roster.officers if officer.officer_id == "polres-ops-1")
    channel = ChannelEntry(name="inbox", kind="webhook", address=newcomer.channels[0].address[:-1] + "9")
    officer = OfficerEntry.model_validate(
        {**newcomer.model_dump(), "officer_id": "polres-ops-9", "channels": (channel,)}
    )
    shifts = tuple(
        shift.model_copy(update={"officer_id": "polres-ops-9"}) if shift.role == "ops" else shift
        for shift in roster.shifts
    )
    return roster.model_copy(update={"version": "baru", "officers": (*roster.officers, officer), "shifts": shifts})


def test_a_roster_edited_while_it_climbs_counts_from_the_next_generation_and_an_empty_level_is_skipped(
    make_stack: MakeStack,
) -> None:
    manned = Manned(make_stack, _without_level_three)
    manned.stack.until_count("registry", 1, "key LIKE 'roster/%'")
    gaps = siaga(manned.stack, "roster", "check")  # of what is loaded
    assert gaps.returncode == 1
    assert "polres/deputy" in gaps.stdout
    incident = manned.report(facts={"dead": 1})
    manned.until_received(POLSEK, "polres-duty")

    manned.stack.publish(_with_another_at_the_operations_desk(manned.roster))
    received = manned.until_received("polres-ops", "polres-chief")

    ops = [message["officer_id"] for message in received if message["officer_id"].startswith("polres-ops")]
    assert ops in (["polres-ops-1"], ["polres-ops-2"])
    assert not manned.pages(3)
    steps = manned.stack.rows("SELECT reason, desk FROM escalation_steps WHERE level = 3")
    assert {(step["reason"], step["desk"]) for step in steps} >= {
        ("no_such_desk", "polres/deputy"),
        ("no_such_desk", "kodim/liaison"),
        ("level_skipped", None),
    }

    manned.command("resolve", incident)
    manned.until_escalation(state="resolved")
    manned.command("reopen", incident)
    manned.command("escalate", incident)

    until(
        lambda: [page["officer_id"] for page in manned.pages(2, generation=2)] == ["polres-ops-9"],
        timeout=30,
        what=lambda: f"the new officer's call; there are {manned.pages(2, generation=2)}{manned.stack.tails()}",
    )
