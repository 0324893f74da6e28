"""Whatever the seed, the size of the round and the speed: a day is in order, valid and complete."""

from __future__ import annotations

import json
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from producers.simulate.script import builtin_script
from siaga.contracts.checkin import CheckIn
from siaga.contracts.report import Report
from tests.support.simulated import day


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(-(2**40), 2**40), villages=st.integers(1, 12), speed=st.floats(0.5, 5_000, allow_nan=False))
def test_any_day_is_in_order_and_valid_and_plays_every_scene(seed: int, villages: int, speed: float) -> None:
    events = day(seed=seed, villages=villages, speed=speed)

    assert all(a.at <= b.at for a, b in pairwise(events))
    assert {event.scene for event in events} >= {scene.name for scene in builtin_script().scene}
    for event in events:
        (Report if event.kind == "report" else CheckIn).model_validate_json(json.dumps(event.item))
    content = {event.item["report_id"]: event.item for event in events}
    assert all(content[event.item["report_id"]] == event.item for event in events)
