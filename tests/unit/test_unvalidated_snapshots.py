"""What is built without being validated again has the very types that its contract says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from siaga.contracts.base import Contract
from siaga.contracts.incident import Incident
from tests.support.builders import SECOND_STATION
from tests.support.pager import World as Pager
from tests.support.world import World


def differences(one: Any, other: Any, path: str) -> Iterator[str]:
    """Where two values that should be alike are of different types, or differ."""
    if type(one) is not type(other):
        yield f"{path}: {type(one).__name__}, not {type(other).__name__}"
    elif isinstance(one, Contract):
        for name in type(one).model_fields:
            yield from differences(getattr(one, name), getattr(other, name), f"{path}.{name}")
    elif isinstance(one, tuple) and len(one) == len(other):
        for number, pair in enumerate(zip(one, other, strict=True)):
            yield from differences(*pair, f"{path}.{number}")
    elif one != other:
        yield f"{path}: differs"


def untrue(told: Contract) -> list[str]:
    return list(differences(told, type(told).model_validate_json(told.to_json()), type(told).__name__))


def test_an_incident_reads_back_as_it_was_told_also_after_a_restart() -> None:
    world = World()
    world.report("violence.mass_clash", facts={"injured": 2, "weapons": "firearm", "accused_unit": "polsek-kajen"})
    world.command("override", severity=2)
    world.report("order.crowd", station=SECOND_STATION, by="anggota-2")
    clash, crowd = world.incidents
    world.merge(crowd, into=clash)
    world.restart()
    world.report("violence.mass_clash", by="anggota-3")

    told: list[Incident] = world.incidents

    assert [untrue(incident) for incident in told] == [[], []]


def test_an_escalation_reads_back_as_it_was_told_also_after_a_restart() -> None:
    pager = Pager()
    pager.report("violence.mass_clash")
    pager.advance(minutes=3)
    pager.restart()
    pager.advance(minutes=10)

    assert len(pager.snapshots) > 2
    assert [untrue(snapshot) for snapshot in pager.snapshots if untrue(snapshot)] == []
