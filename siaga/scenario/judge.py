"""What has come of a scenario, and whether it is what was expected. Pure.

Input: an expectation and what was seen of its incidents. Output: every point at which they differ, in words.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from siaga.contracts.page import Purpose
from siaga.scenario.script import Called, Expected

_TAKEN: Final = ("accepted", "delivered")


@dataclass(frozen=True, slots=True)
class PageSeen:
    """A page as the database has it. ``desk`` is None where no desk was the reason; ``sent_at`` is epoch seconds."""

    officer_id: str
    agency: str
    desk: str | None
    generation: int
    level: int
    purpose: Purpose
    channel: str
    severity: int
    status: str
    due_at: float
    sent_at: float | None

    @property
    def is_taken(self) -> bool:
        """Whether a provider took it."""
        return self.status in _TAKEN


@dataclass(frozen=True, slots=True)
class Seen:
    """An incident as the database has it; what is not known yet is None."""

    incident_id: str
    district: str
    severity: int
    state: str
    certainty: str
    lead: str
    cluster_id: str | None
    generation: int
    escalation: str | None = None
    level: int = 0
    acknowledged_by: str | None = None
    pages: tuple[PageSeen, ...] = ()


def unmet(expected: Expected, seen: Mapping[str, Seen | None], resolve: Callable[[str], str | None]) -> list[str]:
    """Where what was seen differs from what is expected.

    Args:
        expected: what has to be so.
        seen: the incidents by name; None where there is none yet.
        resolve: what a placeholder stands for, None where nothing does (yet).
    """
    found: list[Seen] = []
    for name in expected.incidents:
        one = seen.get(name)
        if one is None:
            return [f"{name}: there is no incident of it yet"]
        found.append(one)
    problems = []
    for name, one in zip(expected.incidents, found, strict=True):
        problems += _of_one(name, expected, one, resolve)
    problems += _of_all(expected, found)
    pages = [page for one in {one.incident_id: one for one in found}.values() for page in one.pages]
    return problems + _of_pages(expected, pages, resolve)


def _of_one(name: str, expected: Expected, seen: Seen, resolve: Callable[[str], str | None]) -> list[str]:
    taken_by = None if expected.acknowledged_by is None else resolve(expected.acknowledged_by)
    pairs: Sequence[tuple[str, object, object]] = (
        ("severity", None if expected.severity is None else int(expected.severity), seen.severity),
        ("state", expected.state, seen.state),
        ("certainty", expected.certainty, seen.certainty),
        ("lead", expected.lead, seen.lead),
        ("escalation", expected.escalation, seen.escalation),
        ("generation", expected.generation, seen.generation),
        ("acknowledged_by", taken_by, seen.acknowledged_by),
    )
    problems = [f"{name}: {what} is {got}, not {wanted}" for what, wanted, got in pairs if wanted not in (None, got)]
    if expected.acknowledged_by is not None and taken_by is None:
        problems.append(f"{name}: nobody was called at {expected.acknowledged_by}")
    return problems


def _of_all(expected: Expected, found: Sequence[Seen]) -> list[str]:
    names = ", ".join(expected.incidents)
    ids, clusters = {one.incident_id for one in found}, {one.cluster_id for one in found}
    problems = []
    if expected.one_incident and len(ids) > 1:
        problems.append(f"{names}: are {len(ids)} incidents, not one")
    if expected.one_cluster and (None in clusters or len(clusters) > 1 or len(ids) < len(found)):
        problems.append(f"{names}: are not incidents of their own in one cluster")
    return problems


def _of_pages(expected: Expected, pages: Sequence[PageSeen], resolve: Callable[[str], str | None]) -> list[str]:
    calls = [page for page in pages if page.purpose is not Purpose.RETRACTION]
    problems = [problem for called in expected.called for problem in _of_level(called, calls)]
    if expected.nobody_called and calls:
        problems.append(f"called: {_names(calls)}, though nobody was to be")
    if expected.highest_level is not None:
        above = [page for page in calls if page.level > expected.highest_level]
        if above:
            problems.append(f"called above level {expected.highest_level}: {_names(above)}")
    for unit in expected.not_called:
        of_unit = [page for page in pages if page.agency == resolve(unit)]
        if of_unit:
            problems.append(f"called of {unit}: {_names(of_unit)}")
    if expected.retracted:
        problems += _of_retraction(calls, [page for page in pages if page.purpose is Purpose.RETRACTION])
    return problems


def _of_level(called: Called, calls: Iterable[PageSeen]) -> list[str]:
    there = [
        page for page in calls if page.level == called.level and page.desk and called.purpose in (None, page.purpose)
    ]
    desks, wanted = {page.desk for page in there}, set(called.desks)
    problems = []
    if wanted - desks:
        problems.append(f"level {called.level}: not called: {', '.join(sorted(wanted - desks))}")
    extra = sorted(desk for desk in desks if desk is not None and desk not in wanted)
    if extra:
        problems.append(f"level {called.level}: called besides: {', '.join(extra)}")
    waiting = [page for page in there if not page.is_taken]
    if waiting:
        problems.append(f"level {called.level}: no provider has taken the page of {_names(waiting)}")
    return problems


def _of_retraction(calls: Iterable[PageSeen], retractions: Sequence[PageSeen]) -> list[str]:
    told = {page.officer_id for page in calls if page.is_taken}
    taken_back = {page.officer_id for page in retractions if page.is_taken}
    problems = []
    if not told:
        problems.append("retracted: nobody had been told")
    if told - taken_back:
        problems.append(f"retracted: not told to {', '.join(sorted(told - taken_back))}")
    if taken_back - told:
        problems.append(f"retracted: told to {', '.join(sorted(taken_back - told))}, who had not been called")
    return problems


def _names(pages: Iterable[PageSeen]) -> str:
    return ", ".join(sorted({f"{page.officer_id} (level {page.level})" for page in pages}))
