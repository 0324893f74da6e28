"""Two incidents made one and split again, all the way: command line, streams, pages, database."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx

from tests.integration.test_escalation import POLSEK, siaga
from tests.support import builders
from tests.support.duty import Manned
from tests.support.stack import Stack
from tests.support.wait import until


def homes(manned: Manned) -> dict[str, str]:
    """The incident of each report, by its kind."""
    return {row["kind"]: row["incident_id"] for row in manned.stack.rows("SELECT kind, incident_id FROM reports")}


def standing(manned: Manned, incident: str) -> dict[str, Any]:
    """An incident and its escalation, as they are stored."""
    asked = (
        "SELECT i.state, i.severity, e.state AS ladder, e.acknowledged_by FROM incidents i"
        " LEFT JOIN escalations e ON e.incident_id = i.incident_id WHERE i.incident_id = :id"
    )
    return dict(manned.stack.rows(asked, id=incident)[0])


def until_standing(manned: Manned, incident: str, **wanted: Any) -> None:
    until(
        lambda: wanted.items() <= standing(manned, incident).items(),
        timeout=30,
        what=lambda: f"{wanted}; it is {standing(manned, incident)}{manned.stack.tails()}",
        every=0.05,
    )


def test_who_was_called_about_a_merged_incident_takes_the_one_it_is_part_of_and_a_split_climbs_by_itself(
    make_stack: Callable[..., Stack],
) -> None:
    # Slow enough that nobody is called at another level meanwhile.
    manned = Manned(make_stack, speed=2.0)
    clash = manned.report("violence.mass_clash")
    crowd = manned.report("order.crowd", station=builders.SECOND_STATION)
    elsewhere = manned.report("order.crowd", station=builders.OTHER_STATION)
    received = manned.until_received(POLSEK, "polres-duty")

    refused = siaga(manned.stack, "merge", clash, elsewhere, "--by", "posko-duty-1")
    assert refused.returncode == 2
    assert "lies in district" in refused.stderr
    merged = siaga(manned.stack, "merge", clash, crowd, "--by", "posko-duty-1", "--reason", "massa yang sama")
    assert merged.returncode == 0, merged.stderr

    until_standing(manned, clash, state="merged", ladder="merged")
    until_standing(manned, crowd, state="open", severity=1, ladder="paging")
    assert homes(manned)["violence.mass_clash"] == crowd
    # What would have joined the merged one joins the other.
    assert manned.report("violence.brawl", by="anggota-2") == crowd
    # The link in the very first message answers for the incident that has the reports now.
    assert httpx.post(received[0]["answer_url"]).status_code == 200
    until_standing(manned, crowd, ladder="acknowledged", acknowledged_by=received[0]["officer_id"])

    listed = json.loads(siaga(manned.stack, "split", crowd, "--json").stdout)
    leaving = [report["report_id"] for report in listed if report["kind"].startswith("violence")]
    split = siaga(manned.stack, "split", crowd, *leaving, "--by", "posko-duty-1", "--reason", "ternyata lain")
    assert split.returncode == 0, split.stderr

    until(lambda: homes(manned)["violence.mass_clash"] != crowd, what=lambda: f"a split{manned.stack.tails()}")
    part = homes(manned)["violence.mass_clash"]
    assert homes(manned)["violence.brawl"] == part
    until_standing(manned, part, state="open", severity=1, ladder="paging")
    assert siaga(manned.stack, "audit", "verify").returncode == 0
    trail = manned.stack.rows("SELECT action FROM audit_log WHERE action LIKE 'command.%' ORDER BY seq")
    assert [row["action"] for row in trail] == ["command.merge", "command.acknowledge", "command.split"]
