"""Drills against a whole demonstration: the scenarios that come with Siaga call the right people and no others, and a
test of the roster names who did not answer.

Those that take no more than half a minute together run always; ``make scenarios`` plays all of them.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from siaga.device import Gateway, Unanswered
from tests.support import builders
from tests.support.demo import Demo
from tests.support.wait import until

QUICK = ("hoax-that-must-not-climb", "officer-takes-sides", "crowd-with-an-emergency", "count-dispute-that-grows")
SLOW = ("brawl-that-spreads", "district-falls-silent")
PLAYED = (*QUICK, *SLOW) if os.environ.get("SIAGA_TEST_SCENARIOS") == "all" else QUICK


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """A demonstration in which nothing happens but what is played."""
    made = Demo(tmp_path_factory.mktemp("scenarios"), "--no-simulation", "--villages", "60")
    made.process.start()
    try:
        made.wait_ready()
        made.a_station()
        yield made
    finally:
        made.process.stop(60)


def play(demo: Demo, named: str, *options: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "siaga", "scenario", "run", named, "--json", *options]
    # In the demonstration's directory, where its run.json is found.
    return subprocess.run(
        argv, cwd=demo.directory.parent.parent, capture_output=True, text=True, timeout=150, check=False
    )


def received(demo: Demo) -> list[dict[str, Any]]:
    """What is in the officers' inbox."""
    found: list[dict[str, Any]] = httpx.get(f"{demo.run['inbox']}/api/pages").json()["pages"]
    return found


def test_every_scenario_calls_the_right_people_and_nobody_else(demo: Demo) -> None:
    for named in PLAYED:  # one after the other: each has a calendar of its own
        done = play(demo, named, "--speed", "60")

        assert done.returncode == 0, f"{named}\n{done.stdout}\n{done.stderr}\n{demo.process.tail()}"
        report = json.loads(done.stdout)
        assert report["passed"] is True
        # What it says was sent is what the officers' inbox has, marked as a drill.
        inbox = received(demo)
        assert {page["officer_id"] for page in report["pages"]} <= {one["officer_id"] for one in inbox}
        drills = [one for one in inbox if one["drill"]]
        assert all("[LATIHAN]" in one["text"] or "[DRILL]" in one["text"] for one in drills)
        assert bool(drills) or not report["drill"]


def test_a_scenario_that_expects_what_does_not_come_fails_and_says_where(demo: Demo, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.toml"
    wrong.write_text(
        """
id = "wrong"
title = { id = "salah", en = "wrong" }
places = ["tps"]
[[step]]
report = { name = "a", place = "tps", kind = "order.crowd" }
[[step]]
expect = { incidents = ["a"], severity = 1 }
within = 0.1
""",
        encoding="utf-8",
    )

    done = play(demo, str(wrong), "--speed", "60")

    assert done.returncode == 1
    report = json.loads(done.stdout)
    assert report["passed"] is False
    assert "a: severity is 4, not 1" in report["steps"][-1]["text"]


def test_a_report_that_the_gateway_refuses_is_told_with_what_to_do(demo: Demo) -> None:
    gateway = Gateway(demo.run["gateway"], demo.run["device"]["token"])

    with pytest.raises(Unanswered, match=r"station_id: .*; use a device of the station"):
        gateway.report(builders.report(station="33.25.12.2001-001"))


def test_a_test_of_the_roster_calls_everybody_and_names_who_did_not_answer(demo: Demo) -> None:
    argv = [sys.executable, "-m", "siaga", "roster", "drill", "--agency", "bpbd", "--yes", "--wait", "0.25", "--json"]
    with subprocess.Popen(argv, cwd=demo.directory.parent.parent, stdout=subprocess.PIPE, text=True) as drill:
        calls: list[dict[str, Any]] = until(
            lambda: found if len(found := [m for m in received(demo) if "UJI PANGGILAN" in m["text"]]) == 2 else None,
            timeout=30,
            what=lambda: f"two calls{demo.process.tail()}",
        )
        answered = next(call for call in calls if call["officer_id"] == "bpbd-duty-1")
        assert httpx.post(answered["pages"][0]["answer_url"], timeout=20).status_code == 200
        said, _ = drill.communicate(timeout=60)

    assert drill.returncode == 1
    accepted = [{"channel": "inbox", "status": "accepted"}]
    assert json.loads(said)["officers"] == [
        {"officer_id": "bpbd-duty-2", "agency": "bpbd", "answered": False, "channels": accepted},
        {"officer_id": "bpbd-duty-1", "agency": "bpbd", "answered": True, "channels": accepted},
    ]
    # The answer is a decision like any other: it is in the audit trail, and nobody refuses it.
    drill_id = json.loads(said)["drill_id"]
    acts = "SELECT count(*) FROM audit_log WHERE actor = 'bpbd-duty-1' AND object = :id"
    assert demo.scalar(acts, id=drill_id) == 1
    assert demo.scalar("SELECT count(*) FROM rejected WHERE reason = 'unknown_incident'") == 0
