"""A scenario as people write it (TOML), and what its words mean. Pure.

Input: text. Output: :class:`Scenario`, or every problem with its remedy. Minutes are of the election's clock: at a
calendar's speed of 30 two minutes are four seconds. How a file is written is in ``docs/how-to/drills.md``.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Final, Self

from pydantic import Field, ValidationError, model_validator

from siaga.contracts.base import CleanText, Contract, KindCode, Token
from siaga.contracts.command import Action
from siaga.contracts.decode import Problem, problems_of
from siaga.contracts.escalation import EscalationState
from siaga.contracts.incident import IncidentState
from siaga.contracts.page import Purpose
from siaga.contracts.report import Facts, Role
from siaga.rules.errors import RulesError, read_toml
from siaga.types import Certainty, Severity, Stage

#: ``{polsek}``: the unit of this kind that covers the district; ``{polsek/duty}``: whoever was called at its desk.
PLACEHOLDER: Final = re.compile(r"^\{([a-z][a-z0-9-]*)(?:/([a-z][a-z0-9-]*))?\}$")
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Who = Annotated[str, Field(pattern=r"^(\{[a-z][a-z0-9-]*(/[a-z][a-z0-9-]*)?\}|[A-Za-z0-9._:@-]{1,80})$")]
Minutes = Annotated[float, Field(gt=0, le=24 * 60)]
Desk = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*/[a-z][a-z0-9-]*$")]


class Words(Contract):
    """A text in both languages."""

    id: Annotated[CleanText, Field(min_length=1, max_length=200)]
    en: Annotated[CleanText, Field(min_length=1, max_length=200)]


class Said(Contract):
    """A report. Its incident is known by the report's name from then on."""

    name: Name
    place: Name
    kind: KindCode
    by: Token = "latihan-1"
    role: Role = Role.OFFICER
    text: Annotated[CleanText, Field(max_length=500)] = ""
    facts: dict[str, Any] = Field(default_factory=dict)


class Done(Contract):
    """A person's decision about an incident. ``refused``: it has to be turned down."""

    incident: Name
    action: Action
    by: Who = "posko"
    reason: Annotated[CleanText, Field(max_length=500)] = ""
    severity: Severity | None = None
    assignee: Who | None = None
    agency: Token | None = None
    minutes: Annotated[int, Field(ge=1, le=24 * 60)] | None = None
    refused: bool = False


class Called(Contract):
    """Who has to have been called at a level: these desks, and no others."""

    level: Annotated[int, Field(ge=0, le=20)]
    desks: tuple[Desk, ...]
    purpose: Purpose | None = None


class Expected(Contract):
    """What has to be so; what is left out does not matter."""

    incidents: Annotated[tuple[Name, ...], Field(min_length=1)] = Field(
        description="Each has to be so; who was called is looked at over all of them"
    )
    severity: Severity | None = None
    state: IncidentState | None = None
    certainty: Certainty | None = None
    lead: Token | None = None
    escalation: EscalationState | None = None
    acknowledged_by: Who | None = None
    generation: Annotated[int, Field(ge=1)] | None = None
    one_incident: bool = Field(default=False, description="All the names are of one incident")
    one_cluster: bool = Field(default=False, description="They are incidents of their own in one cluster")
    called: tuple[Called, ...] = ()
    nobody_called: bool = False
    highest_level: Annotated[int, Field(ge=0, le=20)] | None = Field(
        default=None, description="Nobody was called above it"
    )
    not_called: tuple[Who, ...] = Field(default=(), description="Units of which nobody was called")
    retracted: bool = Field(default=False, description="Exactly those who were called were told that it is not so")


class Step(Contract):
    """One line of the script: exactly one of report, command, expect and stations."""

    report: Said | None = None
    command: Done | None = None
    expect: Expected | None = None
    stations: Annotated[str, Field(pattern="^(silent|back)$")] | None = Field(
        default=None, description="The district's stations fall silent, or check in again"
    )
    outage: Name | None = Field(default=None, description="With stations: the name of the incident that comes of it")
    within: Minutes | None = Field(default=None, description="With expect: by when it has to be so")
    throughout: Minutes | None = Field(default=None, description="With expect: it has to stay so for so long")

    @model_validator(mode="after")
    def _one(self) -> Self:
        told = [part for part in (self.report, self.command, self.expect, self.stations) if part is not None]
        if len(told) != 1:
            raise ValueError("step: holds exactly one of report, command, expect and stations; split or fill it")
        if self.expect is None and (self.within or self.throughout):
            raise ValueError("within: belongs to expect; move it there")
        if self.expect is not None and (self.within is None) == (self.throughout is None):
            raise ValueError("within: expect needs either within or throughout, in minutes; write one of them")
        return self


class Scenario(Contract):
    """A whole scenario."""

    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,59}$")]
    title: Words
    stage: Stage = Field(default=Stage.VOTING, description="The stage it is played in")
    places: tuple[Name, ...] = Field(min_length=1, description="Stations in villages of their own, in one district")
    checkin_minutes: Minutes | None = Field(
        default=None, description="All stations check in so often, so that their silence means something"
    )
    step: tuple[Step, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _whole(self) -> Self:
        known: set[str] = set()
        for number, step in enumerate(self.step, 1):
            if step.report is not None:
                if step.report.place not in self.places:
                    raise ValueError(f"step {number}: there is no place {step.report.place}; name one of places")
                if step.report.name in known:
                    raise ValueError(f"step {number}: a name is used twice; give each report its own")
                known.add(step.report.name)
                Facts.model_validate({k: _neutral(v) for k, v in step.report.facts.items()})
            elif step.stations is not None:
                if self.checkin_minutes is None:
                    raise ValueError(f"step {number}: silence means nothing without checkin_minutes; add it")
                known |= {step.outage} if step.outage is not None else set()
            else:
                named = {step.command.incident} if step.command is not None else set()
                named |= set(step.expect.incidents) if step.expect is not None else set()
                if named - known:
                    raise ValueError(f"step {number}: names what no step before has reported; correct the name")
        return self

    @property
    def is_drill(self) -> bool:
        """Whether all of it can be marked as a drill: what Siaga notices by itself cannot."""
        return self.checkin_minutes is None


def _neutral(value: Any) -> Any:
    return "x" if isinstance(value, str) and PLACEHOLDER.match(value) else value


def parse_scenario(text: str) -> Scenario:
    """Read a scenario.

    Raises:
        RulesError: something is wrong with it; every problem is named with its remedy.
    """
    table = read_toml(text)
    try:
        return Scenario.model_validate_json(_json(table))
    except ValidationError as error:
        raise RulesError(problems_of(error)) from None
    except (TypeError, ValueError) as error:
        raise RulesError([Problem("file", str(error), "write what docs/how-to/drills.md shows")]) from None


def _json(table: Any) -> str:
    import json

    return json.dumps(table)
