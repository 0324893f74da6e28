"""Whatever a device sends, the gateway answers, and what it takes is what the contract says."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from producers.auth import make_device
from producers.entries import ItemKind
from producers.gateway.intake import MODELS, Taken, accepted_json, read_batch, read_one
from producers.gateway.problems import Trouble
from siaga.contracts.checkin import AcceptedCheckIn
from siaga.contracts.registry import key_of
from siaga.contracts.report import AcceptedReport
from siaga.election.registry import Registry
from tests.support import builders

DEVICE, _ = make_device("uji-01", (builders.DISTRICT,))
REGISTRY = Registry()
for _entry in builders.small_registry():
    REGISTRY.apply(key_of(_entry), _entry.to_json())

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)
names = st.sampled_from(sorted({name for model in MODELS.values() for name in model.model_fields} | {"x"}))


@st.composite
def nearly_right(draw: st.DrawFn) -> tuple[ItemKind, dict[str, Any]]:
    """A right item in which some fields are replaced by anything, or missing."""
    kind = draw(st.sampled_from(ItemKind))
    item = builders.report() if kind is ItemKind.REPORT else builders.checkin()
    item.update(draw(st.dictionaries(names, anything, max_size=3)))
    for name in draw(st.lists(names, max_size=1)):
        item.pop(name, None)
    return kind, item


@given(nearly_right())
@settings(max_examples=200, deadline=None)
def test_an_item_is_taken_whole_or_every_trouble_has_a_remedy(given_item: tuple[ItemKind, dict[str, Any]]) -> None:
    kind, item = given_item

    found = read_one(kind, json.dumps(item).encode(), DEVICE, REGISTRY, 1_645_582_445.25)

    if isinstance(found, Trouble):
        assert found.status in (400, 403, 422)
        assert all(error.message and error.remedy for error in found.errors)
        assert found.errors
    else:
        model = AcceptedReport if kind is ItemKind.REPORT else AcceptedCheckIn
        assert model.model_validate_json(found.entry.item).to_json() == found.entry.item


@given(st.binary(max_size=200) | anything.map(lambda value: json.dumps(value).encode()))
@settings(max_examples=200, deadline=None)
def test_any_bytes_get_an_answer(body: bytes) -> None:
    assert isinstance(read_one(ItemKind.REPORT, body, DEVICE, REGISTRY, 0.0), Trouble)
    batch = read_batch(body, DEVICE, REGISTRY, 0.0)
    assert isinstance(batch, Trouble) or all(isinstance(item, Taken | Trouble) for _, item in batch)


@given(st.lists(nearly_right(), max_size=6))
@settings(max_examples=60, deadline=None)
def test_a_batch_says_of_each_item_what_it_would_say_of_it_alone(
    items: list[tuple[ItemKind, dict[str, Any]]],
) -> None:
    body = {"reports": [], "checkins": []}
    ordered = sorted(items, key=lambda pair: pair[0] is ItemKind.CHECKIN)
    for kind, item in ordered:
        body["reports" if kind is ItemKind.REPORT else "checkins"].append(item)

    together = read_batch(json.dumps(body).encode(), DEVICE, REGISTRY, 5.0)

    alone = [(kind, read_one(kind, json.dumps(item).encode(), DEVICE, REGISTRY, 5.0)) for kind, item in ordered]
    if isinstance(together, Trouble):
        assert any(isinstance(found, Trouble) and found.status == 400 for _, found in alone)
    else:
        assert together == alone


@given(st.floats(min_value=0, max_value=4e9), st.text(max_size=40).filter(str.isprintable))
def test_the_joined_bytes_are_what_the_accepted_contract_writes(now: float, text: str) -> None:
    report = MODELS[ItemKind.REPORT].model_validate(builders.report(text=text))

    joined = accepted_json(report, now, "uji-01")

    assert AcceptedReport.model_validate_json(joined).to_json() == joined
